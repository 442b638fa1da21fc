from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from seg_widgets.errors import ImageTooLargeError, UrlError
from seg_widgets.images import Upload
from seg_widgets.session.source import Limits, Source, is_address, name_of
from seg_widgets.testing import make_jpeg, make_picture

LIMITS = Limits(max_pixels=10_000)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("photo.jpg", "photo.jpg"),
        ("folder/photo one.jpg", "photo one.jpg"),
        (PurePosixPath("folder/photo.jpg"), "photo.jpg"),
        ("https://example.org/a/cat%20one.jpg?width=300#top", "cat one.jpg"),
        (" https://example.org/a.jpg ", "a.jpg"),
        ("https://example.org/", "example.org"),
        ("https://example.org", "example.org"),
        (Upload("a.jpg", b""), "a.jpg"),
        (b"bytes", ""),
        (np.zeros((1, 1, 3), np.uint8), ""),
        (None, ""),
    ],
)
def test_what_an_image_is_called(source: object, name: str) -> None:
    assert name_of(source) == name


def test_a_file_object_is_called_by_its_file_name() -> None:
    class Opened:
        filename = "folder/scan.png"

    assert name_of(Opened()) == "scan.png"


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("https://example.org/a.jpg", True),
        (" HTTP://example.org", True),
        ("http:/etc/passwd", False),
        ("ftp://example.org", False),
        ("file:///etc/passwd", False),
        ("photo.jpg", False),
        ("", False),
    ],
)
def test_what_is_an_address(text: str, yes: bool) -> None:
    assert is_address(text) is yes


def test_a_path_is_opened_within_the_limits(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(make_jpeg(60, 40))
    source = Source.of(path, LIMITS)
    assert (source.name, source.uri) == ("photo.jpg", str(path))
    assert source.load().shape == (40, 60, 3)
    with pytest.raises(ImageTooLargeError, match=r"photo\.jpg"):
        Source.of(path, Limits(max_pixels=100)).load()


def test_bytes_have_no_uri_and_the_name_that_is_given() -> None:
    source = Source.of(make_jpeg(60, 40), LIMITS, "a.jpg")
    assert (source.name, source.uri) == ("a.jpg", "")
    image = make_picture(8, 8)
    assert Source.of_array(image, "b").load() is image


@pytest.mark.parametrize("text", ["/etc/passwd", "http:/etc/passwd", "file:///etc/passwd", " "])
def test_what_a_stranger_types_is_never_opened_as_a_path(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seg_widgets import images

    opened: list[Any] = []
    monkeypatch.setattr(images, "load", lambda *given, **settings: opened.append(given))
    with pytest.raises(UrlError, match="https://"):
        Source.of_address(text, LIMITS).load()
    assert opened == []
