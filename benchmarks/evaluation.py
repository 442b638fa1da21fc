"""COCO's mask figures of a made data set, beside pycocotools: `python -m benchmarks evaluation`.

Ellipses of three classes, about 20 objects and 60 detections an image. Both get masks that are
there already: ours as crops, pycocotools as RLE. Both give the same twelve figures.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np

from seg_widgets.evaluation import FIGURES, evaluate
from seg_widgets.prediction import GroundTruth, Prediction

from .figures import Figure
from .measuring import ROUNDS, alternate, timed

TITLE = "Evaluation"
BY_NAME = True

SIZE: Final = (480, 640)
NAMES: Final = ("a", "b", "c")
OBJECTS: Final = 20
DETECTIONS: Final = 60


def main(quick: bool = False) -> list[Figure]:
    """Measure COCO's figures of masks.

    Args:
        quick: 20 images, one round.

    Returns:
        Seconds.
    """
    images, rounds = (20, 1) if quick else (200, ROUNDS)
    made = [_image(number) for number in range(images)]
    found, truths = [one for one, _ in made], [two for _, two in made]
    theirs = _pycocotools(found, truths)

    def ours() -> list[float | None]:
        figures = evaluate(found, truths).figures
        return [figures[name] for name in FIGURES]

    values = np.array([-1.0 if one is None else one for one in ours()])
    np.testing.assert_allclose(values, theirs(), atol=1e-6)
    times = alternate({"ours": timed(ours), "pycocotools": timed(theirs)}, rounds, warmups=0)
    return [Figure(f"mask AP and AR of {images} images, {DETECTIONS} detections each", "s", times)]


def _image(seed: int) -> tuple[Prediction, GroundTruth]:
    random = np.random.default_rng(seed)
    true = [_ellipse(random) for _ in range(OBJECTS)]
    found = [
        _moved(random, true[random.integers(OBJECTS)])
        if random.random() < 0.7
        else _ellipse(random)
        for _ in range(DETECTIONS)
    ]
    truth = _prediction(true, np.ones(OBJECTS), random.integers(0, 3, OBJECTS))
    scores = random.random(DETECTIONS)
    prediction = _prediction(found, scores, random.integers(0, 3, DETECTIONS))
    return prediction, GroundTruth(truth, np.zeros(OBJECTS, bool))


def _ellipse(random: np.random.Generator) -> tuple[int, int, int, int]:
    x, y = random.integers(0, SIZE[1]), random.integers(0, SIZE[0])
    return int(x), int(y), int(random.integers(6, 70)), int(random.integers(6, 70))


def _moved(
    random: np.random.Generator, ellipse: tuple[int, int, int, int]
) -> tuple[int, int, int, int]:
    x, y, wide, tall = ellipse
    return x + int(random.integers(-4, 5)), y + int(random.integers(-4, 5)), wide, tall


def _prediction(ellipses: list[tuple[int, int, int, int]], scores: Any, ids: Any) -> Prediction:
    masks = np.zeros((len(ellipses), *SIZE), np.uint8)
    for mask, (x, y, wide, tall) in zip(masks, ellipses, strict=True):
        cv2.ellipse(mask, (x, y), (wide, tall), 0, 0, 360, 1, cv2.FILLED)
    return Prediction.from_dense(masks, scores, ids, NAMES)


def _pycocotools(found: list[Prediction], truths: list[GroundTruth]) -> Callable[[], Any]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number, (prediction, truth) in enumerate(zip(found, truths, strict=True), start=1):
        images.append({"id": number, "height": SIZE[0], "width": SIZE[1]})
        for one in truth.prediction:
            assert one.mask is not None
            common: dict[str, Any] = {"image_id": number, "category_id": one.class_id}
            common["iscrowd"] = 0
            shape = {"segmentation": dict(one.mask.rle(SIZE)), "area": one.area, "bbox": [0] * 4}
            annotations.append({**common, **shape, "id": len(annotations) + 1})
        for one in prediction:
            assert one.mask is not None
            common = {"image_id": number, "category_id": one.class_id, "score": one.score}
            results.append({**common, "segmentation": dict(one.mask.rle(SIZE))})
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES)]

    def run() -> Any:
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = {"images": images, "annotations": annotations, "categories": categories}
            truth.createIndex()
            copies = [dict(one, segmentation=dict(one["segmentation"])) for one in results]
            scorer = COCOeval(truth, truth.loadRes(copies), "segm")
            scorer.evaluate()
            scorer.accumulate()
            scorer.summarize()
        return scorer.stats

    return run
