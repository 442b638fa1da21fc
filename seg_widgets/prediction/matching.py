"""Which detections are right: COCO's rule at one IoU threshold, with wrong classes named.

`viewer/static/canvas/matching.js` has the same rule; `tests/viewer/test_matching.py` compares both
in one generated table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ..errors import PredictionError, SettingError
from .checks import read_only
from .filter import Filter
from .matches import Match, Matches
from .overlap import LEAST_IOU, Overlaps, overlaps
from .truth import GroundTruth

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = ["DEFAULT_IOU", "Assignment", "assign", "check_iou", "match"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DEFAULT_IOU: Final = 0.5
"""The IoU threshold where nothing else is said."""

_NOBODY: Final = -1
_ALMOST_ONE: Final = 1 - 1e-10  # pycocotools: equal masks may have an IoU that was rounded down


@dataclass(frozen=True, eq=False)
class Assignment:
    """Which detection has which true instance; the indices are those of the `Overlaps`."""

    detections: IntArray
    """N int64: the true instance of each detection, or -1."""

    truths: IntArray
    """M int64: the detection of each true instance, the last one of a crowd, or -1."""


def assign(
    pairs: Overlaps,
    order: Sequence[int],
    *,
    usable: BoolArray,
    crowd: BoolArray,
    ignored: BoolArray,
    iou: float,
) -> Assignment:
    """Give detections their true instances, as pycocotools' `evaluateImg` does.

    One detection after the other takes the instance with the highest IoU that is left; of equal
    ones the last. One that counts is preferred to one that is ignored, and crowds are never used
    up.

    Args:
        pairs: the overlaps of all detections and true instances.
        order: the detections that take part, the surest first.
        usable: P booleans: the pairs that may be matched, such as those of one class.
        crowd: M booleans: true instances that are taken any number of times.
        ignored: M booleans: true instances that count neither way; crowds are among them.
        iou: the IoU threshold, from the matrix's `least` to 1.

    Returns:
        The assignment.
    """
    count, others = pairs.shape
    takes, taken = np.full(count, _NOBODY), np.full(others, _NOBODY)
    starts = np.searchsorted(pairs.detections, np.arange(count + 1)).tolist()
    usable_list, crowd_list, ignored_list = usable.tolist(), crowd.tolist(), ignored.tolist()
    truths, ious = pairs.truths.tolist(), pairs.ious.tolist()
    is_taken = [False] * others
    least = min(iou, _ALMOST_ONE)
    for index in order:
        best, highest = _NOBODY, least
        for pair in range(starts[index], starts[index + 1]):
            truth, value = truths[pair], ious[pair]
            if not usable_list[pair] or (is_taken[truth] and not crowd_list[truth]):
                continue
            gains = best != _NOBODY and ignored_list[best] and not ignored_list[truth]
            loses = best != _NOBODY and ignored_list[truth] and not ignored_list[best]
            if (gains and value >= least) or (not loses and value >= highest):
                best, highest = truth, value
        if best != _NOBODY:
            takes[index], taken[best] = best, index
            is_taken[best] = True
    return Assignment(takes, taken)


def match(
    found: Prediction,
    truth: GroundTruth | Prediction,
    *,
    iou: float = DEFAULT_IOU,
    only: Filter | None = None,
    pairs: Overlaps | None = None,
) -> Matches:
    """Match detections with the truth by COCO's rule, as pycocotools does at one IoU threshold.

    By score, of equal ones the first of the prediction first, each detection takes the true
    instance of its class with the highest IoU at or above the threshold that no other has. One
    that finds none, and lies in a crowd of its class or in a region to ignore, is ignored. Then,
    again by score, those that are left take a true instance of another class that is left: they
    have the wrong class. What the model lacks the class of counts as missed, which `notes` says.

    What `only` tidies away takes no part. The overlaps stay those of the masks as they are given,
    also where it changes masks.

    Args:
        found: what was found.
        truth: what there is; a second prediction is taken as the truth, where `only` applies to
            its scores, too.
        iou: the IoU threshold, 0.1 to 1.
        only: which detections count; classes that it hides are hidden on both sides, and only what
            was found is tidied up. None: all.
        pairs: the overlaps of both, where they are known already.

    Returns:
        The matches.

    Raises:
        SettingError: `iou` is out of its range.
        PredictionError: `truth` is something else, the images have different sizes, or `pairs`
            belong to something else.
    """
    from .prediction import Prediction

    iou = check_iou(iou)
    given = truth
    _check_kinds(found, only, pairs)
    if not isinstance(truth, GroundTruth):
        if not isinstance(truth, Prediction):
            raise PredictionError(
                f"A truth is a GroundTruth or a Prediction, and no {type(truth).__name__}; "
                "GroundTruth.of makes one of files, label images and more."
            )
        truth = GroundTruth(truth, np.zeros(len(truth), bool))
    true = truth.prediction
    pairs = overlaps(found, truth) if pairs is None else pairs
    if pairs.shape != (len(found), len(true)) or pairs.least > iou:
        raise PredictionError(
            f"These overlaps are of {pairs.shape[0]} detections and {pairs.shape[1]} true "
            f"instances from an IoU of {pairs.least:g} on, and not of these."
        )
    only = Filter() if only is None else only
    kept = only.keep(found)
    hidden = Filter(hidden_classes=only.hidden_classes)
    if isinstance(given, GroundTruth):
        there = hidden.keep(true)
    else:
        there = Filter(only.threshold, only.hidden_classes, only.class_thresholds).keep(true)

    is_same = _same_class(found, true)[
        found.class_ids[pairs.detections], true.class_ids[pairs.truths]
    ]
    is_same |= truth.of_any_class[pairs.truths]
    shown = kept[pairs.detections] & there[pairs.truths]
    order = np.argsort(-found.scores, kind="stable")
    order = order[kept[order]]
    crowd = truth.crowd
    first = assign(
        pairs, order.tolist(), usable=shown & is_same, crowd=crowd, ignored=crowd, iou=iou
    )

    # What is left on both sides, whatever the class: an instance that was found, but not named.
    left = order[first.detections[order] == _NOBODY]
    free = (first.truths == _NOBODY) & ~crowd
    second = assign(
        pairs,
        left.tolist(),
        usable=shown & ~is_same & free[pairs.truths],
        crowd=np.zeros_like(crowd),
        ignored=np.zeros_like(crowd),
        iou=iou,
    )
    return _matches(found, truth, iou, pairs, kept, there, first, second)


def _check_kinds(found: object, only: object, pairs: object) -> None:
    from .prediction import Prediction

    if not isinstance(found, Prediction):
        raise PredictionError(
            f"What was found is a Prediction, and no {type(found).__name__}; Prediction.of makes "
            "one of other results."
        )
    if only is not None and not isinstance(only, Filter):
        raise SettingError(f"only is a Filter, such as Filter(0.5), and not {only!r:.80}.")
    if pairs is not None and not isinstance(pairs, Overlaps):
        raise SettingError(
            f"pairs are Overlaps, which overlaps() gives, and no {type(pairs).__name__}."
        )


def _matches(
    found: Prediction,
    truth: GroundTruth,
    iou: float,
    pairs: Overlaps,
    kept: BoolArray,
    there: BoolArray,
    first: Assignment,
    second: Assignment,
) -> Matches:
    """Two rounds of matching as one result."""
    crowd = truth.crowd
    has = first.detections != _NOBODY
    in_crowd = np.zeros(len(found), bool)
    in_crowd[has] = crowd[first.detections[has]]
    of_found = np.select(
        [~kept, in_crowd, has, second.detections != _NOBODY],
        [Match.LEFT_OUT, Match.IGNORED, Match.HIT, Match.WRONG_CLASS],
        Match.FALSE_ALARM,
    )
    of_truth = np.select(
        [~there, crowd, first.truths != _NOBODY],
        [Match.LEFT_OUT, Match.IGNORED, Match.HIT],
        Match.MISSED,
    )
    partners = np.where(has, first.detections, second.detections)
    back = np.where(first.truths != _NOBODY, first.truths, second.truths)
    for index in np.flatnonzero(crowd & (back != _NOBODY)).tolist():
        # Of all that a crowd swallowed, the surest.
        inside = np.flatnonzero(partners == index)
        back[index] = inside[np.argmax(found.scores[inside])]

    ious = np.full(len(found), np.nan)
    is_pair = partners[pairs.detections] == pairs.truths
    ious[pairs.detections[is_pair]] = pairs.ious[is_pair]
    return Matches(
        found,
        truth,
        iou,
        read_only(of_found.astype(np.int64)),
        read_only(of_truth.astype(np.int64)),
        read_only(partners),
        read_only(back),
        read_only(ious),
    )


def _same_class(found: Prediction, true: Prediction) -> BoolArray:
    """Which classes of both vocabularies have the same name."""
    # By name, as the browser has it: two classes of a vocabulary may have the same.
    rows, columns = (np.array(one.class_names, object) for one in (found, true))
    same = np.zeros((len(rows), len(columns)), bool)
    same[:] = rows[:, None] == columns
    return same


def check_iou(value: object) -> float:
    """Check an IoU threshold.

    Args:
        value: a number from 0.1 to 1.

    Returns:
        It as a float.

    Raises:
        SettingError: it is no such number (NaN is not).
    """
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    number = float(value) if is_number and not isinstance(value, bool) else float("nan")  # type: ignore[arg-type]
    if not LEAST_IOU <= number <= 1:
        raise SettingError(
            f"An IoU threshold lies between {LEAST_IOU:g} and 1, but {value!r:.80} was given; 0.5 "
            "is usual."
        )
    return number
