"""PNG's bytes (https://www.w3.org/TR/png-3/), by zlib at its fastest level, on several threads.

OpenCV's encoder takes one thread, and files of photographs come out half as large again. A mask of
a large image is mostly rows of zeros: they are compressed once, and put together from pieces.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["MARK", "encode_mask", "encode_png", "in_threads"]

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")

MARK: Final = b"tEXtSoftware\0seg_widgets"
"""What stands before the pixels of each PNG: `segment` takes its own files for no photographs."""

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# Colour types by the number of channels: grey, RGB, RGBA.
_COLOR_TYPES: Final = {1: 0, 3: 2, 4: 6}
# Each byte less the one above it: the cheapest filter that makes photographs small.
_NO_FILTER, _UP = 0, 2
_LEVEL: Final = 1
_WINDOW_BITS: Final = 15
# The two bytes before a stream of that window and level, and the empty block that ends one.
_HEAD, _END = b"\x78\x01", b"\x03\x00"
_ADLER_BASE: Final = 65521
# Below, threads cost more than they save.
_LEAST_STRIPE_BYTES: Final = 1 << 20
_MOST_THREADS: Final = 4
_LONGEST_CHUNK: Final = (1 << 31) - 1
_AT_A_TIME: Final = 16


def encode_png(image: npt.NDArray[Any], text: dict[str, str] | None = None) -> bytes:
    """An array as the bytes of a PNG file.

    Args:
        image: H×W (grey), H×W×3 (RGB) or H×W×4 (RGBA), uint8 or uint16.
        text: keywords and their texts (ASCII) for the file's description.

    Returns:
        The file's content.

    Raises:
        ValueError: the array is something else.
    """
    channels = 1 if image.ndim == 2 else image.shape[-1]
    is_image = image.ndim in (2, 3) and image.dtype in (np.uint8, np.uint16) and image.size > 0
    if not is_image or channels not in _COLOR_TYPES or (image.ndim == 3 and channels == 1):
        raise ValueError(f"{image.dtype} of shape {image.shape} is no image")
    height, width = image.shape[:2]
    big_endian = np.ascontiguousarray(image, image.dtype.newbyteorder(">"))
    rows = big_endian.view(np.uint8).reshape(height, -1)
    count = min(_threads(), max(rows.nbytes // _LEAST_STRIPE_BYTES, 1), height)
    bounds = [height * number // count for number in range(count + 1)]

    def stripe(number: int) -> tuple[bytes, int, int]:
        start, end = bounds[number], bounds[number + 1]
        raw = _filtered(rows, start, end)
        return _deflated(raw.data, zlib.Z_DEFAULT_STRATEGY), zlib.adler32(raw.data), raw.nbytes

    stripes = [stripe(0)] if count == 1 else list(in_threads(stripe, range(count)))
    header = _header(width, height, image.dtype.itemsize * 8, _COLOR_TYPES[channels])
    return _file(header, stripes, text or {})


def encode_mask(
    inside: npt.NDArray[np.bool_], x: int, y: int, image_size: tuple[int, int]
) -> bytes:
    """A mask as the bytes of a grey PNG of its image's size: 255 inside, 0 outside.

    It takes no longer for a large image than for a small one.

    Args:
        inside: h×w, the mask's rectangle.
        x: the rectangle's left pixel.
        y: the rectangle's top pixel.
        image_size: (height, width) of the image in pixels.

    Returns:
        The file's content.
    """
    height, width = image_size
    raw = np.zeros((inside.shape[0], 1 + width), np.uint8)
    raw[:, 1 + x : 1 + x + inside.shape[1]] = inside.view(np.uint8) * np.uint8(255)
    middle = (_deflated(raw.data, zlib.Z_RLE), zlib.adler32(raw.data), raw.nbytes)
    below = height - y - inside.shape[0]
    stripes = [_zeros(y * (1 + width)), middle, _zeros(below * (1 + width))]
    return _file(_header(width, height, 8, 0), stripes, {})


def in_threads(function: Callable[[_Item], _Made], items: Iterable[_Item]) -> Iterator[_Made]:
    """Call a function on each item, on several threads, of which each does a few in a row.

    Args:
        function: what mostly runs without the interpreter's lock, such as an encoder.
        items: what it is called on; asked for a few ahead.

    Yields:
        What it returned, in the order of the items.
    """
    rest = iter(items)

    def several(some: list[_Item]) -> list[_Made]:
        return [function(item) for item in some]

    with ThreadPoolExecutor(_threads(), "seg_widgets encoder") as pool:
        waiting = []
        while some := list(islice(rest, _AT_A_TIME)):
            waiting.append(pool.submit(several, some))
            if len(waiting) > 2 * _threads():
                yield from waiting.pop(0).result()
        for future in waiting:
            yield from future.result()


def _threads() -> int:
    return min(os.cpu_count() or 1, _MOST_THREADS)


def _filtered(rows: npt.NDArray[np.uint8], start: int, end: int) -> npt.NDArray[np.uint8]:
    """Some rows, each with its filter's number before it."""
    raw = np.empty((end - start, 1 + rows.shape[1]), np.uint8)
    raw[:, 0] = _UP
    if start == 0:
        raw[0, 0] = _NO_FILTER
        raw[0, 1:] = rows[0]
    first = max(start, 1)
    np.subtract(rows[first:end], rows[first - 1 : end - 1], out=raw[first - start :, 1:])
    return raw


def _deflated(raw: memoryview | bytes, strategy: int) -> bytes:
    """Bytes as blocks that end at a byte and refer to nothing before them (RFC 1951)."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -_WINDOW_BITS, 9, strategy)
    return packer.compress(raw) + packer.flush(zlib.Z_SYNC_FLUSH)


@lru_cache(maxsize=64)
def _zeros_of_power(power: int) -> bytes:
    return _deflated(bytes(1 << power), zlib.Z_RLE)


@lru_cache(maxsize=4096)
def _zeros(count: int) -> tuple[bytes, int, int]:
    """So many zeros, compressed: put together from powers of two; with their checksum."""
    powers = (power for power in range(count.bit_length()) if count >> power & 1)
    packed = b"".join(map(_zeros_of_power, powers))
    return packed, (count % _ADLER_BASE) << 16 | 1, count


def _joined(checksum: int, other: int, length: int) -> int:
    """Adler-32 of two texts one behind the other, of theirs and the length of the second."""
    low, high = checksum & 0xFFFF, checksum >> 16
    first = (low + (other & 0xFFFF) - 1) % _ADLER_BASE
    second = (high + (other >> 16) + length * (low - 1)) % _ADLER_BASE
    return second << 16 | first


def _header(width: int, height: int, bits: int, color_type: int) -> bytes:
    return struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)


def _file(header: bytes, stripes: list[tuple[bytes, int, int]], text: dict[str, str]) -> bytes:
    """The chunks of a file.

    Args:
        header: the content of IHDR.
        stripes: the compressed rows, with the checksum and the length of what was compressed.
        text: keywords and their texts.
    """
    checksum = 1
    for _, other, length in stripes:
        checksum = _joined(checksum, other, length)
    packed = (stripe for stripe, _, _ in stripes)
    data = b"".join((_HEAD, *packed, _END, struct.pack(">I", checksum)))
    parts = [_SIGNATURE, *_chunk(b"IHDR", header)]
    parts += _chunk(MARK[:4], MARK[4:])
    for keyword, value in text.items():
        parts += _chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + value.encode("latin-1"))
    for start in range(0, len(data), _LONGEST_CHUNK):
        parts += _chunk(b"IDAT", data[start : start + _LONGEST_CHUNK])
    return b"".join((*parts, *_chunk(b"IEND", b"")))


def _chunk(kind: bytes, content: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)
