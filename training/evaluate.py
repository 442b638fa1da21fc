"""COCO mask AP and AR of a model on photographs and composites, with pycocotools; and how fast it is."""

import contextlib
import io
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import nn

from training.classes import CLASSES
from training.composites import Sampler
from training.sources import Material, Photo, Pixels

COMPOSITE_SHAPE = (384, 512)
COMPOSITE_SEED = 20_17


@dataclass(frozen=True)
class Instance:
    """One instance, true or found: class index, mask as COCO's RLE, score (1 for the truth), crowd flag."""

    class_id: int
    rle: dict[str, Any]
    score: float = 1.0
    crowd: bool = False


@dataclass(frozen=True)
class Truth:
    """A picture (RGB) and what is in it."""

    image: Pixels
    instances: list[Instance]


def encode(mask: Pixels) -> dict[str, Any]:
    """Return a mask as COCO's RLE."""
    rle: dict[str, Any] = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return rle


def photo_truths(photos: Iterable[Photo]) -> Iterator[Truth]:
    """Yield photographs as they are, with all their instances."""
    for photo in photos:
        height, width = photo.image.shape[:2]
        instances = []
        for item in photo.objects:
            x0, y0, x1, y1 = item.box
            mask = np.zeros((height, width), np.uint8)
            mask[y0:y1, x0:x1] = item.mask
            instances.append(Instance(item.class_id, encode(mask), crowd=item.crowd))
        yield Truth(photo.image, instances)


def composite_truths(material: Material, count: int) -> Iterator[Truth]:
    """Yield `count` composites of one part's own objects and backgrounds."""
    sampler = Sampler(material, COMPOSITE_SEED, kind_shares=(0.0, 0.0, 1.0))
    for index in range(count):
        sample = sampler.sample(index, COMPOSITE_SHAPE)
        pairs = zip(sample.class_ids, sample.masks, strict=True)
        yield Truth(sample.image, [Instance(class_id, encode(mask)) for class_id, mask in pairs])


def predict(model: Any, image: Pixels, min_size: int, max_size: int) -> Any:
    """Run the model on one RGB picture, resized as detectron2's `ResizeShortestEdge` does; return its instances."""
    height, width = image.shape[:2]
    scale = min(min_size / min(height, width), max_size / max(height, width))
    size = (round(width * scale), round(height * scale))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
    tensor = torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)))
    model.eval()
    with torch.no_grad():
        return model([{"image": tensor, "height": height, "width": width}])[0]["instances"]


def detect(model: nn.Module, truths: Iterable[Truth], min_size: int, max_size: int) -> list[list[Instance]]:
    """Return what the model finds in each picture, best first."""
    detections = []
    for truth in truths:
        found = predict(model, truth.image, min_size, max_size)
        columns = zip(found.pred_classes.tolist(), found.scores.tolist(), found.pred_masks.numpy(), strict=True)
        instances = [Instance(class_id, encode(mask), score) for class_id, score, mask in columns]
        detections.append(sorted(instances, key=lambda instance: -instance.score))
    return detections


def evaluate(truths: Sequence[Truth], detections: Sequence[Sequence[Instance]]) -> dict[str, Any]:
    """Return COCO's mask figures: all classes together, class-agnostic, and per class (0 to 1).

    AP and AR are COCO's (https://cocodataset.org/#detection-eval), areas in the picture's own pixels. A figure is None
    where there is nothing to find.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number, (truth, found) in enumerate(zip(truths, detections, strict=True), start=1):
        height, width = truth.image.shape[:2]
        images.append({"id": number, "height": height, "width": width})
        for instance in truth.instances:
            entry = {"image_id": number, "category_id": instance.class_id + 1, "segmentation": instance.rle}
            area, box = float(coco_mask.area(instance.rle)), coco_mask.toBbox(instance.rle).tolist()
            entry |= {"id": len(annotations) + 1, "area": area, "bbox": box, "iscrowd": int(instance.crowd)}
            annotations.append(entry)
        for instance in found:
            entry = {"image_id": number, "category_id": instance.class_id + 1, "segmentation": instance.rle}
            results.append(entry | {"score": instance.score})
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(CLASSES)]
    figures = coco_figures({"images": images, "annotations": annotations, "categories": categories}, results)
    figures["pictures"], figures["instances"] = len(images), len(annotations)
    return figures


def coco_figures(truth: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    """Score COCO-style results against COCO-style truth with pycocotools."""
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
    for index, name in enumerate(CLASSES):
        count = sum(a["category_id"] == index + 1 and not a["iscrowd"] for a in truth["annotations"])
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


def time_inference(
    model: nn.Module, image: Pixels, min_size: int, max_size: int, repeats: int = 15
) -> dict[str, float]:
    """Return the median and the least seconds for one picture, resizing and mask pasting included."""
    predict(model, image, min_size, max_size)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(model, image, min_size, max_size)
        seconds.append(time.perf_counter() - start)
    return {"median_s": statistics.median(seconds), "least_s": min(seconds)}
