"""Beginning a run anew: what the former one wrote is removed, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from .._files import TEMPORARY
from .._text import printable
from ..errors import SettingError
from ..export import FORMATS, result_file_name
from ..tables import is_part
from .plan import FAILURES, JOINT, RUN, SETTINGS, TABLE_FOLDERS, Plan
from .store import Store

__all__ = ["remove_run"]

# What says that images are done, and what says which images and formats there are.
_DONE: Final = re.compile(r"\d{5,}\.(json|journal|journal\.part)|classes\.json")
_PLANNED: Final = re.compile(r"\d{5,}\.images")


def remove_run(store: Store) -> None:
    """Remove what a run has written into its folder: table, notes, failures and exports.

    A folder that has other files, too, stays with them. A removal that is stopped can be repeated:
    what says what there is to remove goes last, and what says that it is done goes first.

    Args:
        store: the run's folder; one without a run stays as it is, but for a table.

    Raises:
        SettingError: the run wrote a format that is not registered now.
        ExportError: a file can't be removed.
    """
    notes = store.names(RUN)
    formats = _formats(store) if notes else []
    half = [name for name in notes if name.startswith(TEMPORARY)]
    store.remove(f"{RUN}/{name}" for name in notes if _DONE.fullmatch(name))
    store.remove(_exports(store, notes, formats))
    for folder in TABLE_FOLDERS:
        names = store.names(folder)
        store.remove(
            f"{folder}/{name}" for name in names if is_part(name) or name.startswith(TEMPORARY)
        )
    if notes:
        store.remove([FAILURES])
    store.remove(f"{RUN}/{name}" for name in [*filter(_PLANNED.fullmatch, notes), *half])
    store.remove([SETTINGS])


def _exports(store: Store, notes: Sequence[str], formats: Sequence[str]) -> Iterator[str]:
    """The files of the run's formats: one of all images, or one of each."""
    plan = Plan(store)
    own = [name for name in formats if FORMATS[name].make_together is None]
    for each in formats:
        if each not in own:
            yield result_file_name(each, JOINT)
    # One that is there is one to remove: most of what might be there, such as of images that were
    # not reached, is not.
    there = {each: {*store.names(each)} for each in own}
    for note in filter(_PLANNED.fullmatch, notes):
        try:
            tasks = plan.tasks(int(note.partition(".")[0]))
        except SettingError:
            # Its names are lost; a folder that is damaged should still be of use.
            continue
        for task in tasks:
            for each in own:
                name = result_file_name(each, task.stem)
                if name in there[each]:
                    yield f"{each}/{name}"


def _formats(store: Store) -> list[str]:
    """The formats that the run wrote; where nobody knows that any more, all that there are."""
    try:
        settings: Any = json.loads(store.read(SETTINGS) or b"")
        formats = list(map(str, settings["formats"]))
    except (ValueError, KeyError, TypeError):
        return list(FORMATS)
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise SettingError(
            f"The run in {store} wrote the format {printable(unknown[0])!r}, which is not "
            "registered now, so it is not known which files are to be removed. Register it, or "
            "remove the folder yourself, or give another one."
        )
    return formats
