"""What the results of several images are called: each name once, on every file system."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .. import images
from .files import file_stem

__all__ = ["unique_names", "unique_stems"]


def unique_stems(
    sources: Iterable[str], is_taken: Callable[[str], bool] = lambda stem: False
) -> list[tuple[str, str]]:
    """Choose the names of the result files, so that none is overwritten.

    Args:
        sources: files and addresses.
        is_taken: whether files of this stem would replace some that are no results.

    Returns:
        Each source with the stem of its result files, as it will be in a file's name; a second
        "photo" becomes "photo-2". Names that a file system may take for the same (in letter case,
        or in how accents are written) count as the same.
    """
    taken: set[str] = set()
    pairs = []
    for source in sources:
        plain = file_stem(Path(images.name_of(source)).stem)
        stem, number = plain, 1
        while _folded(stem) in taken or is_taken(stem):
            number += 1
            stem = file_stem(plain, ending=f"-{number}")
        taken.add(_folded(stem))
        pairs.append((source, stem))
    return pairs


def _folded(stem: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", stem).casefold())


def unique_names(sources: Sequence[str]) -> list[str]:
    """Choose what a data set calls its images.

    Args:
        sources: files and addresses.

    Returns:
        Each one's own name, as the panel shows it; of several with the same name, what was given.
        Bytes of it that are no text become escapes, such as \\udcff.
    """
    names = [images.name_of(source) or source for source in sources]
    counts = Counter(names)
    return [
        name if counts[name] == 1 else _escaped(source.replace("\\", "/"))
        for name, source in zip(names, sources, strict=True)
    ]


def _escaped(source: str) -> str:
    return source.encode("utf-8", "backslashreplace").decode("utf-8")
