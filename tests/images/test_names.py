"""What an image is called, and what is an address; the same for panel, command line and exports."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seg_widgets.images import Upload, is_address, name_of
from seg_widgets.images.names import article, has_scheme, printable
from seg_widgets.net import Fetched


@pytest.mark.parametrize(
    "text", ["http://a/b.jpg", "https://example.org", "  HTTPS://example.org/a\n", "Http://x"]
)
def test_addresses(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    ["", "photo.jpg", "http:/a", "http", "a http://b", "ftp://a/b.jpg", "//a/b", "C://http://"],
)
def test_texts_that_are_no_addresses(text: str) -> None:
    assert not is_address(text)


def test_only_a_text_is_an_address() -> None:
    assert not is_address(Path("http://a/b.jpg"))
    assert not is_address(b"http://a/b.jpg")
    assert not is_address(None)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("https://example.org/a/cat%20one.jpg?width=300", "cat one.jpg"),
        (" https://example.org/a/cat.jpg#top\n", "cat.jpg"),
        ("https://example.org/a/cat.jpg/", "cat.jpg"),
        ("https://example.org/%D0%BA%D0%BE%D1%82.png", "кот.png"),
        ("https://example.org", "example.org"),
        ("https://example.org:8080/?q=cat.jpg", "example.org"),
        ("https://example.org/..%2F..%2Fcat.jpg", "cat.jpg"),
        ("https://example.org/%2e%2e", "example.org"),
        ("https://example.org/a%0Ab.jpg", "ab.jpg"),
        ("https://example.org/" + "a" * 500, "a" * 200),
        ("https://[::1/cat.jpg", ""),
        ("s3://bucket/cat%20one.jpg", "cat one.jpg"),
        ("photos/cat%20one.jpg?x", "cat%20one.jpg?x"),
        (Path("photos/cat one.jpg"), "cat one.jpg"),
        (Upload("cat one.jpg", b""), "cat one.jpg"),
        (Upload("C/fakepath/cat.jpg", b""), "cat.jpg"),
        (Fetched(b"", "https://example.org/x", "cat.jpg"), "cat.jpg"),
        (b"cat.jpg", ""),
        (io.BytesIO(b"cat.jpg"), ""),
        (np.zeros((2, 2, 3), np.uint8), ""),
        (Image.new("RGB", (2, 2)), ""),
        (None, ""),
    ],
    ids=lambda value: re.sub(r" at 0x\w+", "", repr(value))[:60],
)
def test_what_an_image_is_called(source: object, name: str) -> None:
    assert name_of(source) == name


def test_open_files_and_pil_images_are_called_as_their_files(tmp_path: Path) -> None:
    path = tmp_path / "cat one.png"
    Image.new("RGB", (2, 2)).save(path)
    with path.open("rb") as file, Image.open(path) as image:
        assert name_of(file) == name_of(image) == "cat one.png"
    # A file that was opened by its number has that as its name.
    with path.open("rb") as file, open(file.fileno(), "rb", closefd=False) as numbered:
        assert name_of(numbered) == ""


def test_a_long_name_is_cut_in_its_middle() -> None:
    assert printable("a" * 80) == "a" * 80
    assert printable("a" * 54 + "bb" + "c" * 25) == "a" * 54 + "…" + "c" * 25
    assert printable("a\nb\x00.jpg") == "a�b�.jpg"


def test_articles() -> None:
    assert [article(noun) for noun in ("image", "Upload", "float", "")] == [
        *("an image", "an Upload", "a float", "an "),
    ]


@pytest.mark.parametrize("text", ["s3://a", " ftp://a", "http://", "x-y.z+1://a"])
def test_an_address_of_any_kind_has_a_scheme(text: str) -> None:
    assert has_scheme(text)


@pytest.mark.parametrize("text", ["a.jpg", "C://a", "1s://a", "s3:/a", "a s3://b", ""])
def test_a_path_has_no_scheme(text: str) -> None:
    assert not has_scheme(text)
