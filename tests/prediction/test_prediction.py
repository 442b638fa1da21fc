"""Prediction: its parts, and what is made of them."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from seg_widgets.errors import PredictionError, SettingError
from seg_widgets.prediction import Instance, Prediction

from .stacks import NAMES, BoolArray, from_stack, small, stacks


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


def test_counts() -> None:
    stack = np.ones((4, 2, 2), bool)
    prediction = Prediction.from_dense(stack, [0.5] * 4, [2, 0, 1, 0], NAMES)
    assert list(prediction.counts().items()) == [("cat", 2), ("dog", 1), ("Ωmega <b>", 1)]


def test_notes_stay_with_whatever_is_chosen_and_are_shown() -> None:
    note = "The limit of 3 <instances> was reached."
    noted = dataclasses.replace(small(), notes=(note,))
    for one in (
        noted.select([0]),
        noted.filter(0.99),
        noted.sort("area"),
        copy.deepcopy(noted),
        pickle.loads(pickle.dumps(noted)),
    ):
        assert one.notes == (note,)
    assert small().notes == ()
    assert note in repr(noted)
    assert "The limit of 3 &lt;instances&gt; was reached." in noted._repr_html_()
