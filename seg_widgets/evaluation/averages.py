"""COCO's AP and AR, from detections that were matched (https://cocodataset.org/#detection-eval)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from .coco_matching import IOU_THRESHOLDS, SIZES, Matched, match_pool
from .pool import Pool

__all__ = ["FIGURES", "MAX_DETECTIONS", "RECALLS", "Averages", "average", "interpolated"]

MAX_DETECTIONS: Final = (1, 10, 100)
"""COCO's three limits of detections of a class in an image."""

RECALLS: Final[npt.NDArray[np.float64]] = np.linspace(0, 1, 101)
"""The recalls at which precision is averaged."""

FIGURES: Final = (
    *("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR1", "AR10", "AR100", "AR_small", "AR_medium", "AR_large"),
)
"""COCO's twelve figures, in the order in which pycocotools prints them."""

_AP50, _AP75 = 0, 5


@dataclass(frozen=True, eq=False)
class Averages:
    """AP and AR of K classes, by IoU threshold and size; not a number where there is no object."""

    ap: npt.NDArray[np.float64]
    """A×T×K: the average precision, 0 to 1."""

    ar: npt.NDArray[np.float64]
    """A×T×K×3: the recall of the best 1, 10 and 100 detections, 0 to 1."""

    objects: npt.NDArray[np.int64]
    """A×K: how many objects there are."""

    class_names: tuple[str, ...]
    """The names of the classes."""

    @property
    def figures(self) -> dict[str, float | None]:
        """COCO's twelve figures, over all classes that have an object; None: there is none."""
        return self._figures(slice(None))

    def of_class(self, class_id: int) -> dict[str, float | None]:
        """COCO's twelve figures of one class.

        Args:
            class_id: its number.

        Returns:
            Each figure, 0 to 1; None: there is no object.
        """
        return self._figures(slice(class_id, class_id + 1))

    def by_class(self) -> dict[str, dict[str, float | None]]:
        """COCO's twelve figures of each class, by its name."""
        return {name: self.of_class(number) for number, name in enumerate(self.class_names)}

    def _figures(self, classes: slice) -> dict[str, float | None]:
        ap, ar = self.ap[:, :, classes], self.ar[:, :, classes]
        values = [ap[0], ap[0, _AP50], ap[0, _AP75], *ap[1:]]
        values += [ar[0, ..., limit] for limit in range(ar.shape[-1])] + [*ar[1:, ..., -1]]
        return {name: _mean(value) for name, value in zip(FIGURES, values, strict=True)}


def average(
    pool: Pool,
    max_detections: tuple[int, int, int] = MAX_DETECTIONS,
    matched: Matched | None = None,
) -> Averages:
    """Compute COCO's AP and AR.

    Args:
        pool: the images.
        max_detections: three rising limits of the detections of a class in an image.
        matched: what `match_pool` gave of the same pool and the largest limit; None: it is called.

    Returns:
        The figures, equal to those of pycocotools.
    """
    if matched is None:
        matched = match_pool(pool, max_detections=max_detections[-1])
    shape = len(SIZES), len(IOU_THRESHOLDS), len(pool.class_names)
    ap, ar = np.full(shape, np.nan), np.full((*shape, len(max_detections)), np.nan)
    objects = np.array(
        [np.bincount(pool.true_class[counts], minlength=shape[2]) for counts in matched.counts]
    ).reshape(shape[0], shape[2])
    for class_id, order in by_class(pool):
        # Those beyond the limit are not part of the list at all.
        order = order[pool.rank[order] < max_detections[-1]]
        hits, ignored = matched.is_hit[:, :, order], matched.is_ignored[:, :, order]
        for size in np.flatnonzero(objects[:, class_id]):
            number = int(objects[size, class_id])
            ap[size, :, class_id] = interpolated(hits[size], ignored[size], number)
            for place, limit in enumerate(max_detections):
                found = hits[size][:, pool.rank[order] < limit].sum(axis=1)
                ar[size, :, class_id, place] = found / number
    return Averages(ap, ar, objects, pool.class_names)


def by_class(pool: Pool) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """The detections of each class by falling score; of equal ones those of earlier images first.

    Args:
        pool: the images.

    Yields:
        Each class id, and where its detections are.
    """
    order = np.lexsort((-pool.score, pool.class_id))
    bounds = np.searchsorted(pool.class_id[order], np.arange(len(pool.class_names) + 1))
    for class_id in range(len(pool.class_names)):
        yield class_id, order[bounds[class_id] : bounds[class_id + 1]]


def interpolated(
    hits: npt.NDArray[np.bool_], ignored: npt.NDArray[np.bool_], objects: int
) -> npt.NDArray[np.float64]:
    """The average precision of one class, interpolated at 101 recalls as pycocotools does it.

    Args:
        hits: T×n booleans, by falling score: whether each detection found an object.
        ignored: T×n booleans: whether it counts neither way.
        objects: how many objects there are, 1 or more.

    Returns:
        T average precisions, 0 to 1.
    """
    found = np.cumsum(hits, axis=1, dtype=np.float64)
    wrong = np.cumsum(~hits & ~ignored, axis=1, dtype=np.float64)
    recall = found / objects
    precision = found / (wrong + found + np.spacing(1))
    # The best precision at this recall or a higher one; none beyond the last.
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    precision = np.concatenate((precision, np.zeros((len(hits), 1))), axis=1)
    places = [np.searchsorted(row, RECALLS, side="left") for row in recall]
    values = np.take_along_axis(precision, np.array(places), axis=1)
    return np.asarray(values.mean(axis=1), dtype=float)


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None
