"""Images with masks, outlines, boxes and labels drawn in, at full resolution."""

from __future__ import annotations

from .rendering import Style, cutout, overlay, thumbnail

__all__ = ["Style", "cutout", "overlay", "thumbnail"]
