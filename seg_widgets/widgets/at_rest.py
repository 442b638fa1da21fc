"""Something that is done once a quick series of changes has come to rest."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Final

__all__ = ["AtRest"]

_log = logging.getLogger(__name__)

_LAST_S: Final = 10.0
_running = weakref.WeakSet[threading.Thread]()
_is_ending = threading.Event()


@atexit.register
def _end() -> None:
    """Wait for what is being done: a thread that OpenCV runs on when Python ends aborts it."""
    _is_ending.set()
    ends_s = time.monotonic() + _LAST_S
    for thread in list(_running):
        thread.join(max(ends_s - time.monotonic(), 0.0))


class AtRest:
    """Calls a method in a thread of its own, once nothing has changed for a while.

    Args:
        action: A method; its object may be forgotten, and is then not called any more.
        rest_s: Seconds without a change.
    """

    def __init__(self, action: Callable[[], None], rest_s: float) -> None:
        self._action: Any = weakref.WeakMethod(action)
        self._rest_s = rest_s
        self._lock = threading.Lock()
        self._due_s = 0.0
        self._is_running = False

    def touch(self) -> None:
        """Something has changed."""
        with self._lock:
            self._due_s = time.monotonic() + self._rest_s
            if self._is_running:
                return
            self._is_running = True
        thread = threading.Thread(target=self._run, name="seg_widgets at rest", daemon=True)
        _running.add(thread)
        thread.start()

    def _run(self) -> None:
        while (left_s := self._left_s()) > 0:
            if _is_ending.wait(left_s):
                return
        action = self._action()
        if action is not None and not _is_ending.is_set():
            try:
                action()
            except Exception:
                _log.exception("What was to follow a change has failed")

    def _left_s(self) -> float:
        """Seconds until it is time; at most 0 when this thread has to act."""
        with self._lock:
            left_s = self._due_s - time.monotonic()
            if left_s <= 0:
                # A change from now on starts a thread of its own.
                self._is_running = False
            return left_s
