"""Traits of one object that another one shows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import traitlets

from ..errors import SettingError

__all__ = ["Mirror"]


class Mirror:
    """Keeps traits of a view equal to those of the owner of the state.

    A change is copied only where the other side differs, so nothing is validated twice and nothing
    echoes. What is copied is the current value and not the one of the event, under a lock: when two
    threads change both sides at once, both end with the same value. (`traitlets.link` has no lock,
    and raises when a value was changed meanwhile.)

    A value of the view that the owner refuses is replaced by the owner's: a browser may speak of
    the image before this one.

    Args:
        owner: The object that owns the state.
        view: The object that shows it.
        names: The traits to mirror, or a dict of the view's names by the owner's.
        two_way: Whether changes of the view go to the owner as well (default True).
        lock: Held while a value is copied and while observers of the copy are called. None
            (default) makes a lock for this mirror; give the owner's lock where observers of its
            traits may take that one, or two threads could wait for each other.
        unless: Called with an owner's name before it is copied, on either side; True leaves it out.
            None (default) copies all.
    """

    def __init__(
        self,
        owner: traitlets.HasTraits,
        view: traitlets.HasTraits,
        names: Iterable[str] | Mapping[str, str],
        *,
        two_way: bool = True,
        lock: threading.RLock | None = None,
        unless: Callable[[str], bool] | None = None,
    ) -> None:
        self._owner, self._view = owner, view
        self._names = dict(names) if isinstance(names, Mapping) else {name: name for name in names}
        self._owner_names = {view_name: name for name, view_name in self._names.items()}
        self._lock = lock or threading.RLock()
        self._unless = unless
        # (thread, owner's name) of what is being copied from the view.
        self._receiving: set[tuple[int, str]] = set()

        owner.observe(self._on_owner, list(self._names))
        if two_way:
            view.observe(self._on_view, list(self._owner_names))

    def push(self) -> None:
        """Copy all traits to the view."""
        for name in self._names:
            self._to_view(name)

    def is_receiving(self, name: str) -> bool:
        """Whether this thread is just copying this trait from the view to the owner.

        Args:
            name: The owner's name of the trait.
        """
        return (threading.get_ident(), name) in self._receiving

    def _on_owner(self, change: Any) -> None:
        self._to_view(change["name"])

    def _to_view(self, name: str) -> None:
        with self._lock:
            if self._unless is None or not self._unless(name):
                _copy(self._owner, name, self._view, self._names[name])

    def _on_view(self, change: Any) -> None:
        view_name = change["name"]
        name = self._owner_names[view_name]
        copying = (threading.get_ident(), name)
        with self._lock:
            if self._unless is not None and self._unless(name):
                return
            self._receiving.add(copying)
            try:
                _copy(self._view, view_name, self._owner, name)
            except (SettingError, traitlets.TraitError):
                _copy(self._owner, name, self._view, view_name)
            finally:
                self._receiving.discard(copying)


def _copy(source: Any, source_name: str, target: Any, target_name: str) -> None:
    value = getattr(source, source_name)
    if getattr(target, target_name) != value:
        setattr(target, target_name, value)
