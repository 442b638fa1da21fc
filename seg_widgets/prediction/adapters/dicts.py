"""Results that are dicts: torchvision's, Hugging Face's `post_process_…` functions', and those of
detectron2's panoptic models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import PredictionError
from .arrays import shape_of, to_array, whole_numbers
from .building import Found, Given
from .class_names import ClassNames, Labelling, label_by_id, label_by_name
from .masks import crops_of_labels, crops_of_planes, is_plane, size_of_planes
from .planes import one_class

__all__ = [
    "from_boxes_dict",
    "from_masks_dict",
    "from_panoptic",
    "from_segments_dict",
    "is_boxes_dict",
    "is_masks_dict",
    "is_panoptic",
    "is_segments_dict",
]


# ── boxes, labels, scores: torchvision, post_process_object_detection ─────────────────────────────


def is_boxes_dict(result: Any) -> bool:
    """torchvision's dict, or that of Hugging Face's `post_process_object_detection`."""
    return isinstance(result, Mapping) and "boxes" in result and "scores" in result


def from_boxes_dict(result: Mapping[str, Any], given: Given) -> Found:
    """Boxes, labels, scores, and masks where there are some: soft ones are inside above 0.5."""
    planes = result.get("masks")
    size = given.size_or(None if planes is None else size_of_planes(planes))
    masks = None if planes is None else crops_of_planes(planes, size)
    return Found(
        size,
        _labels(result, given.names),
        boxes=result["boxes"],
        scores=result["scores"],
        masks=masks,
    )


def _labels(result: Mapping[str, Any], names: ClassNames | None) -> Labelling:
    # Grounded detectors have both: ids and the texts that were searched.
    texts = result.get("text_labels", result.get("labels"))
    if isinstance(texts, (list, tuple)) and texts and isinstance(texts[0], str):
        return label_by_name(texts, names)
    if result.get("labels") is None:
        return one_class(len(result["scores"]), names)
    ids = whole_numbers(result["labels"], "labels")
    return label_by_id(ids, None if names is None else _names_of_labels(result, names))


def _names_of_labels(result: Mapping[str, Any], names: ClassNames) -> ClassNames:
    """torchvision counts labels from 1, 0 is the background; Hugging Face counts from 0.

    A dict says itself which id is which, and so does a list that begins with the background. Only
    torchvision has N×1×H×W masks. Nothing else distinguishes the two.
    """
    if not names.is_list:
        return names
    if names.has_background:
        return names.without_gaps()
    shape = shape_of(result.get("masks"))
    if shape is not None and len(shape) == 4:
        return names.counted_from(1)
    raise PredictionError(
        "Labels may count from 1 (torchvision) or from 0 (Hugging Face), and a list of names "
        'does not say which. Give class_names with "__background__" first, or as a dict '
        "{label: name}, such as model.config.id2label."
    )


# ── segmentation, segments_info: post_process_instance_segmentation, …panoptic… ───────────────────


def is_segments_dict(result: Any) -> bool:
    """The dict of `post_process_instance_segmentation` or `post_process_panoptic_segmentation`."""
    return isinstance(result, Mapping) and {"segmentation", "segments_info"} <= set(result)


def from_segments_dict(result: Mapping[str, Any], given: Given) -> Found:
    """The segments that `segments_info` lists; other numbers in the map are background."""
    infos = list(result["segments_info"] or ())
    segmentation = result["segmentation"]
    if segmentation is None and not infos:
        size = given.size_or(None)
        return Found(size, _of_infos(infos, given.names), masks=())

    if not is_plane(segmentation):
        raise PredictionError(
            "The segmentation has to be one H×W map of segment ids. Leave return_coco_annotation "
            "and return_binary_maps out."
        )
    labels = to_array(segmentation)
    size = given.size_or((labels.shape[0], labels.shape[1]))
    wanted = [int(info["id"]) for info in infos]
    crops = crops_of_labels(labels, wanted)
    there = [info for info in infos if crops[int(info["id"])].width]
    notes = []
    if missing := len(infos) - len(there):
        notes.append(
            f"{missing} {'segment was' if missing == 1 else 'segments were'} left out because no "
            "pixel of the map has the id."
        )
    return Found(
        size,
        _of_infos(there, given.names),
        scores=[info.get("score") for info in there],
        masks=tuple(crops[int(info["id"])] for info in there),
        notes=notes,
    )


def _of_infos(infos: list[Mapping[str, Any]], names: ClassNames | None) -> Labelling:
    ids = [info.get("label_id", info.get("category_id")) for info in infos]
    if None in ids:
        return one_class(len(infos), names)
    return label_by_id(whole_numbers(ids, "label ids"), names)


# ── panoptic_seg: detectron2's panoptic models ────────────────────────────────────────────────────


def is_panoptic(result: Any) -> bool:
    """A detectron2 model's answer that has `panoptic_seg` and no `instances`."""
    return isinstance(result, Mapping) and "panoptic_seg" in result and "instances" not in result


def from_panoptic(result: Mapping[str, Any], given: Given) -> Found:
    """The segments that are things; regions such as sky and road are no instances."""
    segmentation, infos = result["panoptic_seg"]
    if infos is None:
        raise PredictionError(
            "This panoptic_seg has no segments_info, which says what each segment is. Give "
            "(panoptic_seg, segments_info), as detectron2's models answer."
        )
    things = [info for info in infos if info.get("isthing", True)]
    left_out = len(infos) - len(things)
    found = from_segments_dict({"segmentation": segmentation, "segments_info": things}, given)
    if left_out:
        regions = (
            "region that is no thing was" if left_out == 1 else "regions that are no things were"
        )
        found.notes.append(f"{left_out} {regions} left out, such as sky or road.")
    return found


# ── masks without boxes: pipeline("mask-generation") ──────────────────────────────────────────────


def is_masks_dict(result: Any) -> bool:
    """The dict of Hugging Face's `pipeline("mask-generation")`: masks, and their scores."""
    return isinstance(result, Mapping) and "masks" in result and "boxes" not in result


def from_masks_dict(result: Mapping[str, Any], given: Given) -> Found:
    """Masks of objects without classes."""
    planes = result["masks"]
    size = given.size_or(size_of_planes(planes))
    crops = crops_of_planes(planes, size)
    labels = result.get("labels")
    if labels is None:
        labelling = one_class(len(crops), given.names)
    else:
        labelling = label_by_id(whole_numbers(labels, "labels"), given.names)
    return Found(size, labelling, scores=result.get("scores"), masks=crops)
