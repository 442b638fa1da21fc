"""A strip of small images: the history of a panel, to go back to any of its results."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import traitlets

from .._text import plural
from ..prediction import Filter
from ..session import HistoryEntry, ThreadSafeTraits
from ..viewer import LazyText, script, stylesheet
from .at_rest import AtRest
from .state_in_parts import StateInParts
from .thumbnails import THUMB_HEIGHT, THUMB_WIDTH, Thumbnail

__all__ = ["THUMB_HEIGHT", "THUMB_WIDTH", "Filmstrip"]

_REST_S: Final = 0.4

# A new image is drawn once the result itself has gone to the browser.
_SOON_S: Final = 0.05


@dataclass(frozen=True)
class _Sent:
    """What the browser has of one image, and of what it was made."""

    made_of: dict[str, Any]
    """An entry of `items`."""
    jpeg: bytes | None
    """An entry of `thumbs`."""
    item: dict[str, Any]
    """The part `item_3`: the entry, its version, and the version of its small image (or 0)."""
    thumb: dict[str, Any] | None
    """The part `thumb_3`: version and JPEG."""

    def changed(
        self, made_of: dict[str, Any], jpeg: bytes | None, versions: Iterator[int]
    ) -> _Sent:
        """The same with what is new, if there is something.

        Args:
            made_of: An entry of `items`.
            jpeg: An entry of `thumbs`, if it has one.
            versions: Those that nothing has yet.
        """
        thumb = self.thumb
        if jpeg is not self.jpeg:
            thumb = None if jpeg is None else {"version": next(versions), "jpeg": jpeg}
        elif made_of == self.made_of:
            return self
        shown = 0 if thumb is None else thumb["version"]
        item = {**made_of, "version": next(versions), "thumb": shown}
        return _Sent(made_of, jpeg, item, thumb)


_NOTHING: Final = _Sent({}, None, {}, None)


class Filmstrip(ThreadSafeTraits, StateInParts):
    """Small images in a row, one of them current; a click on another chooses it.

    It shows nothing while it has fewer than two of them. `on_show` and `on_remove` are called with
    the number of the image that a person has chosen.

    Args:
        **settings: The strip's traits.
    """

    # As texts: of a path anywidget keeps every widget alive, to notify it of changes in the file.
    _esm = LazyText(script, "filmstrip")
    _css = LazyText(stylesheet, "filmstrip")

    items: Any = traitlets.List([])
    """The images in their order, a list of dicts with `number`, `name`, `state` ("waiting", "busy",
    "done", "failed"), `note` and `error` (both texts to show), and `model` where the results are of
    more than one; default empty."""

    thumbs: Any = traitlets.Dict({})
    """The small images of those that are done, a dict of JPEG bytes by number (as text); default
    empty."""

    current = traitlets.Int(None, allow_none=True).tag(sync=True)
    """The number of the image that is shown elsewhere, an int; None (default) when there is
    none."""

    def __init__(self, **settings: Any) -> None:
        self.on_show: Callable[[int], None] | None = None
        """Takes the number of the image that was chosen."""
        self.on_remove: Callable[[int], None] | None = None
        """Takes the number of the image that was removed."""
        self.lock = threading.RLock()
        """Held while the strip changes; its owner may put its own lock here."""
        # By the images' numbers: the thumbnail, and what it should show.
        self._thumbnails: dict[str, tuple[Thumbnail, Filter]] = {}
        # By the images' numbers: what the item in `items` was made of, and the item.
        self._items: dict[int, tuple[tuple[object, ...], dict[str, Any]]] = {}
        # What the browser has of the images, by number, and the next one's version.
        self._sent: dict[int, _Sent] = {}
        self._versions = itertools.count(1)
        self._redrawing = AtRest(self._redraw, _REST_S)
        self._drawing = AtRest(self._draw, _SOON_S)
        super().__init__({"images": []}, **settings)
        self.on_msg(self._on_message)

    def set_entries(
        self, entries: Iterable[HistoryEntry], current: int | None, shown: Filter | float
    ) -> None:
        """Show the images of a history.

        The counts follow what is shown at once. The small images follow in a thread of their own:
        new ones soon, those that are there already a moment after the last change.

        Args:
            entries: The images in their order.
            current: The number of the one that is shown elsewhere, or None.
            shown: What is shown of each prediction, or the lowest score, 0 to 1. Single hidden
                instances are those of the current one.
        """
        of_current = shown if isinstance(shown, Filter) else Filter(shown)
        of_others = replace(of_current, hidden_instances=())
        listed = tuple(entries)
        several_models = len({entry.model for entry in listed if entry.model}) > 1

        items = []
        thumbnails: dict[str, tuple[Thumbnail, Filter]] = {}
        for entry in listed:
            seen = of_current if entry.number == current else of_others
            if entry.prediction is not None:
                key = str(entry.number)
                thumbnails[key] = (self._thumbnail(key, entry), seen)
            items.append(self._item(entry, seen, several_models))

        with self.lock:
            self._thumbnails = thumbnails
            self._items = {item["number"]: self._items[item["number"]] for item in items}
            with self.hold_trait_notifications():
                self._send_thumbs()
                self.items = items
                self.current = current
        if any(thumbnail.is_new for thumbnail, _ in thumbnails.values()):
            self._drawing.touch()
        if not all(thumbnail.shows(seen) for thumbnail, seen in thumbnails.values()):
            self._redrawing.touch()

    def _thumbnail(self, key: str, entry: HistoryEntry) -> Thumbnail:
        known = self._thumbnails.get(key)
        return known[0] if known is not None and known[0].is_of(entry) else Thumbnail(entry)

    def _item(self, entry: HistoryEntry, seen: Filter, several_models: bool) -> dict[str, Any]:
        """What the browser is told of an entry; counted anew only where that can have changed."""
        made_of = entry, seen, several_models
        known = self._items.get(entry.number)
        if known is None or known[0][0] is not entry or known[0][1:] != made_of[1:]:
            known = made_of, _item(entry, seen, several_models)
            self._items[entry.number] = known
        return known[1]

    def _draw(self) -> None:
        """Draw the thumbnails that were never drawn, those first that need no file."""
        for needs_file in (False, True):
            for thumbnail, seen in tuple(self._thumbnails.values()):
                if thumbnail.is_new and thumbnail.has_pixels is not needs_file:
                    thumbnail.draw(seen)
            with self.lock:
                self._send_thumbs()

    def _redraw(self) -> None:
        """Draw the thumbnails that do not show what they should."""
        for thumbnail, seen in tuple(self._thumbnails.values()):
            thumbnail.draw(seen)
        with self.lock:
            self._send_thumbs()

    def _send_thumbs(self) -> None:
        """Send the small images if one of them has changed. Called with the lock."""
        jpegs = {key: thumbnail.jpeg for key, (thumbnail, _) in self._thumbnails.items()}
        thumbs = {key: jpeg for key, jpeg in jpegs.items() if jpeg}
        is_same = thumbs.keys() == self.thumbs.keys()
        if not is_same or any(thumbs[key] is not self.thumbs[key] for key in thumbs):
            self.thumbs = thumbs

    @traitlets.observe("items", "thumbs")
    def _send_images(self, _change: object = None) -> None:
        """Send what is new of the images: who has seen fifty is told of the next one alone."""
        with self.lock:
            sent: dict[int, _Sent] = {}
            for item in self.items:
                number = item["number"]
                known = self._sent.get(number, _NOTHING)
                jpeg = self.thumbs.get(str(number))
                sent[number] = known.changed(item, jpeg, self._versions)
            self._sent = sent
            self.set_parts(self._parts_of(sent))

    def _parts_of(self, sent: dict[int, _Sent]) -> dict[str, Any]:
        images: Any = [[number, each.item["version"]] for number, each in sent.items()]
        if images == self._parts.get("images"):
            images = self._parts["images"]
        parts: dict[str, Any] = {"images": images}
        for number, each in sent.items():
            parts[f"item_{number}"] = each.item
            if each.thumb is not None:
                parts[f"thumb_{number}"] = each.thumb
        return parts

    def _resend(self, numbers: Iterable[object]) -> None:
        """Send images that the browser lacks: what was sent while a page loads may be lost."""
        with self.lock:
            for number in numbers:
                if isinstance(number, int):
                    self._sent.pop(number, None)
            self._send_images()

    def _on_message(self, _widget: object, content: Any, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        if content.get("action") == "resend" and isinstance(content.get("numbers"), list):
            self._resend(content["numbers"])
            return
        # The browser may speak of one that has gone meanwhile.
        number = next(
            (item["number"] for item in self.items if item["number"] == content.get("number")), None
        )
        action = content.get("action")
        if action == "show" and number is not None and self.on_show is not None:
            self.on_show(number)
        elif action == "forget" and number is not None and self.on_remove is not None:
            self.on_remove(number)

    def __repr__(self) -> str:
        return f"Filmstrip({len(self.items)} {plural(len(self.items), 'image')})"


def _item(entry: HistoryEntry, seen: Filter, several_models: bool) -> dict[str, Any]:
    """What the browser is told of an entry."""
    note = ""
    if entry.prediction is not None:
        note = _count(int(seen.keep(entry.prediction).sum()))
    item: dict[str, Any] = {
        "number": entry.number,
        "name": entry.source,
        "state": entry.state,
        "note": note,
        "error": entry.error,
    }
    return {**item, "model": entry.model} if several_models else item


def _count(number: int) -> str:
    return f"{number} {plural(number, 'instance')}"
