"""What a caller can choose where a file holds more than one RGB image of 8 bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypedDict

import numpy as np

from ..errors import SettingError

__all__ = ["Channels", "Choices", "Contrast", "Reading"]

Contrast: TypeAlias = Literal["auto", "full", "none"] | tuple[float, float] | None
"""How values of more than 8 bits become 0–255; see `seg_widgets.images.read`."""

Channels: TypeAlias = int | Sequence[int] | None
"""One channel, shown as grey, or three, shown as red, green and blue; None: the usual ones."""


class Reading(TypedDict, total=False):
    """`Choices` as keywords, each of which may be left out."""

    contrast: Contrast
    channels: Channels
    page: int | None


@dataclass(frozen=True)
class Choices:
    """What to take of an image that holds more than 8-bit RGB.

    Args:
        contrast: "auto", "full", "none" (or None), or the pair (black, white).
        channels: an index, or one or three of them.
        page: the index of a page or frame; None: the first, with a note.

    Raises:
        SettingError: one of them is not of this kind.
    """

    contrast: Contrast = "auto"
    channels: Channels = None
    page: int | None = None

    def __post_init__(self) -> None:
        _ = self.limits, self.indices
        if self.page is not None and not _is_index(self.page):
            raise SettingError(f"page is the index of a page, 0 or more, not {self.page!r}.")

    @property
    def limits(self) -> tuple[float, float] | None:
        """The values for black and white; None: they are found by the rule `contrast`."""
        if self.contrast is None or self.contrast in ("auto", "full", "none"):
            return None
        try:
            low, high = (float(value) for value in self.contrast)
        except (TypeError, ValueError):
            low = high = math.nan
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise SettingError(
                'contrast is "auto", "full", "none" or a pair (black, white) with black below '
                f"white, not {self.contrast!r}."
            )
        return low, high

    @property
    def indices(self) -> tuple[int, ...] | None:
        """The indices of the channels, one or three; None: they are not chosen."""
        if self.channels is None:
            return None
        given = self.channels
        chosen = tuple(given) if isinstance(given, (Sequence, np.ndarray)) else (given,)
        if len(chosen) not in (1, 3) or not all(map(_is_index, chosen)):
            raise SettingError(
                "channels is one index, or three for red, green and blue, each 0 or more, "
                f"not {given!r}."
            )
        return tuple(int(index) for index in chosen)


def _is_index(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        return False
    return int(value) >= 0
