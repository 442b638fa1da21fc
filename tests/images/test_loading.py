"""load: every kind of source."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seg_widgets import net
from seg_widgets.errors import (
    ImageDamagedError,
    ImageError,
    ImageFormatError,
    ImageTooLargeError,
    UrlError,
)
from seg_widgets.images import ImageWarning, Upload, load, read
from seg_widgets.net import Fetched

from .pictures import PICTURE, PNG, assert_is_rgb, upload_7, upload_8


@pytest.mark.parametrize(
    "source",
    [
        PNG,
        bytearray(PNG),
        memoryview(PNG),
        memoryview(PNG + b"\0" * (-len(PNG) % 4)).cast("I"),
        io.BytesIO(PNG),
        Image.fromarray(PICTURE),
        PICTURE,
        PICTURE[:, ::-1][:, ::-1],
        upload_7(),
        upload_7()["photo.png"],
        upload_8(),
        upload_8()[0],
        list(upload_8()),
        Upload("photo.png", PNG),
    ],
    ids=lambda source: type(source).__name__,
)
def test_every_kind_of_source_gives_the_same_image(source: object) -> None:
    array = load(source)
    assert_is_rgb(array)
    np.testing.assert_array_equal(array, PICTURE)


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "фото 1.png"
    path.write_bytes(PNG)
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (path, str(path), "~/фото 1.png"):
        np.testing.assert_array_equal(load(source), PICTURE)
    with path.open("rb") as file:
        np.testing.assert_array_equal(load(file), PICTURE)


def test_the_result_is_a_copy() -> None:
    source = PICTURE.copy()
    array = load(source)
    array[:] = 0
    np.testing.assert_array_equal(source, PICTURE)
    frozen = PICTURE.copy()
    frozen.setflags(write=False)
    assert load(frozen).flags.writeable


def test_a_pil_image_stays_as_it_is() -> None:
    picture = Image.fromarray(PICTURE)
    picture.getexif()[0x0112] = 6
    before = picture.tobytes(), picture.size, picture.mode
    assert load(picture).shape == (40, 30, 3)
    assert (picture.tobytes(), picture.size, picture.mode) == before


@pytest.mark.parametrize("source", [None, 3, object(), {1, 2}])
def test_what_holds_no_image(source: object) -> None:
    with pytest.raises(ImageFormatError, match=r"can't be had from an? "):
        load(source)


def test_urls_go_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def fake(url: str, **options: Any) -> Any:
        asked.append((url, options))
        return Fetched(b"x" if "bad" in url else PNG, url, "photo.png")

    monkeypatch.setattr(net, "fetch", fake)
    np.testing.assert_array_equal(
        load(" HTTPS://example.org/photo.png\n", max_bytes=10_000, allow_local=True), PICTURE
    )
    options = {"max_bytes": 10_000, "allow_local": True, "stop": None}
    assert asked == [("HTTPS://example.org/photo.png", options)]
    with pytest.raises(ImageFormatError, match=r"^photo\.png is a text file"):
        load("http://example.org/bad")
    np.testing.assert_array_equal(load(Fetched(PNG, "http://a/b", "b")), PICTURE)


@pytest.mark.parametrize(
    "url", ["ftp://example.org/a.png", "file:///etc/passwd", "s3://bucket/a.png"]
)
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(UrlError, match="Only http:// and https://"):
        load(url)


def test_data_urls_are_refused() -> None:
    with pytest.raises(ImageFormatError, match="data: address"):
        load("data:image/png;base64,iVBORw0KGgo=")


@pytest.mark.parametrize(
    ("name", "words"), [(None, "^Contrast: of "), ("a\nb.tif", "^a�b.tif: Contrast: of ")]
)
def test_a_warning_names_the_image_and_the_line_that_opened_it(
    name: str | None, words: str
) -> None:
    with pytest.warns(ImageWarning, match=words) as caught:
        load(np.array([[1, 2, 3000]], np.uint16), name=name)
    assert [warning.filename for warning in caught] == [__file__]


def test_this_machine_is_not_opened_unasked() -> None:
    for opens in (load, read):
        with pytest.raises(UrlError, match="this machine"):
            opens("http://127.0.0.1:9/photo.jpg")


def test_messages_name_what_was_given(tmp_path: Path) -> None:
    def closed() -> Image.Image:
        image = Image.open(io.BytesIO(PNG))
        image.close()
        return image

    (tmp_path / "cat.jpg").write_bytes(b"x")
    sources: list[tuple[Any, type[Exception], str]] = [
        (b"x", ImageFormatError, "The image"),
        (io.BytesIO(b"x"), ImageFormatError, "The file"),
        (closed(), ImageDamagedError, "The PIL image"),
        (np.zeros(3), ImageFormatError, "The array"),
        (tmp_path / "cat.jpg", ImageFormatError, "cat.jpg"),
        (str(tmp_path / "cat.jpg"), ImageFormatError, "cat.jpg"),
        (Upload("cat.jpg", b"x"), ImageFormatError, "cat.jpg"),
        (Fetched(b"x", "http://a/b", "cat.jpg"), ImageFormatError, "cat.jpg"),
    ]
    for source, kind, called in sources:
        with pytest.raises(kind, match=f"^{called} (is|has) "):
            load(source)
        with pytest.raises(kind, match=r"^mine\.png (is|has) "):
            load(source, name="mine.png")
    assert read(PNG).name == ""
    assert read(Upload("cat.jpg", PNG)).name == "cat.jpg"
    assert read(Upload("cat.jpg", PNG), name="mine.png").name == "mine.png"


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (RuntimeError("it broke"), ImageError, "{} can't be opened: RuntimeError: it broke"),
        (MemoryError(), ImageTooLargeError, "There is not enough memory to open {}. Scale it down"),
    ],
)
def test_whatever_a_source_raises_is_an_error_of_ours(
    fault: Exception, kind: type[Exception], words: str
) -> None:
    class Odd:
        @property
        def __array__(self) -> Any:
            raise fault

    unnamed = "The image" if words.startswith("{") else "the image"
    for name, called in ((None, unnamed), ("mine.png", "mine.png")):
        with pytest.raises(kind, match=f"^{words.format(called)}"):
            load(Odd(), name=name)
