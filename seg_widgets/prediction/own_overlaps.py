"""How much the instances of one prediction overlap: a sparse matrix, made from the crops alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .checks import read_only
from .overlap import meetings
from .shared_pixels import shared_pixels

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = ["OwnOverlaps", "overlaps_within", "rectangles_of"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class OwnOverlaps:
    """The pairs of instances that share pixels."""

    first: IntArray
    """P indices of instances, the smaller of each pair."""

    second: IntArray
    """P indices of instances, the larger of each pair."""

    pixels: IntArray
    """P counts of the pixels that both have, each 1 or more."""

    areas: IntArray
    """N counts of the pixels of each instance's mask, or of its box's pixels without masks."""

    def iou(self) -> npt.NDArray[np.float64]:
        """P float64: the pixels that both have, as a share of those that any of the two has."""
        union = self.areas[self.first] + self.areas[self.second] - self.pixels
        return self.pixels / union

    def share_of_smaller(self) -> npt.NDArray[np.float64]:
        """P float64: the pixels that both have, as a share of the smaller instance's."""
        smaller = np.minimum(self.areas[self.first], self.areas[self.second])
        return self.pixels / smaller


def rectangles_of(prediction: Prediction) -> IntArray:
    """The rectangle of pixels around each mask; around each box where there are no masks.

    Args:
        prediction: what was found.

    Returns:
        N×4 int64: x, y, width and height in pixels.
    """
    if prediction.masks is not None:
        crops = [(crop.x, crop.y, crop.width, crop.height) for crop in prediction.masks]
        return np.array(crops, np.int64).reshape(-1, 4)
    height, width = prediction.image_size
    # In tenths of a pixel, as the browser has them: both must count the same pixels.
    boxes = np.round(prediction.boxes.astype(np.float64), 1)
    limits = np.array([width, height], np.float64)
    start = np.maximum(np.floor(boxes[:, :2]), 0)
    end = np.minimum(np.ceil(boxes[:, 2:]), limits)
    return np.concatenate((start, np.maximum(end - start, 0)), axis=1).astype(np.int64)


def overlaps_within(prediction: Prediction) -> OwnOverlaps:
    """Which instances overlap, and by how many pixels.

    Only pairs whose rectangles meet are looked at, and of their masks only the part where they do.

    Args:
        prediction: what was found. Without masks the pixels of its boxes are compared.

    Returns:
        The pairs, sorted by their indices.
    """
    rectangles = rectangles_of(prediction)
    corners = rectangles.astype(np.float64)
    corners[:, 2:] += corners[:, :2]
    first, second, meeting = meetings(corners, corners)
    once = first < second
    first, second = first[once], second[once]
    if prediction.masks is None:
        areas = rectangles[:, 2] * rectangles[:, 3]
        pixels = meeting[once].astype(np.int64)
    else:
        areas = prediction.areas
        pixels = shared_pixels(prediction.masks, prediction.masks, first, second)
    shared = pixels > 0
    first, second, pixels = (read_only(part[shared]) for part in (first, second, pixels))
    return OwnOverlaps(first, second, pixels, areas)
