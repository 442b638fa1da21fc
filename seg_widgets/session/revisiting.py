"""How a session goes back: to a result of its history, and to what was cleared."""

from __future__ import annotations

from .._text import printable
from ..errors import SegWidgetsError, SettingError
from .cleared import Cleared, Undo
from .history import HistoryEntry
from .processing import Processing
from .queue import Request

__all__ = ["Revisiting"]


class Revisiting(Processing):
    """The part of a session that shows, removes and brings back what is in its history.

    Args:
        threshold: The lowest score that is shown, 0 to 1.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__(threshold)
        self._undo = Undo(self._show_undo, self._lock)

    def show(self, number: int) -> None:
        """Put an image of the history on screen with its result; the model doesn't run again.

        One that waits becomes the next one; one that failed shows why in `error`. So does one whose
        pixels can't be had any more: its result stays in `history`.

        Args:
            number: The image's number in `history`.

        Raises:
            SettingError: There is no such image, or the session is closed.
        """
        with self._lock:
            self._check_open()
            entry = self._history[number]
            current = self._queue.current
            if entry.state == "done":
                self._show_entry(entry)
            elif entry.state == "failed":
                self._publish(error=entry.error)
            elif current is not None and current.number == number:
                current.shown = True
            elif (waiting := self._queue.take(number)) is not None:
                waiting.shown, waiting.order = True, 0
                self._submit(waiting)

    def _show_entry(self, entry: HistoryEntry) -> None:
        """Show a finished entry, or say why it can't be shown. Called with the lock."""
        try:
            result = entry.result
        except SegWidgetsError as error:
            name = printable(entry.source) or f"Image {entry.number}"
            self._publish(
                error=f"{name} can't be shown again. {error} Its result is still in the history."
            )
        else:
            self._failure = None
            with self._reporting():
                # First: what doesn't fit this image is said when it is shown.
                self.error = self._standing_error(of_image=False)
                self._show(result)
            self._publish()

    def forget(self, number: int) -> None:
        """Remove an image from `history`; one that is on screen stays there.

        Args:
            number: The image's number in `history`.

        Raises:
            SettingError: There is no such image.
        """
        with self._lock, self._reporting():
            self._history.remove(number)
            self._queue.take(number)
            current = self._queue.current
            if current is not None and current.number == number:
                self._queue.drop_current()
                self._start_next()
            if self.current == number:
                self.set_trait("current", None)
            self._publish(error=self.error)

    def clear(self) -> None:
        """Remove the image, its result, the history and any error, and drop what is under way or
        waits.

        For a minute `undo_clear` brings all but the error back; then it is gone.
        """
        with self._lock, self._reporting():
            requests = self._queue.clear()
            had = self.result, self.hidden_instances, self.selected
            entries = self._history.clear()
            self._failure = None
            if entries or requests or self.result is not None:
                self._undo.keep(Cleared(entries, *had, requests))
            self._show(None)
            self._publish(error="")

    def undo_clear(self) -> None:
        """Bring back what the last `clear` has removed: the results, the image on screen unless
        there is another one by now, and the images that had no result yet, which go on.

        Raises:
            SettingError: Nothing was cleared within the last minute, or the session is closed.
        """
        with self._lock, self._reporting():
            self._check_open()
            cleared = self._undo.take()
            if cleared is None:
                raise SettingError(
                    "There is nothing to bring back: nothing was cleared within the last minute."
                )
            self._history.restore(
                entry.changed(state="waiting") if entry.state == "busy" else entry
                for entry in cleared.entries
            )
            # First: what doesn't fit the image is said when it is shown.
            self.error = self._standing_error()
            if self.result is None:
                self._show(cleared.result)
                self.hidden_instances = cleared.hidden_instances
                self.selected = cleared.selected
            self._go_on_with(cleared.requests)
            self._publish()

    def _go_on_with(self, requests: tuple[Request, ...]) -> None:
        """Do what was dropped. A single image that was under way is not, if there is a newer
        request. Called with the lock."""
        again = [request.again() for request in requests if request.kept or not self._queue]
        self._queue.wait(again)
        self._start_next()

    def _show_undo(self) -> None:
        """What was cleared can be brought back, or no longer. Called with the lock."""
        with self._reporting():
            self.set_trait("can_undo_clear", bool(self._undo))
