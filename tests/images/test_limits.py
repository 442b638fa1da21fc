"""What is too large is refused before it takes memory."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from seg_widgets import net
from seg_widgets.errors import (
    ImageDamagedError,
    ImageFormatError,
    ImageTooLargeError,
    SettingError,
)
from seg_widgets.images import MAX_BYTES, Upload, load
from seg_widgets.images.formats import detect
from seg_widgets.images.limits import Limits, megapixels
from seg_widgets.testing import make_jpeg

from .pictures import PICTURE, PNG, encode, upload_7, upload_8


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    body = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + body
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def jpeg_header(width: int, height: int) -> bytes:
    content = bytearray(make_jpeg(16, 16))
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def gif_header(width: int, height: int) -> bytes:
    content = bytearray(encode(Image.new("P", (8, 8)), "GIF"))
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


def bmp_header(width: int, height: int) -> bytes:
    content = bytearray(encode(Image.new("RGB", (8, 8)), "BMP"))
    content[18:26] = struct.pack("<ii", width, height)
    return bytes(content)


def tiff_header(width: int, height: int) -> bytes:
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 200),
    ]
    entries += [(277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 100)]
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", *entry) for entry in entries
    )
    return b"II*\0\x08\0\0\0" + directory + b"\0" * 300


def webp_header(width: int, height: int, kind: str = "VP8X") -> bytes:
    if kind == "VP8X":
        body = b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == "VP8L":
        body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + b"\0" * 20
    else:
        body = b"\x30\x01\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0" * 20
    chunk = kind.encode().ljust(4) + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


@pytest.mark.parametrize(
    "maker",
    [png_header, jpeg_header, gif_header, bmp_header, tiff_header],
    ids=lambda m: m.__name__,
)
def test_headers_of_60000_by_60000_are_refused_undecoded(maker: Any) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(
            ImageTooLargeError, match=r"^huge\.png .*(60,000×60,000 pixels|3,600\.0 megapixels)"
        ):
            load(Upload("huge.png", maker(60_000, 60_000)))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("kind", "side"), [("VP8X", 16_000), ("VP8L", 16_000), ("VP8", 16_000), ("VP8X", 60_000)]
)
def test_a_webp_bomb_never_reaches_the_decoder(
    kind: str, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def must_not(*_: object, **__: object) -> Any:
        raise AssertionError("the WebP decoder was set up")

    monkeypatch.setattr(Image, "open", must_not)
    with pytest.raises(ImageTooLargeError, match=f"{side:,}×{side:,} pixels"):
        load(webp_header(side, side, kind))


def test_real_webp_sizes_are_read_right() -> None:
    rgba = Image.new("RGBA", (37, 23), (1, 2, 3, 128))
    for content in (
        encode(rgba, "WEBP"),
        encode(rgba, "WEBP", lossless=True),
        encode(rgba.convert("RGB"), "WEBP"),
    ):
        found = detect(content)
        assert found is not None and found.declared_size is not None
        assert found.declared_size(content) == (37, 23)


def test_limits() -> None:
    assert load(PICTURE, max_pixels=1200, max_side=40).shape == (30, 40, 3)
    for source in (PNG, PICTURE, Image.fromarray(PICTURE)):
        with pytest.raises(
            ImageTooLargeError, match=r"40×30 pixels .*over the limit of 1,199 pixels.*max_pixels"
        ):
            load(source, max_pixels=1199)
        with pytest.raises(ImageTooLargeError, match="a side may have 39 at most"):
            load(source, max_side=39)


def test_the_limit_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(PNG)
    for source in (PNG, path, str(path), upload_7(), upload_8()):
        assert load(source, max_bytes=len(PNG)).shape == (30, 40, 3)
        with pytest.raises(ImageTooLargeError, match=r"over the limit of.*max_bytes"):
            load(source, max_bytes=len(PNG) - 1)


def test_the_limit_of_bytes_is_one_number_in_mib() -> None:
    assert MAX_BYTES is net.MAX_BYTES
    with pytest.raises(ImageTooLargeError, match=r"has 26\.0 MiB, over the limit of 25\.0 MiB"):
        load(bytes(26 * 2**20))


def test_the_limit_of_bytes_holds_for_open_files() -> None:
    file = io.BytesIO(PNG)
    assert load(file, max_bytes=len(PNG)).shape == (30, 40, 3)
    with pytest.raises(ImageFormatError, match=r"read to its end already\. Call its seek\(0\)"):
        load(file)
    file.seek(0)
    with pytest.raises(ImageTooLargeError, match="over the limit of"):
        load(file, max_bytes=len(PNG) - 1)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    with path.open("wb") as file:
        file.truncate(100 * 2**30)  # sparse: it takes no room on the disk
    with pytest.raises(ImageTooLargeError, match=r"huge\.tif has 102,400\.0 MiB"):
        load(path)


@pytest.mark.parametrize(
    "limits", [{"max_pixels": 0}, {"max_side": -1}, {"max_bytes": True}, {"max_pixels": 1.5}]
)
def test_limits_that_are_none(limits: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="whole number of 1 or more"):
        load(PNG, **limits)


def test_the_usual_limits_are_those_of_the_docs() -> None:
    limits = Limits()
    assert (limits.max_pixels, limits.max_side, limits.max_bytes) == (50_000_000, 10_000, 25 << 20)
    limits.check_size(10_000, 5_000, "photo")
    with pytest.raises(ImageTooLargeError, match="a side may have 10,000 at most"):
        limits.check_size(10_001, 1, "photo")
    words = r"10,000×5,001 pixels \(50\.0 megapixels\), over the limit of 50\.0 megapixels"
    with pytest.raises(ImageTooLargeError, match=words):
        limits.check_size(10_000, 5_001, "photo")


def test_one_of_each_is_a_limit() -> None:
    limits = Limits(max_pixels=cast(int, np.int64(1)), max_side=1, max_bytes=1)
    limits.check_size(1, 1, "photo")
    limits.check_bytes(1, "photo")
    with pytest.raises(ImageTooLargeError, match=r"1×2 pixels, and a side may have 1"):
        limits.check_size(1, 2, "photo")
    for width, height in ((0, 1), (1, 0)):
        with pytest.raises(ImageDamagedError, match=f"no pixels: its size is {width}×{height}"):
            limits.check_size(width, height, "photo")


def test_few_pixels_are_no_megapixels() -> None:
    assert megapixels(99_999) == "99,999 pixels"
    assert megapixels(100_000) == "0.1 megapixels"
    assert megapixels(1_234_000_000_000) == "1,234,000.0 megapixels"
