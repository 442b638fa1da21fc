"""Images with masks, outlines, boxes and labels drawn in, at full resolution."""

from __future__ import annotations

from .contact_sheet import contact_sheet
from .labels import Label, Pill, place_labels
from .rendering import THUMBNAIL_STYLE, cutout, overlay, shrink, shrink_prediction, thumbnail

__all__ = [
    "THUMBNAIL_STYLE",
    "Label",
    "Pill",
    "contact_sheet",
    "cutout",
    "overlay",
    "place_labels",
    "shrink",
    "shrink_prediction",
    "thumbnail",
]
