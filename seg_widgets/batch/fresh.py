"""Beginning a run anew: what the former one wrote is removed, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from .._files import TEMPORARY
from .._text import printable, well_formed
from ..errors import SettingError
from ..export import FORMATS, file_stem
from ..tables import is_part
from .plan import FAILURES, FILES, JOINT, RUN, SETTINGS, TABLE_FOLDERS, Plan
from .store import Store

__all__ = ["remove_run"]

# What says that images are done, and what says which images and formats there are.
_DONE: Final = re.compile(r"\d{5,}\.(json|journal|journal\.part)|classes\.json")
_PLANNED: Final = re.compile(r"\d{5,}\.images")
_LEADS_AWAY: Final = re.compile(r"[/\\]|^\.*$")


def remove_run(store: Store) -> None:
    """Remove what a run has written into its folder: table, notes, failures and exports.

    A folder that has other files, too, stays with them. A removal that is stopped can be repeated:
    what says what there is to remove goes last, and what says that it is done goes first.

    Args:
        store: the run's folder; one without a run stays as it is, but for a table.

    Raises:
        SettingError: the run wrote a format that is not registered now, and didn't note its files.
        ExportError: a file can't be removed.
    """
    notes = store.names(RUN)
    formats = _formats(store) if notes else {}
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


def _exports(
    store: Store, notes: Sequence[str], formats: Mapping[str, tuple[str, bool]]
) -> Iterator[str]:
    """The files of the run's formats: one of all images, or one of each."""
    plan = Plan(store)
    own = {name: suffix for name, (suffix, is_joint) in formats.items() if not is_joint}
    for name, (suffix, _) in formats.items():
        if name not in own:
            yield _named(JOINT, suffix)
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
            for each, suffix in own.items():
                name = _named(task.stem, suffix)
                if name in there[each]:
                    yield f"{each}/{name}"


def _named(stem: str, suffix: str) -> str:
    """As `result_file_name` has it, which knows the formats of now."""
    return well_formed(f"{file_stem(stem)}{suffix}")


def _formats(store: Store) -> dict[str, tuple[str, bool]]:
    """The formats that the run wrote: the suffix of each one's files, and whether that is one file
    of all images; where nobody knows that any more, all formats that there are."""
    registered = {
        each.name: (each.suffix, each.make_together is not None) for each in FORMATS.values()
    }
    try:
        settings: Any = json.loads(store.read(SETTINGS) or b"")
        formats = list(map(str, settings["formats"]))
    except (ValueError, KeyError, TypeError):
        return registered
    # As the run had them: a format of one's own may be another one now, or not registered.
    noted = settings.get(FILES)
    known = {**registered, **(_plain(noted) if isinstance(noted, dict) else {})}
    unknown = [name for name in formats if name not in known]
    if unknown:
        raise SettingError(
            f"The run in {store} wrote the format {printable(unknown[0])!r}, which is not "
            "registered now, and its notes don't say which files are to be removed. Register it, "
            "or remove the folder yourself, or give another one."
        )
    return {name: known[name] for name in formats}


def _plain(noted: Mapping[str, Any]) -> dict[str, tuple[str, bool]]:
    """What a run has noted of its formats, without what would lead out of its folder."""
    found = {}
    for name, files in noted.items():
        try:
            suffix, is_joint = files
        except (TypeError, ValueError):
            continue
        texts = (name, suffix)
        if all(isinstance(text, str) and not _LEADS_AWAY.search(text) for text in texts):
            found[name] = (suffix, bool(is_joint))
    return found
