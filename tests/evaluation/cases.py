"""Data sets made from a seed, as our predictions and as pycocotools takes them."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seg_widgets.prediction import IGNORE, GroundTruth, Prediction

SIZE = (160, 150)
NAMES = ("cat", "dog", "cup", "nothing")


@dataclass(frozen=True)
class Case:
    """What was found in some images, and what is there."""

    predictions: dict[str, Prediction]
    truths: dict[str, GroundTruth]


def random_case(
    seed: int,
    images: int = 6,
    most_objects: int = 7,
    most_detections: int = 12,
    score_steps: int = 8,
) -> Case:
    """Objects of all sizes, crowds, empty images, a class without objects, and equal scores."""
    random = np.random.default_rng(seed)
    predictions, truths = {}, {}
    for number in range(images):
        name = f"image-{number}.jpg"
        true = [_rectangle(random) for _ in range(random.integers(0, most_objects + 1))]
        found = []
        for _ in range(random.integers(0, most_detections + 1)):
            is_near = true and random.random() < 0.7
            found.append(
                _moved(random, true[random.integers(len(true))]) if is_near else _rectangle(random)
            )
        true_ids = random.integers(0, 3, len(true))
        found_ids = random.integers(0, 4, len(found))
        scores = random.integers(1, score_steps + 1, len(found)) / score_steps
        truths[name] = GroundTruth(
            _prediction(true, np.ones(len(true)), true_ids), random.random(len(true)) < 0.15
        )
        predictions[name] = _prediction(found, scores, found_ids)
    return Case(predictions, truths)


def with_regions(case: Case) -> tuple[Case, Case]:
    """Each cup of the truth becomes a region to ignore; and the same with a crowd of each class."""
    ours, each = {}, {}
    for name, truth in case.truths.items():
        one, is_cup = truth.prediction, truth.prediction.class_ids == 2
        named = replace(
            one, class_names=(*NAMES, IGNORE), class_ids=np.where(is_cup, 4, one.class_ids)
        )
        ours[name] = GroundTruth(named, truth.crowd | is_cup)
        others, cups = np.flatnonzero(~is_cup), np.flatnonzero(is_cup)
        many = one.select([*others, *np.repeat(cups, len(NAMES))])
        ids = [*one.class_ids[others], *np.tile(np.arange(len(NAMES)), len(cups))]
        crowd = np.array([*truth.crowd[others], *[True] * len(NAMES) * len(cups)], bool)
        each[name] = GroundTruth(replace(many, class_ids=np.array(ids, np.int64)), crowd)
    return Case(case.predictions, ours), Case(case.predictions, each)


def _rectangle(random: np.random.Generator) -> tuple[int, int, int, int]:
    width, height = random.choice([6, 14, 30, 34, 60, 99, 120], 2)
    x, y = random.integers(0, SIZE[1] - width + 1), random.integers(0, SIZE[0] - height + 1)
    return int(x), int(y), int(width), int(height)


def _moved(
    random: np.random.Generator, box: tuple[int, int, int, int]
) -> tuple[int, int, int, int]:
    x, y, width, height = box
    step = max(width // 8, 1)
    moved_x = int(np.clip(x + random.integers(-step, step + 1), 0, SIZE[1] - width))
    moved_y = int(np.clip(y + random.integers(-step, step + 1), 0, SIZE[0] - height))
    return moved_x, moved_y, width, max(height - int(random.integers(0, step + 1)), 1)


def _prediction(boxes: list[tuple[int, int, int, int]], scores: Any, ids: Any) -> Prediction:
    masks = np.zeros((len(boxes), *SIZE), bool)
    for mask, (x, y, width, height) in zip(masks, boxes, strict=True):
        mask[y : y + height, x : x + width] = True
        mask[y, x] = width * height < 40  # so that masks and boxes differ
    return Prediction.from_dense(masks, scores, ids, NAMES)


def coco_dataset(truths: dict[str, GroundTruth]) -> dict[str, Any]:
    """The truth as COCO's JSON; images have ids from 1 on."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, truth) in enumerate(truths.items(), start=1):
        height, width = truth.prediction.image_size
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        for one, crowd in zip(truth.prediction, truth.crowd, strict=True):
            assert one.mask is not None
            x1, y1, x2, y2 = one.box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": one.class_id + 1,
                    "segmentation": dict(one.mask.rle((height, width))),
                    "area": one.area,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "iscrowd": int(crowd),
                }
            )
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def referee(
    case: Case, kind: str, limits: tuple[int, int, int] = (1, 10, 100), use_cats: int = 1
) -> Any:
    """pycocotools' COCOeval of a case, accumulated."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    results: list[dict[str, Any]] = []
    for number, name in enumerate(case.truths, start=1):
        found = case.predictions.get(name)
        for one in found or ():
            assert one.mask is not None
            assert found is not None
            x1, y1, x2, y2 = one.box
            shape = (
                {"segmentation": dict(one.mask.rle(found.image_size))}
                if kind == "masks"
                else {"bbox": [x1, y1, x2 - x1, y2 - y1]}
            )
            results.append(
                {"image_id": number, "category_id": one.class_id + 1, "score": one.score, **shape}
            )
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = coco_dataset(case.truths)
        truth.createIndex()
        found_coco = COCO()
        if results:
            found_coco = truth.loadRes(results)
        else:
            found_coco.dataset = {**truth.dataset, "annotations": []}
            found_coco.createIndex()
        scorer = COCOeval(truth, found_coco, "segm" if kind == "masks" else "bbox")
        scorer.params.maxDets = list(limits)
        scorer.params.useCats = use_cats
        scorer.evaluate()
        scorer.accumulate()
    return scorer
