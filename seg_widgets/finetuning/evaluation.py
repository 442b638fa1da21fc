"""COCO mask AP and AR by pycocotools, of images and detections in memory."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

__all__ = ["FoundInstance", "Measured", "Truth", "coco_figures", "encode", "evaluate"]

Pixels = NDArray[Any]

_DETECTIONS: Final = 100  # an image, as COCO counts them


@dataclass(frozen=True)
class FoundInstance:
    """One instance, true or found.

    Attributes:
        class_id: index of its class.
        rle: its mask as COCO's RLE.
        score: 0 to 1; 1 for the truth.
        crowd: whether the mask covers many objects.
    """

    class_id: int
    rle: dict[str, Any]
    score: float = 1.0
    crowd: bool = False


@dataclass(frozen=True)
class Truth:
    """An image (H×W×3 uint8 RGB) and what is in it."""

    image: Pixels
    instances: list[FoundInstance]


@dataclass(frozen=True)
class Measured:
    """What a model found in some images (best first in each), and COCO's figures of it."""

    figures: dict[str, Any]
    found: list[list[FoundInstance]]


def encode(mask: Pixels) -> dict[str, Any]:
    """Return a mask (H×W) as COCO's RLE."""
    rle: dict[str, Any] = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return rle


def evaluate(
    truths: Sequence[Truth],
    detections: Sequence[Sequence[FoundInstance]],
    class_names: Sequence[str],
) -> dict[str, Any]:
    """Return COCO's mask figures: all classes together, class-agnostic, and per class.

    AP and AR are COCO's (https://cocodataset.org/#detection-eval), areas in the image's own pixels.

    Args:
        truths: images and what is in them.
        detections: what was found in each.
        class_names: the names in the order of the class ids.

    Returns:
        Figures from 0 to 1 by name; None where there is nothing to find.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number, (truth, found) in enumerate(zip(truths, detections, strict=True), start=1):
        height, width = truth.image.shape[:2]
        images.append({"id": number, "height": height, "width": width})
        for instance in truth.instances:
            annotations.append(_annotation(instance, number, len(annotations) + 1))
        results += [_entry(instance, number) | {"score": instance.score} for instance in found]
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(class_names)]
    truth_data = {"images": images, "annotations": annotations, "categories": categories}
    crowded = max((len(truth.instances) for truth in truths), default=0)
    figures = coco_figures(truth_data, results, max(_DETECTIONS, crowded))
    figures["images"], figures["instances"] = len(images), len(annotations)
    return figures


def _entry(instance: FoundInstance, image_id: int) -> dict[str, Any]:
    return {
        "image_id": image_id,
        "category_id": instance.class_id + 1,
        "segmentation": instance.rle,
    }


def _annotation(instance: FoundInstance, image_id: int, number: int) -> dict[str, Any]:
    return _entry(instance, image_id) | {
        "id": number,
        "area": float(coco_mask.area(instance.rle)),
        "bbox": coco_mask.toBbox(instance.rle).tolist(),
        "iscrowd": int(instance.crowd),
    }


def coco_figures(
    truth: dict[str, Any], results: list[dict[str, Any]], max_detections: int = _DETECTIONS
) -> dict[str, Any]:
    """Score results against the truth with pycocotools, both in COCO's format.

    Args:
        truth: a data set whose categories have the ids 1, 2, 3, ….
        results: a list of results.
        max_detections: so many of an image's detections count, the best ones; COCO's 100, or more
            where an image has more objects.

    Returns:
        Figures from 0 to 1 by name; None where there is nothing to find.
    """
    # Imported here since it loads matplotlib.
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        ground = COCO()
        ground.dataset = truth
        ground.createIndex()
        detections = ground.loadRes([dict(result) for result in results]) if results else COCO()
        if not results:  # loadRes refuses an empty list
            detections.dataset = {**truth, "annotations": []}
            detections.createIndex()
        runs = {}
        for use_categories in (True, False):
            scorer = COCOeval(ground, detections, "segm")
            scorer.params.useCats = int(use_categories)
            scorer.params.maxDets = [1, 10, max_detections]
            scorer.evaluate()
            scorer.accumulate()
            runs[use_categories] = scorer.eval
    named, agnostic = runs[True], runs[False]
    # Axes: IoU threshold (0.5, 0.55, …), recall, class, area (0: all, 3: large), detections.
    precision, recall = named["precision"], named["recall"]
    return {
        "AP": _mean(precision[:, :, :, 0, -1]),
        "AP50": _mean(precision[0, :, :, 0, -1]),
        "AP75": _mean(precision[5, :, :, 0, -1]),
        "AP_large": _mean(precision[:, :, :, 3, -1]),
        "AR100": _mean(recall[:, :, 0, -1]),
        "AR_large": _mean(recall[:, :, 3, -1]),
        "agnostic_AP50": _mean(agnostic["precision"][0, :, :, 0, -1]),
        "agnostic_AR100": _mean(agnostic["recall"][:, :, 0, -1]),
        "agnostic_AR_large": _mean(agnostic["recall"][:, :, 3, -1]),
        "max_detections": max_detections,
        "per_class": _per_class(truth, named),
    }


def _per_class(truth: dict[str, Any], results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    figures = {}
    for index, category in enumerate(truth["categories"]):
        count = sum(
            one["category_id"] == index + 1 and not one["iscrowd"] for one in truth["annotations"]
        )
        # Axes: IoU threshold, recall, class, area (0: all), detections (-1: 100).
        precision = results["precision"][:, :, index, 0, -1]
        recall = results["recall"][:, index, 0, -1]
        figures[category["name"]] = {
            "instances": count,
            "AP": _mean(precision),
            "AP50": _mean(precision[0]),
            "AP75": _mean(precision[5]),
            "AR100": _mean(recall),
        }
    return figures


def _mean(values: Any) -> float | None:
    """The mean of the values, without the -1 that stands where there is nothing to find."""
    array = np.atleast_1d(np.asarray(values, dtype=float))
    array = array[array > -1]
    return float(array.mean()) if array.size else None
