"""Tidying up in Python; tests/viewer/test_tidy.py has the browser beside it."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seg_widgets.errors import PredictionError, SettingError
from seg_widgets.export import Result, make
from seg_widgets.prediction import Filter, MaskCrop, Prediction, Tidy

RING = np.array([[1, 1, 1, 0, 1], [1, 0, 1, 0, 0], [1, 1, 1, 0, 0]], bool)
"""A ring of 8 pixels around one hole, and a speck that touches nothing."""


def found() -> Prediction:
    """A ring with a speck; a square below it; the square again, of another class and less sure."""
    masks = np.zeros((3, 12, 12), bool)
    masks[0, 1:4, 1:6] = RING
    masks[1, 5:9, 5:9] = masks[2, 5:9, 5:9] = True
    masks[2, 8:, 8:] = True
    return Prediction.from_dense(masks, [0.9, 0.8, 0.7], [0, 0, 1], ["ring", "square"])


def test_masks_lose_their_pieces_and_holes() -> None:
    prediction = found()
    assert prediction.areas.tolist() == [9, 16, 31]
    assert prediction.tidy(largest_piece=True).areas.tolist() == [8, 16, 31]
    assert prediction.tidy(fill_holes=True).areas.tolist() == [10, 16, 31]
    both = prediction.tidy(largest_piece=True, fill_holes=True)
    assert both.areas.tolist() == [9, 16, 31]
    assert both.masks is not None
    assert both.masks[0] == MaskCrop.from_array(np.ones((3, 3), bool), 1, 1)
    # Once more changes nothing, and neither does what has nothing to do.
    again = Tidy(largest_piece=True, fill_holes=True)
    assert again.reshaped(both) is both
    assert Tidy().reshaped(prediction) is prediction
    assert again.reshaped(prediction) is again.reshaped(prediction)
    assert (prediction.areas == [9, 16, 31]).all()


def test_instances_that_overlap_are_left_out_by_their_score() -> None:
    prediction = found()
    pairs = prediction.own_overlaps
    assert (pairs.first.tolist(), pairs.second.tolist(), pairs.pixels.tolist()) == ([1], [2], [16])
    assert pairs.iou().tolist() == [16 / 31]
    assert pairs.share_of_smaller().tolist() == [1]
    assert len(prediction.tidy(max_overlap=0.5)) == 3  # of different classes
    assert len(prediction.tidy(max_overlap=0.5, across_classes=True)) == 2
    assert len(prediction.tidy(max_overlap=0.6, across_classes=True)) == 3
    by_smaller = Tidy(max_overlap=0.6, across_classes=True, overlap_by="smaller")
    assert by_smaller.keep(prediction).tolist() == [True, True, False]
    # What is hidden takes away none.
    hidden = Filter(hidden_instances=(1,), tidy=by_smaller)
    assert hidden.keep(prediction).tolist() == [True, False, True]
    assert prediction.keep(0.85, tidy=by_smaller).tolist() == [True, False, False]


def test_small_instances_and_those_at_the_border_are_left_out() -> None:
    prediction = found()
    assert prediction.tidy(min_area=10).scores.tolist() == pytest.approx([0.8, 0.7])
    assert len(prediction.tidy(min_area=10, fill_holes=True)) == 3  # its area is the new one
    assert prediction.tidy(drop_at_border=True).scores.tolist() == pytest.approx([0.9, 0.8])
    boxes = replace(prediction, masks=None)
    assert len(boxes.tidy(drop_at_border=True)) == 2
    assert boxes.tidy(largest_piece=True, fill_holes=True) is boxes


def test_a_file_has_what_is_shown() -> None:
    prediction = found()
    chosen = Filter(0.75, tidy=Tidy(largest_piece=True, fill_holes=True, min_area=9))
    result = Result(np.zeros((12, 12, 3), np.uint8), prediction, "a.png", filter=chosen)
    assert result.shown.areas.tolist() == [9, 16]
    lines = make("csv", result).data.decode().splitlines()
    assert [line.split(",")[lines[0].split(",").index("area")] for line in lines[1:]] == ["9", "16"]
    # A page can undo it, so it has the masks as the model gave them.
    assert result.found is prediction
    assert b'"fill_holes": true' in make("html", result).data
    code = make("python", result).data.decode()
    assert "from seg_widgets import Tidy, load" in code
    assert "tidy = Tidy(min_area=9, largest_piece=True, fill_holes=True)\n" in code
    assert (
        "keep = prediction.keep(0.75, tidy=tidy)\nprediction = tidy.reshaped(prediction)\n" in code
    )
    compile(code, "snippet", "exec")


def test_settings_are_checked() -> None:
    for wrong, message in (
        ({"max_overlap": 1.5}, "max_overlap lies between 0 and 1"),
        ({"max_overlap": True}, "max_overlap is a number"),
        ({"max_overlap": 10**400}, "max_overlap is a number"),
        ({"overlap_by": "area"}, "overlap_by is"),
        ({"min_area": -1}, "min_area is 0 or more"),
        ({"min_area": 1.5}, "whole number of pixels"),
        ({"fill_holes": 1}, "fill_holes is True or False"),
        ({"holes": True}, "no setting 'holes'"),
    ):
        with pytest.raises(SettingError, match=message):
            found().tidy(**wrong)
    with pytest.raises(SettingError, match="tidy is a Tidy"):
        Filter(tidy=3)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="tidy is a Tidy"):
        found().tidy(7)  # type: ignore[arg-type]
    assert Tidy(min_area=10).keep(found(), [True, True, False]).tolist() == [False, True, False]  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="a boolean for each of the 3 instances"):
        Tidy(min_area=10).keep(found(), np.array([True]))
    soft = replace(found(), soft_masks=np.full((3, 4, 4), 200, np.uint8))
    quarter: Any = np.float32(0.25)
    assert soft.at_mask_threshold(quarter) == soft.at_mask_threshold(0.25)
    for threshold in (True, None, [0.3], float("nan"), 10**400):
        with pytest.raises(SettingError, match="A mask threshold"):
            soft.at_mask_threshold(threshold)  # type: ignore[arg-type]
    with pytest.raises(PredictionError, match="N×M×M uint8 array"):
        replace(found(), soft_masks=[[1], [2, 3], [4]])  # type: ignore[arg-type]
    chosen = Filter(0.5, tidy={"min_area": 3})  # type: ignore[arg-type]
    assert chosen.tidy == Tidy(min_area=3)
    assert pickle.loads(pickle.dumps(chosen)) == copy.deepcopy(chosen) == chosen
    assert Tidy(min_area=np.int64(3)).changes() == {"min_area": 3}  # type: ignore[arg-type]
