"""Reading a data set in COCO's format. Invalid entries are skipped and listed.

What is read is what fine-tuning needs: images, class names, and a mask for each object.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

from PIL import Image

from ..errors import DatasetError, ImageError
from ..images import load
from .dataset import Dataset, LabelledImage, LabelledObject, Problem
from .segmentation import REACHES_OVER, find_fault

__all__ = ["find_parts", "read_dataset"]

_MASK_MIN_PIXELS: Final = 4  # an object of fewer pixels is no example
_JSON_NAMES: Final = (
    "instances.json",
    "annotations.json",
    "_annotations.coco.json",
    "train.json",
    "result.json",
)
_IMAGE_FOLDERS: Final = ("", "images", "train", "data")
_TRAINING: Final = ("train", "training")
_VALIDATION: Final = ("valid", "val", "validation")


def read_dataset(path: str | Path) -> Dataset:
    """Read a data set in COCO's format: a folder with its JSON and its images, or the JSON itself.

    In a folder the JSON is `instances.json`, `annotations.json`, `_annotations.coco.json`,
    `train.json`, or the only one that is there, or in `annotations/`; of a data set in parts it is
    the training part's (see `find_parts`). Images are looked for beside it, and in `images`,
    `train`, `data` and, for `instances_X.json`, in `X`, there and a folder higher.

    Skipped, and listed in `problems`, are images that are missing, can't be read, or have another
    size than the JSON says; and objects without a mask, with an empty or broken one, outside their
    image, or of an image or category that is not there. Polygons that reach over the image's edge
    are cut at it, and listed.

    Args:
        path: the folder or the JSON file; `~` is expanded.

    Returns:
        The data set; it has at least one object.

    Raises:
        DatasetError: nothing can be used: there is no JSON, it is not COCO's format, its categories
            have no names or the same one twice, or no object has a mask.
    """
    file, _ = find_parts(path)
    data = _read_json(file)
    names, index_of = _categories(file, data["categories"])
    problems: list[Problem] = []
    images = dict(_images(file, data["images"], problems))
    known = {entry.get("id") for entry in data["images"] if isinstance(entry.get("id"), (int, str))}
    objects = _objects(data["annotations"], images, index_of, known, problems)
    labelled = tuple(
        replace(image, objects=tuple(objects.get(key, ()))) for key, image in images.items()
    )
    dataset = Dataset(labelled, names, tuple(problems))
    if not dataset.objects:
        why = f"\n{dataset.summary()}" if problems else ""
        raise DatasetError(
            f"{file.name} has no object with a mask and an image that can be used.{why}"
        )
    return dataset


def find_parts(path: str | Path) -> tuple[Path, Path | None]:
    """Find the JSON files of a data set's training part and of its validation part.

    Parts are the folders `train` and `valid` (or `val`) with a JSON each, `train.json` and
    `val.json`, or `annotations/` with one JSON whose name has `train` and one whose name has `val`
    in it, as COCO's own has.

    Args:
        path: the data set's folder or its JSON file; `~` is expanded.

    Returns:
        The JSON to train on, and the validation part's or None.

    Raises:
        DatasetError: there is no JSON, or several and none of them is preferred.
    """
    source = Path(path).expanduser()
    if source.is_file():
        return source, None
    if not source.is_dir():
        raise DatasetError(
            f"There is no data set {source}; give a folder with a JSON file in COCO's format."
        )
    named = _named_json(source)
    if named is not None:
        return named, _validation_beside(named)
    training, validation = (_part(source, names) for names in (_TRAINING, _VALIDATION))
    if training is not None:
        return training, validation
    return _only_json(source), None


def _named_json(folder: Path) -> Path | None:
    return next((folder / name for name in _JSON_NAMES if (folder / name).is_file()), None)


def _validation_beside(named: Path) -> Path | None:
    """The validation part beside `train.json`; other names have none."""
    if named.stem not in _TRAINING:
        return None
    beside = (named.with_name(f"{name}.json") for name in _VALIDATION)
    return next((file for file in beside if file.is_file()), None)


def _part(source: Path, names: tuple[str, ...]) -> Path | None:
    """The JSON of a part: the one in its folder, or the only one for it in `annotations/`."""
    for name in names:
        here = _named_json(source / name)
        if here is None and len(alone := [*(source / name).glob("*.json")]) == 1:
            here = alone[0]
        if here is not None:
            return here
    files = sorted((source / "annotations").glob("*.json"))
    # COCO's own come with captions and key points beside the outlines.
    outlines = [file for file in files if file.name.startswith("instances")] or files
    matching = [file for file in outlines if any(name in file.stem.lower() for name in names)]
    return matching[0] if len(matching) == 1 else None


def _only_json(source: Path) -> Path:
    found = [*sorted(source.glob("*.json")), *sorted((source / "annotations").glob("*.json"))]
    if len(found) == 1:
        return found[0]
    have = "it has none"
    if found:
        have = f"it has {', '.join(file.name for file in found[:5])}: name one of them"
    raise DatasetError(
        f"{source} should have one JSON file in COCO's format, such as {_JSON_NAMES[0]}; {have}."
    )


def _read_json(file: Path) -> dict[str, list[Any]]:
    try:
        data = json.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise DatasetError(f"{file} can't be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{file.name} is not JSON: {error}.") from error
    lists = data if isinstance(data, dict) else {}
    lists = {key: value for key, value in lists.items() if isinstance(value, list)}
    missing = [key for key in ("images", "annotations", "categories") if key not in lists]
    if missing:
        raise DatasetError(
            f"{file.name} is not in COCO's format: it has no list "
            f"{', '.join(map(repr, missing))}. Export it as COCO instances (with segmentation) "
            "from the tool that made it."
        )
    return {
        key: [entry for entry in value if isinstance(entry, dict)] for key, value in lists.items()
    }


def _categories(file: Path, entries: list[Any]) -> tuple[tuple[str, ...], dict[Any, int]]:
    """The class names in the order of their ids, and the class index of each id."""
    if not all(
        isinstance(entry.get("id"), int) and isinstance(entry.get("name"), str) for entry in entries
    ):
        raise DatasetError(
            f"{file.name}: each of its categories needs an id (a whole number) and a name."
        )
    ordered = sorted(entries, key=lambda entry: entry["id"])
    for key in ("id", "name"):
        for value, count in Counter(entry[key] for entry in ordered).items():
            if count > 1:
                raise DatasetError(
                    f"{file.name}: two categories have the same id or name, {value!r}."
                )
    if not ordered:
        raise DatasetError(f"{file.name} has no categories.")
    names = tuple(entry["name"] for entry in ordered)
    return names, {entry["id"]: index for index, entry in enumerate(ordered)}


def _images(
    file: Path, entries: list[Any], problems: list[Problem]
) -> Iterator[tuple[Any, LabelledImage]]:
    """Each image that can be used, by its id; without its objects."""
    folders = _image_folders(file)
    seen: set[Any] = set()
    for entry in entries:
        identity, name = entry.get("id"), entry.get("file_name")
        where = f"image {name or identity!r}"
        if not isinstance(name, str) or not name or not isinstance(identity, (int, str)):
            problems.append(Problem(where, "it has no id or no file_name"))
            continue
        if identity in seen:
            problems.append(Problem(where, "its id is another image's"))
            continue
        seen.add(identity)
        path = _find_image(folders, name)
        if path is None:
            problems.append(Problem(where, "its file is not there"))
            continue
        image = _open_image(path, entry)
        if isinstance(image, str):
            problems.append(Problem(where, image))
            continue
        yield identity, image


def _image_folders(file: Path) -> list[Path]:
    part = file.stem.removeprefix("instances_")
    names = [part, *_IMAGE_FOLDERS]
    if part.startswith(_VALIDATION) or file.parent.name in _VALIDATION:
        # An image that is missing here must not be taken for another one of the same name.
        names = [name for name in names if name not in _TRAINING]
    return [folder / name for folder in (file.parent, file.parent.parent) for name in names]


def _open_image(path: Path, entry: dict[str, Any]) -> LabelledImage | str:
    """The image, or what is wrong with it."""
    try:
        # It is decoded once, with all limits: a broken file would end the training halfway.
        upright = load(path).shape[:2]
        with Image.open(path) as image:
            stored = (image.height, image.width)
    except (ImageError, OSError) as error:
        return f"it can't be read ({type(error).__name__})"
    size: tuple[Any, Any] = entry.get("height", upright[0]), entry.get("width", upright[1])
    if size not in (upright, stored):
        return "its size is not what the JSON says, so its outlines would not fit"
    return LabelledImage(path, (int(size[0]), int(size[1])), (), upright=size == upright)


def _find_image(folders: list[Path], name: str) -> Path | None:
    """Under the name given, or its last part: exports often carry another machine's folders."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    given = PurePosixPath(name)
    relative = None if given.is_absolute() or ".." in given.parts else name
    for candidate in filter(None, (relative, last)):
        for folder in folders:
            if (folder / candidate).is_file():
                return folder / candidate
    return None


def _objects(
    entries: list[Any],
    images: dict[Any, LabelledImage],
    index_of: dict[Any, int],
    known: set[Any],
    problems: list[Problem],
) -> dict[Any, list[LabelledObject]]:
    """The objects that can be used, by their image's id."""
    found: dict[Any, list[LabelledObject]] = {}
    for number, entry in enumerate(entries):
        where = f"annotation {entry.get('id', f'at place {number}')}"
        identity = entry.get("image_id")
        if not isinstance(identity, (int, str)) or identity not in known:
            problems.append(Problem(where, "its image_id is no image's"))
            continue
        if identity not in images:
            continue  # the image is in the list already
        if not isinstance(entry.get("category_id"), int) or entry["category_id"] not in index_of:
            problems.append(Problem(where, "its category_id is no category's"))
            continue

        size = images[identity].size
        segmentation = entry.get("segmentation")
        fault = find_fault(segmentation, *size)
        if fault:
            problems.append(Problem(where, fault))
        if fault and fault != REACHES_OVER:
            continue
        crowd = bool(entry.get("iscrowd", 0))
        item = LabelledObject(index_of[entry["category_id"]], segmentation, crowd, size)
        if int(item.mask().sum()) < _MASK_MIN_PIXELS:
            problems.append(Problem(where, "its mask is empty"))
            continue
        found.setdefault(identity, []).append(item)
    return found
