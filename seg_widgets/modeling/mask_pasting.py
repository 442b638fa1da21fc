"""Drawing a model's small masks at the image's size, a box at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ..prediction import MASK_THRESHOLD, MaskCrop, between_cells

__all__ = ["paste_mask"]

# Pixels that are sampled at once: few enough for the processor's cache.
_PASTE_PIXELS: Final = 100_000


def paste_mask(
    mask: npt.NDArray[np.float32], box: npt.NDArray[np.float32], image_size: tuple[int, int]
) -> MaskCrop:
    """Scale a mask of probabilities into its box, and keep what is 0.5 or more.

    The sampling is that of detectron2's `paste_masks_in_image` (bilinear, pixel centres, zero
    outside). It is separable: first all columns of the box are sampled in the mask's rows, then
    its rows between these.

    Args:
        mask: M×M float32, 0 to 1.
        box: x0, y0, x1, y1 in pixels.
        image_size: (height, width) in pixels.

    Returns:
        The mask, cropped to its box.
    """
    height, width = image_size
    x1, y1, x2, y2 = (float(value) for value in box)
    left, right = max(int(np.floor(x1)) - 1, 0), min(int(np.ceil(x2)) + 1, width)
    top, bottom = max(int(np.floor(y1)) - 1, 0), min(int(np.ceil(y2)) + 1, height)
    around = np.pad(mask, 1)
    at, share = between_cells(left, right, x1, x2, mask.shape[1], np.float32)
    lines = around[:, at] + share * (around[:, at + 1] - around[:, at])
    rows = between_cells(top, bottom, y1, y2, mask.shape[0], np.float32)
    inside = _sampled_rows(lines, *rows)
    return MaskCrop.from_array(inside, left, top)


def _sampled_rows(
    lines: npt.NDArray[np.float32], at: npt.NDArray[np.intp], share: npt.NDArray[np.float32]
) -> npt.NDArray[np.bool_]:
    """Where the rows between the lines reach the threshold, some rows at a time."""
    steps = np.diff(lines, axis=0)
    inside = np.empty((len(at), lines.shape[1]), bool)
    count = max(_PASTE_PIXELS // max(lines.shape[1], 1), 1)
    size = min(count, len(at)), lines.shape[1]
    values, starts = np.empty(size, np.float32), np.empty(size, np.float32)
    for first in range(0, len(at), count):
        rows = at[first : first + count]
        sampled, start = values[: len(rows)], starts[: len(rows)]
        # "clip" lets NumPy write into `out` directly; no index is out of range.
        np.take(steps, rows, axis=0, out=sampled, mode="clip")
        np.take(lines, rows, axis=0, out=start, mode="clip")
        sampled *= share[first : first + count, None]
        sampled += start
        np.greater_equal(sampled, MASK_THRESHOLD, out=inside[first : first + count])
    return inside
