"""How the parts of a result become a `Prediction`: normalise, check, report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import PredictionError
from ..masks import MaskCrop
from ..prediction import Prediction
from .arrays import to_array
from .class_names import ClassNames, Labelling

__all__ = ["Found", "Given", "build"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

# SAM's predicted IoU goes a little over 1; more than this is another unit, such as percent.
_MOST_OVER_ONE = 0.1

# Boxes leave the image by a fraction of a pixel all the time; only more is worth a report.
_TOLERANCE_PX = 1.0


@dataclass(frozen=True)
class Given:
    """What the caller said beside the result: the image's (height, width) and the class names."""

    size: tuple[int, int] | None = None
    names: ClassNames | None = None

    def size_or(self, own: tuple[int, int] | None) -> tuple[int, int]:
        """The size that the result has itself, which must be that of the image, or the image's.

        Raises:
            PredictionError: They differ, or neither is known.
        """
        if own is None and self.size is None:
            raise PredictionError(
                "This result doesn't say how large its image is. Give the image, or its (height, "
                "width): Prediction.of(result, image)."
            )
        if own is not None and self.size is not None and tuple(own) != tuple(self.size):
            raise PredictionError(
                f"The result belongs to an image of {own[1]}×{own[0]} pixels, but the image has "
                f"{self.size[1]}×{self.size[0]}. Give the image that the model was given, or scale "
                "the masks to it first."
            )
        return own or self.size or (0, 0)


@dataclass
class Found:
    """The parts of a result, as an adapter read them.

    `size`: (height, width) of the image. `labelling`: the classes. `boxes`: N×4, XYXY in pixels;
    None: drawn around the masks. `scores`: N numbers; None: all 1. `masks`: N, or None for boxes
    only. `notes`: what is there to report.
    """

    size: tuple[int, int]
    labelling: Labelling
    boxes: Any = None
    scores: Any = None
    masks: tuple[MaskCrop, ...] | None = None
    notes: list[str] = field(default_factory=list)


def build(found: Found) -> tuple[Prediction, tuple[str, ...]]:
    """The prediction, and one sentence for each thing that had to be changed.

    Raises:
        PredictionError: The parts don't fit together, or their numbers can't be what they should.
    """
    count = len(found.labelling.class_ids)
    notes = [*found.notes, *found.labelling.notes]
    scores = _scores(found.scores, count, notes)
    boxes = _boxes(found, count)
    lengths = {"boxes": len(boxes), "scores": len(scores), "classes": count}
    if found.masks is not None:
        lengths["masks"] = len(found.masks)
    if len(set(lengths.values())) > 1:
        parts = ", ".join(f"{number} {name}" for name, number in lengths.items())
        raise PredictionError(f"Each instance has one of each, but there are {parts}.")

    kept = _finite(boxes, scores, notes)
    kept = kept[_clip(boxes, kept, found, notes)]
    _check_scores(scores, kept, notes)
    masks = None if found.masks is None else tuple(found.masks[index] for index in kept.tolist())
    prediction = Prediction(
        found.size,
        boxes[kept].astype(np.float32),
        scores[kept].astype(np.float32),
        found.labelling.class_ids[kept],
        found.labelling.class_names,
        masks,
        tuple(notes),
        found.labelling.category_ids,
    )
    return prediction, tuple(notes)


def _scores(values: Any, count: int, notes: list[str]) -> FloatArray:
    """Scores as floats; a score that a library leaves out is 1."""
    if values is None:
        return np.ones(count)
    if isinstance(values, Sequence):
        values = [1.0 if value is None else float(value) for value in values]
    array = to_array(values)
    if array.ndim != 1 and array.size:
        raise PredictionError(f"The scores have the shape {array.shape}, but N numbers are needed.")
    return array.astype(np.float64).ravel()


def _boxes(found: Found, count: int) -> FloatArray:
    if found.boxes is None:
        crops = found.masks or ()
        around = [(crop.x, crop.y, crop.x + crop.width, crop.y + crop.height) for crop in crops]
        return np.array(around, np.float64).reshape(-1, 4)
    array = to_array(found.boxes)
    if array.size == 0:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise PredictionError(f"The boxes have the shape {array.shape}, but N×4 are needed.")
    return np.array(array, np.float64)


def _finite(boxes: FloatArray, scores: FloatArray, notes: list[str]) -> npt.NDArray[np.intp]:
    """The indices of the instances whose box and score are numbers."""
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
    if not finite.all():
        left_out = _count(int((~finite).sum()))
        notes.append(
            f"{left_out} left out because a box or score is not a finite number; the model's "
            "weights may be damaged."
        )
    return np.flatnonzero(finite)


def _clip(
    boxes: FloatArray, kept: npt.NDArray[np.intp], found: Found, notes: list[str]
) -> BoolArray:
    """Clip the boxes to the image, in place; which of `kept` have something left to show."""
    chosen = boxes[kept]
    _check_unit(chosen, found.size)
    if (chosen[:, 2:] < chosen[:, :2]).any():
        raise PredictionError(
            "A box ends before it begins. Boxes are x1, y1, x2, y2 in pixels; if these are x, y, "
            "width, height, add the corner to the size first."
        )
    height, width = found.size
    clipped = chosen.clip(0, [width, height, width, height])
    outside = int((np.abs(clipped - chosen) > _TOLERANCE_PX).any(axis=1).sum())
    boxes[kept] = clipped

    shown: BoolArray = np.logical_and(*(clipped[:, 2:] > clipped[:, :2]).T)
    for position in np.flatnonzero(~shown).tolist():
        shown[position] = _take_box_of_mask(boxes, int(kept[position]), found)

    lost = int((~shown).sum())
    if outside:
        boxes_were = "box was" if outside == 1 else "boxes were"
        notes.append(f"{outside} {boxes_were} clipped to the image of {width}×{height} pixels.")
    if lost:
        notes.append(f"{_count(lost)} left out because nothing of the box is in the image.")
    return shown


def _check_unit(boxes: FloatArray, size: tuple[int, int]) -> None:
    """Refuse boxes from 0 to 1: no detector finds only what is smaller than a pixel."""
    is_small = boxes.size > 0 and boxes.min() >= 0 and boxes.max() <= 1 and min(size) > 1
    if is_small and (boxes % 1 > 0).any():
        raise PredictionError(
            "All boxes lie between 0 and 1, so they are shares of the image's sides. Boxes are in "
            "pixels: multiply x by the width and y by the height."
        )


def _take_box_of_mask(boxes: FloatArray, index: int, found: Found) -> bool:
    """Whether a mask shows an instance whose box is empty; its box is then drawn around it."""
    if found.masks is None:
        return False
    crop = found.masks[index]
    boxes[index] = (crop.x, crop.y, crop.x + crop.width, crop.y + crop.height)

    # Without boxes of its own, an empty mask is what the library found.
    return crop.width > 0 or found.boxes is None


def _check_scores(scores: FloatArray, kept: npt.NDArray[np.intp], notes: list[str]) -> None:
    """Scores that go a little over 1 become 1, in place; others can't be scores."""
    if kept.size == 0:
        return
    low, high = float(scores[kept].min()), float(scores[kept].max())
    if low < 0 or high > 1 + _MOST_OVER_ONE:
        raise PredictionError(
            f"Scores lie in 0 to 1, but these go from {low:g} to {high:g}. Divide percentages by "
            "100; apply the sigmoid to logits."
        )
    over = int((scores[kept] > 1).sum())
    if high > 1:
        scores[kept] = scores[kept].clip(0, 1)
        notes.append(f"{over} {'score is' if over == 1 else 'scores are'} over 1 and became 1.")


def _count(number: int) -> str:
    return f"{number} {'instance was' if number == 1 else 'instances were'}"
