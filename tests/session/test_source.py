from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seg_widgets import images
from seg_widgets.errors import ImageTooLargeError, SettingError, UrlError
from seg_widgets.session.source import Limits, Source, completed
from seg_widgets.testing import make_jpeg, make_picture

LIMITS = Limits(max_pixels=10_000)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("example.org/cat.jpg", "https://example.org/cat.jpg"),
        (" www.example.co.uk:8080/a/b.png?w=3 ", "https://www.example.co.uk:8080/a/b.png?w=3"),
        ("//example.org/cat.jpg", "https://example.org/cat.jpg"),
        ("192.168.0.7/cat.jpg", "https://192.168.0.7/cat.jpg"),
        ("http://example.org/cat.jpg", "http://example.org/cat.jpg"),
    ],
)
def test_an_address_without_its_scheme_is_completed(text: str, whole: str) -> None:
    source = Source.of_address(text, LIMITS)
    assert source.uri == completed(text) == whole
    assert source.name == whole.split("?")[0].rsplit("/", 1)[1]


@pytest.mark.parametrize(
    "text",
    [
        "cat",
        "cat.jpg",
        "images/cat.jpg",
        "./cat.jpg",
        "../cat.jpg",
        "/etc/passwd",
        "C:\\cats\\cat.jpg",
        "C:/cats/cat.jpg",
        "\\\\server.local\\cat.jpg",
        "my cats.org/cat.jpg",
        "file:///etc/passwd",
        "ftp://example.org/cat.jpg",
        "user@example.org/cat.jpg",
        "",
    ],
)
def test_a_path_or_a_word_is_not_completed(text: str) -> None:
    assert completed(text) == text


def test_a_path_is_opened_within_the_limits(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(make_jpeg(60, 40))
    source = Source.of(path, LIMITS)
    assert (source.name, source.uri) == ("photo.jpg", str(path))
    assert source.load().image.shape == (40, 60, 3)
    assert source.again is not None
    assert (source.again() == source.load().image).all()
    with pytest.raises(ImageTooLargeError, match=r"photo\.jpg"):
        Source.of(path, Limits(max_pixels=100)).load()


def test_bytes_have_no_uri_and_the_name_that_is_given() -> None:
    source = Source.of(make_jpeg(60, 40), LIMITS, "a.jpg")
    assert (source.name, source.uri) == ("a.jpg", "")
    assert source.again is None
    image = make_picture(8, 8)
    opened = Source.of_array(image, "b", notes=("It is blue.",)).load()
    assert opened.image is image
    assert opened.notes == ("It is blue.",)


def test_a_relative_path_is_found_again_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photo.jpg").write_bytes(make_jpeg(60, 40))
    monkeypatch.chdir(tmp_path)
    source = Source.of("photo.jpg", LIMITS)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert source.again is not None
    assert source.again().shape == (40, 60, 3)


def test_an_address_is_not_fetched_again() -> None:
    assert Source.of("https://example.org/a.jpg", LIMITS).again is None
    assert Source.of_address("https://example.org/a.jpg", LIMITS).again is None


def test_the_notes_of_the_reading_come_along(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loaded:
        pixels = make_picture(8, 8)
        notes = ("The first of 3 pages is shown.",)

    monkeypatch.setattr(images, "read", lambda *given, **settings: Loaded, raising=False)
    opened = Source.of("scan.tif", LIMITS).load()
    assert opened.image is Loaded.pixels
    assert opened.notes == Loaded.notes


@pytest.mark.parametrize("text", ["/etc/passwd", "http:/etc/passwd", "file:///etc/passwd", " "])
def test_what_a_stranger_types_is_never_opened_as_a_path(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    for reader in ("load", "read"):
        monkeypatch.setattr(
            images, reader, lambda *given, **settings: opened.append(given), raising=False
        )
    with pytest.raises(UrlError, match="https://"):
        Source.of_address(text, LIMITS).load()
    assert opened == []


def test_the_choices_of_a_reading_are_taken_for_each_image_and_for_a_single_one(
    tmp_path: Path,
) -> None:
    stack = [Image.fromarray(np.full((20, 30), value, np.uint16)) for value in (0, 1000, 4000)]
    path = tmp_path / "stack.tif"
    stack[0].save(path, save_all=True, append_images=stack[1:])

    chosen = LIMITS.reading(contrast=(0, 4000), page=2)
    source = Source.of(path, chosen)
    assert source.load().image[0, 0].tolist() == [255, 255, 255]
    assert source.again is not None
    assert source.again()[0, 0].tolist() == [255, 255, 255], "also when it is read once more"
    assert Source.of(path, chosen.reading(page=1)).load().image[0, 0, 0] in (63, 64)
    assert chosen.choices.contrast == (0, 4000)
    with pytest.raises(SettingError, match="page is the index of a page"):
        LIMITS.reading(page=-1)
