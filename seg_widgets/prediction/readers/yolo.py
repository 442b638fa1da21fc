"""YOLO's label files as predictions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..._files import StrPath
from ...errors import PredictionError
from ..masks import MaskCrop
from .files import read_bytes, shown_source

if TYPE_CHECKING:
    from ..prediction import Prediction

__all__ = ["from_yolo"]

_BOX_NUMBERS, _LEAST_NUMBERS = 4, 6


def from_yolo(
    source: StrPath,
    image_size: tuple[int, int],
    class_names: Sequence[str] | Mapping[int, str] | StrPath | None = None,
) -> Prediction:
    """The rows of a YOLO label file: polygons, filled as Ultralytics fills them, or boxes.

    Polygons don't say which holes they had, and there are no scores: all are 1. It is the
    method `Prediction.from_yolo`.

    Args:
        source: the path of the label file.
        image_size: (height, width) of the image in pixels.
        class_names: a list, a dict id → name, or the path of the data set's data.yaml; None: "class
            7" for the id 7.

    Returns:
        The prediction, in the file's order; without masks if all rows are boxes.

    Raises:
        PredictionError: the file is not YOLO's, or a class has no name.
    """
    height, width = int(image_size[0]), int(image_size[1])
    rows = _rows(source)
    names = _names(class_names, [class_id for class_id, _ in rows])
    size = np.array([width, height])
    boxes, crops = [], []
    only_boxes = bool(rows) and all(len(values) == _BOX_NUMBERS for _, values in rows)
    for _, values in rows:
        if len(values) == _BOX_NUMBERS:
            center, sides = values[:2] * size, values[2:] * size
            box = np.concatenate((center - sides / 2, center + sides / 2))
            points = box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
            crops.append(
                MaskCrop(0, 0, 0, 0, b"") if only_boxes else _filled(points, height, width)
            )
            boxes.append(box.clip(0, [width, height, width, height]))
        else:
            crop = _filled(values.reshape(-1, 2) * size, height, width)
            crops.append(crop)
            around = (crop.x, crop.y, crop.x + crop.width, crop.y + crop.height)
            boxes.append(np.array(around, np.float64))

    from ..prediction import Prediction

    return Prediction(
        (height, width),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.ones(len(rows), np.float32),
        np.array([class_id for class_id, _ in rows], np.int64),
        names,
        None if only_boxes else tuple(crops),
    )


def _filled(points: npt.NDArray[np.float64], height: int, width: int) -> MaskCrop:
    """A polygon's pixels, as `cv2.fillPoly` of its whole-numbered points gives them."""
    import cv2

    corners = points.clip(0, [width - 1, height - 1]).astype(np.int32)
    left, top = corners.min(axis=0).tolist()
    right, bottom = (corners.max(axis=0) + 1).tolist()
    plane = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(plane, [corners - (left, top)], [1])
    return MaskCrop.from_array(plane, left, top)


def _rows(source: StrPath) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Each row's class id and numbers."""
    text = read_bytes(source).decode("utf-8", "replace")
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            class_id, values = int(words[0]), np.array(words[1:], np.float64)
        except ValueError:
            raise _bad_row(source, number, "it has a word that is no number") from None
        count = len(values)
        if class_id < 0 or (count != _BOX_NUMBERS and (count < _LEAST_NUMBERS or count % 2)):
            raise _bad_row(source, number, f"it has {count} numbers behind the class id")
        if not (np.isfinite(values).all() and values.min() >= -0.01 and values.max() <= 1.01):
            raise _bad_row(source, number, "a number is not from 0 to 1")
        rows.append((class_id, values))
    return rows


def _bad_row(source: StrPath, number: int, why: str) -> PredictionError:
    return PredictionError(
        f"Line {number} of {shown_source(source)} is not YOLO's: {why}. A row is the class id and "
        "x y x y … of a polygon, or the centre, width and height of a box, from 0 to 1."
    )


def _names(given: Any, ids: Sequence[int]) -> tuple[str, ...]:
    if given is None:
        return tuple(f"class {number}" for number in range(max(ids, default=-1) + 1))
    if isinstance(given, (str, os.PathLike)):
        given = _names_of_yaml(given)
    if isinstance(given, Mapping):
        by_id = {int(number): str(name) for number, name in given.items()}
        most = max([*by_id, *ids], default=-1)
        names = tuple(by_id.get(number, f"class {number}") for number in range(most + 1))
    else:
        names = tuple(str(name) for name in given)
    missing = [number for number in ids if number >= len(names)]
    if missing:
        raise PredictionError(
            f"A row has the class id {missing[0]}, but there are {len(names)} class names; give "
            "the names of the data set."
        )
    return names


def _names_of_yaml(path: StrPath) -> Any:
    import yaml

    try:
        content = yaml.safe_load(read_bytes(path, 1_000_000))
        names = content["names"]
        if isinstance(names, (list, dict)):
            return names
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError):
        pass
    raise PredictionError(
        f"{shown_source(path)} has no names of classes: a data.yaml has a list or dict of names."
    )
