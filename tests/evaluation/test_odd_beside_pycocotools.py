"""Odd, but whole data sets beside pycocotools: ids with gaps and in any order, areas and boxes that
are not the mask's, crowds only, objects and detections that are there twice, of no area, or all of
one score."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.evaluation import FIGURES, evaluate
from seg_widgets.prediction import Prediction

HEIGHT, WIDTH = 40, 130
NAMES = ("cat", "dog", "cup")

BOXES = st.tuples(
    st.integers(0, 100), st.integers(0, 30), st.sampled_from([1, 9, 30, 33]), st.integers(1, 10)
)
IDS = st.lists(st.integers(1, 2**40), min_size=3, max_size=3, unique=True)


@dataclass(frozen=True)
class Object:
    """A true object."""

    box: tuple[int, int, int, int]
    class_id: int
    form: str
    area: float | None
    is_crowd: bool


@dataclass(frozen=True)
class Detection:
    """A detection; one of no area has an empty mask."""

    box: tuple[int, int, int, int]
    class_id: int
    score: float
    is_empty: bool


OBJECTS = st.lists(
    st.builds(
        Object,
        BOXES,
        st.integers(0, 2),
        st.sampled_from(["polygon", "pieces", "runs", "rle"]),
        st.none() | st.sampled_from([0.0, 500.0, 1024.0, 9216.0, 1e6]),
        st.booleans(),
    ),
    max_size=6,
)
DETECTIONS = st.lists(
    st.builds(
        Detection, BOXES, st.integers(0, 2), st.sampled_from([0.06, 0.5, 1.0]), st.booleans()
    ),
    max_size=6,
)


def _mask(box: tuple[int, int, int, int]) -> Any:
    x, y, width, height = box
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + height, x : x + width] = True
    return mask


def _segmentation(one: Object) -> Any:
    from pycocotools import mask as coco_mask

    x, y, width, height = one.box
    right, bottom, half = min(x + width, WIDTH), min(y + height, HEIGHT), width / 2
    if one.form == "polygon":
        return [[x, y, right, y, right, bottom, x, bottom]]
    if one.form == "pieces":
        left = [x, y, x + half / 2, y, x + half / 2, bottom, x, bottom]
        return [left, [right - half / 2, y, right, y, right, bottom, right - half / 2, bottom]]
    rle = coco_mask.encode(np.asfortranarray(_mask(one.box).astype(np.uint8)))
    if one.form == "rle":
        return {"size": [HEIGHT, WIDTH], "counts": rle["counts"].decode()}
    flat = _mask(one.box).ravel(order="F")
    changes = np.flatnonzero(np.diff(np.concatenate(([False], flat, [False]))))
    bounds = np.concatenate(([0], changes, [flat.size]))
    return {"size": [HEIGHT, WIDTH], "counts": np.diff(bounds).tolist()}


def _content(objects: list[list[Object]], image_ids: list[int], class_ids: list[int]) -> Any:
    from pycocotools import mask as coco_mask

    annotations: list[dict[str, Any]] = []
    for image_id, own in zip(image_ids, objects, strict=True):
        for one in own:
            segmentation = _segmentation(one)
            rle = segmentation
            if not isinstance(segmentation, dict) or isinstance(segmentation["counts"], list):
                rle = coco_mask.frPyObjects(segmentation, HEIGHT, WIDTH)
                rle = coco_mask.merge(rle) if isinstance(rle, list) else rle
            area = float(coco_mask.area(rle))
            if area == 0:
                continue  # ours leaves it out and lists it
            x, y, width, height = one.box
            annotations.append(
                {
                    "id": len(annotations) * 7 + 1,
                    "image_id": image_id,
                    "category_id": class_ids[one.class_id],
                    "segmentation": segmentation,
                    "area": area if one.area is None else one.area,
                    "bbox": [x, y, width, height],
                    "iscrowd": int(one.is_crowd),
                }
            )
    return {
        "images": [
            {"id": number, "file_name": f"{number}.jpg", "height": HEIGHT, "width": WIDTH}
            for number in image_ids
        ],
        "annotations": annotations,
        "categories": [
            {"id": number, "name": name} for number, name in zip(class_ids, NAMES, strict=True)
        ],
    }


def _prediction(found: list[Detection]) -> Prediction:
    masks = [_mask(one.box) & (not one.is_empty) for one in found]
    boxes = [
        (x, y, x, y) if one.is_empty else (x, y, min(x + width, WIDTH), min(y + height, HEIGHT))
        for one in found
        for x, y, width, height in [one.box]
    ]
    return Prediction.from_dense(
        np.array(masks, bool).reshape(-1, HEIGHT, WIDTH),
        [one.score for one in found],
        [one.class_id for one in found],
        NAMES,
        np.array(boxes, np.float32).reshape(-1, 4),
    )


def _referee(content: Any, found: dict[int, Prediction], class_ids: list[int], kind: str) -> Any:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    results = []
    for image_id in sorted(found):
        for one in found[image_id]:
            assert one.mask is not None
            x1, y1, x2, y2 = one.box
            shape: dict[str, Any] = {"segmentation": dict(one.mask.rle((HEIGHT, WIDTH)))}
            if kind == "boxes":
                shape = {"bbox": [x1, y1, x2 - x1, y2 - y1]}
            results.append(
                {
                    "image_id": image_id,
                    "category_id": class_ids[one.class_id],
                    "score": one.score,
                    **shape,
                }
            )
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        other = COCO()
        if results:
            other = truth.loadRes(results)
        else:
            other.dataset = {**content, "annotations": []}
            other.createIndex()
        scorer = COCOeval(truth, other, "segm" if kind == "masks" else "bbox")
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    return scorer.stats


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(OBJECTS, OBJECTS, OBJECTS),
    st.tuples(DETECTIONS, DETECTIONS, DETECTIONS),
    IDS,
    IDS,
    st.sampled_from(["masks", "boxes"]),
)
def test_figures_are_those_of_pycocotools(
    objects: Any, detections: Any, image_ids: list[int], class_ids: list[int], kind: Any
) -> None:
    content = _content(list(objects), image_ids, class_ids)
    found = {number: _prediction(each) for number, each in zip(image_ids, detections, strict=True)}
    stats = _referee(content, found, class_ids, kind)
    evaluation = evaluate({f"{number}.jpg": one for number, one in found.items()}, content)
    own = evaluation.on(kind).figures
    assert tuple(own) == FIGURES
    expected = [None if value == -1 else value for value in stats.tolist()]
    for name, value, theirs in zip(FIGURES, own.values(), expected, strict=True):
        assert value == (None if theirs is None else pytest.approx(theirs, abs=1e-6)), name
