"""What was given as a file: its content, or words for why there is none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from ..._files import StrPath
from ..._text import PATH_LENGTH, printable
from ...errors import PredictionError

__all__ = ["read_bytes", "read_json", "shown_source"]

_MOST_BYTES: Final = 2_000_000_000


def read_bytes(path: StrPath, most_bytes: int = _MOST_BYTES) -> bytes:
    """A file's content.

    Args:
        path: the file.
        most_bytes: the most that is read.

    Returns:
        The content.

    Raises:
        PredictionError: it can't be read, or is larger.
    """
    try:
        file = Path(path)
        if not file.is_file():
            what = "is a folder" if file.is_dir() else "is not there"
            raise PredictionError(f"{shown_source(path)} {what}. Give the path of a file.")
        size = file.stat().st_size
        if size > most_bytes:
            raise PredictionError(
                f"{shown_source(path)} has {size} bytes, over the limit of {most_bytes}. Give a "
                "part of it."
            )
        return file.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, PredictionError):
            raise
        why = getattr(error, "strerror", None) or error
        raise PredictionError(f"{shown_source(path)} can't be read: {why}.") from None


def read_json(source: Any, what: str) -> Any:
    """JSON that was given as a path, or read already.

    Args:
        source: a path, or a dict or list.
        what: what it should be, such as "a COCO file".

    Returns:
        The content.

    Raises:
        PredictionError: it can't be read.
    """
    if not isinstance(source, (str, os.PathLike)):
        return source
    content = read_bytes(source)
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise PredictionError(
            f"{shown_source(source)} is not {what}, because it is no JSON ({error})."
        ) from None


def shown_source(source: object) -> str:
    """What was given, for a message.

    Args:
        source: a path, or anything else.

    Returns:
        The path; the type of anything else.
    """
    if isinstance(source, (str, os.PathLike)):
        return printable(os.fsdecode(source), PATH_LENGTH)
    return f"This {type(source).__name__}"
