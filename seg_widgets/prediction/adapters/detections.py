"""Results that are objects of a class: supervision's Detections (RF-DETR's too), Ultralytics'
Results, detectron2's Instances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import PredictionError
from ..masks import MaskCrop
from .arrays import has, shape_of, to_array, whole_numbers
from .building import Found, Given
from .class_names import ClassNames, Labelling, label_by_id, label_by_name, read_names
from .letterbox import crop_of_letterboxed
from .masks import crop_of_plane, crops_of_planes, size_of_planes
from .planes import one_class

__all__ = [
    "from_detections",
    "from_instances",
    "from_ultralytics",
    "is_detections",
    "is_instances",
    "is_ultralytics",
]


# ── supervision ───────────────────────────────────────────────────────────────────────────────────


def is_detections(result: Any) -> bool:
    """`supervision.Detections`, which RF-DETR answers with, too."""
    return has(result, "xyxy", "mask", "confidence", "class_id", "data")


def from_detections(result: Any, given: Given) -> Found:
    """Boxes, and masks where there are some: dense, or supervision's CompactMask, crop by crop."""
    count = len(result.xyxy)
    own = None if result.mask is None else size_of_planes(result.mask)
    size = given.size_or(own or _source_size(result.data))
    masks = None
    if result.mask is not None:
        compact = has(result.mask, "crop", "offsets")
        masks = _compact_crops(result.mask) if compact else crops_of_planes(result.mask, size)
    return Found(
        size,
        _labelling(result, count, given.names),
        boxes=result.xyxy,
        scores=result.confidence,
        masks=masks,
    )


def _compact_crops(masks: Any) -> tuple[MaskCrop, ...]:
    offsets = to_array(masks.offsets).tolist()
    return tuple(
        MaskCrop.from_array(masks.crop(index), int(x), int(y))
        for index, (x, y) in enumerate(offsets)
    )


def _source_size(data: Any) -> tuple[int, int] | None:
    """RF-DETR writes its image's (height, width) beside each instance."""
    sizes = data.get("source_shape") if isinstance(data, Mapping) else None
    if sizes is None or len(sizes) == 0:
        return None
    height, width = to_array(sizes)[0][:2].tolist()
    return int(height), int(width)


def _labelling(result: Any, count: int, names: ClassNames | None) -> Labelling:
    """By the names that the instances have, if they are among `class_names` or there is no other;
    else by their ids. So a list of COCO's 80 names fits RF-DETR's ids, which have gaps."""
    called = _names_of(result.data, count)
    if result.class_id is None:
        return label_by_name(called, names) if all(called) and count else one_class(count, names)

    ids = whole_numbers(result.class_id, "class ids")
    own = {number: name for number, name in zip(ids.tolist(), called, strict=False) if name}
    if names is None or not own:
        return label_by_id(ids, names, own)
    if set(own.values()) <= set(names.names):
        named = [own.get(number, f"class {number}") for number in ids.tolist()]
        return label_by_name(named, names)
    labelling = label_by_id(ids, names)
    return replace(labelling, notes=(*labelling.notes, *_renamed(own, names)))


def _renamed(own: Mapping[int, str], names: ClassNames) -> list[str]:
    """class_names may translate the result's names, or count otherwise; only a person can know."""
    other = [number for number, name in own.items() if names.by_id.get(number, name) != name]
    if not other:
        return []
    number = other[0]
    return [
        f"The result calls class id {number} {own[number]!r}, but class_names calls it "
        f"{names.by_id[number]!r}."
    ]


def _names_of(data: Any, count: int) -> list[str]:
    names = data.get("class_name") if isinstance(data, Mapping) else None
    if names is None or len(names) != count:
        return [""] * count
    return ["" if name is None else str(name) for name in names]


# ── Ultralytics ───────────────────────────────────────────────────────────────────────────────────


def is_ultralytics(result: Any) -> bool:
    """`ultralytics.engine.results.Results`, for one image."""
    return has(result, "boxes", "masks", "names", "orig_shape")


def from_ultralytics(result: Any, given: Given) -> Found:
    """Boxes, and the masks at the image's size.

    Masks of the network's size lose the letterbox's border and are scaled as Ultralytics'
    `scale_masks` does, and cut at 0.5; those of `retina_masks=True` are taken as they are. The
    polygons in `masks.xy` are not used: they have neither holes nor separate parts.
    """
    boxes = result.boxes
    if boxes is None:
        raise PredictionError(
            "These Ultralytics Results have no boxes, because the model classifies, labels every "
            "pixel or finds oriented boxes. Use a model that ends in -seg, or one that detects."
        )
    height, width = (int(side) for side in result.orig_shape[:2])
    size = given.size_or((height, width))
    masks = None
    if result.masks is not None:
        planes = result.masks.data
        masks = tuple(_scaled(planes[index], size) for index in range(len(planes)))

    names = given.names or read_names(result.names)
    labelling = label_by_id(whole_numbers(boxes.cls, "class ids"), names)
    return Found(size, labelling, boxes=boxes.xyxy, scores=boxes.conf, masks=masks)


def _scaled(plane: Any, size: tuple[int, int]) -> MaskCrop:
    return crop_of_plane(plane) if shape_of(plane) == size else crop_of_letterboxed(plane, size)


# ── detectron2 ────────────────────────────────────────────────────────────────────────────────────


def is_instances(result: Any) -> bool:
    """detectron2's `Instances`, or the dict of a model's answer that has them."""
    if isinstance(result, Mapping):
        return "instances" in result and is_instances(result["instances"])
    return has(result, "image_size", "get_fields", "has")


def from_instances(result: Any, given: Given) -> Found:
    """What a detectron2 model found: `pred_boxes`, `scores`, `pred_classes`, `pred_masks`."""
    instances = result["instances"] if isinstance(result, Mapping) else result
    fields = instances.get_fields()
    height, width = instances.image_size
    size = given.size_or((int(height), int(width)))
    if "pred_boxes" not in fields and "pred_masks" not in fields:
        raise PredictionError(
            f"These Instances have {', '.join(fields) or 'no fields'}, but pred_boxes or "
            "pred_masks are needed: give what a model answers, not what a data set has."
        )

    masks = None
    if "pred_masks" in fields:
        planes = getattr(fields["pred_masks"], "tensor", fields["pred_masks"])
        masks = crops_of_planes(planes, size)
    boxes = _upright(fields.get("pred_boxes"))
    count = len(boxes) if boxes is not None else len(masks or ())
    if "pred_classes" in fields:
        ids = whole_numbers(fields["pred_classes"], "class ids")
        labelling = label_by_id(ids, given.names)
    else:
        labelling = one_class(count, given.names)
    return Found(size, labelling, boxes=boxes, scores=fields.get("scores"), masks=masks)


def _upright(boxes: Any) -> npt.NDArray[Any] | None:
    if boxes is None:
        return None
    array = to_array(boxes)
    if array.ndim == 2 and array.shape[1] == 5:
        raise PredictionError("Rotated boxes can't be shown; only upright ones, x1, y1, x2, y2.")
    return np.asarray(array)
