"""The first frame of a WebP, without the four copies of it that Pillow makes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["read_webp"]

_ALPHA: Final = 0x10
_PIXELS: Final = (b"VP8 ", b"VP8L")


def read_webp(content: bytes, size: tuple[int, int]) -> npt.NDArray[np.uint8] | None:
    """Decode the first frame.

    Args:
        content: the whole file.
        size: the width and height that it declares.

    Returns:
        H×W×3 BGR or H×W×4 BGRA; what a smaller first frame of an animation leaves free is
        transparent or black. None if it can't be decoded.
    """
    chunks = dict(_first_chunks(content, 12))
    frame = chunks.get(b"ANMF")
    if frame is None:
        return _decoded(content, size)

    # https://developers.google.com/speed/webp/docs/riff_container#animation
    x, y, width, height = (int.from_bytes(frame[at : at + 3], "little") for at in (0, 3, 6, 9))
    decoded = _decoded(_still(frame[16:], width, height), (width + 1, height + 1))
    if decoded is None or decoded.shape[:2] == size[::-1]:
        return decoded
    has_alpha = bool(chunks.get(b"VP8X", b"\0")[0] & _ALPHA)
    whole = np.zeros((size[1], size[0], 4 if has_alpha else 3), np.uint8)
    part = whole[2 * y : 2 * y + height + 1, 2 * x : 2 * x + width + 1]
    if part.shape[:2] != decoded.shape[:2]:
        return None
    if has_alpha and decoded.shape[2] == 3:
        part[..., 3] = 255
    channels = min(part.shape[2], decoded.shape[2])
    part[..., :channels] = decoded[..., :channels]
    return whole


def _first_chunks(content: bytes, start: int) -> Iterator[tuple[bytes, bytes]]:
    """The chunks to the first that has pixels, or an animation's frame."""
    while start + 8 <= len(content):
        kind = content[start : start + 4]
        length = int.from_bytes(content[start + 4 : start + 8], "little")
        yield kind, content[start + 8 : start + 8 + length]
        if kind in (*_PIXELS, b"ANMF"):
            return
        start += 8 + length + length % 2


def _still(frame: bytes, width: int, height: int) -> bytes:
    """A file of one frame of an animation; its sides are given less one."""
    chunks = dict(_first_chunks(frame, 0))
    parts = []
    if b"ALPH" in chunks:
        sides = width.to_bytes(3, "little") + height.to_bytes(3, "little")
        parts = [
            _chunk(b"VP8X", bytes([_ALPHA, 0, 0, 0]) + sides),
            _chunk(b"ALPH", chunks[b"ALPH"]),
        ]
    parts += [_chunk(kind, chunks[kind]) for kind in _PIXELS if kind in chunks]
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _decoded(content: bytes, size: tuple[int, int]) -> npt.NDArray[np.uint8] | None:
    try:
        found: Any = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    is_sound = found is not None and found.dtype == np.uint8 and found.ndim == 3
    if not is_sound or found.shape[:2] != size[::-1] or found.shape[2] not in (3, 4):
        return None
    result: npt.NDArray[np.uint8] = found
    return result
