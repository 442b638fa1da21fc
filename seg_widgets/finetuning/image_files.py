"""Finding the image files that a data set's JSON names.

A name is looked up as it is, with `/` for a backslash, and without `%20` and the like; letter case
and Unicode forms differ between systems, so a single match in either counts. Names with another
machine's folders are looked up by their last parts. Where several files with different content
match, none is taken.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

__all__ = ["Found", "ImageFinder", "NotFound", "part_names"]

TRAINING: Final = ("train", "training")
VALIDATION: Final = ("valid", "val", "validation")
TEST: Final = ("test", "testing")
_SYNONYMS: Final = (TRAINING, VALIDATION, TEST)
_ANNOTATION_FOLDERS: Final = ("annotation", "annotations", "label", "labels", "json", "coco")
_IMAGE_FOLDERS: Final = ("images", "image", "imgs", "img", "data", "JPEGImages")
_MAX_FILES: Final = 200_000  # of a folder tree that is searched for a missing image
_MAX_CANDIDATES: Final = 5


@dataclass(frozen=True)
class Found:
    """An image's file.

    Attributes:
        path: the file.
        is_full: whether it lies in the folders that its name has.
    """

    path: Path
    is_full: bool


@dataclass(frozen=True)
class NotFound:
    """That there is no file of a name, or not exactly one.

    Attributes:
        candidates: files that might be meant; where `is_ambiguous`, those among which none can be
            chosen.
        is_ambiguous: whether several files fit the name equally.
    """

    candidates: tuple[Path, ...] = ()
    is_ambiguous: bool = False


@dataclass(frozen=True)
class _Level:
    """Folders that belong together, the best first; within one entry all are equal."""

    base: Path
    tiers: tuple[tuple[Path, ...], ...]


def part_names(words: str) -> tuple[str, ...]:
    """Return the names that a part of a data set goes by, from a file's or folder's name.

    Args:
        words: such as "instances_val2017" or "valid"; "trainval" is no part.
    """
    tokens = re.split(r"[^a-z]+", words.lower())
    return next((names for names in _SYNONYMS if any(one in names for one in tokens)), ())


class ImageFinder:
    """Looks for the images of one JSON file.

    Attributes:
        looked_in: the folders in which the images of the last search were looked for.
        is_elsewhere: whether the last search found them in a folder that is not the JSON's, and
            that neither its name nor its place leads to.
    """

    def __init__(self, file: Path, images: Path | None = None) -> None:
        """Prepare the search.

        Args:
            file: the JSON file.
            images: the only folder to look in; None: the JSON's folder, or the one above it.
        """
        self.looked_in: tuple[Path, ...] = ()
        self.is_elsewhere = False
        self._file, self._images = file, images
        self._names: dict[Path, dict[str, list[str]]] = {}
        self._trees: dict[Path, dict[str, list[Path]]] = {}
        self._part = part_names(file.stem) or part_names(file.parent.name)

    def find(self, names: Sequence[str]) -> list[Found | NotFound]:
        """Return where the images are, in the order of their names.

        The folder above the JSON's is looked in only if none is in or under the JSON's own.

        Args:
            names: each image's `file_name`.
        """
        results: list[Found | NotFound] = [NotFound() for _ in names]
        self.is_elsewhere = False
        levels = self._levels()
        looked: list[Path] = []
        for level in levels:
            looked += [folder for tier in level.tiers for folder in tier]
            results = [self._find_one(level, name) for name in names]
            if any(isinstance(one, Found) or one.is_ambiguous for one in results):
                is_above = level.base != self._file.parent and self._images is None
                self.is_elsewhere = is_above and not self._leads_up()
                break
        self.looked_in = tuple(dict.fromkeys(looked))
        bases = [self._images] if self._images else [level.base for level in levels]
        return [
            one if isinstance(one, Found) or one.is_ambiguous else self._search(bases, name)
            for one, name in zip(results, names, strict=True)
        ]

    def _leads_up(self) -> bool:
        folder = self._file.parent.name.lower()
        return folder in _ANNOTATION_FOLDERS or bool(part_names(folder))

    def _levels(self) -> list[_Level]:
        bases = [self._images] if self._images else [self._file.parent, self._file.parent.parent]
        return [self._level(base) for base in bases]

    def _level(self, base: Path) -> _Level:
        stem = self._file.stem.removeprefix("instances_")
        own = self._file.parent.name
        parts = [stem, *self._part]
        if part_names(own) and part_names(own) == self._part:
            parts.append(own)
        named = [
            base / folder
            for part in dict.fromkeys(parts)
            for folder in (f"images/{part}", f"{part}/images", part)
        ]
        general = [base, *(base / name for name in _IMAGE_FOLDERS)]
        if not self._part:
            # Without a part's name, the training part's images are the likeliest.
            general += [base / "train"]
        return _Level(base, (tuple(named), tuple(general)))

    def _find_one(self, level: _Level, name: str) -> Found | NotFound:
        for parts, is_full in _tails(name):
            for tier in level.tiers:
                matches = [
                    path for folder in tier for path in self._matches(level.base, folder, parts)
                ]
                distinct = _distinct(matches)
                if len(distinct) == 1:
                    return Found(distinct[0], is_full)
                if distinct:
                    return NotFound(tuple(distinct), is_ambiguous=True)
        return NotFound()

    def _matches(self, base: Path, folder: Path, parts: tuple[str, ...]) -> list[Path]:
        """The files of a name under a folder, letter by letter if there is one, else alike."""
        current = [base]
        for part in (*folder.relative_to(base).parts, *parts):
            current = [path / name for path in current for name in self._alike(path, part)]
        return [path for path in current if path.is_file()]

    def _alike(self, folder: Path, part: str) -> list[str]:
        names = self._listing(folder).get(_folded(part), [])
        if part in names:
            return [part]
        composed = unicodedata.normalize("NFC", part)
        same = [name for name in names if unicodedata.normalize("NFC", name) == composed]
        return same or names

    def _listing(self, folder: Path) -> dict[str, list[str]]:
        """The names in a folder, by their folded form."""
        if folder not in self._names:
            self._names[folder] = {}
            try:
                names = sorted(path.name for path in folder.iterdir())
            except OSError:
                names = []
            for name in names:
                self._names[folder].setdefault(_folded(name), []).append(name)
        return self._names[folder]

    def _search(self, bases: Sequence[Path], name: str) -> Found | NotFound:
        """Look at all depths: in a folder that was named, one match is enough."""
        wanted = [parts for parts, _ in _tails(name)]
        for base in bases:
            alike = self._tree(base).get(_folded(wanted[-1][-1]), []) if wanted else []
            if not alike:
                continue
            if self._images is None:
                return NotFound(tuple(alike[:_MAX_CANDIDATES]))
            own = [path for path in alike if not self._is_other_part(path.relative_to(base))]
            distinct = _distinct(_longest_match(own, wanted))
            if len(distinct) == 1:
                return Found(distinct[0], is_full=False)
            return NotFound(tuple((distinct or alike)[:_MAX_CANDIDATES]), bool(distinct))
        return NotFound()

    def _is_other_part(self, path: Path) -> bool:
        parts = [part_names(folder) for folder in path.parts[:-1]]
        return bool(self._part) and any(names and names != self._part for names in parts)

    def _tree(self, base: Path) -> dict[str, list[Path]]:
        """All files under a folder, by the folded form of their name."""
        if base not in self._trees:
            tree: dict[str, list[Path]] = {}
            for count, path in enumerate(_walk(base)):
                if count >= _MAX_FILES:
                    break
                tree.setdefault(_folded(path.name), []).append(path)
            self._trees[base] = tree
        return self._trees[base]


def _walk(base: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(base):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _tails(name: str) -> list[tuple[tuple[str, ...], bool]]:
    """What of a name is looked up: all its parts first (True if they are), then fewer."""
    variants: dict[tuple[str, ...], bool] = {}
    for text in dict.fromkeys((name, name.replace("\\", "/"), unquote(name.replace("\\", "/")))):
        parts, is_relative = _parts(text)
        for start in range(len(parts)):
            variants.setdefault(parts[start:], is_relative and start == 0)
    return sorted(variants.items(), key=lambda one: (not one[1], -len(one[0])))


def _parts(text: str) -> tuple[tuple[str, ...], bool]:
    """The folders and the file of a name, and whether it is relative to the data set."""
    is_relative = True
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
        text, is_relative = unquote(urlsplit(text).path), False
    if text.startswith("/") or re.match(r"[A-Za-z]:/", text):
        text, is_relative = re.sub(r"^[A-Za-z]:", "", text), False
    parts = [part for part in text.split("/") if part not in ("", ".") and "\0" not in part]
    if ".." in parts:
        last = len(parts) - parts[::-1].index("..")
        # `../images/1.png` leads to the folder above, which is looked in anyway.
        is_relative = is_relative and parts[:last] == [".."]
        parts = parts[last:]
    return tuple(parts), is_relative


def _longest_match(paths: list[Path], wanted: list[tuple[str, ...]]) -> list[Path]:
    """The paths that share the most last parts with a name."""
    for parts in wanted:
        tail = tuple(map(_folded, parts))
        same = [path for path in paths if tuple(map(_folded, path.parts))[-len(tail) :] == tail]
        if same:
            return same
    return []


def _distinct(paths: list[Path]) -> list[Path]:
    """One path for each file; copies with the same content are one."""
    unique = list({path.resolve(): path for path in reversed(paths)}.values())[::-1]
    if len(unique) < 2:
        return unique
    try:
        sizes = {path.stat().st_size for path in unique}
        if len(sizes) == 1 and len({path.read_bytes() for path in unique}) == 1:
            return unique[:1]
    except OSError:
        pass
    return unique
