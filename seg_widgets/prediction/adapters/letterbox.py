"""Masks at a network's size, whose image was scaled and padded to fit (letterboxed)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..masks import MaskCrop
from .arrays import to_array

__all__ = ["crop_of_letterboxed"]

_HALF = 0.5


def crop_of_letterboxed(plane: Any, size: tuple[int, int]) -> MaskCrop:
    """One mask of a letterboxed image, scaled to the image.

    The border is that of Ultralytics' `ops.scale_masks`. The mask is sampled bilinearly between
    the centres of pixels, as torch's `interpolate(mode="bilinear")` does, and is inside above 0.5.

    Args:
        plane: h×w, 0 to 1.
        size: (height, width) of the image.

    Returns:
        The mask at the size of the image.
    """
    small = to_array(plane)
    rows, columns = _content(small.shape[0], small.shape[1], size)
    content = small[rows, columns].astype(np.float32)
    if not content.any():
        return MaskCrop(0, 0, 0, 0, b"")

    # Only what lies around the mask is scaled, so that a small mask costs little.
    top, bottom, left, right = _around(content)
    down, first_row = _weights(content.shape[0], size[0], top, bottom)
    across, first_column = _weights(content.shape[1], size[1], left, right)
    sampled = down @ content[top:bottom, left:right] @ across.T
    return MaskCrop.from_array(sampled > _HALF, first_column, first_row)


def _content(height: int, width: int, size: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of an h×w mask that show the image, without the border."""
    gain = min(height / size[0], width / size[1])
    inner_height, inner_width = max(round(size[0] * gain), 1), max(round(size[1] * gain), 1)
    top = round((height - inner_height) / 2 - 0.1)
    left = round((width - inner_width) / 2 - 0.1)
    return slice(top, top + inner_height), slice(left, left + inner_width)


def _around(content: npt.NDArray[np.float32]) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of what is not 0, with one pixel more on each side."""
    rows = np.flatnonzero(content.any(axis=1))
    columns = np.flatnonzero(content.any(axis=0))
    top, left = max(int(rows[0]) - 1, 0), max(int(columns[0]) - 1, 0)
    return top, int(rows[-1]) + 2, left, int(columns[-1]) + 2


def _weights(cells: int, pixels: int, start: int, stop: int) -> tuple[npt.NDArray[np.float32], int]:
    """Weights (pixels × cells start…stop) that scale `cells` cells to `pixels` pixels, for those
    pixels that see one of these cells, and the first of these pixels."""
    stop = min(stop, cells)
    scale = cells / pixels
    first = max(int(np.floor((start - 0.5) / scale)) - 1, 0)
    last = min(int(np.ceil((stop + 0.5) / scale)) + 1, pixels)

    # Centres outside the first and the last cell's centre see that cell alone.
    centres = (np.arange(first, last, dtype=np.float32) + 0.5) * np.float32(scale) - 0.5
    centres = centres.clip(0, cells - 1)
    distances = np.abs(centres[:, None] - np.arange(start, stop, dtype=np.float32)[None, :])
    return np.maximum(1 - distances, 0).astype(np.float32), first
