"""Several images that are given together, and what somebody gives who has only one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import SettingError
from ..images import Upload, uploads

__all__ = ["several"]


def several(sources: Iterable[object]) -> list[object]:
    """The images of `segment_all`, as a list.

    Args:
        sources: The images; or a folder, a pattern or a list of them, as `segment_folder` takes.

    Raises:
        SettingError: It is one image, or nothing that holds images.
        ImageFormatError: It is a dict, but not the value of a FileUpload.
        ImageError: The folder, pattern or list has no image.
    """
    given: Any = sources
    if isinstance(given, (str, os.PathLike)):
        # With all that runs over many images need; a panel is on screen before.
        from ..batch import names_several

        path = os.fsdecode(given)
        if names_several(path):
            return _found(path)
        raise _one(repr(path))
    if isinstance(given, Mapping):
        return list(uploads(given))
    # An array has rows, bytes have numbers and a file has lines, none of which is an image; but an
    # array of four axes holds several.
    is_image = isinstance(given, (bytes, bytearray, memoryview, Upload))
    is_array = hasattr(given, "__array__") and len(getattr(given, "shape", ())) != 4
    if is_image or is_array or hasattr(given, "read"):
        raise _one(type(given).__name__)
    try:
        return list(given)
    except TypeError:
        if hasattr(given, "__iter__"):
            raise
        raise _one(type(given).__name__) from None


def _found(text: str) -> list[object]:
    """The images of a folder, a pattern or a list, in the order of `segment` and `batch`."""
    from ..batch import find_images

    found = find_images([text])
    for error in found.errors.values():
        raise error
    return list(found.sources)


def _one(what: str) -> SettingError:
    return SettingError(
        f"segment_all takes several images, such as [first, second], but {what} is one thing. "
        "Use segment for one image, or put it into a list."
    )
