"""Class names as people and libraries give them, and the ids that go with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import PredictionError

__all__ = ["ONE_CLASS", "ClassNames", "Labelling", "label_by_id", "label_by_name", "read_names"]

# What an object is called by a model that has no classes.
ONE_CLASS = "object"

# Without names, ids up to here keep their number; a vocabulary beyond it would be mostly gaps.
_MOST_UNNAMED = 1000

_BACKGROUND = frozenset({"__background__", "background", "_background_", "bg"})
_GAP = "N/A"


@dataclass(frozen=True)
class ClassNames:
    """The names that go with a model's class ids.

    `by_id`: id → name. `is_list`: they were given as a list, so that their ids are only their
    positions. `are_categories`: the ids are those of a data set in COCO's format.
    """

    by_id: Mapping[int, str]
    is_list: bool
    are_categories: bool = False

    @property
    def names(self) -> list[str]:
        """The names in the order of their ids."""
        return list(self.by_id.values())

    @property
    def has_background(self) -> bool:
        """Whether id 0 is a background, as in torchvision's lists."""
        return str(self.by_id.get(0, "")).strip().lower() in _BACKGROUND | {_GAP.lower()}

    def without_gaps(self) -> ClassNames:
        """Without a background and the gaps ("N/A") that torchvision's lists have."""
        kept = {
            number: name
            for number, name in self.by_id.items()
            if name != _GAP and not (number == 0 and self.has_background)
        }
        return ClassNames(kept, self.is_list, self.are_categories)

    def counted_from(self, first: int) -> ClassNames:
        """The same names, whose first has the id `first`."""
        return ClassNames(dict(enumerate(self.names, first)), False)


@dataclass(frozen=True)
class Labelling:
    """A vocabulary and N indices (int64) into it, with what there is to report, and the data set's
    id of each name where it is known."""

    class_ids: npt.NDArray[np.int64]
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    category_ids: tuple[int, ...] = ()


def read_names(class_names: Any) -> ClassNames | None:
    """Class names in any of the usual forms.

    Args:
        class_names: A list; a dict id → name, whose ids may be texts, as in JSON (`id2label`);
            COCO's "categories" (dicts with id and name); one name; or None.

    Returns:
        The names in the order of their ids, or None for None.

    Raises:
        PredictionError: It is none of these.
    """
    if class_names is None:
        return None
    if isinstance(class_names, str):
        return ClassNames({0: class_names}, True)
    try:
        if isinstance(class_names, Mapping):
            by_id = {int(number): str(name) for number, name in class_names.items()}
            return ClassNames(dict(sorted(by_id.items())), False)
        entries = list(class_names)
        if entries and all(isinstance(entry, Mapping) for entry in entries):
            by_id = {int(entry["id"]): str(entry["name"]) for entry in entries}
            return ClassNames(dict(sorted(by_id.items())), False, are_categories=True)
    except (TypeError, ValueError, KeyError):
        raise PredictionError(
            "class_names is a list of names or a dict {id: name} whose ids are whole numbers."
        ) from None
    return ClassNames(dict(enumerate(map(str, entries))), True)


def label_by_id(
    ids: npt.NDArray[np.int64],
    names: ClassNames | None,
    own: Mapping[int, str] | None = None,
    *,
    are_categories: bool = False,
) -> Labelling:
    """Class ids and what is known of their names.

    With names the vocabulary is these names in the order of their ids, so that gaps between ids
    close; an id without a name follows as "class 7". Without names an id keeps its number.

    Args:
        ids: N class ids of the result.
        names: The whole vocabulary, or None.
        own: What the result calls the ids that occur in it.
        are_categories: The ids are those of a data set in COCO's format, also where the names don't
            say so.

    Returns:
        The ids as indices into the vocabulary.
    """
    found = np.unique(ids).tolist()
    if names is None:
        called = own or {}
        known: dict[int, str] = {}
        if found and found[0] >= 0 and found[-1] < _MOST_UNNAMED:
            known = {
                number: called.get(number, f"class {number}") for number in range(found[-1] + 1)
            }
        missing = [number for number in found if not called.get(number)]
        advice = " Give class_names to name them."
    else:
        known, called = dict(names.by_id), {}
        missing = [number for number in found if number not in known]
        advice = f" class_names has {len(known)} names."

    for number in found:
        known.setdefault(number, called.get(number, f"class {number}"))
    index = {number: position for position, number in enumerate(known)}
    notes = (_without_name(missing) + advice,) if missing else ()
    class_ids = np.array([index[number] for number in ids.tolist()], np.int64)
    are_categories = are_categories or (names is not None and names.are_categories)
    category_ids = tuple(known) if are_categories else ()
    return Labelling(class_ids, tuple(known.values()), notes, category_ids)


def _without_name(missing: Sequence[int]) -> str:
    listed = ", ".join(map(str, missing[:5])) + (" …" if len(missing) > 5 else "")
    if len(missing) == 1:
        return f'Class id {listed} has no name and is called "class {missing[0]}".'
    return f'Class ids {listed} have no names and are called "class {missing[0]}" and so on.'


def label_by_name(labels: Iterable[str], names: ClassNames | None) -> Labelling:
    """Labels that are names already.

    Args:
        labels: N names.
        names: The whole vocabulary, or None: the names that occur, in alphabetical order.

    Returns:
        The labels as indices into the vocabulary. A name that is not in it follows at its end.
    """
    labels = list(labels)
    if not all(isinstance(label, str) for label in labels):
        wrong = next(label for label in labels if not isinstance(label, str))
        raise PredictionError(f"Each label is a name, but one is {wrong!r:.60}.")
    known = [] if names is None else names.names
    missing = sorted(set(labels) - set(known))
    index = {name: position for position, name in reversed(list(enumerate([*known, *missing])))}
    notes: tuple[str, ...] = ()
    if known and missing:
        notes = (f"class_names lacks {', '.join(map(repr, missing[:5]))}, which the result has.",)
    class_ids = np.array([index[label] for label in labels], np.int64)
    are_known = names is not None and names.are_categories and not missing
    category_ids = tuple(names.by_id) if names is not None and are_known else ()
    return Labelling(class_ids, (*known, *missing), notes, category_ids)
