"""Images and results in object stores and on other file systems, by fsspec: `s3://`, `gs://`, ….

http(s) addresses are not among them: `images.read` opens those, with its checks.
"""

from __future__ import annotations

import importlib
import re
from pathlib import PurePosixPath
from typing import Any, Final

from .. import images
from .._text import PATH_LENGTH, printable
from ..errors import DependencyError, ImageError, ImageNotFoundError, SettingError
from .globs import has_magic

__all__ = ["file_system", "is_cloud", "list_cloud", "read_cloud"]

_SCHEME: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://")


def is_cloud(text: object) -> bool:
    """Say whether a text is the address of a file system that fsspec opens.

    Args:
        text: what was given; anything but a `str` is none.

    Returns:
        True for a scheme such as `s3://`, but not for http, https and file.
    """
    found = _SCHEME.match(text) if isinstance(text, str) else None
    return found is not None and found[1].lower() not in ("http", "https", "file")


def file_system(address: str) -> tuple[Any, str]:
    """Open a file system.

    Args:
        address: such as `s3://bucket/photos`.

    Returns:
        fsspec's file system, and the path in it.

    Raises:
        DependencyError: fsspec, or what it needs for this scheme, is not installed.
        SettingError: there is no such scheme.
    """
    try:
        url_to_fs = importlib.import_module("fsspec.core").url_to_fs
        system, path = url_to_fs(address)
    except ImportError as error:
        raise DependencyError(
            f"{_shown(address)} needs a package that is not installed: {error}. Install it, for "
            "example: pip install 'seg-widgets[cloud]' s3fs (s3://) or gcsfs (gs://)."
        ) from None
    except ValueError as error:
        raise SettingError(f"{_shown(address)} can't be opened: {error}.") from None
    return system, str(path)


def list_cloud(address: str) -> list[str]:
    """The images that an address means.

    Args:
        address: of an image, of a folder, or a pattern.

    Returns:
        Their addresses, sorted; of a folder and of a pattern what has the suffix of an image.
        Subfolders are entered by `**` only.

    Raises:
        ImageError: it can't be listed.
        DependencyError: a package is missing.
        SettingError: there is no such scheme.
    """
    system, path = file_system(address)
    try:
        if has_magic(path):
            found = system.glob(path)
        elif system.isdir(path):
            found = [each["name"] for each in system.ls(path, detail=True) if _is_file(each)]
        else:
            return [address]
    # Each of these systems has errors of its own: of the network, of credentials, of the service.
    except Exception as error:
        raise ImageError(f"{_shown(address)} can't be listed: {_words(error)}.") from error
    wanted = sorted(str(each) for each in found if _looks_like_image(str(each)))
    if not wanted:
        raise ImageNotFoundError(
            f"{_shown(address)} has no images. Suffixes that are read: "
            f"{', '.join(images.SUFFIXES)}. A pattern with ** enters subfolders."
        )
    return [str(system.unstrip_protocol(each)) for each in wanted]


def read_cloud(address: str) -> bytes:
    """Read an image's file.

    Args:
        address: of the file.

    Returns:
        Its bytes: at most one more than may be decoded.

    Raises:
        ImageNotFoundError: there is none.
        ImageError: it can't be read.
    """
    system, path = file_system(address)
    try:
        with system.open(path, "rb") as file:
            return bytes(file.read(images.MAX_BYTES + 1))
    except FileNotFoundError:
        raise ImageNotFoundError(f"There is no file {_shown(address)}. Check its name.") from None
    except Exception as error:
        raise ImageError(f"{_shown(address)} can't be read: {_words(error)}.") from error


def _is_file(entry: Any) -> bool:
    return bool(entry.get("type") != "directory")


def _looks_like_image(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in images.SUFFIXES


def _shown(address: str) -> str:
    return printable(address, PATH_LENGTH)


def _words(error: Exception) -> str:
    text = printable(" ".join(str(error).split()), PATH_LENGTH)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
