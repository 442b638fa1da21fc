"""The value of an ipywidgets `FileUpload`, whichever version of ipywidgets made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ImageError, ImageFormatError
from .names import article, printable

__all__ = ["Upload", "only_upload", "uploads"]


@dataclass(frozen=True)
class Upload:
    """One uploaded file.

    Args:
        name: the file's name.
        content: its bytes.
    """

    name: str
    content: bytes = field(repr=False)


def uploads(value: object) -> list[Upload]:
    """Read the value of a `FileUpload`, of ipywidgets 7 or 8, or of Google Colab's upload.

    Args:
        value: the widget's `value`, or one item of it. Version 7 gives a dict by file name, of
            dicts with `metadata` and `content`. Version 8 gives a tuple of dicts with `name`,
            `type`, `size` and `content` (a memoryview). Colab's `files.upload()` gives a dict
            by file name, of bytes.

    Returns:
        The files, in the order of the value. Nothing uploaded yet: an empty list.

    Raises:
        ImageFormatError: it is anything else.
    """
    if isinstance(value, Upload):
        return [value]
    if isinstance(value, Mapping):
        if isinstance(value.get("content"), (bytes, bytearray, memoryview)):
            return [_upload(value)]
        return [_item(item, str(name)) for name, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [item if isinstance(item, Upload) else _upload(item) for item in value]
    kind = article(type(value).__name__)
    raise ImageFormatError(f"The value of a FileUpload is a dict or a tuple of dicts, not {kind}.")


def only_upload(value: object) -> Upload:
    """Read the value of a `FileUpload` that must hold one file.

    Args:
        value: as for `uploads`.

    Returns:
        The file.

    Raises:
        ImageError: there is none, or more than one.
        ImageFormatError: it is not the value of a `FileUpload`.
    """
    files = uploads(value)
    if not files:
        raise ImageError("No file was uploaded yet. Choose one first.")
    if len(files) > 1:
        raise ImageError(
            f"{len(files)} files were uploaded ({_names(files)}), and one image is loaded at a "
            "time: use [load(file) for file in seg_widgets.images.uploads(value)]."
        )
    return files[0]


def _names(files: list[Upload]) -> str:
    shown = ", ".join(printable(file.name) for file in files[:3])
    return shown if len(files) <= 3 else f"{shown}, …"


def _item(item: object, name: str) -> Upload:
    # Google Colab's files.upload() gives the bytes themselves.
    if isinstance(item, (bytes, bytearray, memoryview)):
        return Upload(name, bytes(item))
    return _upload(item, name)


def _upload(item: object, name: str = "") -> Upload:
    content = item.get("content") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(content, (bytes, bytearray, memoryview)):
        raise ImageFormatError(
            f"{printable(name) or 'An item'} has no content in bytes, so it is no upload of a "
            "FileUpload. Give the widget's value, or one item of it; for a list of images load "
            "them one by one."
        )
    return Upload(name or _name_in(item), bytes(content))


def _name_in(item: Mapping[Any, Any]) -> str:
    metadata = item.get("metadata")
    inner = metadata.get("name") if isinstance(metadata, Mapping) else None
    return str(item.get("name") or inner or "The upload")
