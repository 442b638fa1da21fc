"""Names of images as tools write them: paths of any system, and addresses."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from .._text import printable

__all__ = ["find_name", "listed_names", "name_parts", "shared_end"]

_SHOWN: Final = 5  # names in a message
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


def find_name(names: Sequence[str], wanted: str) -> list[int]:
    """Which of some names are that of an image: those of its file, and of several of one file's
    name those that agree with it on most folders.

    Args:
        names: of images; "" is no name.
        wanted: the image's name, path or address.

    Returns:
        Their places: none, one, or several where nothing tells them apart.
    """
    parts = name_parts(wanted)
    split = {place: name_parts(name) for place, name in enumerate(names) if name}
    places = [place for place, own in split.items() if own[-1] == parts[-1]]
    if len(places) > 1:
        # Of equal ones the name that is this one, and no longer path.
        ends = {place: (shared_end(split[place], parts), split[place] == parts) for place in places}
        places = [place for place in places if ends[place] == max(ends.values())]
    return places


def listed_names(names: Sequence[str], wanted: str) -> str:
    """What a message says of the names that there are, where the wanted one is not among them.

    Args:
        names: those that there are.
        wanted: the one that is not among them.

    Returns:
        The first names and one that is close, such as "a.jpg, b.jpg … (7 in all). Did you mean
        file_name='a.jpg'?".
    """
    by_end = {name_parts(name)[-1]: name for name in reversed(names)}
    close = difflib.get_close_matches(name_parts(wanted)[-1], by_end, 1, 0.7)
    hint = f" Did you mean file_name={printable(by_end[close[0]])!r}?" if close else ""
    shown = ", ".join(printable(name) for name in names[:_SHOWN])
    more = f" … ({len(names)} in all)" if len(names) > _SHOWN else ""
    return f"{shown}{more}.{hint}"
