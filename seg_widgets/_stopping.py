"""Long work that ends cleanly when it is asked to: by Ctrl+C, `kill`, or a batch system.

The work is not broken off: it looks at the request between two of its steps, saves what it has, and
says how to go on.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

__all__ = ["StopRequest", "stop_requests"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether somebody has asked for the end.

    Attributes:
        number: of the signal that came; None: none did.
    """

    def __init__(self) -> None:
        self.number: int | None = None

    def __bool__(self) -> bool:
        return self.number is not None

    @property
    def name(self) -> str:
        """The signal's name, such as "SIGTERM"; "" if none came."""
        return "" if self.number is None else signal.Signals(self.number).name

    @property
    def exit_status(self) -> int:
        """What a shell would say of a program that the signal ended, such as 143; 0 if none."""
        return 0 if self.number is None else 128 + self.number


@contextmanager
def stop_requests(on_request: Callable[[], object] | None = None) -> Iterator[StopRequest]:
    """Note SIGINT and SIGTERM, which would end the work in the middle of a step.

    The second signal does what it always did, for work that hangs. Only the main thread can hear
    of signals; on another one no request comes.

    Args:
        on_request: called once, when the first signal comes. It runs between any two instructions
            of the main thread, so it should only set a flag.

    Yields:
        The request, which is true once a signal has come.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def note(number: int, frame: FrameType | None) -> None:
        request.number = number
        restore()
        if on_request is not None:
            on_request()

    for number in _SIGNALS:
        # What the program that started this one wants to be ignored, as `nohup` does, stays so.
        if before[number] != signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield request
    finally:
        restore()
