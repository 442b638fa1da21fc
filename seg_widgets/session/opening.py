"""Opening images: each in a thread of its own, which is left to itself once nobody needs it."""

from __future__ import annotations

import threading
import time
from typing import Final

from ..errors import ImageError
from .source import Opened, Source
from .worker import POLL_S, Superseded, call_in_thread, wait_for

__all__ = ["MOST_OPENERS", "Openers"]

MOST_OPENERS: Final = 4
"""Images of one session that are being opened at once, those that nobody waits for included."""

_PATIENCE_S: Final = 30.0


class Openers:
    """Opens images of one session.

    What is no longer needed is stopped: a download within a moment, reading and decoding at the
    end of its step. Only a file-like object or a file system that never answers can't be stopped;
    it keeps one of `MOST_OPENERS` threads, and no more than these.
    """

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(MOST_OPENERS)

    def open(self, source: Source, dropped: threading.Event) -> Opened:
        """Open an image, and wait for it.

        Args:
            source: The image.
            dropped: Set when nobody needs it any more.

        Returns:
            The image.

        Raises:
            Superseded: `dropped` was set meanwhile.
            ImageError: Too many others are being opened, and none of them ends.
            BaseException: Whatever the opening raises.
        """
        self._take_turn(dropped)

        def load() -> Opened:
            try:
                return source.load(dropped)
            finally:
                self._free.release()

        try:
            opening = call_in_thread(load, "seg_widgets opener")
        except BaseException:  # there can be no more threads
            self._free.release()
            raise
        try:
            return wait_for(opening, dropped)
        except BaseException:
            # What is stopped says so with an error of its own.
            if dropped.is_set():
                raise Superseded from None
            raise

    def _take_turn(self, dropped: threading.Event) -> None:
        end_s = time.monotonic() + _PATIENCE_S
        while not self._free.acquire(timeout=POLL_S):
            if dropped.is_set():
                raise Superseded
            if time.monotonic() > end_s:
                raise ImageError(
                    f"{MOST_OPENERS} other images are still being read, and none of them comes to "
                    "an end: a disk, a server or a file object does not answer. Restart the "
                    "kernel, or give the bytes of the image."
                )
