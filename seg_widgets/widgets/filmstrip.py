"""A strip of small images: the history of a panel, to go back to any of its results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import anywidget
import cv2
import traitlets

from ..drawing import thumbnail
from ..images import RGBArray
from ..prediction import Prediction
from ..session import HistoryEntry, ThreadSafeTraits
from ..viewer import LazyText, script, stylesheet

__all__ = ["Filmstrip"]

THUMB_WIDTH, THUMB_HEIGHT = 112, 84
"""Pixels of a small image at most."""

JPEG_QUALITY: Final = 80


class Filmstrip(ThreadSafeTraits, anywidget.AnyWidget):
    """Small images in a row, one of them current; a click on another chooses it.

    It shows nothing while it has fewer than two of them. `on_show` and `on_remove` are called with
    the number of the image that a person has chosen.

    Args:
        **settings: The strip's traits.
    """

    # As texts: of a path anywidget keeps every widget alive, to notify it of changes in the file.
    _esm = LazyText(script, "filmstrip")
    _css = LazyText(stylesheet, "filmstrip")

    items: Any = traitlets.List([]).tag(sync=True, echo_update=False)
    """The images in their order, a list of dicts with `number`, `name`, `state` ("waiting", "busy",
    "done", "failed"), `note` and `error` (both texts to show); default empty."""

    thumbs: Any = traitlets.Dict({}).tag(sync=True, echo_update=False)
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
        self._drawn: dict[str, Prediction] = {}
        super().__init__(**settings)
        self.on_msg(self._on_message)

    def set_entries(
        self, entries: Iterable[HistoryEntry], current: int | None, threshold: float
    ) -> None:
        """Show the images of a history.

        Args:
            entries: The images in their order.
            current: The number of the one that is shown elsewhere, or None.
            threshold: The lowest score of the masks on the small images, 0 to 1.
        """
        items = []
        thumbs = {}
        drawn: dict[str, Prediction] = {}
        for entry in entries:
            key = str(entry.number)
            note = ""
            if entry.image is not None and entry.prediction is not None:
                drawn[key] = entry.prediction
                known = self._drawn.get(key) is entry.prediction
                thumbs[key] = (
                    self.thumbs[key] if known else _thumb(entry.image, entry.prediction, threshold)
                )
                note = _count(len(entry.prediction.filter(threshold)))
            items.append(
                {
                    "number": entry.number,
                    "name": entry.source,
                    "state": entry.state,
                    "note": note,
                    "error": entry.error,
                }
            )
        self._drawn = drawn
        with self.hold_trait_notifications():
            if thumbs.keys() != self.thumbs.keys() or any(
                thumbs[key] is not self.thumbs[key] for key in thumbs
            ):
                self.thumbs = thumbs
            self.items = items
            self.current = current

    def _on_message(self, _widget: object, content: Any, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        # The browser may speak of one that has gone meanwhile.
        number = next(
            (item["number"] for item in self.items if item["number"] == content.get("number")), None
        )
        asked = content.get("ask")
        if asked == "show" and number is not None and self.on_show is not None:
            self.on_show(number)
        elif asked == "forget" and number is not None and self.on_remove is not None:
            self.on_remove(number)

    def __repr__(self) -> str:
        return f"Filmstrip({len(self.items)} {'image' if len(self.items) == 1 else 'images'})"


def _thumb(image: RGBArray, prediction: Prediction, threshold: float) -> bytes:
    small = thumbnail(image, prediction.filter(threshold), THUMB_WIDTH, THUMB_HEIGHT)
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    assert done, "OpenCV encodes every uint8 RGB array"
    return data.tobytes()


def _count(number: int) -> str:
    return f"{number} {'instance' if number == 1 else 'instances'}"
