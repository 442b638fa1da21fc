"""Put the score at which a model is most often right at 0.5, where the panel's slider begins.

After a short training the scores are too low or too high. The background's bias in the classifier's
last layer is moved so that the threshold with the best F1 on the validation part becomes 0.5. With
one likely class this multiplies the odds of a score, so the order of detections stays. Where it
would push detections below the score floor, a temperature (https://arxiv.org/abs/1706.04599) keeps
them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..prediction import DEFAULT_IOU, assign, overlaps
from .evaluation import FoundInstance, Measured, Truth, prediction_of, truth_of

__all__ = [
    "Bin",
    "Matches",
    "best_threshold",
    "calibrate",
    "classifier_biases",
    "match",
    "reliability",
    "shift_scores",
]

_CLASSIFIER = re.compile(r"roi_heads\.box_predictor\.(\d+\.)?cls_score\.(weight|bias)")
MIN_SHARE = 0.01  # of the image; smaller objects count neither way
LIMITS = (0.15, 0.85)  # of the thresholds that are moved to 0.5
_MIN_MATCHES = 10  # fewer correct detections say nothing about a threshold
_MAX_ROUNDS = 5
_CLOSE_ENOUGH = 0.02


@dataclass(frozen=True)
class Matches:
    """Detections by falling score.

    Attributes:
        scores: their scores.
        right: whether an object of the class lies there (mask IoU ≥ 0.5).
        instances: how many objects there are.
    """

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    instances: int

    def f1(self) -> NDArray[np.float64]:
        """Return F1 when everything down to each detection is shown, one value a detection."""
        hits = np.cumsum(self.right)
        return np.asarray(2 * hits / (np.arange(1, len(hits) + 1) + self.instances), dtype=float)

    def f1_at(self, threshold: float) -> float:
        """Return F1 when everything with at least this score is shown; 0 when nothing is."""
        shown = int(np.count_nonzero(self.scores >= threshold))
        return float(self.f1()[shown - 1]) if shown else 0.0

    def f1_best(self) -> tuple[float, float]:
        """Return the highest F1 and its threshold; (0, 0.5) when nothing was right."""
        f1 = self.f1()
        if not len(f1) or f1.max() == 0:
            return 0.0, 0.5
        return float(f1.max()), float(self.scores[int(f1.argmax())])


@dataclass(frozen=True)
class Bin:
    """The detections with scores from `low` to `high`.

    Attributes:
        low: the least score.
        high: the score where the next bin begins.
        count: how many there are.
        right: how many of them are right.
        mean_score: their mean score; the bin's middle where there are none.
    """

    low: float
    high: float
    count: int
    right: int
    mean_score: float


def match(truths: Sequence[Truth], detections: Sequence[Sequence[FoundInstance]]) -> Matches:
    """Match detections with the truth by COCO's rule.

    Objects under `MIN_SHARE` of the image, and crowds, count neither as hits nor as misses.

    Args:
        truths: images with their objects.
        detections: what was found in each, best first.
    """
    scores: list[float] = []
    right: list[bool] = []
    instances = 0
    for truth, found in zip(truths, detections, strict=True):
        every = [*truth.instances, *found]
        names = [
            str(number) for number in range(max((one.class_id for one in every), default=0) + 1)
        ]
        true = truth_of(truth, names)
        seen = prediction_of(found, true.prediction.image_size, names)
        least = MIN_SHARE * truth.image.shape[0] * truth.image.shape[1]
        ignored = true.crowd | (true.prediction.areas < least)
        instances += int(np.count_nonzero(~ignored))

        pairs = overlaps(seen, true)
        is_same = seen.class_ids[pairs.detections] == true.prediction.class_ids[pairs.truths]
        order = np.argsort(-seen.scores, kind="stable").tolist()
        taken = assign(
            pairs, order, usable=is_same, crowd=true.crowd, ignored=ignored, iou=DEFAULT_IOU
        ).detections
        for item, area, place in zip(found, seen.areas, taken, strict=True):
            is_ignored = area < least if place < 0 else ignored[place]
            if not is_ignored:
                scores.append(item.score)
                right.append(bool(place >= 0))
    order_of_all = np.argsort(-np.asarray(scores), kind="stable")
    return Matches(
        np.asarray(scores, dtype=float)[order_of_all],
        np.asarray(right, dtype=bool)[order_of_all],
        instances,
    )


def reliability(matches: Matches, bins: int = 10) -> list[Bin]:
    """Return a reliability diagram: how often a detection with so much score is right.

    Args:
        matches: the detections.
        bins: how many, of equal width.
    """
    bin_of = np.minimum((matches.scores * bins).astype(int), bins - 1)
    result = []
    for index in range(bins):
        scores, right = matches.scores[bin_of == index], matches.right[bin_of == index]
        mean = float(scores.mean()) if len(scores) else (index + 0.5) / bins
        result.append(Bin(index / bins, (index + 1) / bins, len(scores), int(right.sum()), mean))
    return result


def best_threshold(matches: Matches) -> float:
    """Return the lowest threshold whose F1 is at least 98 % of the best, within `LIMITS`.

    F1 is flat at its top, and a person at a slider would rather see one object too many. Where
    nothing was found it is 0.5.
    """
    f1 = matches.f1()
    if not len(f1) or f1.max() == 0:
        return 0.5
    return float(np.clip(matches.scores[np.flatnonzero(f1 >= 0.98 * f1.max())[-1]], *LIMITS))


def classifier_biases(state: Iterable[str]) -> list[str]:
    """Return the names of the classifier's biases, one a stage; the background's is the last value.

    Args:
        state: names of tensors.
    """
    return [name for name in state if _CLASSIFIER.fullmatch(name) and name.endswith("bias")]


def shift_scores(
    state: dict[str, Any], threshold: float, temperature: float = 1.0
) -> dict[str, Any]:
    """Return the weights with the background's bias moved: a score of `threshold` becomes 0.5.

    A cascade's score is the mean over its stages; it becomes 0.5 where the stages agree, and about
    0.5 elsewhere.

    Args:
        state: tensors by name; not changed.
        threshold: the score that becomes 0.5.
        temperature: all logits are divided by it; over 1 the scores move closer to 0.5.
    """
    shifted = dict(state)
    for name in state:
        if _CLASSIFIER.fullmatch(name):
            shifted[name] = state[name] / temperature
    for name in classifier_biases(state):
        shifted[name][-1] += math.log(threshold / (1 - threshold)) / temperature
    return shifted


def calibrate(
    state: dict[str, Any],
    truths: Sequence[Truth],
    measure: Callable[[dict[str, Any]], Measured],
    measured: Measured | None = None,
) -> tuple[dict[str, Any], float, Measured]:
    """Move the scores so that the best threshold on these images is 0.5.

    With fewer than ten right detections the scores are left as they are.

    Args:
        state: the weights by name; not changed.
        truths: the images to measure on.
        measure: what is found in them with given weights, and its figures.
        measured: what is found with `state`, where it is known already. Default: it is measured.

    Returns:
        The new weights, the score that became 0.5, and what the new weights find.
    """
    before = 0.5
    if measured is None:
        measured = measure(state)
    # The shift is exact for one box head and about right for a cascade, so it is repeated.
    for turn in range(_MAX_ROUNDS):
        matches = match(truths, measured.found)
        if not classifier_biases(state) or matches.right.sum() < _MIN_MATCHES:
            break
        threshold = best_threshold(matches)
        if turn == 0:
            before = threshold
        if abs(threshold - 0.5) < _CLOSE_ENOUGH:
            break
        state = shift_scores(state, threshold)
        measured = measure(state)
    return state, before, measured
