"""The truth of many images, from COCO's JSON, a mapping or a list."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .._text import printable
from ..annotations import (
    AnnotationFile,
    Identity,
    annotations_of,
    as_id,
    as_number,
    as_size,
    read_annotation_file,
)
from ..errors import DatasetError, PredictionError, SettingError
from ..prediction import GroundTruth, Prediction

__all__ = ["TrueImage", "Truths", "read_truths"]

Floats = npt.NDArray[np.float64]

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


def read_truths(truth: Truths) -> tuple[list[TrueImage], list[str]]:
    """Read the truth of many images.

    Args:
        truth: COCO's JSON (its path or content), or a mapping file name → truth, or a list. Each
            truth is a `GroundTruth`, a `Prediction`, or a label image (H×W integers).

    Returns:
        The images, those of a JSON in the order of their ids; and a sentence for each thing that
        was skipped.

    Raises:
        DatasetError: it is no COCO file, or no image of it can be used.
        PredictionError: a truth can't be taken.
        SettingError: it is nothing of these.
    """
    if isinstance(truth, (str, os.PathLike)):
        return _of_coco(read_annotation_file(Path(truth).expanduser()))
    if isinstance(truth, Mapping):
        if {"images", "annotations", "categories"} <= set(truth):
            return _of_coco(annotations_of(dict(truth), Path("This truth")))
        return [_of_one(str(name), one) for name, one in truth.items()], []
    if isinstance(truth, Iterable):
        return [_of_one("", one) for one in truth], []
    raise SettingError(
        f"The truth is COCO's JSON, a mapping from file names, or a list; {type(truth).__name__} "
        "is none of them."
    )


def _of_one(name: str, one: Any) -> TrueImage:
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
    return TrueImage(name, truth, found.areas.astype(float), found.boxes.astype(float))


def _of_coco(content: AnnotationFile) -> tuple[list[TrueImage], list[str]]:
    entries: dict[Identity, list[dict[str, Any]]] = {}
    for entry in content.annotations:
        identity = as_id(entry.get("image_id"))
        if identity is not None:
            entries.setdefault(identity, []).append(entry)
    images, skipped = [], []
    notes: dict[str, None] = {}
    for entry in sorted(content.images, key=_order):
        name, identity = str(entry.get("file_name") or ""), as_id(entry.get("id"))
        size = as_size(entry.get("height")), as_size(entry.get("width"))
        if not name or identity is None or size[0] is None or size[1] is None:
            skipped.append(
                f"{printable(name) or 'an image'}: it has no id, no file_name or no size"
            )
            continue
        own = entries.get(identity, [])
        try:
            image = _of_image(content, entry, own, name, (size[0], size[1]))
        except PredictionError as error:
            skipped.append(f"{printable(name)}: {error}")
            continue
        for note in image.truth.prediction.notes:
            notes[f"{printable(name)}: {note}"] = None
        images.append(image)
    if not images:
        why = f" ({skipped[0]})" if skipped else ""
        raise DatasetError(f"{content.path.name} has no image that can be judged{why}.")
    return images, [f"left out: {one}" for one in skipped] + list(notes)


def _order(entry: Mapping[str, Any]) -> tuple[float, str]:
    """By id, as COCO has it: it decides between equal scores."""
    number = as_number(entry.get("id"))
    return (float("inf") if number is None else float(number)), str(entry.get("id"))


def _of_image(
    content: AnnotationFile,
    entry: dict[str, Any],
    own: list[dict[str, Any]],
    name: str,
    size: tuple[int, int],
) -> TrueImage:
    def truth_of(annotations: list[dict[str, Any]]) -> GroundTruth:
        source = {
            "images": [entry],
            "annotations": annotations,
            "categories": content.categories,
        }
        return GroundTruth.of(source, size=size)

    truth = truth_of(own)
    if len(truth) != len(own):
        own = [one for one in own if _can_be_taken(truth_of, one)]
    found = truth.prediction
    areas, boxes = found.areas.astype(float), found.boxes.astype(float)
    if len(own) != len(truth):
        return TrueImage(name, truth, areas, boxes)
    for index, one in enumerate(own):
        area, box = as_number(one.get("area")), one.get("bbox")
        if area is not None:
            areas[index] = area
        sides = [as_number(value) for value in box] if isinstance(box, list) else []
        if len(sides) == 4 and None not in sides:
            x, y, width, height = (float(side or 0) for side in sides)
            boxes[index] = x, y, x + width, y + height
    return TrueImage(name, truth, areas, boxes)


def _can_be_taken(truth_of: Any, annotation: dict[str, Any]) -> bool:
    try:
        return len(truth_of([annotation])) == 1
    except PredictionError:
        return False
