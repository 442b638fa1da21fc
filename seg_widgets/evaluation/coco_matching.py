"""COCO's rule for many images at once: which detection finds which object.

By falling score, each detection takes the object of its class that it overlaps most and that is
still free; at least at the IoU threshold. A crowd, and an object of another size than is asked for,
is taken only where no other can be; what takes it counts neither way.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from .pool import Pool

__all__ = ["IOU_THRESHOLDS", "SIZES", "Matched", "match_pool", "take_in_turns"]

IOU_THRESHOLDS: Final[npt.NDArray[np.float64]] = np.linspace(0.5, 0.95, 10)
"""COCO's ten IoU thresholds: 0.5, 0.55, … 0.95."""

SIZES: Final = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""COCO's sizes: the least and the largest area in pixels."""

# An IoU of 1 has to reach a threshold of 1 whatever was rounded on the way.
_FULL: Final = 1 - 1e-10


@dataclass(frozen=True)
class Matched:
    """What came of N detections, for each of A sizes and T IoU thresholds."""

    true: npt.NDArray[np.int64]
    """A×T×N: the true object that each detection took; -1: none."""

    is_hit: npt.NDArray[np.bool_]
    """A×T×N: whether it found an object that counts."""

    is_ignored: npt.NDArray[np.bool_]
    """A×T×N: whether it counts neither way."""

    counts: npt.NDArray[np.bool_]
    """A×M: whether each true object counts."""


def match_pool(
    pool: Pool,
    thresholds: Sequence[float] | npt.NDArray[np.float64] = IOU_THRESHOLDS,
    sizes: Sequence[str] = tuple(SIZES),
    max_detections: int = 100,
) -> Matched:
    """Match the detections of many images.

    Args:
        pool: the images.
        thresholds: T IoU thresholds, 0.1 or more.
        sizes: A names of `SIZES`.
        max_detections: so many detections of a class count in an image, the best ones.

    Returns:
        What came of each; detections beyond the limit match nothing and are ignored.
    """
    limits = np.array([SIZES[name] for name in sizes])
    least, most = limits[:, :1], limits[:, 1:]
    passed_over = pool.crowd | (pool.true_area < least) | (pool.true_area > most)
    turn = pool.rank[pool.pair_detection]
    classes = pool.class_id[pool.pair_detection], pool.true_class[pool.pair_true]
    # A region to ignore has a number behind those of the classes.
    may = (classes[0] == classes[1]) | (classes[1] == len(pool.class_names))
    may &= turn < max_detections
    true = take_in_turns(pool, turn, may, np.asarray(thresholds, float), passed_over)

    is_matched = true >= 0
    if len(pool.crowd):
        took_passed = np.take_along_axis(passed_over[:, None], np.maximum(true, 0), axis=2)
    else:
        took_passed = np.zeros_like(is_matched)
    other_size = ((pool.area < least) | (pool.area > most))[:, None]
    is_ignored = np.where(is_matched, took_passed, other_size) | (pool.rank >= max_detections)
    return Matched(true, is_matched & ~is_ignored, is_ignored, ~passed_over)


def take_in_turns(
    pool: Pool,
    turn: npt.NDArray[np.int64],
    may: npt.NDArray[np.bool_],
    thresholds: npt.NDArray[np.float64],
    passed_over: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Let each detection take an object, the first of all groups first, then the second ones.

    Args:
        pool: the images.
        turn: P: when the pair's detection takes its object; in one turn no two detections may
            want the same object.
        may: P: whether the pair may be taken.
        thresholds: T IoU thresholds.
        passed_over: A×M: whether an object is taken only where no other can be.

    Returns:
        A×T×N: the object that each detection took; -1: none.
    """
    true = np.full((len(passed_over), len(thresholds), len(pool.score)), -1, np.int64)
    chosen = np.flatnonzero(may & (pool.pair_iou >= min(thresholds.min(initial=1), _FULL)))
    # The last of a detection's pairs is the one it likes best; of equal ones the later object, as
    # in pycocotools.
    keys = pool.pair_true, pool.pair_iou, pool.pair_detection, turn
    chosen = chosen[np.lexsort(tuple(key[chosen] for key in keys))]
    detection, other, iou = (
        array[chosen] for array in (pool.pair_detection, pool.pair_true, pool.pair_iou)
    )
    reaches = iou >= np.minimum(thresholds, _FULL)[:, None]
    taken = np.zeros((len(passed_over), len(thresholds), len(pool.crowd)), bool)
    bounds = np.searchsorted(turn[chosen], np.arange(turn[chosen].max(initial=-1) + 2))
    for start, end in itertools.pairwise(bounds.tolist()):
        if start == end:
            continue
        here, mine = slice(start, end), other[start:end]
        is_free = (~taken[:, :, mine] | pool.crowd[mine]) & reaches[:, here]
        # Objects that count come before all that don't.
        liking = np.arange(end - start) + (end - start) * ~passed_over[:, None, mine]
        firsts = np.flatnonzero(np.diff(detection[here], prepend=-1))
        best = np.maximum.reduceat(np.where(is_free, liking, -1), firsts, axis=2)
        size, threshold, place = np.nonzero(best >= 0)
        took = mine[best[size, threshold, place] % (end - start)]
        true[size, threshold, detection[here][firsts][place]] = took
        taken[size, threshold, took] = True
    return true
