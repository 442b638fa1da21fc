"""Reading the bytes of files: by their path, or open already; no more than the limit."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from .._files import expanded
from .._text import PATH_LENGTH, printable
from ..errors import ImageError, ImageFormatError, ImageNotFoundError
from .formats import FIX, HEAD_BYTES, OTHER_SUFFIXES, SUFFIXES, detect
from .limits import Limits
from .names import article

__all__ = ["is_zarr", "looks_like_image", "read_open_file", "read_path"]


def looks_like_image(path: Path) -> bool:
    """Say whether a person who gives a folder means this file in it.

    Args:
        path: a file.

    Returns:
        True for the suffix of an image, also of one that is not read (HEIC, RAW), and for a file of
        another suffix whose first bytes are those of an image that is read.
    """
    if path.suffix.lower() in (*SUFFIXES, *OTHER_SUFFIXES) or is_zarr(path):
        return True
    # A pipe would block for ever.
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            found = detect(file.read(HEAD_BYTES))
    except OSError:
        return False
    return found is not None and bool(found.pillow)


def is_zarr(path: Path) -> bool:
    """Say whether a folder is an image of OME-Zarr, and no folder of images.

    Args:
        path: a folder.

    Returns:
        True if it is marked as Zarr's.
    """
    marks = (".zgroup", ".zattrs", ".zarray", "zarr.json")
    return path.is_dir() and any((path / mark).is_file() for mark in marks)


def read_path(path: Path, name: str, limits: Limits) -> bytes:
    """Read a file.

    Args:
        path: where it is; "~" is the home folder.
        name: what messages call the image. "": the file's own name.
        limits: how many bytes it may have. They are checked before any is read.

    Returns:
        Its bytes.

    Raises:
        ImageNotFoundError: there is no such file.
        ImageFormatError: it is a folder, a pipe or a device.
        ImageTooLargeError: it is over the limit of bytes.
        ImageError: it can't be read.
    """
    shown = name or printable(path.name or str(path))
    try:
        path = expanded(path)
        _check_is_file(path, path.stat(), shown, limits)
        with path.open("rb") as file:
            content = file.read(limits.max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise ImageNotFoundError(
                f"{shown} is a link to {_quoted(path.readlink())}, which is not there. "
                "Mend the link, or give the image itself."
            ) from None
        raise ImageNotFoundError(
            f"There is no file {_quoted(path)}. Check the name; the current folder is "
            f"{_quoted(Path.cwd())}."
        ) from None
    except (ValueError, RuntimeError) as error:  # a NUL in the name; a ~user that is not here
        raise ImageNotFoundError(f"{_quoted(path)} can't be the name of a file: {error}.") from None
    except PermissionError:
        raise ImageError(
            f"{shown} may not be read. Give yourself the right to read {_quoted(path)}."
        ) from None
    except OSError as error:
        raise ImageError(f"{shown} can't be read: {error.strerror or error}.") from None

    # It may have grown meanwhile.
    limits.check_bytes(len(content), shown)
    return content


def _shown(path: Path) -> str:
    return printable(str(path), PATH_LENGTH)


def _quoted(path: Path) -> str:
    return repr(_shown(path))


def _check_is_file(path: Path, found: os.stat_result, shown: str, limits: Limits) -> None:
    if stat.S_ISDIR(found.st_mode) and is_zarr(path):
        raise ImageFormatError(
            f"{shown} is an OME-Zarr image. Read it with the package zarr, and give the array of "
            "one plane."
        )
    if stat.S_ISDIR(found.st_mode):
        raise ImageFormatError(
            f"{shown} is a folder. Give an image in it, such as {_shown(path)}/photo.jpg."
        )
    # A pipe or a device could block for ever, or never end.
    if not stat.S_ISREG(found.st_mode):
        raise ImageFormatError(f"{shown} is not an ordinary file. {FIX}")
    limits.check_bytes(found.st_size, shown)


def read_open_file(file: Any, name: str, limits: Limits) -> bytes:
    """Read an open file from where it stands to its end.

    Args:
        file: anything with a `read` that gives bytes.
        name: what messages call the image.
        limits: how many bytes it may have; at most one more is read.

    Returns:
        Its bytes, perhaps one too many.

    Raises:
        ImageFormatError: it is open as text, or was read to its end before.
        ImageError: it can't be read.
    """
    try:
        content = file.read(limits.max_bytes + 1)
    except UnicodeDecodeError:
        content = ""
    except (OSError, ValueError) as error:  # closed, or not open for reading
        raise ImageError(f"{name} can't be read: {error}.") from None

    if isinstance(content, str):
        raise ImageFormatError(f'{name} is open as text. Open it with mode "rb".')
    if not isinstance(content, (bytes, bytearray, memoryview)):
        kind = article(type(content).__name__)
        raise ImageFormatError(f"{name} gives {kind} when read, not bytes.")
    if not content and _is_read(file):
        raise ImageFormatError(f"{name} has been read to its end already. Call its seek(0) before.")
    return bytes(content)


def _is_read(file: Any) -> bool:
    try:
        return bool(file.tell() > 0)
    except (AttributeError, OSError, ValueError):
        return False
