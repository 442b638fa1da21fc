"""The small images of a filmstrip: what is shown of each result, at the size of a thumbnail."""

from __future__ import annotations

import threading
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ..drawing import THUMBNAIL_STYLE, overlay, shrink, shrink_prediction
from ..errors import SegWidgetsError
from ..images import RGBArray
from ..prediction import Filter, Prediction
from ..session import HistoryEntry

__all__ = ["THUMB_HEIGHT", "THUMB_WIDTH", "Thumbnail"]

THUMB_WIDTH, THUMB_HEIGHT = 112, 84
"""Pixels of a small image at most."""

JPEG_QUALITY: Final = 80


class Thumbnail:
    """One result made small, so that it can be drawn again without its image.

    Args:
        entry: A finished entry of the history.
    """

    def __init__(self, entry: HistoryEntry) -> None:
        self._entry: HistoryEntry | None = entry
        self._prediction = entry.prediction
        self._small: tuple[RGBArray, Prediction] | None = None
        self._filter: Filter | None = None
        # Which instances its JPEG shows, and with which masks.
        self._drawn: tuple[npt.NDArray[np.bool_], Prediction] | None = None
        # Two threads may come to draw it: a new one, and one that follows a change.
        self._lock = threading.Lock()
        self.jpeg = b""
        """The file of the small image; b"" where it is not drawn yet or the pixels are gone."""

    @property
    def is_new(self) -> bool:
        """Whether it was never drawn."""
        return self._filter is None

    @property
    def has_pixels(self) -> bool:
        """Whether it can be drawn without reading a file."""
        entry = self._entry
        return entry is None or (entry.pixels is not None and entry.pixels.memory_bytes > 0)

    def is_of(self, entry: HistoryEntry) -> bool:
        """Whether it shows the result of this entry.

        Args:
            entry: An entry of the history.
        """
        return entry.prediction is self._prediction

    def shows(self, shown: Filter) -> bool:
        """Whether it is drawn with this filter.

        Args:
            shown: What is shown of the prediction.
        """
        return self._filter == shown

    def draw(self, shown: Filter) -> None:
        """Draw it, unless it is drawn so already.

        Args:
            shown: What is shown of the prediction.
        """
        with self._lock:
            if not self.shows(shown):
                self._draw(shown)

    def _draw(self, shown: Filter) -> None:
        entry, prediction = self._entry, self._prediction
        self._filter = shown
        if entry is not None and prediction is not None:
            try:
                image = entry.image
            except SegWidgetsError:
                return  # `show` says why
            finally:
                self._entry = None
            if image is not None:
                self._small = shrink(image, prediction, THUMB_WIDTH, THUMB_HEIGHT)
        if self._small is None:
            return
        small, shrunk = self._small
        # Of the prediction itself: areas and overlaps are counted in its pixels, and in the small
        # image another piece may be the largest.
        whole = self._prediction or shrunk
        kept, reshaped = shown.keep(whole), shown.reshaped(whole)
        # Most steps of a threshold change few images of a session.
        if self._is_drawn(kept, reshaped):
            return
        self._drawn = kept, reshaped
        if reshaped is not whole:
            shrunk = shrink_prediction(reshaped, THUMB_WIDTH, THUMB_HEIGHT)
        drawn = overlay(small, shrunk, THUMBNAIL_STYLE, only=kept)
        done, data = cv2.imencode(
            ".jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        )
        assert done, "OpenCV encodes every uint8 RGB array"
        self.jpeg = data.tobytes()

    def _is_drawn(self, kept: npt.NDArray[np.bool_], reshaped: Prediction) -> bool:
        """Whether its JPEG shows these instances with these masks."""
        if self._drawn is None:
            return False
        before, masks = self._drawn
        return masks is reshaped and np.array_equal(kept, before)
