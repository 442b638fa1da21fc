"""Which images are meant by what was given: files, folders, patterns, lists, addresses."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.request import url2pathname

from .. import images
from .._files import expanded
from .._text import PATH_LENGTH, printable
from ..errors import (
    DependencyError,
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
    SegWidgetsError,
    SettingError,
)
from ..export import is_own_image
from .cloud import is_cloud, list_cloud
from .globs import has_magic, matches
from .journal import absolute

__all__ = ["Found", "find_images", "folder_of", "names_several", "same_ids"]

_LISTS: Final = (".json", ".txt")
# What UTF-16 and files that are no text have, and no line of a list.
_NO_TEXT: Final = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_LARGEST_ID: Final = (1 << 63) - 1


@dataclass
class Found:
    """The images that are meant, and what was left out of folders."""

    sources: list[str] = field(default_factory=list)
    """Files and addresses, in the order in which they were given; those of a folder by name."""

    listed: dict[str, tuple[str, int]] = field(default_factory=dict)
    """The images of COCO files: the name and the id that each has there."""

    left_out: list[str] = field(default_factory=list)
    """A sentence for each folder of which something was left out, and for what was given more than
    once."""

    errors: dict[str, SegWidgetsError] = field(default_factory=dict)
    """What gives no image, with the reason."""

    lists: list[str] = field(default_factory=list)
    """The COCO files and lists that were read."""

    given: str = ""
    """What was given, in words, for the settings of a run."""

    def require_images(self) -> None:
        """Check that there may be an image, before a model is loaded for it.

        Raises:
            ImageError: nothing was given, nothing that was given holds an image, or there is
                nothing at any of the paths.
        """
        if not self.sources:
            raise next(iter(self.errors.values()), _nothing())
        if not any(map(_may_be_there, self.sources)):
            images.load(self.sources[0])  # says what is wrong with it

    def require_kept(self, results: Iterable[Path]) -> None:
        """Check that no list is replaced by a result of its images.

        Args:
            results: the files of all images that are to be written.

        Raises:
            SettingError: one of them is a list that was given.
        """
        for path in results:
            for text in self.lists:
                with contextlib.suppress(OSError):
                    if path.samefile(text):
                        raise SettingError(
                            f"The results would replace {_path(text)}, which lists the images. "
                            "Give another folder for the results."
                        )

    def ids(self, known: Mapping[str, int] = MappingProxyType({}), *, unique: bool) -> list[int]:
        """The id of each image: of a COCO file's the one there, else the one that it had, else the
        next that is free.

        Args:
            known: the ids that images had in the run that is gone on with, by `absolute` source.
            unique: whether all become one file, in which no two have the same id.

        Returns:
            One for each of `sources`.

        Raises:
            SettingError: COCO files give different images the same id, though `unique`.
        """
        listed = [self.listed[source][1] for source in self.sources if source in self.listed]
        taken = set(listed)
        if unique and len(taken) < len(listed):
            raise same_ids()
        kept: dict[str, int] = {}
        for source in self.sources:
            before = known.get(absolute(source))
            if source in self.listed:
                kept[source] = self.listed[source][1]
            elif before is not None and before not in taken:
                kept[source] = before
                taken.add(before)
        free = (number for number in count(1) if number not in taken)
        return [kept[source] if source in kept else next(free) for source in self.sources]


def _with_nul(text: str) -> ImageNotFoundError:
    """What is wrong with a text that can be no path on any system."""
    return ImageNotFoundError(
        f"{_path(text)} can't be the name of a file: it has a NUL character. Check where the name "
        "comes from."
    )


def same_ids() -> SettingError:
    """What is wrong with COCO files that can't be one data set."""
    return SettingError(
        "Several COCO files give different images the same id. Do each in a run of its own."
    )


def find_images(given: Iterable[str | os.PathLike[str]]) -> Found:
    """Find the images that are meant.

    Args:
        given: files; folders; patterns, in which `**` enters subfolders; http(s) addresses;
            addresses of object stores (`s3://…`, also of folders there, and patterns); COCO's
            files (.json), whose `file_name` are found beside them; lists (.txt), with one of the
            others in each line.

    Returns:
        Files and addresses as they were given, and of each folder and pattern what is an image by
        its suffix or its first bytes. Images of formats that are not read (HEIC, RAW) are among
        them, so that each fails with its message. Subfolders of a folder are not entered. Each
        image is there once.
    """
    found = Found()
    for each in given:
        _find_or_note(os.fsdecode(each), found)
    _leave_out_repeated(found)
    return found


def _find_or_note(text: str, found: Found) -> None:
    """Add what one text means, or why it means nothing."""
    try:
        _find(text, found)
    except OSError as error:
        if isinstance(error, SegWidgetsError):
            found.errors[text] = error
            return
        found.errors[text] = ImageError(
            f"The folder {_path(text)} may not be read ({error.strerror or error}). "
            "Give yourself the right to read it."
        )
    except (ImageError, SettingError, DependencyError) as error:
        found.errors[text] = error


def _leave_out_repeated(found: Found) -> None:
    """Keep the first of the same file or address; two links to one file are two names."""
    once: dict[str, str] = {}
    for source in found.sources:
        is_file = not is_cloud(source) and not images.is_address(source)
        once.setdefault(os.path.normpath(absolute(source)) if is_file else source, source)
    repeated = len(found.sources) - len(once)
    if repeated:
        found.sources = list(once.values())
        given = "image was" if repeated == 1 else "images were"
        found.left_out.append(f"{repeated} {given} given more than once; each is done once.")


def _find(text: str, found: Found) -> None:
    """Add what one text means."""
    if not text.strip():
        # A variable that is empty; as a path it is the folder where the program runs.
        raise ImageNotFoundError("An empty text was given for images. For this folder, give '.'.")
    if "\0" in text:
        raise _with_nul(text)
    if is_cloud(text):
        found.sources.extend(list_cloud(text))
        return
    if images.is_address(text):
        found.sources.append(text)
        return
    if re.match("file://", text, re.IGNORECASE):
        text = url2pathname(text[len("file://") :])
    folder = folder_of(text)
    if folder is not None and not images.is_zarr(folder):
        _look_into(folder, text, found)
    elif _is_list(text) and _exists(text):
        _read_list(expanded(text), found)
    elif has_magic(text) and not _exists(text):
        _add_matches(text, found)
    else:
        found.sources.append(text)


def names_several(text: str) -> bool:
    """Say whether a text means several images, and not one.

    Args:
        text: a path or an address.

    Returns:
        True for a folder, a pattern, a COCO file and a list.
    """
    folder = folder_of(text)
    if folder is not None:
        return not images.is_zarr(folder)
    return (_is_list(text) or has_magic(text)) and not images.is_address(text)


def _is_list(text: str) -> bool:
    """Whether a file is a list by its name, and not an image by its first bytes."""
    if not text.lower().endswith(_LISTS):
        return False
    try:
        return not images.looks_like_image(expanded(text))
    except (OSError, ValueError):
        return True


def folder_of(text: str) -> Path | None:
    """The folder that a text names.

    Args:
        text: a path or an address.

    Returns:
        The folder; None for a file, an address, and what can't be a path: each fails with its
        message when it is opened.
    """
    try:
        folder = expanded(text)
        return folder if not images.is_address(text) and folder.is_dir() else None
    except (OSError, ValueError):  # too long; a NUL
        return None


def _nothing() -> ImageNotFoundError:
    return ImageNotFoundError(
        "No image was given. Give a folder, a pattern such as photos/**/*.jpg, or a list."
    )


def _may_be_there(source: str) -> bool:
    """False for a path where nothing is; an address is not looked at."""
    return is_cloud(source) or images.is_address(source) or _exists(source)


def _exists(text: str) -> bool:
    try:
        return expanded(text).exists()
    except (OSError, ValueError):
        return False


def _add_matches(pattern: str, found: Found) -> None:
    others: list[str] = []
    own: list[str] = []
    meant: list[str] = []
    for path in matches(pattern):
        if path.is_dir() and not images.is_zarr(path):
            continue
        if is_own_image(path):
            own.append(str(path))
        elif images.looks_like_image(path):
            meant.append(str(path))
        else:
            others.append(path.name)
    meant, own_left_out = _without_own(meant, own)
    found.sources.extend(meant)
    left_out = "; ".join(
        filter(
            None,
            [_counted(others, "file that is no image", "files that are no images"), own_left_out],
        )
    )
    if not meant:
        raise ImageNotFoundError(
            f"The pattern {_path(pattern)} matches no image{f', only {left_out}' if others else ''}"
            f". ** stands for any number of folders, as in photos/**/*.jpg."
        )
    if left_out:
        found.left_out.append(f"{_path(pattern)}: left out {left_out}.")


def _read_list(path: Path, found: Found) -> None:
    found.lists.append(str(path))
    try:
        content = path.read_text("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise ImageError(f"{_path(str(path))} can't be read: {error.strerror}.") from None
    if path.suffix.lower() == ".json":
        _add_coco(content, path, found)
        return
    if _NO_TEXT.search(content):
        raise ImageFormatError(
            f"{_path(str(path))} is no text, so it can't be a list of images. Save a list as "
            "UTF-8, with a file, a folder or an address in each line; give a damaged image anew."
        )
    lines = [line for line in map(str.strip, content.splitlines()) if line and line[0] != "#"]
    if not lines:
        raise ImageNotFoundError(
            f"The list {_path(str(path))} is empty. It has a file, a folder or an address in each "
            "line."
        )
    for line in lines:
        if line.lower().endswith(_LISTS):
            raise ImageFormatError(
                f"{_path(str(path))} lists another list, {_path(line)}. Give both instead."
            )
    for line in lines:
        _find_or_note(line, found)


def _add_coco(content: str, path: Path, found: Found) -> None:
    """Add the images of a COCO file, which lie beside it, or in folders beside it."""
    pairs = [
        _name_and_id(each, number, path) for number, each in enumerate(_entries(content, path))
    ]
    names: dict[int, str] = {}
    for name, number in pairs:
        if number in names:
            raise ImageFormatError(
                f"{_path(str(path))} has the image id {number} twice: of {_path(names[number])} "
                f"and of {_path(name)}. Give each image an id of its own."
            )
        names[number] = name
    for name, number in pairs:
        # The file may come from a stranger: it names images of its own folder only.
        if Path(name).is_absolute() or ".." in Path(name).parts or "://" in name:
            raise ImageFormatError(
                f"{_path(str(path))} names {_path(name)}, which is not in its folder. Put the file "
                "into the folder of the images."
            )
        source = str(path.parent / name)
        found.sources.append(source)
        found.listed.setdefault(source, (name, number))


def _entries(content: str, path: Path) -> list[Any]:
    """The images of a COCO file, as they are written there."""
    try:
        data: Any = json.loads(content)
    except json.JSONDecodeError as error:
        raise ImageFormatError(
            f"{_path(str(path))} is no JSON ({error.msg.removesuffix(' starting at')}: line "
            f"{error.lineno}, column {error.colno}). It may have been cut off; get it anew."
        ) from None
    except (ValueError, RecursionError) as error:
        raise ImageFormatError(f"{_path(str(path))} can't be read as JSON: {error}.") from None
    entries = data.get("images") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise ImageFormatError(
            f'{_path(str(path))} is no COCO file: it has no list "images", in which each image has '
            '"file_name" (a text) and "id" (a whole number).'
        )
    return entries


def _name_and_id(entry: Any, number: int, path: Path) -> tuple[str, int]:
    """What a COCO file says of an image.

    Raises:
        ImageFormatError: the name is no text, or the id no whole number that tables can hold; the
            message has the entry.
    """
    fields = entry if isinstance(entry, dict) else {}
    name, image_id = fields.get("file_name"), _id(fields.get("id"))
    is_name = isinstance(name, str) and bool(name) and "\0" not in name
    if isinstance(name, str) and is_name and image_id is not None:
        return name, image_id
    wrong = "id" if is_name else "file_name"
    should = "a whole number of at most 63 bits" if wrong == "id" else "the name of a file"
    value = f"is {_shown(fields[wrong])}" if wrong in fields else "is missing"
    if not isinstance(entry, dict):
        wrong, should, value = "entry", 'an object with "file_name" and "id"', f"is {_shown(entry)}"
    called = f" ({_shown(name)})" if wrong == "id" else ""
    raise ImageFormatError(
        f'{_path(str(path))}: "images"[{number}]{called} is damaged: its {wrong} {value}, but '
        f"should be {should}. Correct that entry, or take it out."
    )


def _shown(value: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False))


def _id(value: Any) -> int | None:
    """An id as a whole number; None: it is none."""
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    # Not a number (NaN) differs from itself.
    if not abs(number) <= _LARGEST_ID or number != int(number):
        return None
    return int(number)


def _look_into(folder: Path, given: str, found: Found) -> None:
    subfolders, hidden, others = [], [], []
    own: list[str] = []
    meant: list[str] = []
    for path in sorted(folder.iterdir(), key=_name):
        if path.name.startswith("."):
            hidden.append(path.name)
        elif path.is_dir() and not images.is_zarr(path):
            subfolders.append(path.name)
        elif is_own_image(path):
            own.append(str(path))
        elif images.looks_like_image(path):
            meant.append(str(path))
        else:
            others.append(path.name)
    meant, own_left_out = _without_own(meant, own)
    found.sources.extend(meant)
    parts = [
        _counted(subfolders, "subfolder", "subfolders (not entered)"),
        _counted(hidden, "hidden file", "hidden files"),
        _counted(others, "file that is no image", "files that are no images"),
        own_left_out,
    ]
    left_out = "; ".join(filter(None, parts))
    if not meant:
        found.errors[given] = ImageNotFoundError(_without_images(given, subfolders, left_out))
    elif left_out:
        found.left_out.append(f"{_path(given)}: left out {left_out}.")


def _without_own(meant: list[str], own: list[str]) -> tuple[list[str], str]:
    """What to take of a folder, and what to say of earlier results that lie among its images.

    Where there is nothing else, such as in a folder of cut-outs, they are what is meant.
    """
    if not meant:
        return own, ""
    names = [Path(path).name for path in own]
    return meant, _counted(names, "earlier result of ours", "earlier results of ours")


def _name(path: Path) -> str:
    # Comparing paths themselves takes longer than all else.
    return path.name


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
