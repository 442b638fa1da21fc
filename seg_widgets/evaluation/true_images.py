"""The truth of many images, from COCO's JSON, a mapping or a list."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from .._files import expanded
from .._text import printable
from ..annotations import (
    MOST_PIXELS,
    AnnotationFile,
    Problem,
    annotations_of,
    as_id,
    as_number,
    as_size,
    read_annotation_file,
    read_categories,
    summarize,
)
from ..errors import DatasetError, PredictionError, SettingError
from ..prediction import (
    GroundTruth,
    Prediction,
    TrueObjects,
    any_masks,
    image_index,
    read_true_objects,
)

__all__ = ["TrueImage", "Truths", "read_truths"]

Floats = npt.NDArray[np.float64]

# Pixels; a box that reaches further is a mistake, and float32 has no half pixels there.
_FAR: Final = 1e6
_MOST_AREA: Final = 1e10  # pixels, as in COCO's sizes

Truths: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | Sequence[Any]
"""COCO's JSON (its path or content), the truth by file name, or a list of them."""


@dataclass(frozen=True, eq=False)
class TrueImage:
    """What is in one image."""

    name: str
    """Its path or name; "" where the truth is a list."""

    truth: GroundTruth
    """Its objects."""

    areas: Floats
    """M: the area of each in pixels, by which it is small, medium or large: that of the file, else
    that of the mask."""

    boxes: Floats
    """M×4 XYXY in pixels: those of the file, else those of the masks."""

    place: int = 0
    """Where it stood in what was given, from 0: a list of predictions has this order."""


def read_truths(truth: Truths) -> tuple[list[TrueImage], list[str]]:
    """Read the truth of many images.

    Args:
        truth: COCO's JSON (its path or content), or a mapping file name → truth, or a list. Each
            truth is a `GroundTruth`, a `Prediction`, or a label image (H×W integers).

    Returns:
        The images, those of a JSON in the order of their ids (which decides between equal scores);
        and a sentence for each thing that
        was skipped.

    Raises:
        DatasetError: it is no COCO file, or no image of it can be used.
        PredictionError: a truth can't be taken.
        SettingError: it is nothing of these.
    """
    if isinstance(truth, (str, os.PathLike)):
        return _of_coco(read_annotation_file(expanded(truth)))
    if isinstance(truth, Mapping):
        if {"images", "annotations"} <= set(truth):
            return _of_coco(annotations_of(dict(truth), Path("This truth")))
        return _some([_of_one(place, *each) for place, each in enumerate(truth.items())]), []
    if isinstance(truth, Iterable) and not isinstance(truth, Prediction):
        return _some([_of_one(place, "", one) for place, one in enumerate(truth)]), []
    raise SettingError(
        f"The truth is COCO's JSON, a mapping from file names, or a list; {type(truth).__name__} "
        "is none of them. That of one image goes into a list: evaluate([prediction], [truth])."
    )


def _some(images: list[TrueImage]) -> list[TrueImage]:
    if not images:
        raise PredictionError("The truth has no image, so there is nothing to measure.")
    return images


def _of_one(place: int, key: object, one: Any) -> TrueImage:
    name = str(key)
    if isinstance(one, TrueImage):
        return one
    size = None
    if isinstance(one, (GroundTruth, Prediction)):
        size = (one.prediction if isinstance(one, GroundTruth) else one).image_size
    elif isinstance(one, np.ndarray) and one.ndim == 2:
        size = int(one.shape[0]), int(one.shape[1])
    if size is None:
        where = f" of {printable(name)!r}" if name else ""
        raise PredictionError(
            f"The truth{where} is a {type(one).__name__}. Give a GroundTruth, a Prediction or a "
            "label image; GroundTruth.of makes one of anything."
        )
    truth = GroundTruth.of(one, size=size)
    found = truth.prediction
    return TrueImage(name, truth, found.areas.astype(float), found.boxes.astype(float), place)


def _of_coco(content: AnnotationFile) -> tuple[list[TrueImage], list[str]]:
    name = content.path.name
    places = image_index(content)
    used = [one.get("category_id") for one in content.annotations]
    classes = read_categories(name, content.categories, used)
    # Over the whole data set: an image whose objects have boxes only must not make all of it boxes.
    only_boxes = bool(content.annotations) and not any_masks(content.annotations)
    own: dict[int, list[dict[str, Any]]] = {}
    problems = list(content.problems)
    for index, one in enumerate(content.annotations):
        place = places.find(one.get("image_id"))
        if place is None:
            number = one.get("id")
            where = f"annotation {f'at index {index}' if number is None else number}"
            problems.append(Problem(where, "its image_id is no image's"))
        else:
            own.setdefault(place, []).append(one)

    images, skipped = [], []
    notes: dict[str, None] = {}
    for place, entry in sorted(enumerate(content.images), key=lambda one: _order(one[1])):
        file_name = str(entry.get("file_name") or "")
        size = as_size(entry.get("height")), as_size(entry.get("width"))
        if not file_name or size[0] is None or size[1] is None or as_id(entry.get("id")) is None:
            what = printable(file_name) or "an image"
            skipped.append(f"left out: {what}: it has no id, no file_name or no size")
        elif size[0] * size[1] > MOST_PIXELS:
            skipped.append(f"left out: {printable(file_name)}: no image is as large as it says")
        elif places.find(entry.get("id")) != place:
            skipped.append(f"left out: {printable(file_name)}: it is there twice")
        else:
            entries = own.get(place, [])
            objects = read_true_objects(entries, classes, (size[0], size[1]), only_boxes=only_boxes)
            for note in objects.prediction.notes:
                notes[f"{printable(file_name)}: {note}"] = None
            images.append(replace(_of_objects(file_name, objects, entries), place=place))
    if not images:
        why = f" ({skipped[0].removeprefix('left out: ')})" if skipped else ""
        raise DatasetError(f"{name} has no image that can be judged{why}.")
    return images, [*skipped, *summarize(problems).splitlines(), *notes]


def _order(entry: Mapping[str, Any]) -> tuple[float, str]:
    """By id, as COCO has it: it decides between equal scores."""
    number = as_number(entry.get("id"))
    return (float("inf") if number is None else float(number)), str(entry.get("id"))


def _of_objects(
    name: str, objects: TrueObjects, annotations: Sequence[Mapping[str, Any]]
) -> TrueImage:
    """An image with the areas and boxes of the file, where it has them."""
    found = objects.prediction
    areas, boxes = found.areas.astype(float), found.boxes.astype(float)
    for index, number in enumerate(objects.taken):
        area, box = as_number(annotations[number].get("area")), annotations[number].get("bbox")
        # An object of another area than COCO's sizes have would be in none of its figures.
        if area is not None and 0 <= area <= _MOST_AREA:
            areas[index] = area
        sides = [as_number(value) for value in box] if isinstance(box, (list, tuple)) else []
        x, y, width, height = sides if len(sides) == 4 else (None, None, None, None)
        if x is None or y is None or width is None or height is None:
            continue
        if max(map(abs, (x, y, width, height))) < _FAR:
            boxes[index] = x, y, x + width, y + height
    return TrueImage(name, GroundTruth(found, objects.crowd), areas, boxes)
