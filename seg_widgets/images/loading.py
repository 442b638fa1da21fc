"""Whatever holds an image becomes an upright RGB array, or a message that says why not."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from ..errors import ImageError, ImageFormatError, ImageTooLargeError, SegWidgetsError
from ..net import Fetched
from .arrays import RGBArray, from_array
from .choices import Channels, Choices, Contrast
from .decode import decode_bytes, decode_pil
from .file_upload import Upload, only_upload
from .files import read_open_file, read_path
from .limits import MAX_BYTES, MAX_PIXELS, MAX_SIDE, Limits
from .names import article, has_scheme, name_of, printable
from .notes import ImageWarning, LoadedImage

__all__ = ["load", "read"]


def load(
    source: object,
    *,
    max_pixels: int = MAX_PIXELS,
    max_side: int = MAX_SIDE,
    max_bytes: int = MAX_BYTES,
    name: str | None = None,
    allow_local: bool = False,
    contrast: Contrast = "auto",
    channels: Channels = None,
    page: int | None = None,
) -> RGBArray:
    """Turn whatever holds an image into an upright RGB array.

    8-bit images stay as they are. What is transparent becomes white. Values of more than 8 bits are
    scaled (`contrast`); of several pages or frames, and of many channels, the first are taken
    (`page`, `channels`). Each such choice is an `ImageWarning`.

    Args:
        source: a path (`str` or `Path`); an http(s) address; the bytes of a file (`bytes`,
            `bytearray`, `memoryview`); an open binary file; a PIL image; the value of an ipywidgets
            `FileUpload` that holds one file, or one item of it (ipywidgets 7 and 8 alike); what
            Google Colab's `files.upload()` returns; or an array, H×W or H×W×C (RGB, not BGR; four
            channels: RGBA), of bool, integers or floats.
        max_pixels: the largest width · height (default: 50 million).
        max_side: the most pixels along the longer side (default: 10,000).
        max_bytes: the most bytes of the file, before decoding (default: 25 MiB).
        name: what messages call the image. Default: the file's own name.
        allow_local: whether an address may point to this machine or a private network.
        contrast: for values of more than 8 bits: "auto" (the percentiles 0.1 and 99.9 become black
            and white; floats from 0 to 1 keep that range unless all are dim), "full" (the range of
            their type), (black, white), or "none" (0–255 stay, the rest is clipped).
        channels: one index (shown as grey) or three (red, green and blue), from 0.
        page: the index of a TIFF's page, or of a frame of a GIF, PNG or WebP, from 0.

    Returns:
        An H×W×3 uint8 array of its own: RGB, C-contiguous, writable, turned as its EXIF orientation
        says.

    Raises:
        ImageNotFoundError: there is no such file.
        ImageFormatError: it is not an image, or of a format that is not read.
        ImageDamagedError: its format is right, but it can't be decoded.
        ImageTooLargeError: it is over a limit.
        FetchError: its address may not be opened, or gives no image.
        SettingError: a limit is not a whole number of 1 or more, or a choice is not possible.
    """
    loaded = read(
        source,
        max_pixels=max_pixels,
        max_side=max_side,
        max_bytes=max_bytes,
        name=name,
        allow_local=allow_local,
        contrast=contrast,
        channels=channels,
        page=page,
    )
    for note in loaded.notes:
        text = f"{printable(loaded.name)}: {note}" if loaded.name else note
        warnings.warn(text, ImageWarning, stacklevel=2)
    return loaded.pixels


def read(
    source: object,
    *,
    max_pixels: int = MAX_PIXELS,
    max_side: int = MAX_SIDE,
    max_bytes: int = MAX_BYTES,
    name: str | None = None,
    allow_local: bool = False,
    contrast: Contrast = "auto",
    channels: Channels = None,
    page: int | None = None,
    stop: threading.Event | None = None,
) -> LoadedImage:
    """Open an image as `load` does, and say what was chosen on the way.

    Args:
        source: as for `load`.
        max_pixels: the largest width · height (default: 50 million).
        max_side: the most pixels along the longer side (default: 10,000).
        max_bytes: the most bytes of the file, before decoding (default: 25 MiB).
        name: what messages call the image. Default: the file's own name.
        allow_local: whether an address may point to this machine or a private network.
        contrast: how values of more than 8 bits become 0–255. "auto": the percentiles 0.1 and 99.9
            become black and white, over all channels together; floats from 0 to 1 keep that range
            unless all of them are dim. "full": the whole range of their type (floats: 0 to 1).
            (low, high): these values. "none" or None: values from 0 to 255 stay, those beyond are
            clipped. NaN, infinite values and a TIFF's no-data value don't count, and are black.
            8-bit images are never changed.
        channels: one index (shown as grey) or three (red, green and blue), from 0. Default: one
            channel, RGB or RGBA as they are; of two the first, of more the first three.
        page: the index of a TIFF's page, or of a frame of a GIF, PNG or WebP, from 0. Default: the
            first.
        stop: ends the opening soon when another thread sets it. Decoding itself is not interrupted.

    Returns:
        The pixels, the name, and a sentence for each choice that was made.

    Raises:
        ImageNotFoundError: there is no such file.
        ImageFormatError: it is not an image, or of a format that is not read.
        ImageDamagedError: its format is right, but it can't be decoded.
        ImageTooLargeError: it is over a limit.
        FetchError: its address may not be opened, or gives no image.
        ImageError: `stop` was set.
        SettingError: a limit is not a whole number of 1 or more, or a choice is not possible.
    """
    limits = Limits(max_pixels, max_side, max_bytes)
    choices = Choices(contrast, channels, page)
    if isinstance(source, str) and has_scheme(source):
        from ..net import fetch

        source = fetch(source.strip(), max_bytes=max_bytes, allow_local=allow_local, stop=stop)
    elif isinstance(source, (Mapping, list, tuple)):
        source = only_upload(source)
    shown = name or printable(name_of(source))

    notes: list[str] = []
    try:
        pixels = _pixels(source, name or "", shown, limits, choices, notes, stop)
    except SegWidgetsError:
        raise
    except MemoryError:
        raise ImageTooLargeError(
            f"There is not enough memory to open {shown or 'the image'}. Scale it down."
        ) from None
    # The last line of defence: a source of another library can raise anything.
    except Exception as error:
        raise ImageError(
            f"{shown or 'The image'} can't be opened: {type(error).__name__}: {error}"
        ) from error
    return LoadedImage(pixels, name or name_of(source), tuple(notes))


def _pixels(
    source: Any,
    name: str,
    shown: str,
    limits: Limits,
    choices: Choices,
    notes: list[str],
    stop: threading.Event | None,
) -> RGBArray:
    if isinstance(source, Image.Image):
        return decode_pil(source, shown or "The PIL image", limits, choices, notes)
    if not isinstance(source, _HOLD_BYTES) and hasattr(source, "__array__"):
        return from_array(source, name or "The array", limits, choices, notes)
    content, called = _content(source, shown, limits)
    if stop is not None and stop.is_set():
        raise ImageError(f"The opening of {called} was stopped.")
    return decode_bytes(content, called, limits, choices, notes)


_BYTES = (bytes, bytearray, memoryview)
_HOLD_BYTES = (str, os.PathLike, *_BYTES, Upload, Fetched, Mapping, list, tuple)


def _content(source: Any, name: str, limits: Limits) -> tuple[bytes, str]:
    """The bytes of a file, and what messages call it; `name` is "" for the source's own."""
    if isinstance(source, (str, os.PathLike)):
        if isinstance(source, str) and source.lstrip()[:5].lower() == "data:":
            raise ImageFormatError(
                "A data: address can't be read. Save the image as a file, or give its bytes."
            )
        path = Path(os.fsdecode(source))
        return read_path(path, name, limits), name or printable(path.name)

    if isinstance(source, _BYTES):
        name = name or "The image"
        # Checked before the copy is made.
        limits.check_bytes(memoryview(source).nbytes, name)
        return bytes(source), name
    if isinstance(source, (Upload, Fetched)):
        return source.content, name or printable(source.name)
    if hasattr(source, "read"):
        name = name or "The file"
        return read_open_file(source, name, limits), name
    raise ImageFormatError(
        f"An image can't be had from {article(type(source).__name__)}. Give a path, a URL, bytes, "
        "a PIL image, a NumPy array or an upload."
    )
