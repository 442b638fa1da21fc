"""Names of images as tools write them: paths of any system, and addresses."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from .._text import printable

__all__ = ["NameParts", "find_name", "listed_names", "name_fit", "name_parts", "stem"]

_SHOWN: Final = 5  # names in a message
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_ENDING: Final = re.compile(r"(?<=[^/\\])\.[^./\\]*$")


@dataclass(frozen=True)
class NameParts:
    """The folders and the file of a name, the file's last; one part "" for no name."""

    folded: tuple[str, ...]
    """In one form, so that the same image has the same parts, whatever the case."""

    written: tuple[str, ...]
    """With capitals and small letters as they were written."""

    @property
    def file(self) -> str:
        """The file's name in one form."""
        return self.folded[-1]


def name_parts(name: str) -> NameParts:
    """The folders and the file of a name.

    In its one form, case doesn't count, nor whether a letter with an accent is one character (as
    Linux and Windows write it) or two (as macOS does). Of an address, what stands behind "?" or "#"
    is left out.

    Args:
        name: a path, with "/" or "\\", or an address.

    Returns:
        The parts.
    """
    if _ADDRESS.match(name):
        name = unquote(re.split("[?#]", name, maxsplit=1)[0])
    composed = unicodedata.normalize("NFC", name.replace("\\", "/"))
    folded = unicodedata.normalize("NFC", composed.casefold())
    return NameParts(_split(folded), _split(composed))


def _split(name: str) -> tuple[str, ...]:
    return tuple(part for part in name.split("/") if part not in ("", ".")) or ("",)


def name_fit(one: NameParts, other: NameParts) -> tuple[int, bool, int]:
    """How well two names fit; of several, the largest is that of the same image.

    Args:
        one: the parts of a name.
        other: those of another one.

    Returns:
        The number of parts that they share, counted from the last, whatever the case; whether
        that is all of both (and none is a longer path); the number of those that they share to
        the letter.
    """
    return (
        _shared_end(one.folded, other.folded),
        one.folded == other.folded,
        _shared_end(one.written, other.written),
    )


def _shared_end(first: Sequence[str], second: Sequence[str]) -> int:
    length = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if one != other:
            break
        length += 1
    return length


def find_name(names: Sequence[str], wanted: str) -> list[int]:
    """Which of some names are that of an image: those of its file, of several of one file's name
    those that agree with it on most folders, and of those the one in its capitals.

    Args:
        names: of images; "" is no name.
        wanted: the image's name, path or address.

    Returns:
        Their places: none, one, or several where nothing tells them apart.
    """
    parts = name_parts(wanted)
    split = {place: name_parts(name) for place, name in enumerate(names) if name}
    places = [place for place, own in split.items() if own.file == parts.file]
    if len(places) > 1:
        fits = {place: name_fit(split[place], parts) for place in places}
        places = [place for place in places if fits[place] == max(fits.values())]
    return places


def stem(name: str) -> str:
    """A name without the ending of its file.

    Args:
        name: a path, with "/" or "\\", or an address.

    Returns:
        Such as "train/a" for "train/a.jpg"; what has no ending as it is.
    """
    if _ADDRESS.match(name):
        name = re.split("[?#]", name, maxsplit=1)[0]
    return _ENDING.sub("", name)


def listed_names(names: Sequence[str], wanted: str) -> str:
    """What a message says of the names that there are, where the wanted one is not among them.

    Args:
        names: those that there are.
        wanted: the one that is not among them.

    Returns:
        The first names and one that is close, such as "a.jpg, b.jpg … (7 in all). Did you mean
        'a.jpg'?". Endings make no names close: most images have the same.
    """
    by_stem = {name_parts(stem(name)).file: name for name in reversed(names)}
    close = difflib.get_close_matches(name_parts(stem(wanted)).file, by_stem, 1, 0.6)
    hint = f" Did you mean {printable(by_stem[close[0]])!r}?" if close else ""
    shown = ", ".join(printable(name) for name in names[:_SHOWN])
    more = f" … ({len(names)} in all)" if len(names) > _SHOWN else ""
    return f"{shown}{more}.{hint}"
