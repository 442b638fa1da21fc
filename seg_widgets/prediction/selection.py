"""Choosing instances of a prediction: by index, by class, in an order. Five of these functions are
methods of `Prediction`."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import SettingError
from .filter import Filter, check_threshold
from .limit_notes import notes_from
from .tidy import NO_TIDY, Tidy
from .unknown_class import no_such_class

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = [
    "Chosen",
    "SortKey",
    "as_index",
    "class_ids_of",
    "filter_instances",
    "indices",
    "indices_of",
    "keep",
    "select",
    "sort",
    "sorted_indices",
]

SortKey = Literal["score", "area", "class"]
"""What instances can be sorted by."""

Chosen = Iterable[int] | npt.NDArray[Any]
"""Instances by their indices, from the end where negative, or one boolean for each instance."""


# ── the methods of Prediction ─────────────────────────────────────────────────────────────────────


def select(prediction: Prediction, indices: Chosen) -> Prediction:
    """Some of the instances.

    Args:
        prediction: what was found.
        indices: which ones: indices, from the end where negative, or N booleans.

    Returns:
        A prediction of these instances, in the order given.

    Raises:
        SettingError: one is not here.
    """
    chosen = prediction.indices(indices)
    masks = prediction.masks
    return replace(
        prediction,
        boxes=prediction.boxes[chosen],
        scores=prediction.scores[chosen],
        class_ids=prediction.class_ids[chosen],
        masks=None if masks is None else tuple(masks[index] for index in chosen),
        soft_masks=None if prediction.soft_masks is None else prediction.soft_masks[chosen],
    )


def indices(prediction: Prediction, chosen: Chosen) -> npt.NDArray[np.int64]:
    """The indices of the instances that were chosen.

    Args:
        prediction: what was found.
        chosen: indices, from the end where negative, or N booleans.

    Returns:
        int64, each from 0 to N - 1, in the order given.

    Raises:
        SettingError: one is not here.
    """
    return indices_of(chosen, len(prediction))


def keep(
    prediction: Prediction,
    threshold: float | Filter = 0.0,
    hidden_classes: Iterable[str] = (),
    class_thresholds: Mapping[str, float] | None = None,
    hidden_instances: Iterable[int] = (),
    tidy: Tidy = NO_TIDY,
) -> npt.NDArray[np.bool_]:
    """Which instances meet their threshold and are not hidden.

    Names of classes and indices of instances that are not here are passed over: they may belong to
    another model or image.

    Args:
        prediction: what was found.
        threshold: the lowest score that counts, 0 to 1; or a `Filter`, in place of everything.
        hidden_classes: names of classes that are not shown.
        class_thresholds: thresholds of single classes (name → 0 to 1) in place of `threshold`.
        hidden_instances: indices of single instances that are not shown.
        tidy: how what is left is tidied up.

    Returns:
        N booleans.

    Raises:
        SettingError: a threshold is out of range.
    """
    if isinstance(threshold, Filter):
        return threshold.keep(prediction)
    chosen = Filter(
        threshold, tuple(hidden_classes), class_thresholds or {}, tuple(hidden_instances), tidy
    )
    return chosen.keep(prediction)


def filter_instances(
    prediction: Prediction,
    min_score: float = 0.0,
    classes: Iterable[str | int] | None = None,
    hidden_classes: Iterable[str | int] = (),
    class_thresholds: Mapping[str, float] | None = None,
) -> Prediction:
    """The instances that score enough and are of the right classes.

    Args:
        prediction: what was found.
        min_score: the lowest score that counts, 0 to 1.
        classes: names or ids of the classes to keep; None: all.
        hidden_classes: names or ids of classes to leave out.
        class_thresholds: thresholds of single classes (name → 0 to 1) in place of `min_score`.

    Returns:
        A prediction of these instances. A note that a limit was reached stays only where that may
        have cut something of them.

    Raises:
        SettingError: a score is out of range, or the model doesn't know a class.
    """
    thresholds = class_thresholds or {}
    chosen = Filter(check_threshold(min_score), class_thresholds=thresholds)
    class_ids_of(thresholds, prediction.class_names)  # only to name the unknown one
    kept = chosen.keep(prediction)
    if classes is not None:
        kept &= np.isin(prediction.class_ids, class_ids_of(classes, prediction.class_names))
    kept &= ~np.isin(prediction.class_ids, class_ids_of(hidden_classes, prediction.class_names))
    selected = prediction.select(kept)
    notes = notes_from(prediction, chosen.least)
    return selected if notes == selected.notes else replace(selected, notes=notes)


def sort(prediction: Prediction, by: SortKey = "score", descending: bool = True) -> Prediction:
    """The same instances in another order; equal ones keep theirs.

    Args:
        prediction: what was found.
        by: "score", "area" or "class" (the name).
        descending: the largest first.

    Returns:
        The sorted prediction.

    Raises:
        SettingError: `by` is something else.
    """
    return prediction.select(sorted_indices(prediction, by, descending))


# ── what they are made of ─────────────────────────────────────────────────────────────────────────


def as_index(chosen: object) -> int | None:
    """The index of one instance, of any integer type; None where several are chosen.

    Args:
        chosen: what stands in the brackets of `prediction[…]`; no slice.

    Raises:
        SettingError: it is neither an index nor several.
    """
    if isinstance(chosen, str):
        raise SettingError(
            f"Instances are chosen by their indices, not by a name. For those of a class write: "
            f"prediction.filter(classes=[{chosen!r}])."
        )
    if isinstance(chosen, tuple):
        raise SettingError(
            f"Several indices are given as a list: prediction[[{', '.join(map(str, chosen))}]]."
        )
    # A tensor of one row and one number can be an index, too, but is meant as several.
    if isinstance(chosen, (bool, np.bool_)) or getattr(chosen, "ndim", 0) > 0:
        several = not isinstance(chosen, (bool, np.bool_))
    else:
        try:
            return operator.index(chosen)  # type: ignore[arg-type]
        except TypeError:
            several = isinstance(chosen, Iterable)
    if not several:
        raise SettingError(
            "Instances are chosen by an index, a slice, a list of indices, or a boolean for each "
            f"instance, but this is {type(chosen).__name__} {chosen!r:.40}."
        )
    return None


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
    is_several = isinstance(chosen, Iterable) or hasattr(chosen, "__array__")
    if not is_several or isinstance(chosen, (str, bytes)):
        raise SettingError(
            "A selection is a list, such as [0, 3], or a boolean for each instance, not "
            f"{chosen!r:.40}."
        )
    array = np.asarray(chosen if hasattr(chosen, "__array__") else list(chosen))
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
    if not isinstance(classes, Iterable):
        raise SettingError(f"Give classes as a list of names or ids, not {classes!r}.")
    known = {name: class_id for class_id, name in enumerate(class_names)}
    ids = []
    for entry in classes:
        class_id = known.get(entry) if isinstance(entry, str) else _class_id(entry)
        if class_id is None or not 0 <= class_id < len(class_names):
            raise SettingError(no_such_class(entry, class_names))
        ids.append(class_id)
    return ids


def _class_id(entry: object) -> int | None:
    """A whole number as it is; None for everything else, 1.5, True and None among it."""
    if isinstance(entry, (bool, np.bool_)):
        return None
    try:
        return operator.index(entry)  # type: ignore[arg-type]
    except TypeError:
        return None


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
