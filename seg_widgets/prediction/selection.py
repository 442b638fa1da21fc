"""Choosing instances of a prediction: by index, by class, in an order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import SettingError

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = ["Chosen", "SortKey", "class_ids_of", "indices_of", "sorted_indices"]

SortKey = Literal["score", "area", "class"]
"""What instances can be sorted by."""

Chosen = Iterable[int] | npt.NDArray[Any]
"""Instances by their indices, from the end where negative, or one boolean for each instance."""

_NAMES_IN_A_MESSAGE = 8


def indices_of(chosen: Chosen, count: int) -> npt.NDArray[np.int64]:
    """The indices of the instances that were chosen.

    Args:
        chosen: indices, from the end where negative, or `count` booleans.
        count: how many instances there are.

    Returns:
        int64, each from 0 to `count` - 1, in the order given.

    Raises:
        SettingError: one is not here, or they are neither whole numbers nor booleans.
    """
    array = np.asarray(chosen if isinstance(chosen, np.ndarray) else list(chosen))
    if array.dtype == bool:
        if array.shape != (count,):
            raise SettingError(
                f"A selection by booleans has one for each of the {count} instances."
            )
        return np.flatnonzero(array).astype(np.int64)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise SettingError(
            "A selection is a list of whole numbers, or of a boolean for each instance."
        )
    indices = array.astype(np.int64)
    if indices.size and not (-count <= indices.min() and indices.max() < count):
        raise SettingError(f"The selection names an instance that is not among the {count} here.")
    return np.where(indices < 0, indices + count, indices)


def class_ids_of(classes: Iterable[str | int], class_names: Sequence[str]) -> list[int]:
    """The ids of classes.

    Args:
        classes: names or ids.
        class_names: the model's whole vocabulary.

    Returns:
        The ids, in the order given.

    Raises:
        SettingError: the model has no such class, or one text was given instead of a list.
    """
    if isinstance(classes, str):
        raise SettingError(f"Give classes as a list, such as [{classes!r}], not as one text.")
    known = {name: class_id for class_id, name in enumerate(class_names)}
    ids = []
    for entry in classes:
        class_id = known.get(entry) if isinstance(entry, str) else int(entry)
        if class_id is None or not 0 <= class_id < len(class_names):
            raise SettingError(
                f"The model has no class {entry!r}; it knows {_list_names(class_names)}."
            )
        ids.append(class_id)
    return ids


def sorted_indices(prediction: Prediction, by: SortKey, descending: bool) -> list[int]:
    """The indices of all instances in an order; equal ones keep theirs.

    Args:
        prediction: what was found.
        by: "score", "area" or "class" (the name).
        descending: the largest first.

    Returns:
        N indices.

    Raises:
        SettingError: `by` is something else.
    """
    keys: Sequence[Any]
    if by == "score":
        keys = prediction.scores.tolist()
    elif by == "area":
        keys = prediction.areas.tolist()
    elif by == "class":
        keys = [prediction.class_names[class_id] for class_id in prediction.class_ids]
    else:
        raise SettingError(f'Instances are sorted by "score", "area" or "class", not by {by!r}.')
    return sorted(range(len(prediction)), key=keys.__getitem__, reverse=descending)


def _list_names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_IN_A_MESSAGE])
    if len(names) > _NAMES_IN_A_MESSAGE:
        return f"{shown} … ({len(names)} in all)"
    return shown or "no classes"
