"""Drawing a model's small masks at the image's size, a box at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ..prediction import MaskCrop

__all__ = ["MASK_THRESHOLD", "paste_mask"]

MASK_THRESHOLD: Final = 0.5
"""The probability from which on a pixel belongs to a mask."""

# Pixels of a mask that are sampled at once: about 16 MB of float32, however large the box is.
_PASTE_PIXELS = 4_000_000


def paste_mask(
    mask: npt.NDArray[np.float32], box: npt.NDArray[np.float32], image_size: tuple[int, int]
) -> MaskCrop:
    """Scale a mask of probabilities into its box, and keep what is 0.5 or more.

    The sampling is that of detectron2's `paste_masks_in_image` (bilinear, pixel centres, zero
    outside). It is separable, so two small matrix products a box do it.

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
    across = _bilinear(left, right, x1, x2, mask.shape[1])
    down = _bilinear(top, bottom, y1, y2, mask.shape[0])
    half_way = mask @ across.T
    inside = np.empty((bottom - top, right - left), bool)
    step = max(_PASTE_PIXELS // max(right - left, 1), 1)
    for row in range(0, bottom - top, step):
        np.greater_equal(
            down[row : row + step] @ half_way, MASK_THRESHOLD, out=inside[row : row + step]
        )
    return MaskCrop.from_array(inside, left, top)


def _bilinear(start: int, stop: int, low: float, high: float, size: int) -> npt.NDArray[np.float32]:
    """Weights, (stop - start)×size, that sample `size` cells spread over low…high."""
    centers = (np.arange(start, stop, dtype=np.float32) + 0.5 - low) / (high - low) * size - 0.5
    cells = np.arange(size, dtype=np.float32)
    weights: npt.NDArray[np.float32] = np.maximum(1 - np.abs(centers[:, None] - cells[None, :]), 0)
    return weights
