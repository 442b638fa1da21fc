"""Results that are lists with a dict for each object: Hugging Face's pipelines, SAM's masks, COCO's
results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import PredictionError
from .arrays import to_array, whole_numbers
from .building import Found, Given
from .class_names import Labelling, label_by_id, label_by_name
from .masks import (
    crop_of_plane,
    crop_of_segmentation,
    is_plane,
    is_rle,
    size_of_planes,
)
from .planes import one_class

__all__ = [
    "from_coco",
    "from_nothing",
    "from_pipeline_boxes",
    "from_pipeline_masks",
    "from_sam",
    "is_coco",
    "is_nothing",
    "is_pipeline_boxes",
    "is_pipeline_masks",
    "is_sam",
]

Items = Sequence[Mapping[str, Any]]

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def _all_have(result: Any, *keys: str) -> bool:
    """Whether it is a list of dicts that each have these keys."""
    if not isinstance(result, (list, tuple)) or not result:
        return False
    return all(isinstance(item, Mapping) and set(keys) <= set(item) for item in result)


def is_nothing(result: Any) -> bool:
    """An empty list: no library says with it what it looked for."""
    return isinstance(result, (list, tuple)) and not result


def from_nothing(result: Any, given: Given) -> Found:
    """Nothing was found."""
    names = () if given.names is None else tuple(given.names.names)
    return Found(given.size_or(None), Labelling(np.zeros(0, np.int64), names), masks=())


# ── Hugging Face's pipelines ──────────────────────────────────────────────────────────────────────


def is_pipeline_masks(result: Any) -> bool:
    """`pipeline("image-segmentation")`: score, label and a PIL mask."""
    return _all_have(result, "label", "mask")


def from_pipeline_masks(result: Items, given: Given) -> Found:
    """Masks with the names of their classes; a score may be None."""
    size = given.size_or(size_of_planes([item["mask"] for item in result]))
    return Found(
        size,
        label_by_name([item["label"] for item in result], given.names),
        scores=[item.get("score") for item in result],
        masks=tuple(crop_of_plane(item["mask"], size) for item in result),
    )


def is_pipeline_boxes(result: Any) -> bool:
    """`pipeline("object-detection")`, zero-shot or not: score, label and a box."""
    return _all_have(result, "label", "box") and all(
        isinstance(item["box"], Mapping) and set(_CORNERS) <= set(item["box"]) for item in result
    )


def from_pipeline_boxes(result: Items, given: Given) -> Found:
    """Boxes with the names of their classes."""
    return Found(
        given.size_or(None),
        label_by_name([item["label"] for item in result], given.names),
        boxes=[[float(item["box"][corner]) for corner in _CORNERS] for item in result],
        scores=[item.get("score") for item in result],
    )


# ── SAM ───────────────────────────────────────────────────────────────────────────────────────────


def is_sam(result: Any) -> bool:
    """What SAM's `SamAutomaticMaskGenerator` generates: masks or RLE, without classes."""
    others = {"category_id", "segments_info"}
    return _all_have(result, "segmentation") and not any(others & set(item) for item in result)


def from_sam(result: Items, given: Given) -> Found:
    """Masks of objects without classes; the score is SAM's predicted IoU.

    The boxes are drawn around the masks: SAM's own end one pixel early.
    """
    size = given.size_or(_own_size(result))
    return Found(
        size,
        one_class(len(result), given.names),
        scores=[item.get("predicted_iou", item.get("score")) for item in result],
        masks=tuple(crop_of_segmentation(item["segmentation"], size) for item in result),
    )


def _own_size(result: Items) -> tuple[int, int] | None:
    """The size that the first mask has itself; polygons have none."""
    for item in result:
        segmentation: Any = item.get("segmentation")
        if is_rle(segmentation):
            height, width = segmentation["size"]
            return int(height), int(width)
        if segmentation is not None and is_plane(segmentation):
            return size_of_planes([segmentation])
    return None


# ── COCO ──────────────────────────────────────────────────────────────────────────────────────────


def is_coco(result: Any) -> bool:
    """COCO's results or annotations: category ids with boxes or segmentations."""
    return _all_have(result, "category_id") and all(
        "bbox" in item or "segmentation" in item for item in result
    )


def from_coco(result: Items, given: Given) -> Found:
    """The objects of one image, in COCO's results format.

    Without "bbox" the boxes are drawn around the masks. Without a score (annotations) it is 1.
    """
    images = sorted({str(item["image_id"]) for item in result if "image_id" in item})
    if len(images) > 1:
        raise PredictionError(
            f"These COCO results belong to {len(images)} images ({', '.join(images[:5])}"
            f"{' …' if len(images) > 5 else ''}). Give those of one: "
            '[item for item in results if item["image_id"] == image_id].'
        )
    if given.names is not None and given.names.is_list:
        raise PredictionError(
            "COCO's category ids have gaps, so a list of names doesn't say which is which. Give a "
            'dict {category id: name}, or the data set\'s "categories".'
        )
    size = given.size_or(_own_size(result))
    has_masks = all(item.get("segmentation") is not None for item in result)
    masks = None
    if has_masks:
        masks = tuple(crop_of_segmentation(item["segmentation"], size) for item in result)
    ids = whole_numbers([item["category_id"] for item in result], "category ids")
    return Found(
        size,
        label_by_id(ids, given.names, are_categories=True),
        boxes=_corners(result),
        scores=[item.get("score") for item in result],
        masks=masks,
        notes=_notes(result, has_masks),
    )


def _corners(result: Items) -> npt.NDArray[np.float64] | None:
    """Boxes as corners, from x, y, width, height; None if one has no box."""
    if any(item.get("bbox") is None for item in result):
        return None
    boxes = to_array([item["bbox"] for item in result]).astype(np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise PredictionError("Each bbox is x, y, width, height, but one has other numbers.")
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _notes(result: Items, has_masks: bool) -> list[str]:
    without = sum(_has_no_area(item.get("segmentation")) for item in result)
    if without:
        have = "segmentation has" if without == 1 else "segmentations have"
        return [f"{without} {have} no polygon of three points, so the mask is empty."]
    if has_masks or not any(item.get("segmentation") is not None for item in result):
        return []
    return ["Some results have no segmentation, so only the boxes of all were taken."]


def _has_no_area(segmentation: Any) -> bool:
    """Whether it is a list of polygons, none of which has three points."""
    if not isinstance(segmentation, (list, tuple)):
        return False
    return all(isinstance(piece, (list, tuple)) and len(piece) < 6 for piece in segmentation)
