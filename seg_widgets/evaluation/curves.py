"""Precision, recall and F1 over the threshold, and which threshold to choose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from ..errors import SettingError
from ..prediction import check_threshold
from .arguments import real_number

__all__ = ["Curve", "OperatingPoint", "curve_of", "shown_threshold"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_DIGITS: Final = (2, 3, 4, 5, 6)


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and its price."""

    threshold: float
    """The least score that is shown, 0 to 1."""

    precision: float
    """The share of the detections that is right, 0 to 1; 1 where nothing is shown."""

    recall: float
    """The share of the objects that is found, 0 to 1."""

    f1: float
    """The harmonic mean of both, 0 to 1."""

    hits: int
    """How many detections are right."""

    wrong: int
    """How many are not."""

    missed: int
    """How many objects are not found."""

    def __str__(self) -> str:
        return (
            f"threshold {shown_threshold(self.threshold)}: precision {self.precision:.3f}, "
            f"recall {self.recall:.3f}, F1 {self.f1:.3f} ({self.hits:,} right, {self.wrong:,} "
            f"wrong, {self.missed:,} missed)"
        )


@dataclass(frozen=True, eq=False)
class Curve:
    """How precision and recall depend on the threshold; S scores, each once, falling."""

    scores: Floats
    """S: each score of a detection that counts."""

    hits: Ints
    """S: how many detections down to this score are right."""

    wrong: Ints
    """S: how many are not."""

    objects: int
    """How many objects there are."""

    @cached_property
    def precision(self) -> Floats:
        """S: the share of the detections down to each score that is right, 0 to 1."""
        return np.asarray(self.hits / np.maximum(self.hits + self.wrong, 1))

    @cached_property
    def recall(self) -> Floats:
        """S: the share of the objects that is found, 0 to 1."""
        return np.asarray(self.hits / max(self.objects, 1))

    @cached_property
    def f1(self) -> Floats:
        """S: the harmonic mean of both, 0 to 1."""
        return np.asarray(2 * self.hits / np.maximum(self.hits + self.wrong + self.objects, 1))

    def at(self, threshold: float) -> OperatingPoint:
        """The price of a threshold.

        Args:
            threshold: the least score that is shown, 0 to 1.

        Returns:
            What precision and recall become.

        Raises:
            SettingError: the threshold is out of its range.
        """
        least = check_threshold(threshold)
        shown = np.count_nonzero(self.scores.astype(np.float32) >= np.float32(least))
        return self._point(int(shown) - 1, least)

    def best(self) -> OperatingPoint | None:
        """The threshold with the highest F1, of equal ones the highest; None: nothing is right."""
        if not len(self.hits) or not self.hits[-1]:
            return None
        return self._point(int(self.f1.argmax()))

    def for_precision(self, precision: float) -> OperatingPoint | None:
        """The threshold that finds most, of those that reach a precision.

        Args:
            precision: over 0 to 1.

        Returns:
            The threshold with its price; None: no threshold reaches it.

        Raises:
            SettingError: `precision` is out of its range.
        """
        rule = "lies over 0 and up to 1"
        if not 0 < real_number("A precision", precision, rule) <= 1:
            raise SettingError(f"A precision {rule}, but {precision!r} was given.")
        places = np.flatnonzero((self.precision >= precision) & (self.hits > 0))
        if not len(places):
            return None
        most = self.hits[places].max()
        return self._point(int(places[self.hits[places] == most][0]))

    def _point(self, place: int, threshold: float | None = None) -> OperatingPoint:
        if threshold is None:
            threshold = self._rounded(place)
        if place < 0:
            return OperatingPoint(threshold, 1.0, 0.0, 0.0, 0, 0, self.objects)
        hits = int(self.hits[place])
        return OperatingPoint(
            threshold,
            float(self.precision[place]),
            float(self.recall[place]),
            float(self.f1[place]),
            hits,
            int(self.wrong[place]),
            self.objects - hits,
        )

    def _rounded(self, place: int) -> float:
        """A score rounded down as far as it shows the same detections."""
        score = float(self.scores[place])
        below = float(self.scores[place + 1]) if place + 1 < len(self.scores) else -1.0
        for digits in _DIGITS:
            short = math.floor(score * 10**digits) / 10**digits
            # As `Prediction.filter` compares: a rounded score can be equal to the next one there.
            if np.float32(below) < np.float32(short) <= np.float32(score):
                return short
        return score


def shown_threshold(threshold: float) -> str:
    """A threshold as text, with as many digits as show the same detections when it is typed again.

    Args:
        threshold: 0 to 1.

    Returns:
        Such as "0.50" or "0.9075".
    """
    for digits in _DIGITS:
        text = f"{threshold:.{digits}f}"
        if np.float32(text) == np.float32(threshold):
            return text
    return np.format_float_positional(np.float32(threshold), min_digits=2)


def curve_of(scores: Floats, hits: npt.NDArray[np.bool_], objects: int) -> Curve:
    """Make the curve of some detections.

    Args:
        scores: n scores of detections that count, in any order.
        hits: n booleans: whether each is right.
        objects: how many objects there are.

    Returns:
        The curve.
    """
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], hits[order]
    # Detections with the same score are shown together.
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)[: len(scores)])
    found = np.cumsum(hits, dtype=np.int64)[last]
    return Curve(scores[last], found, last + 1 - found, objects)
