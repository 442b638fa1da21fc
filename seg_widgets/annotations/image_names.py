"""Names of images as tools write them: paths of any system, and addresses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

__all__ = ["name_parts", "shared_end"]

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def name_parts(name: str) -> tuple[str, ...]:
    """The folders and the file of a name, in one form, so that the same image has the same parts.

    Case doesn't count, nor whether a letter with an accent is one character (as Linux and Windows
    write it) or two (as macOS does). Of an address, what stands behind "?" or "#" is left out.

    Args:
        name: a path, with "/" or "\\", or an address.

    Returns:
        The parts, the file's name last; one part "" for no name.
    """
    if _ADDRESS.match(name):
        name = unquote(re.split("[?#]", name, maxsplit=1)[0])
    composed = unicodedata.normalize("NFC", name.replace("\\", "/"))
    folded = unicodedata.normalize("NFC", composed.casefold())
    return tuple(part for part in folded.split("/") if part not in ("", ".")) or ("",)


def shared_end(first: Sequence[str], second: Sequence[str]) -> int:
    """How many parts two names share, counted from the last.

    Args:
        first: parts of a name, after `name_parts`.
        second: those of another one.

    Returns:
        Their number, 0 or more.
    """
    length = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if one != other:
            break
        length += 1
    return length
