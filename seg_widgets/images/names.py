"""What an image is called, and whether a text is a web address; decided here and nowhere else."""

from __future__ import annotations

import re
from pathlib import PurePath

from .._text import printable, well_formed
from ..net import url_name

__all__ = ["article", "has_scheme", "is_address", "name_of", "printable"]

_LONGEST_NAME = 255


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
        arrays and bytes. What is no Unicode becomes "_", and a name that no file system would
        take loses its middle.
    """
    if isinstance(source, str):
        found = url_name(source) if has_scheme(source) else PurePath(source).name
    elif isinstance(source, PurePath):
        found = source.name
    else:
        name = getattr(source, "name", None) or getattr(source, "filename", None)
        found = PurePath(name).name if isinstance(name, str) else ""
    if len(found) > _LONGEST_NAME:
        found = f"{found[: _LONGEST_NAME - 51]}…{found[-50:]}"
    return well_formed(found)


def article(noun: str) -> str:
    """Put "a" or "an" before a noun.

    Args:
        noun: such as the name of a type.

    Returns:
        Such as "an int".
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
