"""The kinds of traits that session, canvas and panel have, each with a message that names mistake
and fix."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import traitlets

from ..prediction import (
    DEFAULT_THRESHOLD,
    NO_TIDY,
    Tidy,
    check_class_names,
    check_class_thresholds,
    check_indices,
    check_threshold,
    check_tidy,
)

__all__ = [
    "ByIdentity",
    "ClassNames",
    "ClassThresholds",
    "ImageTrait",
    "Indices",
    "ThreadSafeTraits",
    "Threshold",
    "TidyTrait",
    "publishing",
]

if TYPE_CHECKING:
    _FloatTrait = traitlets.TraitType[float, object]
    _NamesTrait = traitlets.TraitType[tuple[str, ...], Iterable[str]]
    _ThresholdsTrait = traitlets.TraitType[dict[str, float], Mapping[str, float]]
    _IndicesTrait = traitlets.TraitType[tuple[int, ...], Iterable[int]]
    _AnyTrait = traitlets.TraitType[Any, Any]
    _TidyTrait = traitlets.TraitType[Tidy, Tidy | Mapping[str, object] | None]
else:
    # traitlets 5.7 (Colab's) takes no type parameters.
    _FloatTrait = _NamesTrait = _ThresholdsTrait = _IndicesTrait = _AnyTrait = traitlets.TraitType
    _TidyTrait = traitlets.TraitType


class Threshold(_FloatTrait):
    """A score threshold, 0 to 1; anything else (NaN too) raises `SettingError` and changes
    nothing."""

    info_text = "a number from 0 to 1"
    default_value = DEFAULT_THRESHOLD

    def validate(self, obj: Any, value: object) -> float:
        """The value as a float."""
        return check_threshold(value)


class TidyTrait(_TidyTrait):
    """How a prediction is tidied up, a `Tidy`; a dict of its settings and None become one."""

    info_text = "a Tidy, or a dict of its settings"
    default_value = NO_TIDY

    def validate(self, obj: Any, value: object) -> Tidy:
        """The value as a `Tidy`."""
        return check_tidy(value)


class ClassNames(_NamesTrait):
    """Class names without repetition, as a tuple; one text instead of a list raises
    `SettingError`."""

    info_text = "a list of class names"
    default_value = ()

    def validate(self, obj: Any, value: Any) -> tuple[str, ...]:
        """The names as a tuple."""
        return check_class_names(str(self.name), value)


class ClassThresholds(_ThresholdsTrait):
    """Score thresholds by class name, each 0 to 1, as a dict; anything else raises
    `SettingError`."""

    info_text = "a dict of thresholds by class name"
    default_value: Any = traitlets.Undefined

    def make_dynamic_default(self) -> dict[str, float]:
        """No thresholds, in a dict of its own for each object."""
        return {}

    def validate(self, obj: Any, value: Any) -> dict[str, float]:
        """A copy of the value, as name → float."""
        return check_class_thresholds(str(self.name), value)


class Indices(_IndicesTrait):
    """Indices of instances in the prediction without repetition, as a tuple; anything else raises
    `SettingError`."""

    info_text = "a list of instance numbers"
    default_value = ()

    def validate(self, obj: Any, value: Any) -> tuple[int, ...]:
        """The numbers as a tuple of int."""
        return check_indices(str(self.name), value)


class ByIdentity(_AnyTrait):
    """A value that is compared by identity: comparing two images pixel by pixel for each change
    would be a waste."""

    default_value = None
    allow_none = True

    def set(self, obj: Any, value: Any) -> None:
        """Set it, and notify unless it is the very same object."""
        old = obj._trait_values.get(self.name)
        obj._trait_values[self.name] = value
        if old is not value:
            obj._notify_trait(self.name, old, value)


class ImageTrait(ByIdentity):
    """The image on screen: setting it requests a segmentation, and it changes only when the result
    is there."""

    def set(self, obj: Any, value: Any) -> None:
        """Ask the object to segment or clear it, unless the object itself puts it on screen."""
        if getattr(_publishing, "on", False):
            super().set(obj, value)
        elif value is None:
            obj.clear()
        else:
            obj.segment(value)


# True in a thread while it publishes a result, so that only the session itself writes the image on
# screen.
_publishing = threading.local()


@contextmanager
def publishing() -> Iterator[None]:
    """Within it, setting an `ImageTrait` in this thread puts the image on screen instead of
    requesting a segmentation."""
    _publishing.on = True
    try:
        yield
    finally:
        _publishing.on = False


# By thread: the changes that wait for the end of that thread's hold_trait_notifications, by the
# object's id; and what the observers of the change that is just notified have raised.
_held = threading.local()


class _Guarded:
    """A function that observes traits: what it raises waits until all others were called.

    It is equal to the function, so that `unobserve` finds it.
    """

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def __eq__(self, other: object) -> bool:
        return bool(self._handler == (other._handler if isinstance(other, _Guarded) else other))

    def __hash__(self) -> int:
        return hash(self._handler)

    def __call__(self, change: Any) -> None:
        failures: list[BaseException] | None = getattr(_held, "failures", None)
        if failures is None:
            self._handler(change)
            return
        try:
            self._handler(change)
        except BaseException as error:
            failures.append(error)


class ThreadSafeTraits(traitlets.HasTraits):
    """Traits that several threads may set: notifications that one thread holds back never touch
    those of another.

    traitlets' own `hold_trait_notifications` replaces `notify_change` of the object for everybody,
    so a change that a second thread makes meanwhile can be lost.

    An observer that raises does not keep the others from being called. What the first of them has
    raised is raised at the end, where the trait was set.
    """

    def observe(self, handler: Any, names: Any = traitlets.All, type: Any = "change") -> None:
        """Call a function when a trait changes, as traitlets does.

        Args:
            handler: Takes the change.
            names: A trait's name, a list of them, or all (default).
            type: The kind of notification (default "change").
        """
        is_magic = isinstance(handler, (_Guarded, traitlets.EventHandler))
        super().observe(handler if is_magic else _Guarded(handler), names, type)

    @contextmanager
    def hold_trait_notifications(self) -> Iterator[None]:
        """Collect this thread's changes and notify once at the end, the last value of each
        trait."""
        waiting: dict[int, dict[str, Any]] = _held.__dict__.setdefault("changes", {})
        if id(self) in waiting:
            yield
            return
        mine = waiting[id(self)] = {}
        try:
            yield
        finally:
            del waiting[id(self)]
            failures: list[BaseException] = []
            for change in mine.values():
                # An observer that fails must not keep the others from being called.
                try:
                    self.notify_change(change)
                except BaseException as error:
                    error.add_note(f"It was raised by a function that observes {change['name']!r}.")
                    failures.append(error)
            _raise_first(failures)

    def notify_change(self, change: Any) -> None:
        """Notify, or keep the change while this thread holds notifications back."""
        mine = getattr(_held, "changes", {}).get(id(self))
        if mine is None:
            before = getattr(_held, "failures", None)
            failures: list[BaseException] = []
            _held.failures = failures
            try:
                super().notify_change(change)
            finally:
                _held.failures = before
            _raise_first(failures)
            return
        name = change["name"]
        if name in mine:
            change = traitlets.Bunch({**change, "old": mine[name]["old"]})
        mine[name] = change


def _raise_first(failures: list[BaseException]) -> None:
    """Raise what the first of several functions has raised; an interrupt before all others."""
    interrupts = [error for error in failures if isinstance(error, KeyboardInterrupt)]
    for error in (*interrupts, *failures):
        raise error
