"""The names and the text of files: what every system and every reader takes."""

from __future__ import annotations

import json
import re

from .._files import StrPath, write_bytes
from .._text import well_formed

__all__ = ["StrPath", "as_json", "as_text", "file_stem", "write_bytes"]

# What Windows refuses, and what turns the rest of a name around where it is shown.
_REFUSED = re.compile(
    r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+'
)
_DEVICE = re.compile(r"(?i)con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$")


def file_stem(text: str, length: int = 100, *, ending: str = "") -> str:
    """A text as a part of a file name on every system.

    Args:
        text: any text.
        length: the most characters, and five bytes of UTF-8 for each four of them.
        ending: goes behind it, and counts.

    Returns:
        It without separators and what Windows refuses; "image" if nothing is left. The names of
        Windows's devices (con, nul, com1 …) begin with "_".
    """
    # Cut first: it may be a million letters.
    room = length - len(ending)
    clean = _REFUSED.sub("_", well_formed(text.strip(". ")[:room])).strip(". ")
    # File systems count bytes, and most letters of the world take two or three of them.
    while len(clean.encode("utf-8")) > room + room // 4:
        clean = clean[:-1]
    clean = clean.rstrip(". ")
    # After the cut, which may leave nothing but such a name.
    if _DEVICE.fullmatch(clean.split(".")[0].rstrip()):
        clean = f"_{clean}"
    return (clean or "image") + ending


def as_text(name: str) -> str:
    """A file's name as text that can travel: a name on Linux need not be text.

    Args:
        name: what a path gave.

    Returns:
        It with "_" in place of what can't be written in UTF-8.
    """
    return well_formed(name)


def as_json(value: object) -> bytes:
    """A value as the bytes of a JSON file.

    Args:
        value: what `json.dumps` takes.

    Returns:
        One line of UTF-8 without spaces between the parts.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # The name of a file need not be text: what can't be written becomes "?".
    return f"{text}\n".encode("utf-8", "replace")
