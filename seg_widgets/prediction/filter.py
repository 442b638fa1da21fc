"""What is shown of a prediction: threshold, classes, single instances. Each default stands here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ..errors import SettingError
from .checks import as_fraction
from .tidy import NO_TIDY, Tidy, check_tidy

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = [
    "DEFAULT_FILTER",
    "DEFAULT_THRESHOLD",
    "Filter",
    "check_class_names",
    "check_class_thresholds",
    "check_indices",
    "check_threshold",
]

DEFAULT_THRESHOLD: Final = 0.5
"""The threshold with which panel, canvas, page and command line begin."""


@dataclass(frozen=True)
class Filter:
    """Which instances of a prediction are shown; without arguments, all of them.

    It never changes, so make another with `dataclasses.replace`. It belongs to no prediction: names
    of classes and indices that a prediction lacks are passed over.

    Raises:
        SettingError: a value is out of its range.
    """

    threshold: float = 0.0
    """The lowest score that is shown, 0 to 1."""

    hidden_classes: tuple[str, ...] = ()
    """The names of the classes that are not shown."""

    class_thresholds: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Thresholds of single classes by name, each 0 to 1, in place of `threshold`."""

    hidden_instances: tuple[int, ...] = ()
    """The indices of single instances that are not shown, each 0 or more."""

    tidy: Tidy = NO_TIDY
    """How what is left is tidied up."""

    def __post_init__(self) -> None:
        # The dataclass is frozen; this is the one moment at which its parts are set.
        put = object.__setattr__
        put(self, "threshold", check_threshold(self.threshold))
        put(self, "hidden_classes", check_class_names("hidden_classes", self.hidden_classes))
        thresholds = check_class_thresholds("class_thresholds", self.class_thresholds)
        put(self, "class_thresholds", MappingProxyType(thresholds))
        put(self, "hidden_instances", check_indices("hidden_instances", self.hidden_instances))
        put(self, "tidy", check_tidy(self.tidy))

    def __reduce__(self) -> tuple[type[Filter], tuple[Any, ...]]:
        # Python can't copy or pickle a read-only mapping.
        values = self.to_traits()
        return Filter, (
            self.threshold,
            self.hidden_classes,
            values["class_thresholds"],
            self.hidden_instances,
            self.tidy,
        )

    @property
    def least(self) -> float:
        """The lowest score that any class needs."""
        return min((self.threshold, *self.class_thresholds.values()))

    def keep(self, prediction: Prediction) -> npt.NDArray[np.bool_]:
        """Which instances are shown.

        Args:
            prediction: what was found in an image.

        Returns:
            N booleans: True for an instance that scores its threshold or more, is not hidden, and
            is not tidied away.
        """
        # A hidden class has a threshold that no score meets. In float32, as the scores are: 0.7 as
        # a Python float is more than 0.7 as a score.
        least = np.full(len(prediction.class_names), self.threshold, np.float32)
        for class_id, name in enumerate(prediction.class_names):
            if name in self.hidden_classes:
                least[class_id] = np.inf
            elif name in self.class_thresholds:
                least[class_id] = self.class_thresholds[name]

        keep = np.zeros(len(prediction), bool)
        keep[:] = prediction.scores >= least[prediction.class_ids]
        hidden = [index for index in self.hidden_instances if index < len(prediction)]
        keep[hidden] = False
        return self.tidy.keep(prediction, keep)

    def reshaped(self, prediction: Prediction) -> Prediction:
        """A prediction with its masks as they are shown.

        Args:
            prediction: what was found in an image.

        Returns:
            All its instances, those that `keep` leaves out among them.
        """
        return self.tidy.reshaped(prediction)

    def to_traits(self) -> dict[str, Any]:
        """What a `SegmentationCanvas` has of this filter, as JSON takes it.

        Returns:
            The traits `threshold`, `class_thresholds` (a dict), `hidden_classes` and
            `hidden_instances` (lists), and `tidy` (a dict).
        """
        return {
            "threshold": self.threshold,
            "class_thresholds": dict(self.class_thresholds),
            "hidden_classes": list(self.hidden_classes),
            "hidden_instances": list(self.hidden_instances),
            "tidy": self.tidy.to_trait(),
        }


def check_threshold(value: object) -> float:
    """Check a score threshold.

    Args:
        value: a number from 0 to 1, or its text.

    Returns:
        It as a float.

    Raises:
        SettingError: it is no such number (NaN is not).
    """
    return as_fraction("A threshold", value, hint="; 0.5 is usual")


def check_class_names(name: str, value: Any) -> tuple[str, ...]:
    """Check a list of class names.

    Args:
        name: the setting's name, for the message.
        value: what was given.

    Returns:
        The names, each once.

    Raises:
        SettingError: it is one text instead of a list, or holds something else than texts.
    """
    if isinstance(value, str):
        raise SettingError(f"{name} is a list of class names, such as [{value!r}], not one text.")
    names = tuple(value) if isinstance(value, Iterable) else (value,)
    if not all(isinstance(entry, str) for entry in names):
        raise SettingError(f'{name} is a list of class names, such as ["person"], not {value!r}.')
    return tuple(dict.fromkeys(names))


def check_class_thresholds(name: str, value: Any) -> dict[str, float]:
    """Check thresholds by class name.

    Args:
        name: the setting's name, for the message.
        value: what was given.

    Returns:
        A copy, name → 0 to 1.

    Raises:
        SettingError: it is no such mapping.
    """
    if not isinstance(value, Mapping) or not all(isinstance(entry, str) for entry in value):
        raise SettingError(
            f'{name} is a dict of thresholds by class name, such as {{"person": 0.7}}, '
            f"not {value!r}."
        )
    return {entry: check_threshold(threshold) for entry, threshold in value.items()}


def check_indices(name: str, value: Any) -> tuple[int, ...]:
    """Check a list of instances' indices.

    Args:
        name: the setting's name, for the message.
        value: what was given.

    Returns:
        The indices, each once.

    Raises:
        SettingError: one is not a whole number from 0 on.
    """
    numbers = tuple(value) if isinstance(value, Iterable) else (value,)
    if not all(_is_index(number) for number in numbers):
        raise SettingError(
            f"{name} is a list of instance numbers from 0 on, such as [0, 3], not {value!r}."
        )
    return tuple(dict.fromkeys(int(number) for number in numbers))


def _is_index(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        return False
    return int(value) >= 0


DEFAULT_FILTER: Final = Filter(DEFAULT_THRESHOLD)
"""What is shown where nothing else is said."""
