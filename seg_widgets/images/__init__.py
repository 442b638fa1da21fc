"""Bytes, files, addresses and arrays as RGB images; the only place that decodes."""

from __future__ import annotations

from .arrays import RGBArray
from .choices import Channels, Choices, Contrast, Reading
from .file_upload import Upload, uploads
from .files import is_zarr, looks_like_image
from .formats import ACCEPT, FORMATS, SUFFIXES
from .limits import MAX_BYTES, MAX_PIXELS, MAX_SIDE
from .loading import load, read
from .names import is_address, name_of, printable
from .notes import ImageWarning, LoadedImage
from .orientation import as_stored, is_annotated_upright

__all__ = [
    "ACCEPT",
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "SUFFIXES",
    "Channels",
    "Choices",
    "Contrast",
    "ImageWarning",
    "LoadedImage",
    "RGBArray",
    "Reading",
    "Upload",
    "as_stored",
    "is_address",
    "is_annotated_upright",
    "is_zarr",
    "load",
    "looks_like_image",
    "name_of",
    "printable",
    "read",
    "uploads",
]
