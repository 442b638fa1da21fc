"""How large an image may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..errors import ImageDamagedError, ImageTooLargeError, SettingError
from ..net import MAX_BYTES, size_text

__all__ = ["MAX_BYTES", "MAX_PIXELS", "MAX_SIDE", "Limits", "megapixels"]

MAX_PIXELS: Final = 50_000_000
MAX_SIDE: Final = 10_000


@dataclass(frozen=True)
class Limits:
    """How large an image may be.

    Args:
        max_pixels: width · height.
        max_side: pixels along the longer side.
        max_bytes: bytes of the file, before decoding.

    Raises:
        SettingError: one of them is not a whole number of 1 or more.
    """

    max_pixels: int = MAX_PIXELS
    max_side: int = MAX_SIDE
    max_bytes: int = MAX_BYTES

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise SettingError(f"{name} is a whole number of 1 or more, not {value!r}.")

    def check_bytes(self, count: int, name: str) -> None:
        """Check the size of a file.

        Args:
            count: its bytes.
            name: what messages call the image.

        Raises:
            ImageTooLargeError: there are more than `max_bytes`.
        """
        if count > self.max_bytes:
            raise ImageTooLargeError(
                f"{name} has {size_text(count)}, over the limit of {size_text(self.max_bytes)}. "
                "Save it smaller or as a JPEG, or raise max_bytes."
            )

    def check_size(self, width: int, height: int, name: str) -> None:
        """Check the size of an image.

        Args:
            width: pixels.
            height: pixels.
            name: what messages call the image.

        Raises:
            ImageDamagedError: there are no pixels.
            ImageTooLargeError: a side is over `max_side`, or the area over `max_pixels`.
        """
        if width < 1 or height < 1:
            raise ImageDamagedError(f"{name} has no pixels: its size is {width}×{height}.")
        size = f"{name} is {width:,}×{height:,} pixels"
        if max(width, height) > self.max_side:
            raise ImageTooLargeError(
                f"{size}, and a side may have {self.max_side:,} at most. "
                "Scale it down or cut it into tiles, or raise max_side."
            )
        if width * height > self.max_pixels:
            raise ImageTooLargeError(
                f"{size} ({megapixels(width * height)}), over the limit of "
                f"{megapixels(self.max_pixels)}. Scale it down, or raise max_pixels."
            )


def megapixels(count: int) -> str:
    """Write a number of pixels for a message.

    Args:
        count: how many.

    Returns:
        Such as "24.0 megapixels", or "900 pixels" for few.
    """
    return f"{count / 1e6:,.1f} megapixels" if count >= 100_000 else f"{count:,} pixels"
