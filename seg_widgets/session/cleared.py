"""What `clear` has removed, for the short time in which it can be brought back."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, Final

from .history import HistoryEntry
from .queue import Request
from .result import Result

__all__ = ["UNDO_S", "Cleared", "Undo"]

UNDO_S: Final = 60.0
"""Seconds in which a `clear` can be undone."""


class Cleared:
    """What was removed, and the clock that ends it.

    Args:
        entries: The history.
        result: What was on screen, or None.
        hidden_instances: Indices of the instances that were hidden.
        selected: Indices of the instances that were selected.
        requests: What was under way or waited.
    """

    def __init__(
        self,
        entries: tuple[HistoryEntry, ...],
        result: Result | None,
        hidden_instances: tuple[int, ...] = (),
        selected: tuple[int, ...] = (),
        requests: tuple[Request, ...] = (),
    ) -> None:
        self.entries = entries
        self.result = result
        self.hidden_instances = hidden_instances
        self.selected = selected
        self.requests = requests
        self._clock: threading.Timer | None = None

    def start(self, on_end: Callable[[Cleared], None]) -> None:
        """Start the clock.

        Args:
            on_end: A method, called with this object after `UNDO_S` seconds. Its owner may be
                forgotten before.
        """
        method: Any = weakref.WeakMethod(on_end)
        me = weakref.ref(self)

        def end() -> None:
            call, cleared = method(), me()
            if call is not None and cleared is not None:
                call(cleared)

        self._clock = threading.Timer(UNDO_S, end)
        self._clock.name = "seg_widgets undo"
        self._clock.daemon = True
        self._clock.start()
        weakref.finalize(self, self._clock.cancel)

    def stop(self) -> None:
        """Stop the clock."""
        if self._clock is not None:
            self._clock.cancel()


class Undo:
    """What the last `clear` has removed, while it can be brought back.

    Args:
        on_change: A method, called when that begins or ends. Its owner may be forgotten before.
        lock: Held while it changes; the owner's lock.
    """

    def __init__(self, on_change: Callable[[], None], lock: threading.RLock) -> None:
        self._on_change: Any = weakref.WeakMethod(on_change)
        self._lock = lock
        self._cleared: Cleared | None = None

    def __bool__(self) -> bool:
        """Whether there is something to bring back."""
        return self._cleared is not None

    def keep(self, cleared: Cleared) -> None:
        """Keep what was cleared, for `UNDO_S` seconds, in place of what was cleared before."""
        self._put(cleared)
        cleared.start(self._on_end)

    def take(self) -> Cleared | None:
        """Give back what was cleared; None when there is nothing or its time is over."""
        with self._lock:
            cleared = self._cleared
            self._put(None)
            return cleared

    def _put(self, cleared: Cleared | None) -> None:
        with self._lock:
            if self._cleared is not None:
                self._cleared.stop()
            self._cleared = cleared
            on_change = self._on_change()
            if on_change is not None:
                on_change()

    def _on_end(self, cleared: Cleared) -> None:
        with self._lock:
            if self._cleared is cleared:
                self._put(None)
