"""What came of each detection and object at one threshold: hits, wrong classes, false alarms,
misses.

The rule is that of `seg_widgets.prediction.match`, and so of the canvas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .coco_matching import take_in_turns
from .pool import Pool

__all__ = ["Confusion", "ImageScore", "Outcomes", "f1_of", "outcomes"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def f1_of(hits: float, wrong: float, missed: float) -> float:
    """F1 of counts; 1 where there is nothing to find and nothing was found.

    Args:
        hits: detections that are right.
        wrong: detections that are not.
        missed: objects that were not found.
    """
    both = 2 * hits + wrong + missed
    return 2 * hits / both if both else 1.0


@dataclass(frozen=True)
class ImageScore:
    """How well one image was done, at one threshold."""

    place: int
    """Its number among the images."""

    name: str
    """What it is called."""

    hits: int
    """Detections that are right."""

    false_alarms: int
    """Detections of nothing, or a second time of the same object."""

    wrong_classes: int
    """Detections of an object of another class."""

    missed: int
    """Objects that no detection of their class found."""

    @property
    def errors(self) -> int:
        """Wrong detections and missed objects; one with a wrong class is both."""
        return self.false_alarms + self.wrong_classes + self.missed

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 0 to 1."""
        return f1_of(self.hits, self.false_alarms + self.wrong_classes, self.missed)


@dataclass(frozen=True, eq=False)
class Confusion:
    """Which class was found as which, at one threshold."""

    matrix: Ints
    """(K+1)×(K+1) counts. Rows are the true classes, then "background"; columns are the classes
    that were found, then "missed"."""

    class_names: tuple[str, ...]
    """The names of the K classes."""

    threshold: float | Mapping[str, float]
    """The least score that was counted, 0 to 1, or that of each class."""

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of the rows."""
        return (*self.class_names, "background")

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return (*self.class_names, "missed")


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What came of N detections and M objects at one threshold."""

    pool: Pool
    """The images."""

    threshold: float | Mapping[str, float]
    """The least score that counts, 0 to 1, or that of each class."""

    shown: Bools
    """N: whether the detection counts: it reaches the threshold, and no crowd took it."""

    partner: Ints
    """N: the object that it found, if need be of another class; -1: none."""

    hit: Bools
    """N: whether it found an object of its class."""

    found: Bools
    """M: whether a detection of its class found the object."""

    @cached_property
    def confusion(self) -> Confusion:
        """Which class was found as which."""
        pool, size = self.pool, len(self.pool.class_names)
        matrix = np.zeros((size + 1, size + 1), np.int64)
        paired = self.shown & (self.partner >= 0)
        np.add.at(matrix, (pool.true_class[self.partner[paired]], pool.class_id[paired]), 1)
        alone = pool.class_id[self.shown & (self.partner < 0)]
        matrix[size, :size] = np.bincount(alone, minlength=size)
        met = np.zeros(len(pool.crowd), bool)
        met[self.partner[paired]] = True
        unmet = pool.true_class[~met & ~pool.crowd]
        matrix[:size, size] = np.bincount(unmet, minlength=size)
        return Confusion(matrix, pool.class_names, self.threshold)

    def images(self, names: tuple[str, ...]) -> tuple[ImageScore, ...]:
        """Each image with its counts.

        Args:
            names: what the images are called.

        Returns:
            They, in the order of the images.
        """
        wrong = self.shown & ~self.hit
        columns = (
            (self.pool.image, self.shown & self.hit),
            (self.pool.image, wrong & (self.partner < 0)),
            (self.pool.image, wrong & (self.partner >= 0)),
            (self.pool.true_image, ~self.found & ~self.pool.crowd),
        )
        counts = [
            np.bincount(image[which], minlength=self.pool.images).tolist()
            for image, which in columns
        ]
        rows = zip(names, *counts, strict=True)
        return tuple(ImageScore(place, *row) for place, row in enumerate(rows))


def outcomes(
    pool: Pool, true: Ints, threshold: float | Mapping[str, float], iou: float
) -> Outcomes:
    """Say what came of each detection and object.

    Args:
        pool: the images.
        true: N: the object of its class that each detection took, -1: none, whatever it scored.
        threshold: the least score that counts, 0 to 1; or that of each class, by name.
        iou: the IoU threshold, 0.1 to 1.

    Returns:
        The outcomes.
    """
    if isinstance(threshold, Mapping):
        by_class = np.array([threshold[name] for name in pool.class_names], float)
    else:
        by_class = np.full(len(pool.class_names), threshold)
    least = by_class[pool.class_id].astype(np.float32)
    # In the numbers in which scores are kept, so that a score is over itself.
    reaches = pool.score.astype(np.float32) >= least
    has = reaches & (true >= 0)
    in_crowd = np.zeros_like(has)
    in_crowd[has] = pool.crowd[true[has]]
    shown = reaches & ~in_crowd
    hit = has & ~in_crowd
    found = np.zeros(len(pool.crowd), bool)
    found[true[hit]] = True

    # What is left on both sides, whatever the class: found, but not named.
    left = shown & ~hit
    order = np.lexsort((pool.index, -pool.score, pool.image))
    order = order[left[order]]
    turn = np.zeros(len(left), np.int64)
    turn[order] = _places(pool.image[order])
    may = left[pool.pair_detection] & ~(found | pool.crowd)[pool.pair_true]
    may &= pool.class_id[pool.pair_detection] != pool.true_class[pool.pair_true]
    nobody = np.zeros((1, len(pool.crowd)), bool)
    others = take_in_turns(pool, turn[pool.pair_detection], may, np.array([iou]), nobody)[0, 0]
    partner = np.where(hit, true, others)
    return Outcomes(pool, threshold, shown, partner, hit, found)


def _places(group: Ints) -> Ints:
    """The place of each entry in its group; groups lie together."""
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    return np.arange(len(group)) - np.repeat(starts, np.diff([*starts.tolist(), len(group)]))
