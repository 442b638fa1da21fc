"""The images of one session with their results, a bounded number of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from ..errors import SettingError
from ..prediction import Prediction
from .result import Result

__all__ = ["MAX_BYTES", "MAX_ENTRIES", "EntryState", "History", "HistoryEntry"]

EntryState = Literal["waiting", "busy", "done", "failed"]

MAX_ENTRIES: Final = 30
"""Finished images that a session keeps; the oldest goes first."""

MAX_BYTES: Final = 400_000_000
"""Bytes that the finished images of a session may take together (3 for each pixel)."""


@dataclass(frozen=True, eq=False)
class HistoryEntry:
    """One image of a session.

    Args:
        number: Counted up from 1.
        source: What it is called.
        origin: Its path or address; "" where it has none.
        state: "waiting", "busy", "done" or "failed".
        image: H×W×3 uint8 RGB; None until it is done.
        prediction: What was found in it; None until it is done.
        model: What the model is called.
        took_s: Seconds that the model took; None until it is done.
        error: Why it failed, in words to show.
    """

    number: int
    source: str
    origin: str = ""
    state: EntryState = "waiting"
    image: npt.NDArray[np.uint8] | None = field(default=None, repr=False)
    prediction: Prediction | None = field(default=None, repr=False)
    model: str = ""
    took_s: float | None = None
    error: str = ""

    @property
    def result(self) -> Result | None:
        """The finished result; None until it is done."""
        if self.image is None or self.prediction is None:
            return None
        return Result(
            self.image,
            self.prediction,
            self.source,
            self.origin,
            self.number,
            self.model,
            self.took_s,
        )


class History:
    """Entries by number, in the order in which they came.

    Not for several threads at once: its owner has the lock.

    Args:
        max_entries: Finished entries that are kept.
        max_bytes: Bytes that their images may take together.
    """

    def __init__(self, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: dict[int, HistoryEntry] = {}
        self._last = 0

    def __iter__(self) -> Iterator[HistoryEntry]:
        return iter(self._entries.values())

    def __contains__(self, number: object) -> bool:
        return number in self._entries

    def __getitem__(self, number: int) -> HistoryEntry:
        try:
            return self._entries[number]
        except KeyError:
            raise SettingError(
                f"There is no image number {number} in the history; it may have been removed."
            ) from None

    def add(self, source: str, origin: str = "") -> int:
        """Add an entry, which waits; returns its number."""
        self._last += 1
        self._entries[self._last] = HistoryEntry(self._last, source, origin)
        return self._last

    def update(self, number: int, **changes: Any) -> None:
        """Replace parts of an entry; one that was removed meanwhile stays away."""
        if number in self._entries:
            self._entries[number] = replace(self._entries[number], **changes)

    def finish(self, number: int, result: Result) -> None:
        """Put the result into an entry, which is done; one that was removed meanwhile stays
        away."""
        self.update(
            number,
            state="done",
            error="",
            image=result.image,
            prediction=result.prediction,
            model=result.model,
            took_s=result.took_s,
        )

    def remove(self, number: int) -> None:
        """Remove one entry.

        Raises:
            SettingError: There is no entry with this number.
        """
        del self._entries[self[number].number]

    def drop_unfinished(self) -> None:
        """Remove the entries that wait or are under way."""
        kept = {entry.number: entry for entry in self if entry.state in ("done", "failed")}
        self._entries = kept

    def clear(self) -> None:
        """Remove all entries."""
        self._entries.clear()

    def trim(self, keep: int | None) -> None:
        """Remove the oldest finished entries over the limits, but not the one numbered `keep`,
        which is on screen."""
        done = [entry for entry in self if entry.state == "done"]
        size = sum(_bytes(entry) for entry in done)
        count = len(done)
        for entry in done:
            if count <= self._max_entries and size <= self._max_bytes:
                return
            if entry.number != keep:
                del self._entries[entry.number]
                count -= 1
                size -= _bytes(entry)


def _bytes(entry: HistoryEntry) -> int:
    return 0 if entry.image is None else int(entry.image.nbytes)
