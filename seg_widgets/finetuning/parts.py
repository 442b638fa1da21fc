"""Which JSON files of a folder are a data set's training part and its validation part."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from .._files import expanded
from ..errors import DatasetError
from .image_files import TRAINING, VALIDATION, part_names

__all__ = ["find_parts"]

_JSON_NAMES: Final = (
    "instances.json",
    "annotations.json",
    "_annotations.coco.json",
    "train.json",
    "result.json",
)
_ANNOTATIONS: Final = "annotations"


def find_parts(path: str | Path) -> tuple[Path, Path | None]:
    """Find the JSON files of a data set's training part and of its validation part.

    Parts are the folders `train` and `valid` (or `val`) with a JSON each, `train.json` and
    `val.json`, or files with `train` and `val` in their names, there or in `annotations/`, as
    COCO's own, Datumaro's and YOLOX's data sets have them.

    Args:
        path: the data set's folder or its JSON file; `~` is expanded.

    Returns:
        The JSON to train on, and the validation part's or None.

    Raises:
        DatasetError: there is no JSON, or several and none of them is preferred; or the folder
            can't be read.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise DatasetError(
            f"A data set is given as the path of its folder or JSON file, not as a "
            f"{type(path).__name__}."
        )
    source = expanded(path)
    try:
        return _find(source)
    except OSError as error:
        raise DatasetError(f"{source} can't be read: {error.strerror or error}.") from error


def _find(source: Path) -> tuple[Path, Path | None]:
    if source.is_file():
        return source, None
    if not source.is_dir():
        raise DatasetError(
            f"There is no data set {source}; give a folder with a JSON file in COCO's format."
        )
    next(source.iterdir(), None)  # says if it may not be read, which glob() passes over
    named = _named_json(source)
    if named is not None:
        return named, _validation_beside(named)
    training, validation = (_part(source, names) for names in (TRAINING, VALIDATION))
    if training is not None:
        return training, validation
    return _only_json(source), None


def _named_json(folder: Path) -> Path | None:
    return next((folder / name for name in _JSON_NAMES if (folder / name).is_file()), None)


def _validation_beside(named: Path) -> Path | None:
    """The validation part beside `train.json`; other names have none."""
    if named.stem not in TRAINING:
        return None
    beside = (named.with_name(f"{name}.json") for name in VALIDATION)
    return next((file for file in beside if file.is_file()), None)


def _part(source: Path, names: tuple[str, ...]) -> Path | None:
    """The JSON of a part: the one in its folder, or the only one that is named so."""
    folders = [one for one in sorted(source.iterdir()) if one.name.lower() in names]
    for folder in sorted(folders, key=lambda one: names.index(one.name.lower())):
        for inner in (folder, folder / _ANNOTATIONS):
            here = _named_json(inner)
            if here is None and len(alone := [*inner.glob("*.json")]) == 1:
                here = alone[0]
            if here is not None:
                return here
    for folder in (source, source / _ANNOTATIONS):
        files = sorted(folder.glob("*.json"))
        # COCO's own come with captions and key points beside the outlines.
        outlines = [file for file in files if file.name.startswith("instances")] or files
        matching = [file for file in outlines if part_names(file.stem) == names]
        if len(matching) == 1:
            return matching[0]
    return None


def _only_json(source: Path) -> Path:
    found = [*sorted(source.glob("*.json")), *sorted((source / _ANNOTATIONS).glob("*.json"))]
    if len(found) == 1:
        return found[0]
    have = "it has none"
    if found:
        names = ", ".join(str(file.relative_to(source)) for file in found[:5])
        have = f"it has {names}: name one of them"
    elif deeper := sorted(source.glob("*/*.json"))[:5] or sorted(source.glob("*/*/*.json"))[:5]:
        names = ", ".join(str(file.relative_to(source)) for file in deeper)
        have = f"further down it has {names}: name one of them"
    raise DatasetError(
        f"{source} should have one JSON file in COCO's format, such as {_JSON_NAMES[0]}; {have}."
    )
