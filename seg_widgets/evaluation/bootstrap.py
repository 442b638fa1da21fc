"""AP of images that are drawn anew, from what each image contributes: nothing is matched again.

Matching knows no other image, so a draw only counts each image's detections and objects as often
as it was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from .averages import RECALLS

__all__ = ["ClassSample", "resampled_ap", "weights_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_NUMBERS_AT_ONCE: Final = 2_000_000  # of one array: 16 MB


@dataclass(frozen=True, eq=False)
class ClassSample:
    """What all images contribute to the AP of one class; n detections by falling score."""

    image: Ints
    """n: each detection's image."""

    hits: Bools
    """T×n: whether it found an object, at each IoU threshold."""

    ignored: Bools
    """T×n: whether it counts neither way."""

    objects: Ints
    """I: how many objects each image has."""


def weights_of(images: int, resamples: int, seed: int) -> Ints:
    """How often each image is drawn.

    Args:
        images: I, how many there are.
        resamples: R, how often so many are drawn.
        seed: of the random numbers.

    Returns:
        R×I counts; each row sums up to I.
    """
    random = np.random.default_rng(seed)
    return random.multinomial(images, np.full(images, 1 / images), size=resamples)


def resampled_ap(sample: ClassSample, weights: Ints) -> Floats:
    """The AP of one class in each draw.

    Args:
        sample: what the images contribute.
        weights: R×I, how often each image was drawn.

    Returns:
        R×T average precisions, 0 to 1; not a number where no object was drawn.
    """
    objects = weights @ sample.objects
    result = np.zeros((len(weights), len(sample.hits)))
    # What scores less than the last hit changes nothing.
    last = np.flatnonzero(sample.hits.any(axis=0))
    count = int(last[-1]) + 1 if len(last) else 0
    step = max(_NUMBERS_AT_ONCE // max(count, 1), 1)
    for start in range(0, len(weights) if count else 0, step):
        rows = slice(start, start + step)
        times = weights[rows][:, sample.image[:count]]
        for threshold, hits in enumerate(sample.hits[:, :count]):
            wrong = ~hits & ~sample.ignored[threshold, :count]
            result[rows, threshold] = _ap(times * hits, times * wrong, objects[rows])
    result[objects == 0] = np.nan
    return result


def _ap(hits: Ints, wrong: Ints, objects: Ints) -> Floats:
    """R average precisions, interpolated at 101 recalls."""
    found, false = np.cumsum(hits, axis=1), np.cumsum(wrong, axis=1)
    precision = found / np.maximum(found + false, 1)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    precision = np.concatenate((precision, np.zeros((len(hits), 1))), axis=1)

    # One search in all rows: each row's numbers lie above those of the rows before.
    needed = np.ceil(RECALLS * objects[:, None] - 1e-9).astype(np.int64)
    width = found.shape[1]
    apart = np.arange(len(found)) * (int(found.max(initial=0)) + int(objects.max(initial=0)) + 1)
    apart = apart[:, None]
    places = np.searchsorted((found + apart).ravel(), (needed + apart).ravel())
    places = places.reshape(needed.shape) - np.arange(len(found))[:, None] * width
    values: Floats = np.take_along_axis(precision, np.clip(places, 0, width), axis=1).mean(axis=1)
    return values
