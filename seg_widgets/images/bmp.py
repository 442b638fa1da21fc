"""Run lengths of a BMP, which Pillow unpacks in Python: half a minute for a file of 25 MB."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["is_long_runs", "read_runs"]

_LONG_BYTES: Final = 2_000_000
_RUNS: Final = (1, 2)


def is_long_runs(content: bytes) -> bool:
    """Say whether a BMP has so many run lengths that Pillow would take long.

    Args:
        content: the whole file.

    Returns:
        True for RLE8 and RLE4 of more than 2 MB.
    """
    has_info = int.from_bytes(content[14:18], "little") >= 40
    compression = int.from_bytes(content[30:34], "little")
    return has_info and compression in _RUNS and len(content) > _LONG_BYTES


def read_runs(content: bytes, size: tuple[int, int]) -> npt.NDArray[np.uint8] | None:
    """Decode a BMP with OpenCV.

    Args:
        content: the whole file.
        size: the width and height that it declares.

    Returns:
        H×W×3 BGR; None if it can't be decoded.
    """
    try:
        found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    if found is None or found.dtype != np.uint8 or found.shape != (size[1], size[0], 3):
        return None
    return np.asarray(found, np.uint8)
