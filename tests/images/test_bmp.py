from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from seg_widgets.errors import ImageDamagedError
from seg_widgets.images import decode, load
from seg_widgets.images.bmp import is_long_runs, read_runs

from .pictures import PICTURE, encode


def _runs(width: int, height: int) -> bytes:
    """An RLE8 BMP whose runs have one pixel each."""
    values = (np.arange(width * height) * 7 % 256).astype(np.uint8).reshape(height, width)
    rows = [np.stack([np.ones_like(row), row], axis=1).tobytes() + b"\0\0" for row in values]
    data = b"".join(rows) + b"\0\1"
    palette = b"".join(bytes([255 - grey, grey, grey // 2, 0]) for grey in range(256))
    begin = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(data), 2835, 2835, 256, 0)
    head = b"BM" + struct.pack("<IHHI", begin + len(data), 0, 0, begin)
    return head + info + palette + data


def test_opencv_reads_what_pillow_reads() -> None:
    content = _runs(37, 20)
    assert not is_long_runs(content)
    found = read_runs(content, (37, 20))
    assert found is not None
    with Image.open(io.BytesIO(content)) as image:
        np.testing.assert_array_equal(found[..., ::-1], np.asarray(image.convert("RGB")))
    np.testing.assert_array_equal(load(content), found[..., ::-1])


def test_long_runs_are_read_and_broken_ones_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = _runs(1000, 1100)
    assert is_long_runs(content)
    with Image.open(io.BytesIO(content)) as image:
        np.testing.assert_array_equal(load(content), np.asarray(image.convert("RGB")))
    assert read_runs(content, (10, 10)) is None
    assert read_runs(b"BM", (10, 10)) is None
    monkeypatch.setattr(decode, "read_runs", lambda *_: None)
    with pytest.raises(ImageDamagedError, match="begins like a BMP file"):
        load(content)


def test_ordinary_ones_are_pillows() -> None:
    assert not is_long_runs(encode(PICTURE, "BMP"))
    np.testing.assert_array_equal(load(encode(PICTURE, "BMP")), PICTURE)
