"""The classes of a truth in the model's words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .._text import plural, printable
from ..errors import PredictionError, SettingError
from .unknown_class import closest_name, some_names

__all__ = [
    "IGNORE",
    "ClassMapping",
    "are_ignored",
    "called_by_model",
    "check_by_name",
    "label_names",
    "lacking_note",
]

ClassMapping = Mapping[Any, str | None] | str
"""What the model calls the classes of a truth; see `GroundTruth.of`."""

IGNORE: Final = "any class (ignored)"
"""The name, in `classes`, of what is no object but a region to ignore: there, detections of any
class count neither way."""

_SHOWN: Final = 5  # names in a message


def are_ignored(
    class_names: Sequence[str], class_ids: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Which instances are regions to ignore, whatever the class.

    Args:
        class_names: the vocabulary.
        class_ids: N indices into it.

    Returns:
        N booleans.
    """
    return np.array([name == IGNORE for name in class_names], bool)[class_ids]


def lacking_note(class_names: Sequence[str], objects: Mapping[str, int]) -> tuple[str, ...]:
    """A sentence about objects that the model can't find, as it lacks their class.

    Args:
        class_names: the model's vocabulary; (): not known.
        objects: how many objects that count there are, by class.

    Returns:
        It; () if there are none.
    """
    lacking = {name: many for name, many in objects.items() if many and name not in class_names}
    if not class_names or not lacking:
        return ()
    number = sum(lacking.values())
    objects_are = plural(number, "object is", "objects are")
    classes = plural(len(lacking), "a class", "classes")
    count = plural(number, "counts", "count")
    return (
        f"{number:,} {objects_are} of {classes} that the model doesn't have, and {count} as "
        f"missed: {some_names([*lacking], _SHOWN)}.",
    )


def label_names(
    classes: ClassMapping | None, class_names: Sequence[str] | None
) -> tuple[Mapping[int, str | None] | str | None, str | None]:
    """The names for a label image, which mostly has none of its own.

    Args:
        classes: as `GroundTruth.of` takes them.
        class_names: the model's vocabulary; its only class is that of all labels.

    Returns:
        What `from_label_image` takes, label → name (None for those that are left out, `IGNORE` for
        regions), one name for all, or None; and the model's only class, where no label has a name
        of a class and no name another.

    Raises:
        SettingError: `classes` is no such mapping.
    """
    _checked(classes)
    if isinstance(classes, str):
        return classes, None
    given = classes or {}
    by_label = {int(key): name for key, name in given.items() if not isinstance(key, str)}
    is_plain = len(by_label) == len(given) and {*by_label.values()} <= {None, IGNORE}
    is_one = is_plain and class_names is not None and len(class_names) == 1
    return by_label or None, class_names[0] if is_one and class_names else None


def called_by_model(
    own: Sequence[str],
    occurring: Collection[str],
    class_names: Sequence[str] | None,
    classes: ClassMapping | None,
) -> dict[str, str | None]:
    """What the model calls each class of the truth.

    Args:
        own: the truth's vocabulary.
        occurring: those of its classes that an instance has.
        class_names: the model's vocabulary; None: any.
        classes: the model's name by the truth's name; None leaves a class out, `IGNORE` makes
            regions of its instances.

    Returns:
        The model's name of each of `own`; None: its instances are left out.

    Raises:
        PredictionError: the model lacks a class that occurs, or the truth has none of a name in
            `classes`; the message proposes the closest.
        SettingError: `classes` is no such mapping.
    """
    mapping = _checked(classes)
    strange = [name for name in mapping if name not in own]
    if strange:
        raise PredictionError(_no_such_class(strange, own))
    called = {name: mapping.get(name, name) for name in own}
    if class_names is None:
        return called
    # A class that is named as itself is kept, though the model can't find it.
    unknown = [
        name
        for name, new in called.items()
        if name in occurring
        and new not in (None, IGNORE, *class_names)
        and mapping.get(name) != name
    ]
    misnamed = [name for name in unknown if name in mapping]
    if misnamed:
        raise PredictionError(_no_class_of_model(misnamed[0], mapping, class_names))
    if unknown:
        raise PredictionError(_other_classes(unknown, class_names))
    return called


def check_by_name(classes: ClassMapping | None) -> None:
    """Check that the model's names are given for names of the truth.

    Args:
        classes: as `GroundTruth.of` takes them.

    Raises:
        SettingError: they are one name for all, or given for labels, which only label images have.
    """
    labels = [key for key in _checked_all(classes) if not isinstance(key, str)]
    if labels or isinstance(classes, str):
        given = classes if isinstance(classes, str) else labels[0]
        raise SettingError(
            'classes says what the model calls each class of the truth, such as {"kitty": "cat"}. '
            "One name for all, or a name for a label, is for label images, one by one "
            f"(GroundTruth.of); {given!r:.80} is given."
        )


def _checked(classes: ClassMapping | None) -> dict[str, str | None]:
    """The names that are given for names."""
    return {key: name for key, name in _checked_all(classes).items() if isinstance(key, str)}


def _checked_all(classes: ClassMapping | None) -> Mapping[Any, str | None]:
    if classes is None or isinstance(classes, str):
        return {}
    is_mapping = isinstance(classes, Mapping) and all(
        isinstance(key, (str, int, np.integer)) and (name is None or isinstance(name, str))
        for key, name in classes.items()
    )
    if not is_mapping:
        raise SettingError(
            'classes says what the model calls each class of the truth, such as {"kitty": "cat"}; '
            f"{classes!r:.80} doesn't."
        )
    return classes


def _no_such_class(strange: Sequence[str], own: Sequence[str]) -> str:
    """What to do about names in `classes` that the truth doesn't have."""
    close = closest_name(strange[0], own)
    meant = f" Is it {printable(close)!r}?" if close else ""
    return (
        f"classes names {printable(strange[0])!r}, which is no class of the truth.{meant} The "
        f"truth's are: {some_names(own, _SHOWN)}. It says the truth's name first, then the "
        "model's."
    )


def _no_class_of_model(
    own: str, mapping: Mapping[str, str | None], class_names: Sequence[str]
) -> str:
    """What to do about a name in `classes` that the model doesn't have."""
    name = mapping[own] or ""
    close = closest_name(name, class_names) or closest_name(own, class_names)
    meant = f" Is it {printable(close)!r}?" if close else ""
    return (
        f"classes calls the truth's {printable(own)!r} {printable(name)!r}, which is no class of "
        f"the model.{meant} The model's are: {some_names(class_names, _SHOWN)}. None leaves a "
        "class out, its own name keeps it."
    )


def _other_classes(unknown: Sequence[str], class_names: Sequence[str]) -> str:
    """What to do about classes that the model doesn't have, with the closest of its names."""
    proposals = []
    for name in unknown[:_SHOWN]:
        close = closest_name(name, class_names)
        best = repr(printable(close)) if close else "…"
        proposals.append(f"{printable(name)!r}: {best}")
    shown = ", ".join(repr(printable(name)) for name in unknown[:_SHOWN])
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    return (
        f"The truth has classes that the model doesn't have: {shown}{more}. The model's are: "
        f"{some_names(class_names, _SHOWN)}. Say which is which: classes="
        f"{{{', '.join(proposals)}}}. None "
        "leaves a class out, its own name keeps it."
    )
