"""`python -m seg_widgets`: see `seg_widgets.cli`."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

__all__ = ["main"]

_INTERRUPTED = 128 + signal.SIGINT


def _leave(number: int, frame: FrameType | None) -> None:
    # Nothing has begun that would have to end; modules that are interrupted while they are imported
    # complain in ways of their own.
    os._exit(_INTERRUPTED)


def _quietly() -> None:
    """Let Ctrl+C end the program without a traceback while its modules are imported."""
    # What started this program may want it to be ignored, as `nohup` does.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


if __name__ == "__main__":
    _quietly()

from .cli import main  # noqa: E402 - after what is to be quiet

if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status = main()
    except KeyboardInterrupt:
        status = _INTERRUPTED
    sys.exit(status)
