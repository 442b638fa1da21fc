"""How much the instances of one prediction overlap: a sparse matrix, made from the crops alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .checks import read_only

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
    low, high = rectangles[:, :2], rectangles[:, :2] + rectangles[:, 2:]
    masks = prediction.masks
    crops: dict[int, npt.NDArray[np.bool_]] = {}
    found: list[tuple[int, int, int]] = []
    for first in range(len(rectangles) - 1):
        start = np.maximum(low[first], low[first + 1 :])
        end = np.minimum(high[first], high[first + 1 :])
        meeting = np.flatnonzero((start < end).all(axis=1))
        for at in meeting.tolist():
            second = first + 1 + at
            (x1, y1), (x2, y2) = start[at].tolist(), end[at].tolist()
            if masks is None:
                shared = (x2 - x1) * (y2 - y1)
            else:
                parts = []
                for index in (first, second):
                    if index not in crops:
                        crops[index] = masks[index].to_array()
                    x, y = low[index]
                    parts.append(crops[index][y1 - y : y2 - y, x1 - x : x2 - x])
                shared = int(np.count_nonzero(parts[0] & parts[1]))
            if shared:
                found.append((first, second, shared))
        # It is the smaller of its pairs from now on in none.
        crops.pop(first, None)
    pairs = np.array(found, np.int64).reshape(-1, 3)
    areas = prediction.areas if masks is not None else rectangles[:, 2] * rectangles[:, 3]
    columns = (read_only(np.ascontiguousarray(column)) for column in pairs.T)
    first_of, second_of, pixels = columns
    return OwnOverlaps(first_of, second_of, pixels, areas)
