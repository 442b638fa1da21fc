"""Where the errors come from, by the definitions of TIDE.

D. Bolya, S. Foley, J. Hays, J. Hoffman: TIDE: A General Toolbox for Identifying Object Detection
Errors, ECCV 2020, https://arxiv.org/abs/2008.08115. Written from the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from .averages import interpolated
from .coco_matching import Matched
from .pool import Pool

__all__ = ["ERROR_KINDS", "ErrorKinds", "error_kinds"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

ERROR_KINDS: Final[Mapping[str, str]] = {
    "classification": "an object is found at an IoU of 0.5 or more, but named as another class",
    "localisation": "an object of the class is met at an IoU of 0.1 to 0.5",
    "both": "an object of another class is met at an IoU of 0.1 to 0.5",
    "duplicate": "the object was found already, by a detection that scores more",
    "background": "nothing is there: the IoU with every object is 0.1 or less",
    "missed": "an object that no detection found, nor any wrong one would have",
}
"""TIDE's six kinds, with what each means."""

_CLASS, _PLACE, _BOTH, _DUPLICATE, _BACKGROUND = range(5)
_NONE: Final = -1
_FOREGROUND_IOU: Final = 0.5
_BACKGROUND_IOU: Final = 0.1


@dataclass(frozen=True)
class ErrorKinds:
    """The errors of each kind, and what AP50 would gain without them."""

    ap50: float
    """AP50 as it is, 0 to 1, over the classes that have an object."""

    counts: Mapping[str, int]
    """How many errors there are, by kind."""

    gains: Mapping[str, float]
    """TIDE's dAP: how much AP50 rises when only this kind is mended, 0 to 1."""

    false_positives: float
    """How much AP50 rises without any wrong detection, 0 to 1."""

    false_negatives: float
    """How much AP50 rises when objects that are not found don't count, 0 to 1."""


def error_kinds(pool: Pool, matched: Matched) -> ErrorKinds:
    """Sort all errors into TIDE's kinds.

    Args:
        pool: the images.
        matched: what `match_pool` gave for it; its first size is "all", its first threshold 0.5.

    Returns:
        Counts and gains.
    """
    sorter = _Sorter(pool, matched)
    kind, target = sorter.kind, sorter.target
    is_missed = sorter.missed()
    judged = _Judged(pool, matched, sorter.objects())
    before = judged.ap50()

    mended = sorter.mended()
    gains, counts = {}, {}
    for number, name in enumerate(ERROR_KINDS):
        if name == "missed":
            counts[name] = int(is_missed.sum())
            gains[name] = judged.ap50(fewer=pool.true_class[is_missed]) - before
            continue
        own = kind == number
        counts[name] = int(own.sum())
        right = own & mended
        # A wrong class or outline is put right, once an object; all else is taken away.
        named = pool.class_id.copy()
        named[right] = pool.true_class[target[right]]
        gains[name] = judged.ap50(named, right, own & ~right) - before
    false = kind != _NONE
    unfound = pool.true_class[sorter.unfound]
    return ErrorKinds(
        before,
        counts,
        {name: max(gain, 0.0) for name, gain in gains.items()},
        max(judged.ap50(without=false) - before, 0.0),
        max(judged.ap50(fewer=unfound) - before, 0.0),
    )


class _Sorter:
    """Finds the kind of each wrong detection, and the object that it means."""

    def __init__(self, pool: Pool, matched: Matched) -> None:
        self._pool = pool
        hit, ignored = matched.is_hit[0, 0], matched.is_ignored[0, 0]
        is_true = ~pool.crowd
        self._used = np.zeros(len(pool.crowd), bool)
        self._used[matched.true[0, 0][hit]] = True
        self.unfound = is_true & ~self._used

        own = pool.class_id[pool.pair_detection] == pool.true_class[pool.pair_true]
        counts = is_true[pool.pair_true]
        same, same_true = self._best(own & counts)
        other, other_true = self._best(~own & counts)
        used, _ = self._best(own & counts & self._used[pool.pair_true])
        wrong = ~hit & ~ignored
        tests = (
            (_PLACE, (same >= _BACKGROUND_IOU) & (same <= _FOREGROUND_IOU)),
            (_CLASS, other >= _FOREGROUND_IOU),
            (_DUPLICATE, used >= _FOREGROUND_IOU),
            (_BACKGROUND, np.maximum(same, other) <= _BACKGROUND_IOU),
        )
        conditions = [~wrong, *(test for _, test in tests)]
        self.kind = np.select(conditions, [_NONE, *(number for number, _ in tests)], _BOTH)
        self.target = np.select(
            [self.kind == _PLACE, self.kind == _CLASS], [same_true, other_true], _NONE
        )

    def objects(self) -> Ints:
        """K: how many objects each class has."""
        classes = self._pool.true_class[~self._pool.crowd]
        return np.bincount(classes, minlength=len(self._pool.class_names))

    def missed(self) -> Bools:
        """M: the objects that neither a detection found, nor a mended one would."""
        meant = np.zeros(len(self._used), bool)
        meant[self.target[self.target >= 0]] = True
        return self.unfound & ~meant

    def mended(self) -> Bools:
        """N: the wrong detections that become right: the surest one of each object that is free."""
        places = np.flatnonzero(self.target >= 0)
        places = places[~self._used[self.target[places]]]
        # The first of each object: the one with the highest score.
        places = places[np.argsort(-self._pool.score[places], kind="stable")]
        _, firsts = np.unique(self.target[places], return_index=True)
        result = np.zeros(len(self.target), bool)
        result[places[firsts]] = True
        return result

    def _best(self, chosen: Bools) -> tuple[Floats, Ints]:
        """The highest IoU of each detection among some pairs, and the object that has it."""
        pool = self._pool
        pairs = np.flatnonzero(chosen)
        # The last of a detection stays: the highest IoU, of equal ones the first object.
        pairs = pairs[np.lexsort((-pool.pair_true[pairs], pool.pair_iou[pairs]))]
        best, true = np.zeros(len(pool.score)), np.full(len(pool.score), _NONE)
        best[pool.pair_detection[pairs]] = pool.pair_iou[pairs]
        true[pool.pair_detection[pairs]] = pool.pair_true[pairs]
        return best, true


class _Judged:
    """AP50 of detections, some of which were mended or taken away."""

    def __init__(self, pool: Pool, matched: Matched, objects: Ints) -> None:
        self._pool, self._objects = pool, objects
        self._hit, self._ignored = matched.is_hit[0, 0], matched.is_ignored[0, 0]

    def ap50(
        self,
        named: Ints | None = None,
        right: Bools | None = None,
        without: Bools | None = None,
        fewer: Ints | None = None,
    ) -> float:
        """Compute it.

        Args:
            named: N: other classes of the detections.
            right: N: those that become right.
            without: N: those that are taken away.
            fewer: the classes of objects that don't count.

        Returns:
            AP50, 0 to 1, over the classes that have an object.
        """
        class_id = self._pool.class_id if named is None else named
        hit = self._hit if right is None else self._hit | right
        left = ~self._ignored if without is None else ~self._ignored & ~without
        objects = self._objects
        if fewer is not None:
            objects = objects - np.bincount(fewer, minlength=len(objects))
        order = np.lexsort((-self._pool.score, class_id))
        order = order[left[order]]
        bounds = np.searchsorted(class_id[order], np.arange(len(objects) + 1))
        values = []
        for number in np.flatnonzero(self._objects):
            hits = hit[order[bounds[number] : bounds[number + 1]]][None]
            if objects[number]:
                value = interpolated(hits, np.zeros_like(hits), int(objects[number]))
                values.append(float(value[0]))
            elif hits.size:
                # Nothing is left to find, but something was.
                values.append(0.0)
        return float(np.mean(values)) if values else 0.0
