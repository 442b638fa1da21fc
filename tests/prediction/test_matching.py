"""Matching beside pycocotools, and what only ours says: wrong classes, shares, the table."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.errors import PredictionError, SettingError
from seg_widgets.prediction import (
    Filter,
    GroundTruth,
    MaskCrop,
    Match,
    Matches,
    Prediction,
    match,
    overlaps,
)

SIDE = 24
NAMES = ("cat", "dog")


def square(x: int, y: int, width: int, height: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[y : y + height, x : x + width] = True
    return mask


def prediction(*items: tuple[tuple[int, int, int, int], float, int]) -> Prediction:
    masks = np.array([square(*box) for box, _, _ in items], bool).reshape(-1, SIDE, SIDE)
    return Prediction.from_dense(
        masks, [score for _, score, _ in items], [class_id for *_, class_id in items], NAMES
    )


BOXES = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(1, 9), st.integers(1, 9))
SCORES = st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0])
FOUND = st.lists(st.tuples(BOXES, SCORES, st.integers(0, 1)), max_size=8)
TRUE = st.lists(st.tuples(BOXES, st.integers(0, 1), st.booleans(), st.booleans()), max_size=8)


def pycocotools_matches(found: Prediction, truth: GroundTruth, kind: str) -> Any:
    """What `evaluateImg` gives over 0.5:0.95, by detection: the true instance or -1, ignored."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def xywh(box: npt.NDArray[np.float32]) -> list[float]:
        x1, y1, x2, y2 = box.tolist()
        return [x1, y1, x2 - x1, y2 - y1]

    true = truth.prediction
    data = COCO()
    data.dataset = {
        "images": [{"id": 1, "width": SIDE, "height": SIDE}],
        "categories": [{"id": index, "name": name} for index, name in enumerate(NAMES)],
        "annotations": [
            {
                "id": index + 1,
                "image_id": 1,
                "category_id": int(true.class_ids[index]),
                "segmentation": true.rle()[index],
                "bbox": xywh(true.boxes[index]),
                "area": int(true.areas[index]),
                "iscrowd": int(truth.crowd[index]),
            }
            for index in range(len(true))
        ],
    }
    results = [
        {
            "image_id": 1,
            "category_id": int(found.class_ids[index]),
            "score": float(found.scores[index]),
            **(
                {"segmentation": found.rle()[index]}
                if kind == "segm"
                else {"bbox": xywh(found.boxes[index])}
            ),
        }
        for index in range(len(found))
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        data.createIndex()
        evaluation = COCOeval(data, data.loadRes(results), kind)
        evaluation.evaluate()
    taken = np.full((10, len(found)), -2)
    ignored = np.zeros((10, len(found)), bool)
    for image in evaluation.evalImgs:
        if image is not None and image["aRng"] == evaluation.params.areaRng[0]:
            at = np.array(image["dtIds"], int) - 1
            taken[:, at] = image["dtMatches"] - 1
            ignored[:, at] = image["dtIgnore"]
    return evaluation.params.iouThrs.tolist(), taken, ignored


@pytest.mark.parametrize("kind", ["segm", "bbox"])
@settings(max_examples=60, deadline=None)
@given(FOUND.filter(bool), TRUE)
def test_the_matches_are_those_of_pycocotools(
    kind: str,
    items: list[tuple[tuple[int, int, int, int], float, int]],
    true: list[tuple[tuple[int, int, int, int], int, bool, bool]],
) -> None:
    # Some true instances are what was found, moved by nothing: equal masks are the usual tie.
    chosen = [(items[0][0] if same else box, 1.0, class_id) for box, class_id, _, same in true]
    crowd = np.array([is_crowd for *_, is_crowd, _ in true], bool)
    found, there = prediction(*items), GroundTruth(prediction(*chosen), crowd)
    thresholds, taken, ignored = pycocotools_matches(found, there, kind)
    if kind == "bbox":
        found = Prediction(
            found.image_size, found.boxes, found.scores, found.class_ids, found.class_names
        )
    for row, iou in enumerate(thresholds):
        matches = match(found, there, iou=iou)
        is_wrong = matches.of_found == Match.WRONG_CLASS
        assert np.where(is_wrong, -1, matches.partners).tolist() == taken[row].tolist()
        assert (matches.of_found == Match.IGNORED).tolist() == ignored[row].tolist()


@settings(max_examples=60, deadline=None)
@given(FOUND, TRUE)
def test_the_sparse_overlaps_are_those_of_the_dense_masks(
    items: list[tuple[tuple[int, int, int, int], float, int]],
    true: list[tuple[tuple[int, int, int, int], int, bool, bool]],
) -> None:
    found = prediction(*items)
    other = prediction(*[(box, 1.0, class_id) for box, class_id, *_ in true])
    crowd = np.array([is_crowd for *_, is_crowd, _ in true], bool)
    first, second = (each.masks_dense().reshape(len(each), SIDE * SIDE) for each in (found, other))
    shared = first.astype(int) @ second.T.astype(int)
    union = first.sum(1)[:, None] + second.sum(1) - shared
    expected = shared / np.where(crowd, first.sum(1)[:, None], np.maximum(union, 1))
    expected[expected < 0.1] = 0
    assert overlaps(found, GroundTruth(other, crowd)).dense().tolist() == expected.tolist()


def example() -> Matches:
    """A hit, a double, a wrong class, a false alarm, one in a crowd; one is missed."""
    found = prediction(
        ((0, 0, 4, 4), 0.9, 0),
        ((0, 0, 4, 4), 0.8, 0),
        ((10, 0, 4, 4), 0.7, 0),
        ((20, 20, 3, 3), 0.6, 1),
        ((2, 14, 2, 2), 0.5, 1),
    )
    true = prediction(((0, 0, 4, 4), 1.0, 0), ((10, 0, 4, 4), 1.0, 1), ((0, 12, 8, 8), 1.0, 1))
    return match(found, GroundTruth(true, np.array([False, False, True])))


def test_each_outcome_has_its_name_and_its_count() -> None:
    matches = example()
    assert [Match(state).name for state in matches.of_found] == [
        "HIT",
        "FALSE_ALARM",
        "WRONG_CLASS",
        "FALSE_ALARM",
        "IGNORED",
    ]
    assert [Match(state).name for state in matches.of_truth] == ["HIT", "MISSED", "IGNORED"]
    assert matches.partners.tolist() == [0, -1, 1, -1, 2]
    assert (matches.hits, matches.false_alarms, matches.wrong_classes, matches.misses) == (
        1,
        2,
        1,
        1,
    )
    assert (matches.precision, matches.recall) == (0.25, 0.5)
    assert matches.f1 == pytest.approx(1 / 3)
    assert "1 hit, 2 false alarms, 1 wrong class, 1 missed" in repr(matches)


def test_the_table_has_a_row_for_each_detection_and_each_miss_without_one() -> None:
    from arro3.core import Table

    table = Table.from_arrow(example())
    columns = {name: table[name].to_pylist() for name in table.column_names}
    assert columns["match"] == ["hit", "false alarm", "wrong class", "false alarm", "ignored"]
    assert columns["true_class"] == ["cat", None, "dog", None, "dog"]
    assert len(example()) == 5
    nothing = match(Prediction.empty((SIDE, SIDE), NAMES), example().truth)
    table = Table.from_arrow(nothing)
    assert table["match"].to_pylist() == ["missed", "missed", "ignored"]
    assert table["instance"].to_pylist() == [-1, -1, -1]
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, 0.0, 0.0)


def test_a_filter_leaves_out_and_hides_classes_on_both_sides() -> None:
    matches = example()
    sure = match(matches.found, matches.truth, only=Filter(0.75))
    assert sure.of_found.tolist() == [1, 2, 0, 0, 0]
    assert sure.misses == 1
    cats = match(matches.found, matches.truth, only=Filter(hidden_classes=("dog",)))
    assert cats.of_truth.tolist() == [Match.HIT, Match.LEFT_OUT, Match.LEFT_OUT]
    assert (cats.misses, cats.wrong_classes) == (0, 0)


def test_the_threshold_goes_for_a_second_prediction_too() -> None:
    found = prediction(((0, 0, 4, 4), 0.9, 0))
    second = prediction(((0, 0, 4, 4), 0.3, 0), ((10, 10, 4, 4), 0.2, 1))
    assert match(found, second).hits == 1
    faint = match(found, second, only=Filter(0.5))
    assert (faint.hits, faint.false_alarms, faint.misses) == (0, 1, 0)


def test_what_does_not_fit_is_refused() -> None:
    found = prediction(((0, 0, 4, 4), 0.9, 0))
    for wrong in (0.05, 1.5, float("nan"), "0.5", True):
        with pytest.raises(SettingError, match="IoU threshold lies between"):
            match(found, found, iou=wrong)  # type: ignore[arg-type]
    with pytest.raises(PredictionError, match="compared with has 5×5"):
        match(found, Prediction.empty((5, 5)))
    with pytest.raises(PredictionError, match="not of these"):
        match(found, found, pairs=overlaps(found, Prediction.empty((SIDE, SIDE))))
    with pytest.raises(SettingError, match="least IoU"):
        overlaps(found, found, least=0)


@pytest.mark.parametrize("block", [1, 10**9])
def test_many_pairs_share_the_pixels_that_few_do(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seg_widgets.prediction.shared_pixels._MOST_BYTES", block)
    random = np.random.default_rng(5)
    size = (600, 200)
    masks = []
    for _ in range(90):
        height, width = random.integers(1, (500, 150))
        top, left = random.integers(0, (size[0] - height + 1, size[1] - width + 1))
        masks.append(MaskCrop.from_array(random.random((height, width)) < 0.7, left, top))
    masks[3] = MaskCrop(0, 0, 0, 0, b"")
    boxes = [(one.x, one.y, one.x + one.width, one.y + one.height) for one in masks]
    many = Prediction(
        size,
        np.array(boxes, np.float32),
        np.ones(90, np.float32),
        np.zeros(90, np.int64),
        ("cat",),
        tuple(masks),
    )
    dense = many.masks_dense().reshape(90, -1).astype(np.int64)
    shared = dense @ dense.T
    own = many.own_overlaps
    assert len(own.first) > 16 * 180 / 2
    matrix = np.zeros_like(shared)
    matrix[own.first, own.second] = own.pixels
    assert (matrix == np.triu(shared, 1)).all()
    areas = np.diag(shared)
    union = areas[:, None] + areas - shared
    ious = np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0)
    assert (overlaps(many, many, least=0.01).dense() == np.where(ious >= 0.01, ious, 0)).all()


def test_two_classes_of_one_name_are_one() -> None:
    found = prediction(((0, 0, 8, 8), 0.9, 0), ((12, 12, 8, 8), 0.8, 1))
    twice = replace(found, class_names=("cat", "cat"))
    assert match(twice, twice).hits == 2
    assert match(found, twice).hits == 1
    assert match(twice, found).wrong_classes == 1


def test_arguments_of_any_kind() -> None:
    one: Any = prediction(((0, 0, 8, 8), 0.9, 0))
    any_match: Any = match
    any_overlaps: Any = overlaps
    for only in (5, "x", 0.5):
        with pytest.raises(SettingError, match="only is a Filter"):
            any_match(one, one, only=only)
    for pairs in (5, np.zeros((1, 1))):
        with pytest.raises(SettingError, match="pairs are Overlaps"):
            any_match(one, one, pairs=pairs)
    with pytest.raises(PredictionError, match="What was found is a Prediction, and no int"):
        any_match(7, one)
    for least in ("x", None, True, float("nan"), 2, 0):
        with pytest.raises(SettingError, match="The least IoU"):
            any_overlaps(one, one, least=least)
    for first, second in ((7, one), (one, 7)):
        with pytest.raises(PredictionError, match="int is neither"):
            any_overlaps(first, second)
