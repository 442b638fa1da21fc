"""What Pillow does not do with a PNG: much metadata beside a good image, and 16 bits of colour."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image

from .samples import Samples

__all__ = ["has_deep_colours", "read_deep_colours", "without_much_metadata"]

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_MOST_TEXT: Final = 256 * 1024
"""Longer texts are left out; EXIF and an XMP packet, which say what is up, are shorter."""


def without_much_metadata(content: bytes) -> bytes:
    """Leave out what no image needs and Pillow refuses: long texts and the colour profile.

    Args:
        content: a whole PNG file.

    Returns:
        It without texts that are longer than 256 KiB when unpacked, and without the ICC profile,
        which isn't used. A damaged file stays damaged.
    """
    parts = [content[:8]]
    end = 8
    for kind, start, end in _chunks(content):
        if kind == b"iCCP" or (kind in _TEXTS and _is_long(kind, content[start + 8 : end - 4])):
            continue
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


def _is_long(kind: bytes, body: bytes) -> bool:
    if len(body) > _MOST_TEXT:
        return True
    # Keyword, NUL, whether it is packed and how, language, NUL, keyword, NUL
    # (https://www.w3.org/TR/png-3/#11iTXt).
    _, _, rest = body.partition(b"\0")
    if kind == b"zTXt":
        packed = rest[1:]
    elif kind == b"iTXt" and rest[:1] == b"\1":
        packed = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        return False
    try:
        unpacked = zlib.decompressobj().decompress(packed, _MOST_TEXT + 1)
    except zlib.error:
        return True
    return len(unpacked) > _MOST_TEXT


def has_deep_colours(content: bytes) -> bool:
    """Say whether Pillow would cut the PNG's channels down from 16 bits to 8.

    Args:
        content: the file's bytes.

    Returns:
        True for 16 bits in grey with opacity, RGB and RGBA.
    """
    return content[12:16] == b"IHDR" and content[24:25] == b"\x10" and content[25:26] in b"\2\4\6"


def read_deep_colours(content: bytes, image: Image.Image) -> Samples | None:
    """Read a PNG's channels of 16 bits.

    Args:
        content: the whole file.
        image: the same file in Pillow, which decoded it without a fault.

    Returns:
        H×W×C uint16 samples; None if OpenCV reads no 16 bits of it.
    """
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.shape[:2] != image.size[::-1]:
        return None
    values: np.ndarray[Any, np.dtype[np.uint16]] = np.atleast_3d(found)
    order = {1: [0], 2: [0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[values.shape[2]]
    alpha = values.shape[2] in (2, 4)
    values = values[..., order]
    if content[25:26] == b"\4" and values.shape[2] == 4:
        values = values[..., [0, 3]]
    clear = image.info.get("transparency")
    if isinstance(clear, tuple) and not alpha:
        opaque = (values != np.array(clear, np.uint16)).any(axis=2, keepdims=True)
        values = np.concatenate([values, opaque * np.uint16(65535)], axis=2)
        alpha = True
    return Samples(values, alpha=alpha)
