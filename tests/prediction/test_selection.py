"""Choosing instances: by index, by class, in an order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.errors import SettingError
from seg_widgets.prediction import Prediction

from .stacks import NAMES, BoolArray, from_stack, small, stacks


def test_filter_by_class() -> None:
    prediction = small()
    assert prediction.filter(classes=["cat", 2]).class_ids.tolist() == [0, 2]
    assert prediction.filter(classes=[]).class_ids.tolist() == []
    assert prediction.filter(hidden_classes=["cat", 2]).class_ids.tolist() == [1]
    assert prediction.filter(0.6, classes=iter(["cat", "dog"])).class_ids.tolist() == [0]
    for wrong in (["bird"], [3], [-1]):
        with pytest.raises(SettingError, match=r"The model has no class .*It knows cat, dog"):
            prediction.filter(classes=wrong)
        with pytest.raises(SettingError, match="The model has no class"):
            prediction.filter(hidden_classes=wrong)
    with pytest.raises(SettingError, match=r"\['cat'\]"):
        prediction.filter(classes="cat")


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
    with pytest.raises(SettingError, match="selection"):
        small().select(indices)


def test_indices_count_from_the_start() -> None:
    prediction = from_stack(np.ones((4, 2, 2), bool))
    assert prediction.indices([2, -1]).tolist() == [2, 3]
    assert prediction.indices(np.array([True, False, False, True])).tolist() == [0, 3]
    assert prediction.indices([]).tolist() == []
    for wrong in ([4], [-5], [0.5], [[0]], np.array([True])):
        with pytest.raises(SettingError, match="selection"):
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


@pytest.mark.parametrize("name", ["kat", "Cat", "CAT", "cats"])
def test_a_class_that_is_close_is_proposed(name: str) -> None:
    message = rf"^The model has no class '{name}'\. Did you mean 'cat'\?$"
    for chosen in (
        {"classes": [name]},
        {"hidden_classes": [name]},
        {"class_thresholds": {name: 0}},
    ):
        with pytest.raises(SettingError, match=message):
            small().filter(**chosen)


def test_a_message_names_eight_classes_at_most() -> None:
    def of(count: int) -> Prediction:
        return Prediction.empty((2, 2), [f"c{number}" for number in range(count)])

    with pytest.raises(SettingError, match=r"It knows c0, c1, c2, c3, c4, c5, c6, c7\.$"):
        of(8).filter(classes=["cat"])
    with pytest.raises(SettingError, match=r"It knows c0, .*, c6, c7 … \(9 in all\)\.$"):
        of(9).filter(classes=["cat"])
    with pytest.raises(SettingError, match=r"It knows no classes\.$"):
        of(0).filter(classes=["cat"])


def test_what_stands_in_the_brackets() -> None:
    prediction = small()
    one: Any
    for one in (1, -2, np.int8(1), np.array(1)):
        assert prediction[one].index == 1
    several: Any
    for several in ([1], (np.array([1])), np.array([False, True, False]), slice(1, 2), range(1, 2)):
        chosen = prediction[several]
        assert isinstance(chosen, Prediction) and chosen.class_ids.tolist() == [0]
    wrong: Any
    for wrong in (True, np.False_, 1.5, None, np.float32(1)):
        with pytest.raises(SettingError, match="by an index, a slice, a list of indices, or"):
            prediction[wrong]
    with pytest.raises(SettingError, match=r"write: prediction\.filter\(classes=\['cat'\]\)"):
        prediction["cat"]  # type: ignore[index]
    with pytest.raises(SettingError, match=r"as a list: prediction\[\[0, 2\]\]"):
        prediction[0, 2]


def test_a_row_of_one_number_is_several() -> None:
    class Row:
        """What a tensor of one row and one number is: it can be an index, too."""

        ndim = 1

        def __index__(self) -> int:
            return 1

        def __array__(self, *_: object, **__: object) -> Any:
            return np.array([1])

    row: Any = Row()
    chosen: Any = small()[row]
    assert isinstance(chosen, Prediction) and chosen.class_ids.tolist() == [0]


@pytest.mark.parametrize("wrong", [[None], [1.5], [True], [object()], [[0]]])
def test_a_class_is_a_name_or_a_whole_number(wrong: Any) -> None:
    with pytest.raises(SettingError, match="The model has no class"):
        small().filter(classes=wrong)
    number: Any = np.int64(1)
    assert small().filter(classes=[number]).class_ids.tolist() == [1]
    several: list[Any] = [1, int, 0.5]
    for one in several:
        with pytest.raises(SettingError, match="classes as a list"):
            small().filter(classes=one)


@pytest.mark.parametrize("wrong", [0, None, 1.5, "0", b"0"])
def test_a_selection_is_a_list(wrong: Any) -> None:
    with pytest.raises(SettingError, match="A selection is a list"):
        small().select(wrong)
