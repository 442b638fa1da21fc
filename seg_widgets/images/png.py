"""What Pillow does not do with a PNG: much metadata beside a good image, and 16 bits of colour."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import ImageDamagedError
from .rows import ArrayRows
from .samples import Samples

__all__ = ["has_deep_colours", "read_deep_colours", "without_much_metadata"]

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_MOST_TEXT: Final = 256 * 1024
"""Longer texts are left out; EXIF and an XMP packet, which say what is up, are shorter."""

_MOST_TEXTS: Final = 8 * 2**20
_MOST_CHUNKS: Final = 100_000
_MOST_DEEP_BYTES: Final = 240_000_000


def without_much_metadata(content: bytes, name: str) -> bytes:
    """Leave out what no image needs and Pillow refuses: long texts and the colour profile.

    Args:
        content: a whole PNG file.
        name: what messages call the image.

    Returns:
        It without texts that are longer than 256 KiB when unpacked, or 8 MiB with those before
        them, and without the ICC profile, which isn't used. A damaged file stays damaged.

    Raises:
        ImageDamagedError: it has far more chunks than any encoder writes.
    """
    parts = [content[:8]]
    end = 8
    room = _MOST_TEXTS
    for count, (kind, start, end) in enumerate(_chunks(content)):
        if count == _MOST_CHUNKS:
            raise ImageDamagedError(
                f"{name} begins like a PNG file, but has more than {_MOST_CHUNKS:,} chunks. "
                "Copy or download it once more, or save it anew."
            )
        if kind in _TEXTS:
            # What has no room any more is not unpacked either.
            length = _text_length(kind, content[start + 8 : end - 4]) if room > 0 else 0
            room -= length
            if length > _MOST_TEXT or room <= 0:
                continue
        if kind != b"iCCP":
            parts.append(content[start:end])
    return b"".join([*parts, content[end:]])


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each whole chunk."""
    start = len(_SIGNATURE)
    while start + 12 <= len(content):
        end = start + 12 + int.from_bytes(content[start : start + 4], "big")
        if end > len(content):
            return
        yield content[start + 4 : start + 8], start, end
        start = end


_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")


def _text_length(kind: bytes, body: bytes) -> int:
    """The bytes of a text when unpacked; more than `_MOST_TEXT` where it is too long or broken."""
    if len(body) > _MOST_TEXT:
        return len(body)
    # Keyword, NUL, whether it is packed and how, language, NUL, keyword, NUL
    # (https://www.w3.org/TR/png-3/#11iTXt).
    _, _, rest = body.partition(b"\0")
    if kind == b"zTXt":
        packed = rest[1:]
    elif kind == b"iTXt" and rest[:1] == b"\1":
        packed = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        return len(body)
    try:
        return len(zlib.decompressobj().decompress(packed, _MOST_TEXT + 1))
    except zlib.error:
        return _MOST_TEXT + 1


def has_deep_colours(content: bytes) -> bool:
    """Say whether Pillow would cut the PNG's channels down from 16 bits to 8.

    Args:
        content: the file's bytes.

    Returns:
        True for 16 bits in grey with opacity, RGB and RGBA.
    """
    return content[12:16] == b"IHDR" and content[24:25] == b"\x10" and content[25:26] in b"\2\4\6"


def fits_memory(content: bytes, width: int, height: int) -> bool:
    """Say whether all 16 bits of a PNG's channels may be in memory together.

    Args:
        content: the file's bytes.
        width: its pixels in a row.
        height: its rows.

    Returns:
        True up to `_MOST_DEEP_BYTES`.
    """
    channels = 3 if content[25:26] == b"\2" else 4  # OpenCV makes four of two
    return width * height * channels * 2 <= _MOST_DEEP_BYTES


def read_deep_colours(
    content: bytes, size: tuple[int, int], clear: object = None
) -> Samples | None:
    """Read a PNG's channels of 16 bits.

    Args:
        content: the whole file, which Pillow decoded without a fault.
        size: its width and height.
        clear: the colour that is transparent, a tuple; None: there is none.

    Returns:
        H×W×C uint16 samples; None if OpenCV reads no 16 bits of it.
    """
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.shape[:2] != size[::-1]:
        return None
    values: npt.NDArray[Any] = np.atleast_3d(found)
    count = values.shape[2]
    order = {1: [0], 2: [0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[count]
    alpha = count in (2, 4)
    if content[25:26] == b"\4" and count == 4:
        order = [2, 3]
    is_clear = isinstance(clear, tuple) and not alpha
    rows = _DeepRows(values, order, clear if isinstance(clear, tuple) and is_clear else None)
    return Samples(rows, alpha=alpha or is_clear)


class _DeepRows:
    """What OpenCV has read, in the file's order of channels.

    Args:
        values: H×W×C uint16.
        order: which channels, in which order.
        clear: the colour that is transparent: one more channel says so.
    """

    def __init__(
        self, values: npt.NDArray[Any], order: list[int], clear: tuple[int, ...] | None
    ) -> None:
        self._rows, self._order, self._clear = ArrayRows(values), order, clear

    @property
    def shape(self) -> tuple[int, int, int]:
        height, width, _ = self._rows.shape
        return height, width, len(self._order) + (self._clear is not None)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._rows.dtype

    def bands(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        for start, band in self._rows.bands():
            values = band[..., self._order]
            if self._clear is not None:
                differs = (values != np.array(self._clear, np.uint16)).any(axis=2, keepdims=True)
                values = np.concatenate([values, differs * np.uint16(65535)], axis=2)
            yield start, values
