"""Which images are meant by what was typed, and what their results are called."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import images
from .._text import PATH_LENGTH, printable
from ..errors import ImageError, ImageNotFoundError
from ..export import file_stem

__all__ = ["Found", "find_images", "folder_of", "unique_names", "unique_stems"]


@dataclass
class Found:
    """The images that are meant, and what was left out of folders."""

    sources: list[str] = field(default_factory=list)
    """Files and addresses, in the order in which they were given; those of a folder by name."""

    left_out: list[str] = field(default_factory=list)
    """A sentence for each folder of which something was left out."""

    errors: dict[str, ImageError] = field(default_factory=dict)
    """Folders that give no image, with the reason."""


def find_images(given: Iterable[str]) -> Found:
    """Find the images that are meant.

    Args:
        given: files, addresses and folders.

    Returns:
        Files and addresses as they were given, and of each folder what is an image by its suffix or
        its first bytes. Images of formats that are not read (HEIC, RAW) are among them, so that
        each fails with its message. Subfolders are not entered.
    """
    found = Found()
    for text in given:
        folder = folder_of(text)
        if folder is None or images.is_zarr(folder):
            found.sources.append(text)
            continue
        try:
            _look_into(folder, text, found)
        except OSError as error:
            found.errors[text] = ImageError(
                f"The folder {_path(text)} may not be read ({error.strerror or error}). "
                "Give yourself the right to read it."
            )
    return found


def folder_of(text: str) -> Path | None:
    """The folder that a text names.

    Args:
        text: a path or an address.

    Returns:
        The folder; None for a file, an address, and what can't be a path: each fails with its
        message when it is opened.
    """
    try:
        folder = Path(text).expanduser()
        return folder if not images.is_address(text) and folder.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # too long; a NUL; a ~user that is not here
        return None


def _look_into(folder: Path, given: str, found: Found) -> None:
    subfolders, hidden, others = [], [], []
    meant: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            hidden.append(path.name)
        elif path.is_dir() and not images.is_zarr(path):
            subfolders.append(path.name)
        elif images.looks_like_image(path):
            meant.append(str(path))
        else:
            others.append(path.name)
    found.sources.extend(meant)
    parts = [
        _counted(subfolders, "subfolder", "subfolders (not entered)"),
        _counted(hidden, "hidden file", "hidden files"),
        _counted(others, "file that is no image", "files that are no images"),
    ]
    left_out = "; ".join(filter(None, parts))
    if not meant:
        found.errors[given] = ImageNotFoundError(_without_images(given, subfolders, left_out))
    elif left_out:
        found.left_out.append(f"{_path(given)}: left out {left_out}.")


def _path(text: str) -> str:
    return printable(text, PATH_LENGTH)


def _counted(names: Sequence[str], one: str, many: str) -> str:
    if not names:
        return ""
    shown = ", ".join(map(printable, names[:3])) + (", …" if len(names) > 3 else "")
    if len(names) == 1:
        return f"1 {one}{' (not entered)' if one == 'subfolder' else ''}: {shown}"
    return f"{len(names)} {many}: {shown}"


def _without_images(given: str, subfolders: Sequence[str], left_out: str) -> str:
    if not left_out:
        return f"The folder {_path(given)} is empty. Put images into it, or give another folder."
    advice = f"Suffixes that are read: {', '.join(images.SUFFIXES)}."
    if subfolders:
        advice = f"Give a subfolder, such as {_path(str(Path(given) / subfolders[0]))}."
    return f"The folder {_path(given)} has no images, only {left_out}. {advice}"


def unique_stems(sources: Iterable[str]) -> list[tuple[str, str]]:
    """Choose the names of the result files, so that none is overwritten.

    Args:
        sources: files and addresses.

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
        while _folded(stem) in taken:
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
