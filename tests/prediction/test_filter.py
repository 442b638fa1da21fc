"""Filter: what is shown, by each of its rules."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.errors import SettingError
from seg_widgets.prediction import (
    DEFAULT_FILTER,
    DEFAULT_THRESHOLD,
    Filter,
    Prediction,
    check_threshold,
)

from .stacks import NAMES, BoolArray, from_stack, small, stacks


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
    chosen = Filter(threshold, tuple(hidden), own, tuple(one_by_one))
    np.testing.assert_array_equal(chosen.keep(prediction), keep)
    np.testing.assert_array_equal(prediction.keep(chosen), keep)


@pytest.mark.parametrize(
    "value", [-0.1, 1.1, float("nan"), float("inf"), "high", None, [], 2, True]
)
def test_thresholds_that_are_none(value: Any) -> None:
    with pytest.raises(SettingError, match="threshold"):
        check_threshold(value)
    with pytest.raises(SettingError, match="threshold"):
        small().filter(value)
    with pytest.raises(SettingError, match="threshold"):
        Filter(value)


@pytest.mark.parametrize("value", [0, 1, 0.5, "0.25", np.float32(0.5)])
def test_thresholds(value: Any) -> None:
    assert check_threshold(value) == float(value)


def test_a_filter_without_arguments_keeps_everything_and_the_usual_one_half() -> None:
    prediction = small()
    assert Filter().keep(prediction).all()
    assert DEFAULT_FILTER == Filter(DEFAULT_THRESHOLD) == Filter(0.5)
    assert DEFAULT_FILTER.keep(prediction).tolist() == [True, True, True]
    assert Filter().keep(Prediction.empty((3, 3))).tolist() == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_classes": "cat"}, r"hidden_classes is a list .*\['cat'\], not one text"),
        ({"hidden_classes": [3]}, "hidden_classes is a list of class names"),
        ({"hidden_classes": 3}, "hidden_classes is a list of class names"),
        ({"class_thresholds": {"cat": 2}}, "A threshold lies between 0 and 1"),
        ({"class_thresholds": ["cat"]}, "class_thresholds is a dict of thresholds"),
        ({"class_thresholds": {1: 0.5}}, "class_thresholds is a dict of thresholds"),
        ({"hidden_instances": [-1]}, "hidden_instances is a list of instance numbers"),
        ({"hidden_instances": [True]}, "hidden_instances is a list of instance numbers"),
        ({"hidden_instances": "0"}, "hidden_instances is a list of instance numbers"),
    ],
)
def test_filters_that_are_none(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Filter(**settings)


def test_a_filter_is_a_value() -> None:
    given: dict[str, float] = {"cat": 0.25}
    one = Filter(0.5, ["dog", "dog"], given, np.array([3, 3]))  # type: ignore[arg-type]
    given["cat"] = 0.75
    assert one == Filter(0.5, ("dog",), {"cat": 0.25}, (3,))
    assert len({one, dataclasses.replace(one), Filter()}) == 2
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(TypeError, match="does not support item assignment"):
        one.class_thresholds["cat"] = 1.0  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError, match="threshold"):
        one.threshold = 1.0  # type: ignore[misc]


def test_a_filter_as_the_traits_of_a_canvas() -> None:
    traits = Filter(0.25, ("dog",), {"cat": 1}, (2,)).to_traits()
    assert json.loads(json.dumps(traits)) == traits
    assert Filter(**traits) == Filter(0.25, ("dog",), {"cat": 1.0}, (2,))
