"""A folder of images with outlines in COCO's format, read with suspicion: what is wrong is listed,
and left out.

What is read is what fine-tuning needs: images, class names, and a mask for each object. Nothing is
drawn in memory until an image is asked for.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import DatasetError, ImageError
from ..images import load

__all__ = ["Dataset", "LabelledImage", "LabelledObject", "Problem", "find_parts", "read_dataset"]

MASK_MIN_PIXELS: Final = 4
"""An object of fewer pixels is left out: there is nothing to learn from it."""

_FAR: Final = 16_000  # pixels; OpenCV's drawing overflows far outside
_NAMES: Final = (
    "instances.json",
    "annotations.json",
    "_annotations.coco.json",
    "train.json",
    "result.json",
)
_PICTURES: Final = ("", "images", "train", "data")
_TRAINING: Final = ("train", "training")
_VALIDATION: Final = ("valid", "val", "validation")


@dataclass(frozen=True)
class Problem:
    """Something in a data set that was left out or mended.

    `where`: the image or annotation that it is about. `reason`: what is wrong, the same words for
    the same fault.
    """

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


@dataclass(frozen=True)
class LabelledObject:
    """One object: its class (an index into the data set's names), and its mask's RLE or polygons as
    COCO has them.

    `crowd`: the mask covers many objects of the class, so it is neither an example nor a miss.
    """

    class_id: int
    segmentation: Any
    crowd: bool
    size: tuple[int, int]

    def mask(self) -> npt.NDArray[np.uint8]:
        """The mask, H×W uint8, 1 inside."""
        from pycocotools import mask as coco_mask

        decoded: npt.NDArray[np.uint8] = coco_mask.decode(_rle(self.segmentation, *self.size))
        return decoded


@dataclass(frozen=True)
class LabelledImage:
    """An image and its objects.

    `size`: (height, width) in pixels. `upright`: whether the outlines are those of the image as it
    is shown, or as its file has it before the camera's rotation is applied.
    """

    path: Path
    size: tuple[int, int]
    objects: tuple[LabelledObject, ...]
    upright: bool = True

    def load(self) -> npt.NDArray[np.uint8]:
        """The image that the outlines fit, H×W×3 uint8 RGB."""
        if self.upright:
            return load(self.path)
        with Image.open(self.path) as picture:
            return np.asarray(picture.convert("RGB"))


@dataclass(frozen=True)
class Dataset:
    """Images that can be used, the names of their classes in the order of the categories' ids, and
    what was wrong."""

    images: tuple[LabelledImage, ...]
    class_names: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def objects(self) -> int:
        """How many objects there are to learn from, crowds not counted."""
        return sum(not item.crowd for image in self.images for item in image.objects)

    def counts(self) -> dict[str, int]:
        """Objects of each class, crowds not counted."""
        found = Counter(
            item.class_id for image in self.images for item in image.objects if not item.crowd
        )
        return {name: found[index] for index, name in enumerate(self.class_names)}

    def for_classes(self, class_names: tuple[str, ...]) -> Dataset:
        """The same images with another data set's classes, matched by name; objects of other
        classes are left out."""
        place = {
            index: class_names.index(name)
            for index, name in enumerate(self.class_names)
            if name in class_names
        }
        problems = list(self.problems)
        images = []
        for image in self.images:
            kept = [
                replace(item, class_id=place[item.class_id])
                for item in image.objects
                if item.class_id in place
            ]
            for index in {item.class_id for item in image.objects} - set(place):
                name = self.class_names[index]
                problems.append(
                    Problem(
                        f"image {image.path.name}", f"its class {name!r} is none that is learned"
                    )
                )
            images.append(replace(image, objects=tuple(kept)))
        return Dataset(tuple(images), class_names, tuple(problems))

    def summary(self, examples: int = 3) -> str:
        """The problems in a few lines: each reason with how often, and the first places."""
        by_reason: dict[str, list[str]] = {}
        for problem in self.problems:
            by_reason.setdefault(problem.reason, []).append(problem.where)
        lines = []
        for reason, places in sorted(by_reason.items(), key=lambda entry: -len(entry[1])):
            more = f", and {len(places) - examples} more" if len(places) > examples else ""
            lines.append(f"{len(places)} × {reason}: {', '.join(places[:examples])}{more}")
        return "\n".join(lines)


def read_dataset(path: str | Path) -> Dataset:
    """Read a data set in COCO's format: a folder with its JSON and its images, or the JSON itself.

    In a folder the JSON is `instances.json`, `annotations.json`, `_annotations.coco.json`,
    `train.json`, or the only one that is there, or in `annotations/`; of a data set in parts it is
    the training part's (see `find_parts`). Images are looked for beside it, and in `images`,
    `train`, `data` and, for `instances_X.json`, in `X`, there and a folder higher. Left out, and
    listed in `problems`: images that are missing, can't be read or are of another size than the
    JSON says; objects without a mask, with an empty or broken one, outside their image, of a image
    or category that is not there. Polygons that reach over the image's edge are cut at it, and
    listed.

    Raises `DatasetError` for what leaves nothing to use: no JSON, no COCO format, categories
    without or with equal names, no object with a mask.
    """
    file, _ = find_parts(path)
    data = _read_json(file)
    names, index_of = _categories(file, data["categories"])
    problems: list[Problem] = []
    pictures = dict(_pictures(file, data["images"], problems))
    known = {entry.get("id") for entry in data["images"] if isinstance(entry.get("id"), (int, str))}
    objects = _objects(data["annotations"], pictures, index_of, known, problems)
    images = tuple(
        replace(image, objects=tuple(objects.get(key, ()))) for key, image in pictures.items()
    )
    dataset = Dataset(images, names, tuple(problems))
    if not dataset.objects:
        why = f"\n{dataset.summary()}" if problems else ""
        raise DatasetError(
            f"{file.name} has no object with a mask and an image that can be used.{why}"
        )
    return dataset


def find_parts(path: str | Path) -> tuple[Path, Path | None]:
    """The JSON of a data set to learn from, and the one of its own validation part, if it comes in
    parts.

    Parts are the folders `train` and `valid` (or `val`) with a JSON each, `train.json` and
    `val.json`, or `annotations/` with one JSON whose name has `train` and one whose name has `val`
    in it, as COCO's own has. Raises `DatasetError` where no JSON is to be found, or several and
    none of them is meant more than another.
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
        beside = (source / f"{name}.json" for name in _VALIDATION)
        return named, next(
            (file for file in beside if named.stem in _TRAINING and file.is_file()), None
        )
    training, validation = (_part(source, names) for names in (_TRAINING, _VALIDATION))
    if training is not None:
        return training, validation
    found = [
        file
        for folder in (source, source / "annotations")
        for file in sorted(folder.glob("*.json"))
    ]
    if len(found) == 1:
        return found[0], None
    have = (
        f"it has {', '.join(file.name for file in found[:5])}: name one of them"
        if found
        else "it has none"
    )
    raise DatasetError(
        f"{source} should have one JSON file in COCO's format, such as {_NAMES[0]}; {have}."
    )


def _named_json(folder: Path) -> Path | None:
    return next((folder / name for name in _NAMES if (folder / name).is_file()), None)


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


def _read_json(file: Path) -> dict[str, list[Any]]:
    try:
        data = json.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise DatasetError(f"{file} can't be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{file.name} is not JSON: {error}.") from error
    missing = [
        key for key in ("images", "annotations", "categories")
        if not isinstance(data, dict) or not isinstance(data.get(key), list)
    ]  # fmt: skip
    if missing:
        raise DatasetError(
            f"{file.name} is not in COCO's format: it has no list {', '.join(map(repr, missing))}. Export it as COCO "
            "instances (with segmentation) from the tool that made it."
        )
    return {
        key: [entry for entry in data[key] if isinstance(entry, dict)]
        for key in data
        if isinstance(data[key], list)
    }


def _categories(file: Path, entries: list[Any]) -> tuple[tuple[str, ...], dict[Any, int]]:
    if not all(
        isinstance(entry.get("id"), int) and isinstance(entry.get("name"), str) for entry in entries
    ):
        raise DatasetError(
            f"{file.name}: each of its categories needs an id (a whole number) and a name."
        )
    ordered = sorted(entries, key=lambda entry: entry["id"])
    twice = [key for key, count in Counter(entry["id"] for entry in ordered).items() if count > 1]
    twice += [
        key for key, count in Counter(entry["name"] for entry in ordered).items() if count > 1
    ]
    if twice:
        raise DatasetError(f"{file.name}: two categories have the same id or name, {twice[0]!r}.")
    if not ordered:
        raise DatasetError(f"{file.name} has no categories.")
    return tuple(entry["name"] for entry in ordered), {
        entry["id"]: index for index, entry in enumerate(ordered)
    }


def _pictures(
    file: Path, entries: list[Any], problems: list[Problem]
) -> Iterator[tuple[Any, LabelledImage]]:
    """Each image that can be used, by its id; without its objects."""
    part = file.stem.removeprefix("instances_")
    names = [part, *_PICTURES]
    if part.startswith(_VALIDATION) or file.parent.name in _VALIDATION:
        # An image that is missing here must not be taken for another one of the same name.
        names = [name for name in names if name not in _TRAINING]
    roots = [folder / name for folder in (file.parent, file.parent.parent) for name in names]
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
        path = _find_picture(roots, name)
        if path is None:
            problems.append(Problem(where, "its file is not there"))
            continue
        try:
            # Decoded once, with all limits: a broken file would end the training in the middle.
            upright = load(path).shape[:2]
            with Image.open(path) as picture:
                stored = (picture.height, picture.width)
        except (ImageError, OSError) as error:
            problems.append(Problem(where, f"it can't be read ({type(error).__name__})"))
            continue
        told = (entry.get("height", upright[0]), entry.get("width", upright[1]))
        if told not in (upright, stored):
            problems.append(
                Problem(where, "its size is not what the JSON says, so its outlines would not fit")
            )
            continue
        yield (
            identity,
            LabelledImage(path, (int(told[0]), int(told[1])), (), upright=told == upright),
        )


def _find_picture(roots: list[Path], name: str) -> Path | None:
    """Under the name given, or its last part alone: exports often carry the folders of another
    machine along."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    relative = (
        None if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts else name
    )
    for candidate in filter(None, (relative, last)):
        for root in roots:
            if (root / candidate).is_file():
                return root / candidate
    return None


def _objects(
    entries: list[Any],
    pictures: dict[Any, LabelledImage],
    index_of: dict[Any, int],
    known: set[Any],
    problems: list[Problem],
) -> dict[Any, list[LabelledObject]]:
    found: dict[Any, list[LabelledObject]] = {}
    for number, entry in enumerate(entries):
        where = f"annotation {entry.get('id', f'at place {number}')}"
        identity = entry.get("image_id")
        if not isinstance(identity, (int, str)) or identity not in known:
            problems.append(Problem(where, "its image_id is no image's"))
            continue
        if identity not in pictures:
            continue  # the image is in the list already
        if not isinstance(entry.get("category_id"), int) or entry["category_id"] not in index_of:
            problems.append(Problem(where, "its category_id is no category's"))
            continue
        size = pictures[identity].size
        segmentation = entry.get("segmentation")
        reason = _fault(segmentation, *size)
        if reason == _REACHES_OVER:
            problems.append(Problem(where, reason))
        elif reason:
            problems.append(Problem(where, reason))
            continue
        crowd = bool(entry.get("iscrowd", 0))
        item = LabelledObject(index_of[entry["category_id"]], segmentation, crowd, size)
        if int(item.mask().sum()) < MASK_MIN_PIXELS:
            problems.append(Problem(where, "its mask is empty"))
            continue
        found.setdefault(identity, []).append(item)
    return found


_REACHES_OVER: Final = "its polygon reaches over the image's edge, where it is cut"


def _fault(segmentation: Any, height: int, width: int) -> str:
    """What is wrong with a segmentation; "" where nothing is."""
    if not segmentation:
        return "it has no mask (only a box, or nothing)"
    if isinstance(segmentation, dict):
        return _rle_fault(segmentation, height, width)
    if not isinstance(segmentation, list):
        return "its segmentation is neither polygons nor RLE"
    outside = over = 0
    for ring in segmentation:
        numbers = isinstance(ring, list) and all(
            isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            for value in ring
        )
        if not numbers:
            return "its polygon holds something else than numbers"
        if len(ring) < 6 or len(ring) % 2:
            return "its polygon has fewer than three points, or half a point"
        x, y = np.array(ring[0::2]), np.array(ring[1::2])
        outside += bool(x.max() <= 0 or y.max() <= 0 or x.min() >= width or y.min() >= height)
        over += bool(x.min() < -1 or y.min() < -1 or x.max() > width + 1 or y.max() > height + 1)
    if outside == len(segmentation):
        return "its polygon lies outside the image"
    return _REACHES_OVER if over else ""


def _rle_fault(segmentation: dict[str, Any], height: int, width: int) -> str:
    if list(segmentation.get("size", [])) != [height, width]:
        return "its RLE is of another size than the image"
    counts = segmentation.get("counts")
    if isinstance(counts, list):
        whole = all(isinstance(count, int) and count >= 0 for count in counts)
        return "" if whole and sum(counts) == height * width else "its RLE doesn't cover the image"
    if not isinstance(counts, str) or not counts.isascii():
        return "its RLE has no counts"
    # The C code behind pycocotools trusts what it reads: the runs are added up here first.
    return "" if _run_total(counts) == height * width else "its RLE doesn't cover the image"


def _run_total(counts: str) -> int:
    """The sum of the runs of COCO's compressed RLE; -1 where it is broken."""
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 30:
            return -1
        value |= (code & 0x1F) << shift
        shift += 5
        if not code & 0x20:
            if code & 0x10:
                value -= 1 << shift
            if len(runs) > 2:  # from the fourth on it is the difference to the run two before
                value += runs[-2]
            if value < 0:
                return -1
            runs.append(value)
            value = shift = 0
    return sum(runs) if shift == 0 else -1


def _rle(segmentation: Any, height: int, width: int) -> Any:
    from pycocotools import mask as coco_mask

    if isinstance(segmentation, list):
        if _fault(segmentation, height, width) != _REACHES_OVER:
            return coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
        # pycocotools draws along the edge what lies over it; OpenCV cuts it.
        canvas = np.zeros((height, width), np.uint8)
        rings = [np.array(ring, float).reshape(-1, 2).clip(-_FAR, _FAR) for ring in segmentation]
        for ring in rings:
            cv2.fillPoly(canvas, [np.round(ring - 0.5).astype(np.int32)], 1)
        return coco_mask.encode(np.asfortranarray(canvas))
    if isinstance(segmentation["counts"], list):
        return coco_mask.frPyObjects(segmentation, height, width)
    return segmentation
