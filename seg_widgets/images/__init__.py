"""Bytes, files, addresses and arrays as RGB images; the only place that decodes."""

from __future__ import annotations

from .arrays import RGBArray
from .file_upload import Upload, uploads
from .formats import ACCEPT, FORMATS, SUFFIXES
from .limits import MAX_BYTES, MAX_PIXELS, MAX_SIDE
from .loading import load
from .names import is_address, name_of

__all__ = [
    "ACCEPT",
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "SUFFIXES",
    "RGBArray",
    "Upload",
    "is_address",
    "load",
    "name_of",
    "uploads",
]
