"""When two predictions are equal, and how one is copied and pickled."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = ["are_equal", "content_hash", "reduced"]

_ARRAYS = ("boxes", "scores", "class_ids")
_OTHERS = ("image_size", "class_names", "category_ids", "masks")


def are_equal(prediction: Prediction, other: object) -> bool:
    """Whether two predictions have the same content; it is `Prediction.__eq__`.

    Their notes don't count: they say how a prediction came about, not what was found.
    """
    if type(other) is not type(prediction):
        return NotImplemented  # type: ignore[no-any-return]
    others_equal = all(getattr(prediction, name) == getattr(other, name) for name in _OTHERS)
    return others_equal and all(
        np.array_equal(getattr(prediction, name), getattr(other, name)) for name in _ARRAYS
    )


def content_hash(prediction: Prediction) -> int:
    """A hash of the content; it is `Prediction.__hash__`."""
    # 0.0 and -0.0 are equal, but their bytes are not; adding 0 makes both 0.0.
    arrays = tuple((getattr(prediction, name) + 0).tobytes() for name in _ARRAYS)
    return hash((arrays, *(getattr(prediction, name) for name in _OTHERS)))


def reduced(prediction: Prediction) -> tuple[type[Prediction], tuple[Any, ...]]:
    """How to make the same prediction anew; it is `Prediction.__reduce__`.

    NumPy forgets that an array is read-only when it copies or pickles it. Made anew, it is.
    """
    values = tuple(getattr(prediction, part.name) for part in fields(prediction))
    return type(prediction), values
