"""How a session publishes what has happened: all at once, in order, whatever observers do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..errors import SegWidgetsError, SettingError
from .history import History
from .model_slot import ModelSlot
from .progress import Progress
from .queue import RequestQueue
from .result import Result, Upcoming
from .state import SegmentationState

__all__ = ["Publishing"]

_log = logging.getLogger(__name__)


class Publishing(SegmentationState):
    """The part of a session that has its lock, and sets its traits.

    Args:
        threshold: The lowest score that is shown, 0 to 1.
    """

    # ipywidgets calls `close` also for an object whose __init__ refused its arguments.
    _closed = True

    # Made by `Processing`, which they call back.
    _slot: ModelSlot
    _progress: Progress

    def __init__(self, threshold: float) -> None:
        # Checked before a panel becomes a widget, which would have to be closed.
        self.threshold = threshold
        super().__init__()

        # The one lock of a session. It is also held while traits are published: their order must
        # be the order in which things happened.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

        self._queue = RequestQueue()
        self._history = History()
        self._failure: SegWidgetsError | None = None

    def _check_open(self) -> None:
        if self._closed:
            raise SettingError("This session is closed; make a new one.")

    # ── all with the lock ─────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Within it, traits are set; their observers are called at its end.

        What they raise is logged, and goes no further.

        An observer's mistake must neither stop the worker nor keep `wait` from ending. Only the
        interrupt of a cell, which is raised on the main thread, ends that cell.
        """
        holding = self.hold_trait_notifications()
        holding.__enter__()
        try:
            yield
        finally:
            try:
                holding.__exit__(None, None, None)
            except BaseException as error:
                is_main = threading.current_thread() is threading.main_thread()
                if isinstance(error, KeyboardInterrupt) and is_main:
                    raise
                _log_mistake(error)

    def _set_predictor(self) -> None:
        with self._reporting():
            self.set_trait("predictor", self._slot.predictor)

    def _show(self, result: Result | None) -> None:
        """Put a result on screen, or None."""
        in_history = result is not None and result.number in self._history
        number = result.number if result is not None and in_history else None
        shown = None if result is None else replace(result, number=number)
        with self._reporting():
            self._publish_result(shown, number, self._history)

    def _publish(self, error: str | None = None) -> None:
        """Publish what is under way; `error` unless it is None.

        In place of an empty one comes what is wrong without any request.
        """
        status = self._progress.status
        try:
            with self._reporting():
                if error is not None:
                    self.error = error or self._standing_error()
                self.set_trait("history", tuple(self._history))
                self.set_trait("upcoming", self._upcoming())
                self.set_trait("fetching", self._slot.fetching)
                self.set_trait("status", status)
                self.set_trait("busy", bool(status))
        finally:
            self._changed.notify_all()

    def _standing_error(self, of_image: bool = True) -> str:
        """What is wrong without any request, also with the image on screen; "" for nothing."""
        return ""

    def _upcoming(self) -> Upcoming | None:
        """The image to show until its result is there."""
        request = self._queue.current
        if request is None or not (request.shown or self.image is None):
            return None
        upcoming = request.upcoming
        if upcoming is None or upcoming.found is not None:
            return upcoming
        # With other pixels than those on screen: a second look would only hide the first result.
        is_second_look = request.pixels is not None or upcoming.image is self.image
        return None if is_second_look else upcoming


def _log_mistake(error: BaseException) -> None:
    _log.error(
        "A function that observes the session failed with %s: %s. %s The session goes on.",
        type(error).__name__,
        error,
        " ".join(getattr(error, "__notes__", ())),
        exc_info=error,
    )
