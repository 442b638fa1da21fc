"""The images of a run in parts, as they lie in its folder: `run/settings.json`, `run/00000.images`.

What is planned stays: images that come later become parts of their own, behind the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from .._text import printable
from ..errors import SettingError
from ..export import FORMATS, unique_names, unique_stems
from ..tables import is_part
from .journal import absolute, changes
from .listing import Found, same_ids
from .store import Store

__all__ = [
    "FAILURES",
    "FILES",
    "JOINT",
    "RUN",
    "SETTINGS",
    "TABLE",
    "TABLE_FOLDERS",
    "Plan",
    "Task",
    "part_name",
]

TABLE: Final = "table"
"""The subfolder of a run's folder in which the table's files are."""

FAILURES: Final = "failures.csv"
"""The file of a run's folder that lists what failed."""

JOINT: Final = "images"
"""What the names of files of all images begin with, such as "images-coco.json"."""

RUN: Final = "run"
"""The subfolder with the notes for going on."""

TABLE_FOLDERS: Final = (f"{TABLE}/images", f"{TABLE}/instances")
"""The subfolders with the files of the table."""

SETTINGS: Final = f"{RUN}/settings.json"
"""The file that says of which run a folder is."""

FILES: Final = "files"
"""What the settings' file has beside the settings: the suffix of each format's files, and whether
that is one file of all images. So they are found again where a format is not registered."""

_IMAGES: Final = ".images"
_ANEW: Final = "begin the run anew: fresh=True, or --fresh."


@dataclass(frozen=True, slots=True)
class Task:
    """One image of a run."""

    source: str
    """Its path from the root, or its address."""

    name: str
    """What the results call it."""

    stem: str
    """What the names of its files begin with."""

    image_id: int
    """Its id in the results, from 1 on; of a COCO file's images the one there."""


def part_name(number: int, suffix: str) -> str:
    """The name of a part's file in a run's folder.

    Args:
        number: which part, from 0 on.
        suffix: such as ".json".

    Returns:
        Such as "run/00000.json".
    """
    return f"{RUN}/{number:05}{suffix}"


class Plan:
    """The parts of a run, of which each has the images of one file of the table.

    Args:
        store: the run's folder.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.parts = 0
        """How many parts there are."""
        self.images = 0
        """How many images there are."""

    def make(self, settings: Mapping[str, Any], found: Found, images_per_part: int) -> None:
        """Plan a run, or go on with the one that is there.

        Args:
            settings: all that decides what is written.
            found: the images. Those that the run doesn't know yet are added.
            images_per_part: how many a part has.

        Raises:
            SettingError: the folder holds another run, or something else.
            ExportError: the folder can't be written.
        """
        self._check(settings)
        # Not in a folder that a run never was in, which may be large.
        if self._store.names(RUN):
            self._store.sweep(("", RUN, *TABLE_FOLDERS, *settings["formats"]))
        tasks: list[Task] = []
        numbers = iter(range(self._count_parts()))
        for number in numbers:
            tasks += self.tasks(number)
            self.parts = number + 1
        known = {task.source for task in tasks}
        if self.parts == 0:
            formats = [FORMATS[name] for name in settings["formats"]]
            files = {each.name: [each.suffix, each.make_together is not None] for each in formats}
            content = json.dumps({**settings, FILES: files}, indent=1)
            self._store.write(SETTINGS, f"{content}\n".encode("ascii"))
        added_sources = []
        for source in found.sources:
            if (path := absolute(source)) not in known:
                known.add(path)
                added_sources.append(source)
        new = _tasks(tasks, added_sources)
        added = list(_with_ids(new, tasks, found))
        for start in range(0, len(added), images_per_part):
            self._add_part(added[start : start + images_per_part])
        self.images = len(tasks) + len(added)

    def tasks(self, number: int) -> list[Task]:
        """The images of a part.

        Args:
            number: which part.

        Raises:
            SettingError: the run's folder was changed.
        """
        name = part_name(number, _IMAGES)
        content = self._store.read(name)
        if content is None:
            raise SettingError(f"{self._store}/{name} is missing; {_ANEW}")
        lines = content.decode("ascii", "replace").splitlines()
        try:
            # Joined, as one by one they take three times as long.
            tasks = [Task(*entry) for entry in json.loads(f"[{','.join(lines)}]")]
            is_whole = all(map(_is_whole, tasks))
        except (ValueError, TypeError, RecursionError):
            is_whole = False
        if not is_whole:
            raise SettingError(f"{self._store}/{name} is damaged; {_ANEW}")
        return tasks

    def _count_parts(self) -> int:
        return sum(name.endswith(_IMAGES) for name in self._store.names(RUN))

    def _add_part(self, tasks: list[Task]) -> None:
        lines = [json.dumps([task.source, task.name, task.stem, task.image_id]) for task in tasks]
        content = "".join(f"{line}\n" for line in lines).encode("ascii")
        self._store.write(part_name(self.parts, _IMAGES), content)
        self.parts += 1

    def _check(self, settings: Mapping[str, Any]) -> None:
        """Refuse a folder of another run, or of something else."""
        content = self._store.read(SETTINGS)
        if content is None:
            self._check_table()
            return
        before = self._settings(content)
        if before["version"] != settings["version"]:
            raise SettingError(
                f"The run in {self._store} is of another version of seg-widgets. Go on with that "
                f"one, or give another folder, or {_ANEW}"
            )
        changed = changes(before, settings)
        if changed:
            raise SettingError(
                f"{self._store} holds another run: {changed}. Give another folder, or what that "
                f"run had, or {_ANEW}"
            )

    def _check_table(self) -> None:
        """Refuse a folder without a run that has a table: its readers would read both."""
        for folder in TABLE_FOLDERS:
            names = [name for name in self._store.names(folder) if name.endswith(".parquet")]
            others = [name for name in names if not is_part(name)]
            if others:
                raise SettingError(
                    f"{self._store}/{folder} has {printable(others[0])!r}, which no run wrote. "
                    "Move it, as who reads the table would read it, too; or give another folder."
                )
            if names:
                raise SettingError(
                    f"{self._store} has a folder {TABLE!r} that is of no run. Give another folder, "
                    f"or {_ANEW}"
                )

    def _settings(self, content: bytes) -> dict[str, Any]:
        """The settings of the run that is there.

        Raises:
            SettingError: the file has something else.
        """
        try:
            found: Any = json.loads(content)
        except (ValueError, RecursionError) as error:
            why = f"it is no JSON ({printable(str(error))})"
        else:
            if isinstance(found, dict) and "version" in found:
                return found
            why = "it has no settings"
        raise SettingError(
            f"{self._store}/{SETTINGS} is damaged: {why}, so it is not known which run this is. "
            f"Give another folder, or {_ANEW}"
        )


def _is_whole(task: Task) -> bool:
    texts = (task.source, task.name, task.stem)
    return all(type(text) is str for text in texts) and type(task.image_id) is int


def _tasks(known: list[Task], sources: list[str]) -> list[tuple[str, str, str]]:
    """The source, name and stem of images that are new; those of the others don't change."""
    if not sources:
        return []
    every = [task.source for task in known] + sources
    names = unique_names(every)[len(known) :]
    stems = [stem for _, stem in unique_stems(every)][len(known) :]
    return list(zip(sources, names, stems, strict=True))


def _with_ids(new: list[tuple[str, str, str]], known: list[Task], found: Found) -> Iterator[Task]:
    """Give each image an id: the one of its COCO file, else the next that is free."""
    taken = {task.image_id for task in known}
    listed = [found.listed[source][1] for source, _, _ in new if source in found.listed]
    if len(set(listed)) < len(listed) or taken & set(listed):
        raise same_ids()
    taken |= set(listed)
    free = (number for number in count(1) if number not in taken)
    for source, name, stem in new:
        if source in found.listed:
            name, image_id = found.listed[source]
        else:
            image_id = next(free)
        yield Task(absolute(source), name, stem, image_id)
