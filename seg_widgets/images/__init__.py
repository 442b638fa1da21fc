"""Bytes, files, addresses and arrays as RGB images; the only place that decodes."""

from __future__ import annotations

from .loading import FORMATS, MAX_BYTES, MAX_PIXELS, MAX_SIDE, RGBArray, Upload, load, uploads

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "RGBArray",
    "Upload",
    "load",
    "uploads",
]
