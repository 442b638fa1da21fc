"""PNG's bytes (https://www.w3.org/TR/png-3/): OpenCV's, with a note of what wrote the file.

A mask of a large image is mostly rows of zeros. OpenCV needs 140 ms for one of 12 megapixels; here
runs of zeros are compressed once, and put together from pieces.
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

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["MARK", "encode_mask", "encode_png", "in_threads"]

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")

MARK: Final = b"tEXtSoftware\0seg_widgets"
"""What stands before the pixels of each PNG: `segment` takes its own files for no photographs."""

_TO_OPENCV: Final = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# The first chunk, IHDR, has 13 bytes in 12 of its own.
_HEADER_BYTES: Final = len(_SIGNATURE) + 25
_LEVEL: Final = 1
_WINDOW_BITS: Final = 15
# The two bytes before a stream of that window and level, and the empty block that ends one.
_HEAD, _END = b"\x78\x01", b"\x03\x00"
_ADLER_BASE: Final = 65521
_MOST_THREADS: Final = 4
_AT_A_TIME: Final = 16


def encode_png(image: npt.NDArray[Any], text: dict[str, str] | None = None) -> bytes:
    """An array as the bytes of a PNG file.

    Args:
        image: H×W (grey), H×W×3 (RGB) or H×W×4 (RGBA), uint8 or uint16.
        text: keywords and their texts (Latin-1) for the file's description.

    Returns:
        The file's content.

    Raises:
        ValueError: the array is something else.
    """
    order = _TO_OPENCV.get(image.shape[2] if image.ndim == 3 else 0)
    try:
        done, encoded = cv2.imencode(".png", image if order is None else cv2.cvtColor(image, order))
    except cv2.error as error:
        raise ValueError(str(error)) from None
    if not done:
        raise ValueError("OpenCV can't encode it")
    return _described(encoded.tobytes(), text or {})


def encode_mask(
    inside: npt.NDArray[np.bool_], x: int, y: int, image_size: tuple[int, int]
) -> bytes:
    """A mask as the bytes of a grey PNG of its image's size: 255 inside, 0 outside.

    It takes hardly longer for a large image than for a small one.

    Args:
        inside: h×w, the mask's rectangle.
        x: the rectangle's left pixel.
        y: the rectangle's top pixel.
        image_size: (height, width) of the image in pixels.

    Returns:
        The file's content.
    """
    height, width = image_size
    rows = np.zeros((inside.shape[0], 1 + width), np.uint8)  # each begins with its filter: none
    rows[:, 1 + x : 1 + x + inside.shape[1]] = inside.view(np.uint8) * np.uint8(255)
    above, below = y * (1 + width), (height - y - inside.shape[0]) * (1 + width)
    checksum = _past_zeros(zlib.adler32(rows.data, _past_zeros(1, above)), below)
    packed = (_HEAD, _zeros(above), _deflated(rows.data), _zeros(below), _END)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    content = (
        _SIGNATURE,
        _chunk(b"IHDR", header),
        _chunk(b"IDAT", b"".join((*packed, struct.pack(">I", checksum)))),
        _chunk(b"IEND", b""),
    )
    return _described(b"".join(content), {})


def in_threads(function: Callable[[_Item], _Made], items: Iterable[_Item]) -> Iterator[_Made]:
    """Call a function on each item, on several threads, of which each does a few in a row.

    Args:
        function: what mostly runs without the interpreter's lock, such as an encoder.
        items: what it is called on; asked for a few ahead.

    Yields:
        What it returned, in the order of the items.
    """
    rest = iter(items)
    threads = min(os.cpu_count() or 1, _MOST_THREADS)

    def several(some: list[_Item]) -> list[_Made]:
        return [function(item) for item in some]

    with ThreadPoolExecutor(threads, "seg_widgets encoder") as pool:
        waiting = []
        while some := list(islice(rest, _AT_A_TIME)):
            waiting.append(pool.submit(several, some))
            if len(waiting) > 2 * threads:
                yield from waiting.pop(0).result()
        for future in waiting:
            yield from future.result()


def _deflated(raw: memoryview | bytes) -> bytes:
    """Bytes as blocks that end at a byte and refer to nothing before them (RFC 1951)."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -_WINDOW_BITS, 9, zlib.Z_RLE)
    return packer.compress(raw) + packer.flush(zlib.Z_SYNC_FLUSH)


@lru_cache(maxsize=64)
def _zeros_of_power(power: int) -> bytes:
    return _deflated(bytes(1 << power))


@lru_cache(maxsize=4096)
def _zeros(count: int) -> bytes:
    """So many zeros, compressed: put together from powers of two."""
    powers = (power for power in range(count.bit_length()) if count >> power & 1)
    return b"".join(map(_zeros_of_power, powers))


def _past_zeros(checksum: int, count: int) -> int:
    """Adler-32 (RFC 1950) of what has this one, and so many zeros behind it."""
    low, high = checksum & 0xFFFF, checksum >> 16
    return (high + count * low) % _ADLER_BASE << 16 | low


def _described(content: bytes, text: dict[str, str]) -> bytes:
    """A PNG file with texts before its pixels."""
    texts = [_chunk(MARK[:4], MARK[4:])]
    for keyword, value in text.items():
        texts.append(_chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + value.encode("latin-1")))
    return b"".join((content[:_HEADER_BYTES], *texts, content[_HEADER_BYTES:]))


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))
