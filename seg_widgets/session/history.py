"""The images of one session with their results: all results, and pixels within a limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

from ..errors import SettingError
from ..images import RGBArray
from ..prediction import Prediction
from .pixels import Pixels
from .result import Result, all_notes

__all__ = ["MAX_BYTES", "EntryState", "History", "HistoryEntry"]

EntryState = Literal["waiting", "busy", "done", "failed"]

MAX_BYTES: Final = 400_000_000
"""Bytes that the pixels of a session's images may take in memory together (3 for each pixel)."""


class _LoadedImage:
    """The `image` of an entry: it takes an array or `Pixels`, and gives the array."""

    def __get__(self, entry: HistoryEntry | None, kind: type[HistoryEntry]) -> RGBArray | None:
        pixels = None if entry is None else entry.pixels
        return None if pixels is None else pixels.load()

    def __set__(self, entry: HistoryEntry, value: RGBArray | Pixels | None) -> None:
        if value is not None and not isinstance(value, Pixels):
            value = Pixels(value)
        # The entry is frozen; this is the one moment at which its parts are set.
        entry.__dict__["_pixels"] = value


@dataclass(frozen=True, eq=False)
class HistoryEntry:
    """One image of a session.

    Args:
        number: Counted up from 1.
        source: What it is called.
        origin: Its path or address; "" where it has none.
        state: "waiting", "busy", "done" or "failed".
        image: H×W×3 uint8 RGB; None until it is done. Of an older entry it is loaded when it is
            read: from its own file, or from a temporary one. `ImageError` says why that failed.
        prediction: What was found in it; None until it is done.
        model: What the model is called.
        took_s: Seconds that the model took; None until it is done.
        error: Why it failed, in words to show.
        image_notes: What the reading of the image changed or left out, a sentence each.
    """

    number: int
    source: str
    origin: str = ""
    state: EntryState = "waiting"
    image: _LoadedImage = _LoadedImage()
    prediction: Prediction | None = field(default=None, repr=False)
    model: str = ""
    took_s: float | None = None
    error: str = ""
    image_notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        model = f", by {self.model}" if self.model else ""
        return f"HistoryEntry({self.number}, {self.source!r}, {self.state}{model})"

    @property
    def pixels(self) -> Pixels | None:
        """What loads `image`; None until it is done."""
        pixels: Pixels | None = self.__dict__.get("_pixels")
        return pixels

    @property
    def notes(self) -> tuple[str, ...]:
        """What a limit cut, or what was changed to read or convert it, a sentence each."""
        return all_notes(self.image_notes, self.prediction)

    @property
    def result(self) -> Result | None:
        """The finished result; None until it is done.

        Raises:
            ImageError: The pixels of the image can't be had any more.
        """
        pixels, prediction = self.pixels, self.prediction
        if pixels is None or prediction is None:
            return None
        return Result(
            pixels.load(),
            prediction,
            self.source,
            self.origin,
            self.number,
            self.model,
            self.took_s,
            self.image_notes,
        )

    def changed(self, **changes: Any) -> HistoryEntry:
        """A copy with other parts; unlike `dataclasses.replace`, it loads no pixels.

        Args:
            **changes: Values by the names of the parts.
        """
        values = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name != "image"
        }
        return HistoryEntry(**{**values, "image": self.pixels, **changes})


class History:
    """Entries by number, in the order in which they came.

    Not for several threads at once: its owner has the lock.

    Args:
        max_bytes: Bytes that their pixels may take in memory together.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
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
            self._entries[number] = self._entries[number].changed(**changes)

    def finish(self, number: int, result: Result, pixels: Pixels | None = None) -> None:
        """Put the result into an entry, which is done; one that was removed meanwhile stays away.

        Args:
            number: The entry's number.
            result: The result.
            pixels: What loads its image again; None (default) makes one of the result's image.
        """
        self.update(
            number,
            state="done",
            error="",
            image=pixels or result.image,
            prediction=result.prediction,
            model=result.model,
            took_s=result.took_s,
            image_notes=result.image_notes,
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

    def clear(self) -> tuple[HistoryEntry, ...]:
        """Remove all entries, and return them."""
        removed = tuple(self)
        self._entries.clear()
        return removed

    def restore(self, entries: Iterable[HistoryEntry]) -> None:
        """Bring back removed entries, which come at their old places.

        Args:
            entries: What `clear` returned.
        """
        known = {entry.number: entry for entry in (*entries, *self)}
        self._entries = {number: known[number] for number in sorted(known)}

    def over_limit(self, keep: int | None) -> list[Pixels]:
        """The pixels that have to leave memory, those of the oldest entries first.

        Args:
            keep: The number of the entry on screen, whose pixels stay; None where there is none.
        """
        kept = None if keep is None or keep not in self else self[keep].pixels
        # Two results of one image share their pixels.
        all_pixels = dict.fromkeys(entry.pixels for entry in self if entry.pixels is not None)
        size = sum(pixels.memory_bytes for pixels in all_pixels)
        over = []
        for pixels in all_pixels:
            if size <= self._max_bytes:
                break
            if pixels is not kept and pixels.memory_bytes:
                over.append(pixels)
                size -= pixels.memory_bytes
        return over
