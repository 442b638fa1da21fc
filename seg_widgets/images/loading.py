"""Whatever holds an image becomes an upright RGB array, or a message that says why not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from ..errors import ImageFormatError
from ..net import Fetched, fetch
from .arrays import RGBArray, from_array
from .decode import decode_bytes, decode_pil
from .file_upload import Upload, only_upload
from .files import read_open_file, read_path
from .limits import MAX_BYTES, MAX_PIXELS, MAX_SIDE, Limits
from .names import article, has_scheme, name_of, printable

__all__ = ["load"]


def load(
    source: object,
    *,
    max_pixels: int = MAX_PIXELS,
    max_side: int = MAX_SIDE,
    max_bytes: int = MAX_BYTES,
    name: str | None = None,
    allow_local: bool = False,
) -> RGBArray:
    """Turn whatever holds an image into an upright RGB array.

    16-bit images are scaled from 0–65535. Those of 32 bits or floats are scaled from their own
    darkest to their brightest value (floats in 0–1: as they are). Of an animation the first frame
    counts. What is transparent becomes white.

    Args:
        source: a path (`str` or `Path`); an http(s) address; the bytes of a file (`bytes`,
            `bytearray`, `memoryview`); an open binary file; a PIL image; the value of an ipywidgets
            `FileUpload` that holds one file, or one item of it (ipywidgets 7 and 8 alike); or an
            array, H×W, H×W×1, H×W×3 (RGB, not BGR) or H×W×4 (RGBA), of uint8, of uint16 over its
            full range, of booleans, or of floats from 0 to 1.
        max_pixels: the largest width · height (default: 50 million).
        max_side: the most pixels along the longer side (default: 10,000).
        max_bytes: the most bytes of the file, before decoding (default: 25 MiB).
        name: what messages call the image. Default: the file's own name.
        allow_local: whether an address may point to this machine or a private network.

    Returns:
        An H×W×3 uint8 array of its own: RGB, C-contiguous, writable, turned as its EXIF orientation
        says.

    Raises:
        ImageNotFoundError: there is no such file.
        ImageFormatError: it is not an image, or of a format that is not read.
        ImageDamagedError: its format is right, but it can't be decoded.
        ImageTooLargeError: it is over a limit.
        FetchError: its address may not be opened, or gives no image.
        SettingError: a limit is not a whole number of 1 or more.
    """
    limits = Limits(max_pixels, max_side, max_bytes)
    if isinstance(source, str) and has_scheme(source):
        source = fetch(source.strip(), max_bytes=max_bytes, allow_local=allow_local)
    shown = name or printable(name_of(source))

    if isinstance(source, Image.Image):
        return decode_pil(source, shown or "The PIL image", limits)
    if not isinstance(source, _HOLD_BYTES) and hasattr(source, "__array__"):
        return from_array(source, name or "The array", limits)
    return _load_bytes(source, shown, limits)


_BYTES = (bytes, bytearray, memoryview)
_HOLD_BYTES = (str, os.PathLike, *_BYTES, Upload, Fetched, Mapping, list, tuple)


def _load_bytes(source: Any, name: str, limits: Limits) -> RGBArray:
    """Decode what holds the bytes of a file; `name` is "" for the source's own."""
    if isinstance(source, (str, os.PathLike)):
        if isinstance(source, str) and source.lstrip()[:5].lower() == "data:":
            raise ImageFormatError(
                "A data: address can't be read. Save the image as a file, or give its bytes."
            )
        path = Path(os.fsdecode(source))
        content = read_path(path, name, limits)
        return decode_bytes(content, name or printable(path.name), limits)

    if isinstance(source, _BYTES):
        name = name or "The image"
        # Checked before the copy is made.
        limits.check_bytes(memoryview(source).nbytes, name)
        return decode_bytes(bytes(source), name, limits)

    if isinstance(source, (Mapping, list, tuple)):
        source = only_upload(source)
    if isinstance(source, (Upload, Fetched)):
        return decode_bytes(source.content, name or printable(source.name), limits)

    if hasattr(source, "read"):
        name = name or "The file"
        return decode_bytes(read_open_file(source, name, limits), name, limits)
    raise ImageFormatError(
        f"An image can't be had from {article(type(source).__name__)}. Give a path, a URL, bytes, "
        "a PIL image, a NumPy array or an upload."
    )
