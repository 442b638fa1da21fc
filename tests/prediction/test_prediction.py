"""Prediction: its masks, boxes and RLE against dense arrays and pycocotools."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from seg_widgets.errors import PredictionError, SegWidgetsError, SettingError
from seg_widgets.prediction.prediction import Instance, MaskCrop, Prediction, check_threshold

BoolArray = npt.NDArray[np.bool_]

NAMES = ("cat", "dog", "Ωmega <b>")

sides = st.integers(1, 24)
planes = hnp.arrays(np.bool_, st.tuples(sides, sides), elements=st.booleans())
# Blobs too: hypothesis' own arrays are mostly empty or noise.
blobs = st.tuples(planes, st.integers(1, 3)).map(
    lambda pair: pair[0].repeat(pair[1], 0).repeat(pair[1], 1)
)
stacks = hnp.arrays(np.bool_, st.tuples(st.integers(0, 6), sides, sides), elements=st.booleans())


def from_stack(stack: BoolArray, seed: int = 0) -> Prediction:
    random = np.random.default_rng(seed)
    count = len(stack)
    return Prediction.from_dense(
        stack, random.random(count), random.integers(0, len(NAMES), count), NAMES
    )


# ── masks ─────────────────────────────────────────────────────────────────────────────────────────


@given(blobs, st.integers(0, 5), st.integers(0, 5))
@settings(deadline=None)
def test_a_crop_holds_the_whole_mask(plane: BoolArray, x: int, y: int) -> None:
    crop = MaskCrop.from_array(plane, x, y)
    back = np.zeros((plane.shape[0] + y, plane.shape[1] + x), bool)
    back[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width] = crop.to_array()
    np.testing.assert_array_equal(back[y:, x:], plane)
    assert not back[:y].any() and not back[:, :x].any()
    assert crop.area == plane.sum()
    if plane.any():
        inside = crop.to_array()
        assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()
    else:
        assert (crop.width, crop.height, crop.bits) == (0, 0, b"")


@given(blobs)
@settings(deadline=None)
def test_rle_is_pycocotools_own(plane: BoolArray) -> None:
    ours = MaskCrop.from_array(plane).rle((plane.shape[0], plane.shape[1]))
    theirs = coco_mask.encode(np.asfortranarray(plane.astype(np.uint8)))
    assert ours == {"size": list(theirs["size"]), "counts": theirs["counts"].decode()}
    np.testing.assert_array_equal(coco_mask.decode(ours).astype(bool), plane)
    assert coco_mask.area(ours) == plane.sum()


@pytest.mark.parametrize(
    "plane",
    [
        np.ones((4, 5), bool),
        np.zeros((4, 5), bool),
        np.eye(5, dtype=bool),
        np.tile([True, False], (4, 3)),
        np.tile([[True], [False]], (3, 4)),
        np.pad(np.ones((2, 2), bool), 2),
        np.pad(np.ones((4, 2), bool), ((0, 0), (1, 1))),
        np.ones((1, 1), bool),
    ],
    ids=["full", "empty", "diagonal", "columns", "rows", "middle", "full columns", "one pixel"],
)
def test_rle_at_the_edges(plane: BoolArray) -> None:
    theirs = coco_mask.encode(np.asfortranarray(plane.astype(np.uint8)))
    assert (
        MaskCrop.from_array(plane).rle((plane.shape[0], plane.shape[1]))["counts"]
        == theirs["counts"].decode()
    )


def test_any_non_zero_is_inside() -> None:
    values = np.array([[0.0, 0.2], [-3.0, 0.0]])
    np.testing.assert_array_equal(MaskCrop.from_array(values).to_array(), values != 0)


def test_crops_that_are_none() -> None:
    with pytest.raises(PredictionError, match=r"needs 2 bytes of bits, but has 1"):
        MaskCrop(0, 0, 3, 3, b"\xff")
    with pytest.raises(PredictionError, match="negative part"):
        MaskCrop(-1, 0, 1, 1, b"\x80")
    with pytest.raises(PredictionError, match=r"shape \(2, 2, 2\)"):
        MaskCrop.from_array(np.ones((2, 2, 2)))


def test_bits_behind_the_last_pixel_do_not_count() -> None:
    crop = MaskCrop(0, 0, 3, 1, b"\xff")
    assert crop.area == 3
    assert crop.to_array().tolist() == [[True, True, True]]
    assert coco_mask.area(crop.rle((1, 3))) == 3


def test_a_crop_prints_without_its_bits() -> None:
    assert (
        repr(MaskCrop.from_array(np.ones((2, 2)), 3, 4)) == "MaskCrop(x=3, y=4, width=2, height=2)"
    )


@given(stacks)
@settings(max_examples=50, deadline=None)
def test_dense_there_and_back(stack: BoolArray) -> None:
    prediction = from_stack(stack)
    np.testing.assert_array_equal(prediction.masks_dense(), stack)
    assert prediction.image_size == stack.shape[1:]
    assert prediction.areas.tolist() == stack.sum((1, 2)).tolist()
    if len(stack):
        decoded = coco_mask.decode(prediction.rle()).transpose(2, 0, 1).astype(bool)
        np.testing.assert_array_equal(decoded, stack)
    else:
        assert prediction.rle() == []


@given(stacks)
@settings(max_examples=50, deadline=None)
def test_boxes_hold_their_masks_as_pycocotools_says(stack: BoolArray) -> None:
    for instance, rle in zip(from_stack(stack), from_stack(stack).rle(), strict=True):
        x1, y1, x2, y2 = instance.box
        if instance.area:
            assert coco_mask.toBbox(rle).tolist() == [x1, y1, x2 - x1, y2 - y1]
        else:
            assert instance.box == (0, 0, 0, 0)


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────


def small(masks: bool = True) -> Prediction:
    stack = np.zeros((3, 10, 20), bool)
    stack[0, 1:5, 2:8] = True
    stack[1, 0:10, 0:20] = True
    stack[2, 9:, 19:] = True
    whole = Prediction.from_dense(stack, [0.5, 0.9, 0.7], [1, 0, 2], NAMES)
    return whole if masks else dataclasses.replace(whole, masks=None)


def test_types_and_shapes() -> None:
    prediction = Prediction((10, 20), [[1, 2, 3, 4]], [1], [0], ["cat"])  # type: ignore[arg-type]
    assert prediction.boxes.dtype == np.float32 and prediction.boxes.shape == (1, 4)
    assert prediction.scores.dtype == np.float32 and prediction.class_ids.dtype == np.int64
    assert prediction.class_names == ("cat",)
    assert prediction.masks is None
    assert len(prediction) == 1


def test_it_never_changes() -> None:
    prediction = small()
    boxes = np.zeros((1, 4), np.float32)
    copied = Prediction((5, 5), boxes, np.ones(1, np.float32), np.zeros(1, np.int64), ("a",))
    boxes[:] = 9
    assert copied.boxes.max() == 0
    for array in (prediction.boxes, prediction.scores, prediction.class_ids, prediction.areas):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        prediction.scores = boxes  # type: ignore[misc]


def test_instances() -> None:
    prediction = small()
    first = prediction[0]
    assert isinstance(first, Instance)
    assert first.box == (2.0, 1.0, 8.0, 5.0)
    assert (first.index, first.class_id, first.class_name, first.area) == (0, 1, "dog", 24)
    assert first.score == 0.5
    assert [instance.index for instance in prediction] == [0, 1, 2]
    assert prediction[-1].class_name == "Ωmega <b>"
    for index in (3, -4):
        with pytest.raises(IndexError, match="has 3"):
            prediction[index]


def test_without_masks() -> None:
    prediction = small(masks=False)
    assert prediction.areas.tolist() == [24, 200, 1]
    assert prediction[0].mask is None
    for call in (prediction.rle, prediction.masks_dense):
        with pytest.raises(PredictionError, match="boxes only"):
            call()
    assert prediction.filter(0.6).masks is None


def test_empty() -> None:
    prediction = Prediction.empty((10, 20), NAMES)
    assert len(prediction) == 0 and list(prediction) == []
    assert prediction.boxes.shape == (0, 4)
    assert prediction.masks_dense().shape == (0, 10, 20)
    assert prediction.rle() == [] and prediction.counts() == {}
    assert len(prediction.filter(0.5, classes=["cat"])) == len(prediction.sort("area")) == 0
    assert repr(prediction) == "Prediction: 0 instances in 20×10 px"


def make(**changes: Any) -> Prediction:
    parts: dict[str, Any] = {
        "image_size": (10, 20),
        "boxes": [[0, 0, 1, 1]],
        "scores": [0.5],
        "class_ids": [0],
        "class_names": ("cat",),
    }
    return Prediction(**{**parts, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_size": (0, 20)}, "at least 1×1"),
        ({"scores": [0.5, 0.6]}, "1 boxes, 2 scores, 1 class_ids"),
        ({"masks": ()}, "0 masks"),
        ({"boxes": [[0, 0, np.nan, 1]]}, "not a finite number"),
        ({"scores": [np.inf]}, "not a finite number"),
        ({"scores": [1.5]}, r"from 1\.5 to 1\.5"),
        ({"scores": [-0.1]}, "Scores lie in 0 to 1"),
        ({"class_ids": [1]}, "index into the 1 class names, but these go from 1 to 1;"),
        ({"class_ids": [-2]}, "go from -2 to -2;"),
        ({"masks": (MaskCrop(15, 0, 8, 1, b"\xff"),)}, "leaves the image of 20×10"),
        ({"masks": (MaskCrop(0, 3, 1, 8, b"\xff"),)}, "leaves the image"),
        ({"boxes": [[0, 0, 1]]}, "N×4"),
        ({"boxes": "abc"}, "numbers"),
    ],
)
def test_parts_that_do_not_fit(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PredictionError, match=words) as caught:
        make(**changes)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, SegWidgetsError)


def test_dense_masks_of_a_wrong_shape() -> None:
    with pytest.raises(PredictionError, match=r"shape \(4, 4\)"):
        Prediction.from_dense(np.ones((4, 4)), [1], [0], NAMES)


# ── choosing ──────────────────────────────────────────────────────────────────────────────────────


@given(stacks, st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_filter_keeps_exactly_what_scores_enough(
    stack: BoolArray, threshold: float, seed: int
) -> None:
    prediction = from_stack(stack, seed)
    kept = prediction.filter(threshold)
    expected = [
        index for index, score in enumerate(prediction.scores) if score >= np.float32(threshold)
    ]
    assert kept.scores.tolist() == prediction.scores[expected].tolist()
    np.testing.assert_array_equal(kept.masks_dense(), stack[expected])
    assert kept.class_names == prediction.class_names and kept.image_size == prediction.image_size


def test_a_score_at_the_threshold_is_kept() -> None:
    # 0.7 as float32 lies below 0.7 as a Python float.
    assert len(small().filter(0.7)) == 2
    assert len(small().filter(0)) == 3
    assert len(small().filter(1)) == 0


def test_filter_by_class() -> None:
    prediction = small()
    assert prediction.filter(classes=["cat", 2]).class_ids.tolist() == [0, 2]
    assert prediction.filter(classes=[]).class_ids.tolist() == []
    assert prediction.filter(hidden_classes=["cat", 2]).class_ids.tolist() == [1]
    assert prediction.filter(0.6, classes=iter(["cat", "dog"])).class_ids.tolist() == [0]
    for wrong in (["bird"], [3], [-1]):
        with pytest.raises(SettingError, match=r"The model has no class .*it knows cat, dog"):
            prediction.filter(classes=wrong)
        with pytest.raises(SettingError):
            prediction.filter(hidden_classes=wrong)
    with pytest.raises(SettingError, match=r"\['cat'\]"):
        prediction.filter(classes="cat")


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), "high", None, [], 2])
def test_thresholds_that_are_none(value: Any) -> None:
    with pytest.raises(SettingError, match="threshold"):
        check_threshold(value)
    with pytest.raises(SettingError):
        small().filter(value)


@pytest.mark.parametrize("value", [0, 1, 0.5, "0.25", np.float32(0.5)])
def test_thresholds(value: Any) -> None:
    assert check_threshold(value) == float(value)


@given(stacks, st.integers(0, 99), st.data())
@settings(max_examples=50, deadline=None)
def test_select(stack: BoolArray, seed: int, data: st.DataObject) -> None:
    prediction = from_stack(stack, seed)
    count = len(prediction)
    indices = data.draw(
        st.lists(st.integers(-count, count - 1), max_size=8) if count else st.just([])
    )
    chosen = prediction.select(indices)
    np.testing.assert_array_equal(chosen.masks_dense(), stack[indices] if indices else stack[:0])
    assert chosen.scores.tolist() == prediction.scores[np.array(indices, int)].tolist()
    flags = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)), bool)
    np.testing.assert_array_equal(prediction.select(flags).masks_dense(), stack[flags])
    assert prediction.select(flags.tolist()).scores.tolist() == prediction.scores[flags].tolist()


@pytest.mark.parametrize("indices", [[3], [-4], np.array([True]), [0.5], ["a"], [[0]], [None]])
def test_selections_that_are_none(indices: Any) -> None:
    with pytest.raises(SettingError):
        small().select(indices)


@given(stacks, st.floats(0, 1), st.integers(0, 99), st.data())
@settings(deadline=None)
def test_keep_says_what_each_rule_says(
    stack: BoolArray, threshold: float, seed: int, data: st.DataObject
) -> None:
    prediction = from_stack(stack, seed)
    own = data.draw(st.dictionaries(st.sampled_from((*NAMES, "unicorn")), st.floats(0, 1)))
    hidden = data.draw(st.sets(st.sampled_from((*NAMES, "unicorn"))))
    one_by_one = data.draw(st.sets(st.integers(0, 9)))
    keep = prediction.keep(threshold, hidden, own, one_by_one)
    assert keep.dtype == bool
    for instance in prediction:
        least = np.float32(own.get(instance.class_name, threshold))
        expected = (
            instance.score >= least
            and instance.class_name not in hidden
            and instance.index not in one_by_one
        )
        assert keep[instance.index] == expected
    np.testing.assert_array_equal(prediction.keep(0), np.ones(len(prediction), bool))


def test_a_class_has_its_own_threshold() -> None:
    prediction = from_stack(np.ones((4, 2, 2), bool))
    prediction = dataclasses.replace(
        prediction,
        scores=np.array([0.9, 0.4, 0.4, 0.1], np.float32),
        class_ids=np.array([0, 0, 1, 1]),
    )
    assert prediction.filter(0.5).scores.tolist() == pytest.approx([0.9])
    assert prediction.filter(0.5, class_thresholds={"dog": 0.3}).scores.tolist() == pytest.approx(
        [0.9, 0.4]
    )
    assert prediction.filter(0.5, class_thresholds={"cat": 1, "dog": 0}).class_ids.tolist() == [
        1,
        1,
    ]
    with pytest.raises(SettingError, match="unicorn"):
        prediction.filter(0.5, class_thresholds={"unicorn": 0.5})
    with pytest.raises(SettingError, match=r"0.*1"):
        prediction.filter(0.5, class_thresholds={"dog": 50})


def test_indices_are_places_from_the_start() -> None:
    prediction = from_stack(np.ones((4, 2, 2), bool))
    assert prediction.indices([2, -1]).tolist() == [2, 3]
    assert prediction.indices(np.array([True, False, False, True])).tolist() == [0, 3]
    assert prediction.indices([]).tolist() == []
    for wrong in ([4], [-5], [0.5], [[0]], np.array([True])):
        with pytest.raises(SettingError):
            prediction.indices(wrong)  # type: ignore[arg-type]


def test_sort() -> None:
    prediction = small()
    assert prediction.sort().scores.tolist() == pytest.approx([0.9, 0.7, 0.5])
    assert prediction.sort("score", descending=False).scores.tolist() == pytest.approx(
        [0.5, 0.7, 0.9]
    )
    assert prediction.sort("area").areas.tolist() == [200, 24, 1]
    assert [found.class_name for found in prediction.sort("class", descending=False)] == [
        "cat",
        "dog",
        "Ωmega <b>",
    ]
    with pytest.raises(SettingError, match="not by 'size'"):
        prediction.sort("size")  # type: ignore[arg-type]


@pytest.mark.parametrize("descending", [True, False])
def test_equal_ones_keep_their_order(descending: bool) -> None:
    stack = np.ones((4, 2, 2), bool)
    prediction = Prediction.from_dense(stack, [0.5] * 4, [2, 0, 1, 0], NAMES)
    assert prediction.sort("score", descending).class_ids.tolist() == [2, 0, 1, 0]


def test_counts() -> None:
    stack = np.ones((4, 2, 2), bool)
    prediction = Prediction.from_dense(stack, [0.5] * 4, [2, 0, 1, 0], NAMES)
    assert list(prediction.counts().items()) == [("cat", 2), ("dog", 1), ("Ωmega <b>", 1)]


# ── showing ───────────────────────────────────────────────────────────────────────────────────────


def test_repr_is_a_table() -> None:
    assert repr(small()).splitlines() == [
        "Prediction: 3 instances in 20×10 px",
        "#  class      score  area px  box x1 y1 x2 y2",
        "0  dog         0.50       24  2 1 8 5",
        "1  cat         0.90      200  0 0 20 10",
        "2  Ωmega <b>   0.70        1  19 9 20 10",
    ]
    assert repr(small().select([0])).startswith("Prediction: 1 instance in")


def test_html_is_escaped() -> None:
    text = small()._repr_html_()
    assert "Ωmega &lt;b&gt;" in text and "<b>" not in text
    assert text.count("<tr>") == 4


def test_long_tables_are_cut_and_counted() -> None:
    prediction = Prediction.from_dense(np.ones((35, 2, 2), bool), [0.5] * 35, [0] * 35, NAMES)
    assert repr(prediction).splitlines()[-1] == "… and 5 more"
    assert len(repr(prediction).splitlines()) == 33
    assert "… and 5 more" in prediction._repr_html_()
