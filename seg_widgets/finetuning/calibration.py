"""Put the score at which a model is most often right at 0.5, where the panel's slider begins.

Short training leaves a detector shy or bold: its scores come out too low or too high. The
background's bias in the classifier's last layer is moved so that the threshold with the best F1 on
the validation part becomes 0.5. With one likely class the odds of a score grow by one factor, so
the order of detections stays; the held-out part has no say. Where a shift down would push what is
found below the floor of the scores, softer ones (a temperature, as in
https://arxiv.org/abs/1706.04599) keep it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from .evaluation import FoundInstance, Truth

__all__ = [
    "Bin",
    "Matches",
    "best_threshold",
    "classifier_biases",
    "match",
    "reliability",
    "shift_scores",
]

_CLASSIFIER = re.compile(r"roi_heads\.box_predictor\.(\d+\.)?cls_score\.(weight|bias)")
MIN_SHARE = 0.01  # of the image: what a first look is for
LIMITS = (0.15, 0.85)


@dataclass(frozen=True)
class Matches:
    """Detections by falling score, whether the right class lies there (mask IoU ≥ 0.5), and how
    many objects exist."""

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    instances: int

    def f1(self) -> NDArray[np.float64]:
        """F1 when everything down to each detection is shown."""
        hits = np.cumsum(self.right)
        return np.asarray(2 * hits / (np.arange(1, len(hits) + 1) + self.instances), dtype=float)

    def f1_at(self, threshold: float) -> float:
        """F1 when everything with at least this score is shown; 0 when nothing is."""
        shown = int(np.count_nonzero(self.scores >= threshold))
        return float(self.f1()[shown - 1]) if shown else 0.0

    def f1_best(self) -> tuple[float, float]:
        """The highest F1 and the threshold that reaches it; (0, 0.5) when nothing was right."""
        f1 = self.f1()
        if not len(f1) or f1.max() == 0:
            return 0.0, 0.5
        return float(f1.max()), float(self.scores[int(f1.argmax())])


@dataclass(frozen=True)
class Bin:
    """The detections of one bin of scores, of `low` to `high`: how many, how many of them right,
    their mean score."""

    low: float
    high: float
    count: int
    right: int
    mean_score: float


def match(truths: Sequence[Truth], detections: Sequence[Sequence[FoundInstance]]) -> Matches:
    """Match detections with the truth, greedily by score; objects under `MIN_SHARE` and crowds
    count neither way."""
    scores: list[float] = []
    right: list[bool] = []
    instances = 0
    for truth, found in zip(truths, detections, strict=True):
        least = MIN_SHARE * truth.image.shape[0] * truth.image.shape[1]
        ignored = [item.crowd or coco_mask.area(item.rle) < least for item in truth.instances]
        instances += len(ignored) - sum(ignored)
        crowds = [int(item.crowd) for item in truth.instances]
        overlaps = coco_mask.iou(
            [item.rle for item in found], [item.rle for item in truth.instances], crowds
        )
        taken: set[int] = set()
        for index, item in enumerate(found):
            candidates = [
                number
                for number, other in enumerate(truth.instances)
                if number not in taken
                and other.class_id == item.class_id
                and overlaps[index][number] >= 0.5
            ]
            best = max(candidates, key=lambda number: float(overlaps[index][number]), default=None)
            if best is not None:
                taken.add(best)
            if (best is not None and ignored[best]) or (
                best is None and coco_mask.area(item.rle) < least
            ):
                continue
            scores.append(item.score)
            right.append(best is not None)
    order = np.argsort(-np.asarray(scores), kind="stable")
    return Matches(
        np.asarray(scores, dtype=float)[order], np.asarray(right, dtype=bool)[order], instances
    )


def reliability(matches: Matches, bins: int = 10) -> list[Bin]:
    """The detections sorted into bins of equal width: how often a score of so much is right (a
    reliability diagram)."""
    places = np.minimum((matches.scores * bins).astype(int), bins - 1)
    result = []
    for place in range(bins):
        scores, right = matches.scores[places == place], matches.right[places == place]
        mean = float(scores.mean()) if len(scores) else (place + 0.5) / bins
        result.append(Bin(place / bins, (place + 1) / bins, len(scores), int(right.sum()), mean))
    return result


def best_threshold(matches: Matches) -> float:
    """The lowest score threshold whose F1 is as good as the best, within `LIMITS`; 0.5 when nothing
    was found.

    As good: 98 % of it. F1 is flat at its top, and a person at a slider would rather see one object
    too many.
    """
    f1 = matches.f1()
    if not len(f1) or f1.max() == 0:
        return 0.5
    return float(np.clip(matches.scores[np.flatnonzero(f1 >= 0.98 * f1.max())[-1]], *LIMITS))


def classifier_biases(state: Iterable[str]) -> list[str]:
    """The names of the classifier's biases, one of each stage of a cascade; in each the last is the
    background's."""
    return [name for name in state if _CLASSIFIER.fullmatch(name) and name.endswith("bias")]


def shift_scores(
    state: dict[str, Any], threshold: float, temperature: float = 1.0
) -> dict[str, Any]:
    """Return the weights with the background's bias moved so that a score of `threshold` becomes
    0.5.

    All logits are divided by `temperature`: with more than 1 the scores move closer to 0.5. A
    cascade's score is the mean of its stages': there it becomes 0.5 where the stages agree, and
    about 0.5 elsewhere.
    """
    shifted = dict(state)
    for name in state:
        if _CLASSIFIER.fullmatch(name):
            shifted[name] = state[name] / temperature
    for name in classifier_biases(state):
        shifted[name][-1] += math.log(threshold / (1 - threshold)) / temperature
    return shifted
