"""PNGs with much beside the image."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from seg_widgets.errors import ImageDamagedError
from seg_widgets.images import load

from .pictures import PICTURE, encode


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["add_text", "add_itxt"])
def test_much_metadata_is_left_out(kind: str, packed: bool) -> None:
    beside = PngInfo()
    getattr(beside, kind)("workflow", "node " * 400_000, zip=packed)
    content = encode(PICTURE, pnginfo=beside, icc_profile=b"\0" * 2_000_000)
    np.testing.assert_array_equal(load(content), PICTURE)
    with pytest.raises(ImageDamagedError, match="cut short"):
        load(content[:-60])


@pytest.mark.parametrize("packed", [False, True])
def test_a_short_text_is_kept(packed: bool) -> None:
    beside = PngInfo()
    beside.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>' + " " * 200_000, zip=packed)
    assert load(encode(PICTURE, pnginfo=beside)).shape == (40, 30, 3)
    beside = PngInfo()
    beside.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>' + " " * 300_000, zip=packed)
    assert load(encode(PICTURE, pnginfo=beside)).shape == (30, 40, 3)


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body).to_bytes(4, "big")
    return len(body).to_bytes(4, "big") + kind + body + checksum


def _deep(values: npt.NDArray[np.uint16], colours: int, *chunks: bytes) -> bytes:
    """A PNG of 16 bits; `colours` are 2 (RGB), 4 (grey, opacity) or 6 (RGBA)."""
    height, width = values.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, colours, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2"))
    parts = [_chunk(b"IHDR", header), *chunks, _chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*parts, _chunk(b"IEND", b"")])


@pytest.mark.parametrize(("colours", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_all_16_bits_of_each_channel_are_read(colours: int, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (5, 8, channels), np.uint16)
    if channels in (2, 4):
        values[..., -1] = 65535
        values[0, :, -1] = 0
    pixels = load(_deep(values, colours), contrast=(0, 4095))
    seen = values[..., :1] if channels == 2 else values[..., :3]
    expected = np.broadcast_to(np.rint(seen * (255 / 4095)), (5, 8, 3))
    first = 0 if channels == 3 else 1
    np.testing.assert_array_equal(pixels[first:], expected[first:])
    assert channels == 3 or (pixels[0] == 255).all()


def test_a_transparent_colour_of_16_bits_is_white() -> None:
    values = np.array([[[1, 2, 3], [1, 2, 4], [9, 2, 3]]], np.uint16)
    clear = _chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))
    pixels = load(_deep(values, 2, clear), contrast=(0, 255))
    assert pixels[0].tolist() == [[255, 255, 255], [1, 2, 4], [9, 2, 3]]


def test_orientation_beside_much_metadata() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    beside = PngInfo()
    beside.add_text("note", "x" * 2_000_000, zip=True)
    assert load(encode(PICTURE, pnginfo=beside, exif=exif)).shape == (40, 30, 3)


def _with_chunks(kind: bytes, body: bytes, count: int) -> bytes:
    content = encode(PICTURE)
    check = struct.pack(">I", zlib.crc32(kind + body))
    return (
        content[:33] + (struct.pack(">I", len(body)) + kind + body + check) * count + content[33:]
    )


def test_many_small_texts_are_left_out_together() -> None:
    # Pillow refuses a PNG whose texts are too long together.
    body = b"key\0\0" + zlib.compress(b"a" * 250_000)
    np.testing.assert_array_equal(load(_with_chunks(b"zTXt", body, 1000)), PICTURE)


def test_chunks_are_counted() -> None:
    np.testing.assert_array_equal(load(_with_chunks(b"juNk", b"", 10_000)), PICTURE)
    with pytest.raises(ImageDamagedError, match="more than 100,000 chunks"):
        load(_with_chunks(b"juNk", b"", 100_001))
