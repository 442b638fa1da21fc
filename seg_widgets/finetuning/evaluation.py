"""COCO mask AP and AR by pycocotools: of a data set that is in memory, with what a model found in
it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

__all__ = ["FoundInstance", "Truth", "coco_figures", "encode", "evaluate"]

Pixels = NDArray[Any]


@dataclass(frozen=True)
class FoundInstance:
    """One instance, true or found: class index, mask as COCO's RLE, score (1 for the truth), crowd
    flag."""

    class_id: int
    rle: dict[str, Any]
    score: float = 1.0
    crowd: bool = False


@dataclass(frozen=True)
class Truth:
    """An image (RGB) and what is in it."""

    image: Pixels
    instances: list[FoundInstance]


def encode(mask: Pixels) -> dict[str, Any]:
    """Return a mask as COCO's RLE."""
    rle: dict[str, Any] = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return rle


def evaluate(
    truths: Sequence[Truth],
    detections: Sequence[Sequence[FoundInstance]],
    class_names: Sequence[str],
) -> dict[str, Any]:
    """Return COCO's mask figures: all classes together, class-agnostic, and per class (0 to 1).

    AP and AR are COCO's (https://cocodataset.org/#detection-eval), areas in the image's own pixels.
    A figure is None where there is nothing to find.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number, (truth, found) in enumerate(zip(truths, detections, strict=True), start=1):
        height, width = truth.image.shape[:2]
        images.append({"id": number, "height": height, "width": width})
        for instance in truth.instances:
            entry = {
                "image_id": number,
                "category_id": instance.class_id + 1,
                "segmentation": instance.rle,
            }
            area, box = float(coco_mask.area(instance.rle)), coco_mask.toBbox(instance.rle).tolist()
            entry |= {
                "id": len(annotations) + 1,
                "area": area,
                "bbox": box,
                "iscrowd": int(instance.crowd),
            }
            annotations.append(entry)
        for instance in found:
            entry = {
                "image_id": number,
                "category_id": instance.class_id + 1,
                "segmentation": instance.rle,
            }
            results.append(entry | {"score": instance.score})
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(class_names)]
    truth_data = {"images": images, "annotations": annotations, "categories": categories}
    figures = coco_figures(truth_data, results)
    figures["images"], figures["instances"] = len(images), len(annotations)
    return figures


def coco_figures(truth: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    """Score COCO-style results against COCO-style truth with pycocotools; the categories' ids are
    1, 2, 3, …."""
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
            scorer.evaluate()
            scorer.accumulate()
            scorer.summarize()
            runs[use_categories] = scorer
    named, agnostic = runs[True], runs[False]
    per_class = {}
    for index, name in enumerate(category["name"] for category in truth["categories"]):
        count = sum(
            a["category_id"] == index + 1 and not a["iscrowd"] for a in truth["annotations"]
        )
        precision = named.eval["precision"][:, :, index, 0, -1]
        recall = named.eval["recall"][:, index, 0, -1]
        per_class[name] = {
            "instances": count,
            "AP": _mean(precision),
            "AP50": _mean(precision[0]),
            "AP75": _mean(precision[5]),
            "AR100": _mean(recall),
        }
    return {
        "AP": _mean(named.stats[0]),
        "AP50": _mean(named.stats[1]),
        "AP75": _mean(named.stats[2]),
        "AP_large": _mean(named.stats[5]),
        "AR100": _mean(named.stats[8]),
        "AR_large": _mean(named.stats[11]),
        "agnostic_AP50": _mean(agnostic.stats[1]),
        "agnostic_AR100": _mean(agnostic.stats[8]),
        "agnostic_AR_large": _mean(agnostic.stats[11]),
        "per_class": per_class,
    }


def _mean(values: Any) -> float | None:
    """The mean of the values that exist: pycocotools writes -1 where there is nothing to find."""
    array = np.atleast_1d(np.asarray(values, dtype=float))
    array = array[array > -1]
    return float(array.mean()) if array.size else None
