"""Which masks of two predictions overlap, and how much: a sparse matrix, made of the crops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ..errors import PredictionError, SettingError
from .checks import as_fraction, read_only
from .masks import MaskCrop
from .shared_pixels import shared_pixels

if TYPE_CHECKING:
    from .prediction import Prediction
    from .truth import GroundTruth

__all__ = ["LEAST_IOU", "Overlaps", "meetings", "overlaps"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LEAST_IOU: Final = 0.1
"""The smallest IoU that is kept where nothing else is said; no IoU threshold goes below it."""

_ROWS_AT_ONCE: Final = 256  # detections whose boxes are compared with all others in one step


@dataclass(frozen=True, eq=False)
class Overlaps:
    """The pairs of a detection and a true instance that overlap; its arrays are read-only.

    The pairs stand in the order of the detections, then of the true instances.
    """

    detections: IntArray
    """P int64: the index of each pair's detection."""

    truths: IntArray
    """P int64: the index of its true instance."""

    ious: FloatArray
    """P float64: the intersection over the union, over 0 to 1; for a crowd the share of the
    detection that lies in it."""

    shape: tuple[int, int]
    """How many detections and true instances there are."""

    least: float
    """Pairs below this IoU were left out."""

    def __len__(self) -> int:
        return len(self.ious)

    def dense(self) -> FloatArray:
        """The matrix with all its zeros.

        Returns:
            N×M float64; 0 where a pair was left out.
        """
        matrix = np.zeros(self.shape)
        matrix[self.detections, self.truths] = self.ious
        return matrix


def overlaps(
    found: Prediction, truth: Prediction | GroundTruth, *, least: float = LEAST_IOU
) -> Overlaps:
    """The IoU of each detection with each true instance, of whatever class, as pycocotools has it.

    Masks are compared where both sides have them, else boxes. Only pairs whose boxes meet are
    looked at, and only the rows that they share are unpacked.

    Args:
        found: what was found.
        truth: what there is, or a second prediction.
        least: the smallest IoU that is kept, over 0 to 1.

    Returns:
        The pairs.

    Raises:
        SettingError: `least` is out of its range.
        PredictionError: the images have different sizes.
    """
    from .truth import GroundTruth

    least = as_fraction("The least IoU", least)
    if not least:
        raise SettingError("The least IoU lies over 0 and up to 1, but 0 was given.")
    _check_prediction(found)
    other = truth.prediction if isinstance(truth, GroundTruth) else truth
    _check_prediction(other)
    crowd = truth.crowd if isinstance(truth, GroundTruth) else np.zeros(len(other), bool)
    if other.image_size != found.image_size:
        (height, width), (tall, wide) = found.image_size, other.image_size
        raise PredictionError(
            f"The prediction is for an image of {width}×{height} pixels, but what it is compared "
            f"with has {wide}×{tall}."
        )
    if found.masks is None or other.masks is None:
        pairs = _of_boxes(found.boxes.astype(float), other.boxes.astype(float), crowd, least)
    else:
        pairs = _of_masks(found, other, crowd, least)
    detections, truths, ious = pairs
    return Overlaps(
        read_only(detections), read_only(truths), read_only(ious), (len(found), len(other)), least
    )


def _check_prediction(one: object) -> None:
    if not hasattr(one, "image_size"):
        raise PredictionError(
            f"Overlaps are of a Prediction and another one, or a GroundTruth; {type(one).__name__} "
            "is neither."
        )


def meetings(first: FloatArray, second: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """The pairs of boxes that meet.

    Args:
        first: N×4 left, top, right, bottom.
        second: M×4 of the same.

    Returns:
        P indices of the first ones, ascending; P of the second ones; P areas that both have.
    """
    parts = []
    for start in range(0, len(first), _ROWS_AT_ONCE):
        some = first[start : start + _ROWS_AT_ONCE, None]
        widths = np.minimum(some[..., 2], second[:, 2]) - np.maximum(some[..., 0], second[:, 0])
        heights = np.minimum(some[..., 3], second[:, 3]) - np.maximum(some[..., 1], second[:, 1])
        rows, columns = np.nonzero((widths > 0) & (heights > 0))
        parts.append((rows + start, columns, (widths * heights)[rows, columns]))
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    rows, columns, shared = (np.concatenate(part) for part in zip(*parts, strict=True))
    return rows, columns, shared


def _of_boxes(
    first: FloatArray, second: FloatArray, crowd: BoolArray, least: float
) -> tuple[IntArray, IntArray, FloatArray]:
    rows, columns, shared = meetings(first, second)
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (first, second)]
    ious = _ratio(shared, areas[0][rows], areas[1][columns], crowd[columns])
    kept = ious >= least
    return rows[kept], columns[kept], ious[kept]


def _of_masks(
    found: Prediction, other: Prediction, crowd: BoolArray, least: float
) -> tuple[IntArray, IntArray, FloatArray]:
    first, second = found.masks or (), other.masks or ()
    rows, columns, meeting = meetings(_rectangles(first), _rectangles(second))
    areas = found.areas[rows].astype(float), other.areas[columns].astype(float)

    # A pair whose IoU can't reach `least` need not be unpacked.
    most = np.minimum(meeting, np.minimum(*areas))
    likely = _ratio(most, *areas, crowd[columns]) >= least
    rows, columns = rows[likely], columns[likely]

    shared = shared_pixels(first, second, rows, columns).astype(float)
    ious = _ratio(shared, areas[0][likely], areas[1][likely], crowd[columns])
    kept = ious >= least
    return rows[kept], columns[kept], ious[kept]


def _ratio(
    shared: FloatArray, first: FloatArray, second: FloatArray, crowd: BoolArray
) -> FloatArray:
    """The IoU; a crowd is no instance, so there it is the share of the detection in it."""
    union = np.where(crowd, first, first + second - shared)
    ratios: FloatArray = np.divide(shared, union, out=np.zeros(len(shared)), where=union > 0)
    return ratios


def _rectangles(crops: tuple[MaskCrop, ...]) -> FloatArray:
    corners = [(crop.x, crop.y, crop.x + crop.width, crop.y + crop.height) for crop in crops]
    return np.array(corners, np.float64).reshape(-1, 4)
