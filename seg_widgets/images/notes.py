"""The choices that were made while an image was opened, as plain sentences."""

from __future__ import annotations

from dataclasses import dataclass, field

from .arrays import RGBArray

__all__ = ["ImageWarning", "LoadedImage"]


class ImageWarning(UserWarning):
    """A choice was made while an image was opened: contrast, channels, or one page of several.

    `seg_widgets.load` warns with it; `seg_widgets.images.read` returns the same sentences as
    `LoadedImage.notes` and warns of nothing.
    """


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """An image with what was chosen while it was opened.

    Args:
        pixels: H×W×3 uint8 RGB, upright.
        name: what the image is called; "" if it has no name.
        notes: one sentence for each choice that changes what is seen: contrast, channels, the page
            of a file with several. Empty for an ordinary photograph.
    """

    pixels: RGBArray = field(repr=False)
    name: str = ""
    notes: tuple[str, ...] = ()
