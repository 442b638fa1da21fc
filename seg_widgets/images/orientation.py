"""Which way up an image was annotated: as viewers show it, or as its file has it before the
camera's rotation (EXIF) is applied."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from .arrays import RGBArray

__all__ = ["as_stored", "is_annotated_upright"]

_ORIENTATION: Final = 0x0112  # EXIF's tag
# Those in which width and height change places.
_SWAPPED: Final = (5, 6, 7, 8)


def is_annotated_upright(path: Path, shown: tuple[int, int], size: tuple[int, int]) -> bool | None:
    """Which way up an image has the size that its annotations say.

    Args:
        path: the image's file.
        shown: (height, width) of its upright pixels.
        size: (height, width) in its annotations.

    Returns:
        True: as it is shown. False: as the file has it, before the camera's rotation. None:
        neither, so the annotations don't fit.
    """
    if size == shown:
        return True
    is_turned = size == shown[::-1] and _orientation_of(path) in _SWAPPED
    return False if is_turned else None


def as_stored(path: Path, pixels: RGBArray) -> RGBArray:
    """Undo the camera's rotation.

    Args:
        path: the image's file.
        pixels: H×W×3 uint8 RGB, upright.

    Returns:
        The pixels as the file has them.
    """
    orientation = _orientation_of(path)
    if orientation in _SWAPPED:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 7, 8):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 6, 7):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _orientation_of(path: Path) -> int:
    """EXIF's orientation of an image's file, 1 to 8; 1 (upright) where it has none."""
    try:
        with warnings.catch_warnings():
            # Only the header is read, whatever the size.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return int(image.getexif().get(_ORIENTATION, 1))
    except (OSError, ValueError, TypeError, Image.DecompressionBombError):
        return 1
