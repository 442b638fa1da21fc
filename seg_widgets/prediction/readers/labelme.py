"""LabelMe's files as predictions."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ..._files import StrPath
from ..._text import printable
from ...errors import PredictionError
from ..masks import MaskCrop
from .files import read_json, shown_source

if TYPE_CHECKING:
    from ..prediction import Prediction

__all__ = ["from_labelme"]

_SCORE: Final = re.compile(r"score ([0-9]*\.?[0-9]+)")
_MOST_PIXELS: Final = 100_000_000


def from_labelme(
    source: StrPath | Mapping[str, Any], *, class_names: Sequence[str] | None = None
) -> Prediction:
    """The shapes of a LabelMe file: masks, polygons, rectangles and circles.

    Shapes of one `group_id` and label are one instance. A description such as "score 0.87", which
    seg_widgets writes, is the score; else it is 1. Lines and points have no area and are passed
    over. It is the method `Prediction.from_labelme`.

    Args:
        source: a path, or the file's content.
        class_names: the vocabulary; None: the labels in the order in which they first occur.

    Returns:
        The prediction, in the file's order; without masks if all shapes are rectangles.

    Raises:
        PredictionError: the file is not LabelMe's, or a label is not in `class_names`.
    """
    content = read_json(source, "a LabelMe file")
    try:
        size = int(content["imageHeight"]), int(content["imageWidth"])
        shapes = [each for each in content["shapes"] if _has_area(each)]
        groups = _groups(shapes)
        labels = [str(group[0]["label"]) for group in groups]
        if any(group[0]["label"] is None for group in groups):
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise PredictionError(
            f"{shown_source(source)} is not in LabelMe's format: it has shapes with label and "
            "points, imageHeight and imageWidth."
        ) from None
    if min(size) < 1 or size[0] * size[1] > _MOST_PIXELS:
        raise PredictionError(f"A LabelMe image of {size[1]}×{size[0]} pixels can't be read.")

    names = tuple(dict.fromkeys(labels)) if class_names is None else tuple(class_names)
    unknown = [label for label in labels if label not in names]
    if unknown:
        raise PredictionError(
            f"The label {printable(unknown[0])} is not in class_names; add it, or leave "
            "class_names out."
        )
    only_boxes = bool(groups) and all(_is_box(group) for group in groups)
    crops, boxes = [], []
    for group in groups:
        try:
            crops.append(_crop(group, size))
            boxes.append(_box(group, crops[-1]))
        except (KeyError, TypeError, ValueError, IndexError, binascii.Error, OSError) as error:
            first = next(at for at, each in enumerate(content["shapes"]) if each is group[0])
            raise PredictionError(
                f'{shown_source(source)}: "shapes"[{first}] is damaged ({type(error).__name__}: '
                f"{error}). Correct it, or take it out."
            ) from None

    from ..prediction import Prediction

    return Prediction(
        size,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([_score(group[0]) for group in groups], np.float32),
        np.array([names.index(label) for label in labels], np.int64),
        names,
        None if only_boxes else tuple(crops),
    )


def _has_area(shape: Mapping[str, Any]) -> bool:
    return shape.get("shape_type", "polygon") in ("polygon", "rectangle", "circle", "mask")


def _groups(shapes: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The shapes of each instance, in the order of their first ones."""
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for place, shape in enumerate(shapes):
        group = shape.get("group_id")
        key = ("alone", place) if group is None else ("group", str(group), shape["label"])
        groups.setdefault(key, []).append(shape)
    return list(groups.values())


def _is_box(group: Sequence[Mapping[str, Any]]) -> bool:
    return len(group) == 1 and group[0].get("shape_type") == "rectangle"


def _box(group: Sequence[Mapping[str, Any]], crop: MaskCrop) -> list[float]:
    if _is_box(group):
        (x1, y1), (x2, y2) = group[0]["points"]
        return [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]
    return [crop.x, crop.y, crop.x + crop.width, crop.y + crop.height]


def _score(shape: Mapping[str, Any]) -> float:
    found = _SCORE.search(str(shape.get("description") or ""))
    return min(float(found[1]), 1.0) if found else 1.0


def _crop(group: Sequence[Mapping[str, Any]], size: tuple[int, int]) -> MaskCrop:
    """The union of a group's shapes."""
    if len(group) == 1 and group[0].get("shape_type") == "mask":
        mask, x, y = _mask(group[0])
        return _inside(mask, x, y, size)
    plane = np.zeros(size, np.uint8)
    for shape in group:
        _draw(shape, plane)
    return MaskCrop.from_array(plane)


def _draw(shape: Mapping[str, Any], plane: npt.NDArray[np.uint8]) -> None:
    kind = shape.get("shape_type", "polygon")
    if kind == "mask":
        mask, x, y = _mask(shape)
        crop = _inside(mask, x, y, (plane.shape[0], plane.shape[1]))
        region = plane[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width]
        region |= crop.to_array().view(np.uint8)
        return
    points = np.array(shape["points"], np.float64).reshape(-1, 2)
    if not np.isfinite(points).all():
        raise ValueError("a point is not finite")
    if kind == "rectangle":
        (x1, y1), (x2, y2) = points.min(axis=0), points.max(axis=0)
        points = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
    elif kind == "circle":
        radius = float(np.linalg.norm(points[1] - points[0]))
        angles = np.linspace(0, 2 * np.pi, 128, endpoint=False)
        points = points[0] + radius * np.stack((np.cos(angles), np.sin(angles)), axis=1)
    _fill(points, plane)


def _fill(points: npt.NDArray[np.float64], plane: npt.NDArray[np.uint8]) -> None:
    """Fill a polygon: a pixel is inside if its middle is."""
    from ..adapters.masks import crop_of_polygons

    crop = crop_of_polygons([points.ravel().tolist()], (plane.shape[0], plane.shape[1]))
    region = plane[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width]
    region |= crop.to_array().view(np.uint8)


def _mask(shape: Mapping[str, Any]) -> tuple[npt.NDArray[np.bool_], int, int]:
    """A shape's own mask, and the pixel of its corner."""
    from PIL import Image

    content = base64.b64decode(shape["mask"])
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        if image.width * image.height > _MOST_PIXELS:
            raise ValueError("a mask is too large")
        mask = np.array(image.convert("L")) > 0
    x, y = shape["points"][0]
    return mask, round(x), round(y)


def _inside(mask: npt.NDArray[np.bool_], x: int, y: int, size: tuple[int, int]) -> MaskCrop:
    """A mask placed in an image; what leaves it is cut off."""
    left, top = max(-x, 0), max(-y, 0)
    kept = mask[top : max(size[0] - y, 0), left : max(size[1] - x, 0)]
    return MaskCrop.from_array(kept, x + left, y + top)
