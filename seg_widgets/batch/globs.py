"""Patterns such as `photos/**/*.jpg`, where links that lead back to a folder end nothing.

The standard library's `glob` follows such a link until the path is too long.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from .._files import expanded

__all__ = ["has_magic", "matches"]

_MAGIC: Final = re.compile(r"[*?\[]")
_ANY_DEPTH: Final = "**"


def has_magic(text: str) -> bool:
    """Say whether a text is a pattern.

    Args:
        text: what was given.

    Returns:
        True if it has one of `*`, `?` and `[`.
    """
    return _MAGIC.search(text) is not None


def matches(pattern: str) -> Iterator[Path]:
    """Find what a pattern matches.

    Args:
        pattern: with `*`, `?` and `[…]` in the names of its parts, and `**` for any number of
            folders. Hidden names are matched only by a part that begins with a dot.

    Yields:
        The paths, each once; those of a folder by name.

    Raises:
        OSError: a folder may not be read.
    """
    parts = expanded(pattern).parts
    fixed = next(number for number, part in enumerate(parts) if has_magic(part))
    found = _below(Path(*parts[:fixed]), parts[fixed:])
    # Two `**` reach a folder in several ways.
    yield from dict.fromkeys(found) if parts.count(_ANY_DEPTH) > 1 else found


def _below(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == _ANY_DEPTH:
        for each in _folders(folder, set()):
            yield from _below(each, rest or ("*",))
    elif not has_magic(part):
        if os.path.lexists(folder / part):
            yield from _below(folder / part, rest)
    elif folder.is_dir():
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names are all that is needed
            is_shown = not name.startswith(".") or part.startswith(".")
            if is_shown and fnmatch.fnmatchcase(name, part):
                yield from _below(folder / name, rest)


def _folders(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """A folder and all below it; one that a link leads back to is not entered again."""
    try:
        state = folder.stat()
    except OSError:
        return
    key = state.st_dev, state.st_ino
    if key in seen or not folder.is_dir():
        return
    seen.add(key)
    yield folder
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    for name in names:
        if (folder / name).is_dir():
            yield from _folders(folder / name, seen)
