"""What is not an image is named, with what to do about it."""

from __future__ import annotations

import pytest
from PIL import Image

from seg_widgets.errors import (
    ImageFormatError,
)
from seg_widgets.images import ACCEPT, FORMATS, SUFFIXES, Upload, load
from seg_widgets.images.formats import FIX, READ, REFUSED, ImageFormat, detect

from .pictures import PICTURE, encode

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"hello", "a text file"),
        ("Grüße, schöne Welt ".encode() * 500, "a text file"),
        ("Text".encode("utf-16"), "a text file"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page, not an image"),
        (b"\xef\xbb\xbf\n  <html lang=en>", "a web page"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"%PDF-1.7 \xe2\xe3", "a PDF document"),
        (HEIC, "a HEIC image"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf" + b"\0" * 50, "an AVIF image"),
        (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", "an AVIF image"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "RAW"),
        (b"\0\0\0\x18ftypisom\0\0\0\1isommp42", "a video"),
        (b"II*\0\x10\0\0\0CR\2\0" + b"\0" * 50, "RAW"),
        (b"FUJIFILMCCD-RAW 0201", "RAW"),
        (b"8BPS\0\1", "Photoshop"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"PK\3\4\x14\0", "a ZIP archive"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x93NUMPY\1\0", "a NumPy file"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB file"),
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64\0\0", "a MATLAB file"),
        (b"\x89HDF\r\n\x1a\n\0", "an HDF5 file"),
        (b"\xff\x4f\xff\x51\0\x2f", "JPEG 2000"),
        (b"SIMPLE  =                    T", "a FITS file"),
        (b"\0" * 344 + b"n+1\0", "a NIfTI volume"),
        (b"v/1\x01\2\0\0\0", "an OpenEXR image"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe", "a Radiance HDR image"),
        (b"qoif\0\0\1\0", "a QOI image"),
        (b"ZISRAWFILE\0\0", "a microscope's own format"),
        (b"%!PS-Adobe-3.0 EPSF", "a PostScript drawing"),
        (b"\0\x05\x16\x07\0\2\0\0Mac OS X", "AppleDouble"),
        (b"\0" * 128 + b"DICM", "a DICOM file"),
        (b"RIFF\0\0\0\0AVI LIST", "a video or a sound"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (bytes(range(128, 256)) * 3, "not an image of a kind that can be read"),
    ],
)
def test_other_files_are_named(content: bytes, words: str) -> None:
    with pytest.raises(ImageFormatError, match=words) as caught:
        load(Upload("photo.jpg", content))
    assert str(caught.value).startswith("photo.jpg is ")
    assert str(caught.value).endswith((".", ")"))


def test_heic_says_what_to_do() -> None:
    with pytest.raises(ImageFormatError, match="Export it as a JPEG"):
        load(HEIC)


def test_formats_that_pillow_reads_but_we_dont() -> None:
    for kind in ("PPM", "TGA", "ICO", "ICNS", "PCX", "SGI", "DDS"):
        image = Image.new("RGBA" if kind == "ICNS" else "RGB", (16, 16))
        with pytest.raises(ImageFormatError, match=r"^The image is (not an image|an icon)"):
            load(encode(image, kind))


def test_names_are_fit_for_a_message() -> None:
    with pytest.raises(ImageFormatError, match=r"^a��") as caught:
        load(Upload("a\n\x1b[31m" + "b" * 500 + ".jpg", b"x"))
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 250
    with pytest.raises(ImageFormatError, match=r"^My image is a text file"):
        load(b"x", name="My image")


# ── the table ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("one", READ, ids=lambda one: one.name)
def test_each_format_of_the_table_is_read(one: ImageFormat) -> None:
    content = encode(PICTURE, one.pillow)
    assert detect(content) is one
    assert load(content).shape == PICTURE.shape
    # Pillow agrees about the suffixes.
    pillows = {key for key, value in Image.registered_extensions().items() if value == one.pillow}
    assert one.suffixes and set(one.suffixes) <= pillows


def test_each_refusal_is_a_sentence_with_what_to_do() -> None:
    for one in REFUSED:
        assert one.refusal.endswith((".", ")")) and ". " in one.refusal, one.name
        assert not one.pillow and not one.suffixes, one.name
    assert len({one.name for one in (*READ, *REFUSED)}) == len(READ) + len(REFUSED)


def test_what_is_made_from_the_table() -> None:
    assert FORMATS == ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
    assert SUFFIXES == (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
    assert ACCEPT == "image/*,.jpg,.jpeg,.jfif,.png,.webp,.bmp,.tif,.tiff,.gif"
    assert FIX == "Use a JPEG, PNG, WebP, BMP, TIFF or GIF file."


def _box(size: int, major: bytes, *brands: bytes) -> bytes:
    return size.to_bytes(4, "big") + b"ftyp" + major + b"\0\0\0\0" + b"".join(brands)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (_box(16, b"heic"), "HEIC"),
        (_box(20, b"isom", b"heic"), "HEIC"),
        # Behind the box, or too far in it.
        (_box(16, b"isom", b"heic"), "MP4"),
        (_box(20, b"isom", b"mp42", b"heic"), "MP4"),
        (_box(600, b"isom", *[b"mp42"] * 59, b"heic"), "HEIC"),
        (_box(600, b"isom", *[b"mp42"] * 60, b"heic"), "MP4"),
        # Half of a brand is none.
        (_box(24, b"isom", b"\0\0he", b"ic\0\0"), "MP4"),
        (b"RIFF\0\0\0\0WAVE" + b"\0" * 30, "RIFF"),
        (b"\0" * 343 + b"n+1\0", None),
        (b"\0" * 127 + b"DICM", None),
        (b"one\x01two", None),
        (b"one\x1b[1mtwo\f\r\n\t", "text"),
        (b" \t\r\n<HTML>", "HTML"),
        (b"x" * 1019 + b"<html", "HTML"),
        (b"x" * 1020 + b"<html", "text"),
        (b"x" * 1020 + b"<svg", "SVG"),
        (b"x" * 1021 + b"<svg", "text"),
        ("ä".encode() * 3000, "text"),
        (b"x" + "ä".encode() * 3000, "text"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_formats_are_told_apart(content: bytes, name: str | None) -> None:
    found = detect(content)
    assert (found and found.name) == name


def _webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + b"\0\0\0\0" + body


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (_webp(b"VP8X", b"\0\0\0\0\1\2\3\4\5\6"), (0x030201 + 1, 0x060504 + 1)),
        (_webp(b"VP8X", b"\0\0\0\0\1\2\3\4\5"), None),
        (_webp(b"VP8L", b"\x2f" + (5 | 9 << 14).to_bytes(4, "little") + bytes(5)), (6, 10)),
        # What stands beside the two sides is no part of them.
        (_webp(b"VP8L", b"\x2f\xff\xff\xff\xff" + bytes(5)), (16384, 16384)),
        (_webp(b"VP8 ", bytes(6) + b"\x05\x40\x09\xc0"), (5, 9)),
        (_webp(b"VP8 ", bytes(6) + b"\xff\x3f\xff\x3f"), (16383, 16383)),
        (_webp(b"ALPH", bytes(10)), None),
    ],
    ids=lambda value: repr(value)[-40:],
)
def test_the_size_that_a_webp_declares(content: bytes, size: tuple[int, int] | None) -> None:
    found = detect(content)
    assert found is not None and found.declared_size is not None
    assert found.declared_size(content) == size
