"""Fetching a model in a thread of its own, while the panel keeps working."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from ..errors import SegWidgetsError, WeightsFetchError
from .sources import find_source

__all__ = ["BackgroundDownload"]

_NOTIFY_EVERY_S: Final = 0.25
_log = logging.getLogger(__name__)


class BackgroundDownload:
    """Fetches a model in a thread of its own.

    Attributes:
        name: the model's name.
        words: how far it is, to be shown, such as "Fetching coco-r50-fpn-3x: 45 of 178 MB".
    """

    def __init__(
        self, name: str, notify: Callable[[], None], done: Callable[[SegWidgetsError | None], None]
    ) -> None:
        """Prepare a download; `start` begins it.

        Args:
            name: a model for which `missing_card` has a card.
            notify: called while bytes come, a few times a second, on the download's thread.
            done: called once at the end with the error or None, on the download's thread.
        """
        self.name = name
        self.words = f"Fetching {name}"
        self._notify, self._done = notify, done
        self._last_notified = 0.0
        self._cancelled = threading.Event()

    def start(self) -> None:
        """Begin; to be called once."""
        threading.Thread(target=self._run, name="seg_widgets download", daemon=True).start()

    def cancel(self) -> None:
        """End it soon; what has come stays for the next time."""
        self._cancelled.set()

    def _run(self) -> None:
        problem: SegWidgetsError | None = None
        try:
            find_source(self.name).fetch(self._progress, self._cancelled)
        except SegWidgetsError as error:
            problem = error
        # Whatever it is: `done` must be called.
        except BaseException as error:
            _log.exception("The download of %s failed", self.name)
            problem = WeightsFetchError(
                f"Something unexpected stopped the download of {self.name!r} "
                f"({type(error).__name__}: {error}). The kernel's log has the details; try again."
            )
        self._done(problem)

    def _progress(self, there: int, total: int | None) -> None:
        of = f" of {total / 1e6:.0f}" if total else ""
        self.words = f"Fetching {self.name}: {there / 1e6:.0f}{of} MB"
        now = time.monotonic()
        if now - self._last_notified >= _NOTIFY_EVERY_S:
            self._last_notified = now
            self._notify()
