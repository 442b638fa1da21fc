"""What an image is called, and whether a text is a web address; decided here and nowhere else."""

from __future__ import annotations

import re
from pathlib import PurePath

from ..net import url_name

__all__ = ["article", "has_scheme", "is_address", "name_of", "printable"]

_LONGEST_SHOWN = 80


def is_address(text: object) -> bool:
    """Say whether a text is an http(s) address, and so not the path of a file.

    Args:
        text: what was given. Case and surrounding white space don't count. Anything but a `str`
            is no address.

    Returns:
        True for a text that begins with http:// or https://. Whether that address may be opened
        is only known when it is fetched.
    """
    return isinstance(text, str) and re.match(r"\s*https?://", text, re.IGNORECASE) is not None


def has_scheme(text: str) -> bool:
    """Say whether a text begins like an address of any kind, such as ftp:// or s3://.

    Args:
        text: what was given.

    Returns:
        True for a scheme of two letters or more, so that C://photo.jpg stays a path.
    """
    return re.match(r"\s*[a-zA-Z][a-zA-Z0-9+.-]+://", text) is not None


def name_of(source: object) -> str:
    """Find out what an image is called.

    Args:
        source: anything that `load` takes.

    Returns:
        Of an address, the last part of its path, percent-decoded and without the query, or the
        host if there is no path. Of a path, the file's name. Of anything else, the file name in
        its `name` or `filename` (an upload, an open file, a PIL image). "" if it has none, as
        arrays and bytes.
    """
    if isinstance(source, str):
        return url_name(source) if has_scheme(source) else PurePath(source).name
    if isinstance(source, PurePath):
        return source.name
    name = getattr(source, "name", None) or getattr(source, "filename", None)
    return PurePath(name).name if isinstance(name, str) else ""


def printable(name: str) -> str:
    """Make a name fit for a message.

    Args:
        name: the name of a file, which may hold anything.

    Returns:
        The name on one line. Characters that can't be printed become �, and the middle of a name
        of more than 80 characters is left out.
    """
    clean = "".join(character if character.isprintable() else "�" for character in name)
    return clean if len(clean) <= _LONGEST_SHOWN else f"{clean[:50]}…{clean[-25:]}"


def article(noun: str) -> str:
    """Put "a" or "an" before a noun.

    Args:
        noun: such as the name of a type.

    Returns:
        Such as "an int".
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
