"""PNGs with much beside the image."""

from __future__ import annotations

import struct
import zlib

import numpy as np
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
