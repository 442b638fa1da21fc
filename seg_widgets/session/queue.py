"""The requests of a session: the newest single one wins, several that came together are kept."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future

from ..prediction import Predictor
from .pixels import Pixels
from .result import Upcoming
from .source import Source

__all__ = ["Request", "RequestQueue"]


class Request:
    """One image to segment.

    Args:
        source: The image.
        number: Its number in the history, or None where it has none yet.
        kept: Whether it is one of several that came together; these are never dropped for a newer
            request.
        shown: Whether its result goes on screen.
        pixels: What loads its image again, where another result has the same image; else None.
        order: Counts the requests; those that came together have the same. Only the error of the
            newest is told.
    """

    def __init__(
        self,
        source: Source,
        number: int | None = None,
        *,
        kept: bool = False,
        shown: bool = True,
        pixels: Pixels | None = None,
        order: int = 0,
    ) -> None:
        self.source = source
        self.pixels = pixels
        self.order = order
        self.number = number
        self.kept = kept
        self.shown = shown
        self.running = False
        """Whether the model has started on it, and can't be interrupted."""
        self.model: Future[Predictor] | None = None
        """The model for it, once it was started."""
        self.upcoming: Upcoming | None = None
        """Its image, once that is open."""
        self.dropped = threading.Event()
        """Set when nobody needs its result any more."""

    def again(self) -> Request:
        """The same request, not started and not dropped."""
        return Request(
            self.source,
            self.number,
            kept=self.kept,
            shown=self.shown,
            pixels=self.pixels,
            order=self.order,
        )


class RequestQueue:
    """The current request, and those that wait for it.

    Not for several threads at once: its owner has the lock.
    """

    def __init__(self) -> None:
        self._current: Request | None = None
        self._waiting: deque[Request] = deque()
        # How many came together, for "2 of 5".
        self._together = 0

    @property
    def current(self) -> Request | None:
        """The newest request, until it has ended; None when there is none."""
        return self._current

    @property
    def waiting(self) -> tuple[Request, ...]:
        """Those of several that wait, in their order."""
        return tuple(self._waiting)

    def __bool__(self) -> bool:
        return self._current is not None or bool(self._waiting)

    def put(self, request: Request) -> Request | None:
        """Make a request the current one.

        A single request that was current is dropped. One of several waits again, or its result goes
        to the history only if the model has already started on it.

        Returns:
            The request that waits again, or None.
        """
        before, self._current = self._current, request
        if before is None:
            return None
        if before.kept and before.running:
            before.shown = False
            return None
        before.dropped.set()
        if not before.kept:
            return None
        again = before.again()
        self._waiting.appendleft(again)
        return again

    def put_all(self, requests: Iterable[Request]) -> Request | None:
        """Make the first of several requests the current one, and let the others wait.

        Returns:
            The request that waits again, or None, as for `put`.
        """
        first, *others = requests
        if not self._waiting and not (self._current is not None and self._current.kept):
            self._together = 0
        self._together += 1 + len(others)
        self._waiting.extend(others)
        return self.put(first)

    def wait(self, requests: Iterable[Request]) -> None:
        """Let several requests wait behind those that wait already."""
        added = list(requests)
        if not self:
            self._together = 0
        self._together += len(added)
        self._waiting.extend(added)

    def take(self, number: int) -> Request | None:
        """Remove the waiting request with this number in the history, and return it; None when
        there is none."""
        found = next((one for one in self._waiting if one.number == number), None)
        if found is not None:
            self._waiting.remove(found)
        return found

    def next(self) -> Request | None:
        """Make the first that waits the current one, and return it; None while another is current
        or none waits."""
        if self._current is not None or not self._waiting:
            return None
        self._current = self._waiting.popleft()
        return self._current

    def end(self, request: Request) -> None:
        """A request has ended; it is no longer the current one."""
        if self._current is request:
            self._current = None

    def drop_current(self) -> Request | None:
        """Drop the current request, and return it; None when there was none."""
        request, self._current = self._current, None
        if request is not None:
            request.dropped.set()
        return request

    def drop_waiting(self) -> tuple[Request, ...]:
        """Drop those that wait, and return them."""
        dropped = self.waiting
        self._waiting.clear()
        return dropped

    def clear(self) -> tuple[Request, ...]:
        """Drop all requests, and return them: the current one first."""
        current = self.drop_current()
        return (*(() if current is None else (current,)), *self.drop_waiting())

    def position(self, request: Request) -> tuple[int, int] | None:
        """Which of several a request is, such as (2, 5); None for a single one."""
        if not request.kept or self._together < 2:
            return None
        return self._together - len(self._waiting), self._together
