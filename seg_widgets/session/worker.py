"""Threads: one that works for a session, and short ones for a single call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Final, TypeVar

__all__ = ["POLL_S", "Superseded", "Worker", "call_in_thread", "wait_for"]

_Value = TypeVar("_Value")

POLL_S: Final = 0.05
"""Seconds between two looks at whether something is still wanted."""

_log = logging.getLogger(__name__)


class Superseded(Exception):
    """A newer request came, or the session was closed."""


class Worker:
    """One thread, with room for one waiting job: a newer job replaces the one that waits.

    The thread starts with the first job. It holds a job only while it runs, and never its session,
    so that a forgotten session can be collected.
    """

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._next: Callable[[], None] | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def submit(self, job: Callable[[], None]) -> None:
        """Run this job next, in place of one that still waits."""
        with self._wake:
            self._next = job
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="seg_widgets worker", daemon=True
                )
                self._thread.start()
            self._wake.notify()

    def close(self) -> None:
        """Drop the job that waits, and end the thread after the one that runs."""
        with self._wake:
            self._closed = True
            self._next = None
            self._wake.notify()

    def is_current(self) -> bool:
        """Whether the caller runs on this worker's thread."""
        return self._thread is threading.current_thread()

    def join(self, timeout_s: float) -> None:
        """Wait until the thread has ended, at most `timeout_s` seconds; on that thread, not at
        all."""
        if self._thread is not None and not self.is_current():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._wake:
                while self._next is None and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                job, self._next = self._next, None
            if job is not None:
                _run(job)
            # Otherwise the last job, with its image, would live until the next one comes.
            del job


def _run(job: Callable[[], None]) -> None:
    """Run a job; not even one that calls `sys.exit` ends the thread."""
    try:
        job()
    except BaseException as error:
        _log.exception("A job of the worker has failed")
        # Its frames would keep images in memory.
        error.__traceback__ = None


def call_in_thread(function: Callable[[], _Value], name: str) -> Future[_Value]:
    """Call a function in a thread of its own, which nobody has to wait for.

    Args:
        function: What to call.
        name: The thread's name.

    Returns:
        A future with what the function returns or raises.
    """
    future: Future[_Value] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name=name, daemon=True).start()
    return future


def wait_for(future: Future[_Value], dropped: threading.Event) -> _Value:
    """Wait for a future, but not longer than it is wanted.

    Args:
        future: What to wait for.
        dropped: Set when nobody needs the value any more.

    Returns:
        The future's value; what it raised is raised.

    Raises:
        Superseded: `dropped` was set, or the future was cancelled.
    """
    while not dropped.is_set():
        try:
            return future.result(timeout=POLL_S)
        except CancelledError:
            raise Superseded from None
        except TimeoutError:
            if future.done():  # the work's own time-out, not ours
                raise
    raise Superseded
