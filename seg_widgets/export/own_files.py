"""Telling images that were exported from images that were taken."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from .png_encoder import MARK

__all__ = ["is_own_image"]

# What a name has to look like before the file is opened: a folder may have a million of them.
_NAMES: Final = re.compile(
    r"-(overlay|sheet|labels)\.png|-labels\.tif|-(cutout|mask)-\d{3,}-.*\.png", re.IGNORECASE
)
# A TIFF's description may lie behind its pixels.
_LOOKED_THROUGH: Final = 1 << 22
_DESCRIBED: Final = b'{"seg_widgets":'


def is_own_image(path: Path) -> bool:
    """Whether an image is one that this package has exported: by its name and its content.

    Args:
        path: the file.

    Returns:
        True for overlays, contact sheets, label images, cut-outs and masks.
    """
    # A pipe of such a name would be waited for.
    if not _NAMES.search(path.name) or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            content = file.read(_LOOKED_THROUGH)
    except OSError:
        return False
    return MARK in content[: len(MARK) + 64] or _DESCRIBED in content
