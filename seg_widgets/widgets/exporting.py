"""The file of all images, made while the kernel does other things."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager
from threading import Thread
from typing import Any

from ..errors import ExportError, SegWidgetsError
from ..export import ExportedFile

__all__ = ["Exporting", "OnImage"]

OnImage = Callable[[int, int], None]
"""Is called before each image, with its number from 1 on and how many there are."""


class Exporting:
    """One export at a time, on a thread of its own; it can be cancelled between two images.

    Args:
        lock: Of the session, which guards what is under way.
        on_change: Is called when `status` has changed, on any thread.
    """

    def __init__(self, lock: AbstractContextManager[Any], on_change: Callable[[], None]) -> None:
        self._lock = lock
        self._on_change = on_change
        self._file: Future[ExportedFile] | None = None
        self.status = ""
        """What is under way, such as "Saving image 3 of 20", or ""."""

    def start(self, make: Callable[[OnImage], ExportedFile]) -> Future[ExportedFile]:
        """Begin.

        Args:
            make: Makes the file. What `OnImage` raises ends it.

        Returns:
            The file, or the `SegWidgetsError` that says why there is none; it is cancelled by
            `cancel`.

        Raises:
            SegWidgetsError: Another export is under way.
        """
        file: Future[ExportedFile] = Future()
        with self._lock:
            if self._file is not None:
                raise SegWidgetsError(
                    "Another file of all images is still being made. Wait for it, or cancel it."
                )
            self._file, self.status = file, "Saving all images"
        self._on_change()

        def on_image(number: int, count: int) -> None:
            with self._lock:
                if self._file is not file:
                    raise CancelledError
                self.status = f"Saving image {number} of {count}"
            self._on_change()

        def work() -> None:
            try:
                made = make(on_image)
            except BaseException as error:
                failure = _failure(error)
                if self._end(file):
                    file.set_exception(failure)
            else:
                if self._end(file):
                    file.set_result(made)

        Thread(target=work, name="seg_widgets export", daemon=True).start()
        return file

    def cancel(self) -> None:
        """End what is under way; nothing happens where nothing is."""
        file = self._file
        if file is not None and self._end(file):
            file.cancel()

    def _end(self, file: Future[ExportedFile]) -> bool:
        """Nothing is under way any more; False where this one was ended before."""
        with self._lock:
            if self._file is not file:
                return False
            self._file, self.status = None, ""
        self._on_change()
        return True


def _failure(error: BaseException) -> SegWidgetsError:
    """An error as one that the panel can show; a format of somebody else's can raise anything."""
    if isinstance(error, SegWidgetsError):
        return error
    return ExportError(f"The file could not be made: {type(error).__name__}: {error}")
