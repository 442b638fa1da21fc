"""Images with masks, outlines, boxes and labels drawn in, at full resolution."""

from __future__ import annotations

from .labels import Label, Pill, place_labels
from .rendering import cutout, overlay, thumbnail

__all__ = ["Label", "Pill", "cutout", "overlay", "place_labels", "thumbnail"]
