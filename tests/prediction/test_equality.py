"""The habits of Python: brackets, ==, hash, in, copies, pickles, other processes."""

from __future__ import annotations

import copy
import dataclasses
import multiprocessing
import pickle
from typing import Any

import numpy as np
import pytest

from seg_widgets.errors import PredictionError, SettingError
from seg_widgets.prediction import Instance, MaskCrop, Prediction

from .stacks import small


def is_read_only(prediction: Prediction) -> bool:
    """Whether no array of it can be written into; runs in another process, too."""
    arrays = prediction.boxes, prediction.scores, prediction.class_ids, prediction.areas
    return not any(array.flags.writeable for array in arrays)


def there_and_back(prediction: Prediction) -> tuple[bool, Prediction]:
    return is_read_only(prediction), prediction[::-1]


WHOLE = dataclasses.replace(small(), notes=("A note.",), category_ids=(3, 1, 7))


@pytest.mark.parametrize(
    ("chosen", "indices"),
    [
        (slice(0, 2), [0, 1]),
        (slice(None, None, -1), [2, 1, 0]),
        (slice(5, 9), []),
        ([0, 2], [0, 2]),
        ([-1], [2]),
        ([], []),
        (range(1, 3), [1, 2]),
        (np.array([2, 0]), [2, 0]),
        (np.array([1]), [1]),
        (np.array([True, False, True]), [0, 2]),
        ([False, True, False], [1]),
        (WHOLE.scores > 0.6, [1, 2]),
        (WHOLE.class_ids == 2, [2]),
        (WHOLE.areas.argsort(), [2, 0, 1]),
    ],
)
def test_several_in_brackets_are_a_prediction(chosen: Any, indices: list[int]) -> None:
    part = WHOLE[chosen]
    assert isinstance(part, Prediction)
    assert part == WHOLE.select(indices)
    assert part.scores.tolist() == WHOLE.scores[indices].tolist()
    assert (part.notes, part.category_ids) == (WHOLE.notes, WHOLE.category_ids)
    assert is_read_only(part)


@pytest.mark.parametrize("index", [1, -2, np.int64(1), np.uint8(1), np.array(1)])
def test_a_whole_number_in_brackets_is_an_instance(index: Any) -> None:
    one = WHOLE[index]
    assert isinstance(one, Instance)
    assert (one.index, one.class_name) == (1, "cat")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("dog", r"filter\(classes=\['dog'\]\)"),
        ((0, 2), r"prediction\[\[0, 2\]\]"),
        (True, "but this is bool True"),
        (1.0, r"but this is float 1\.0"),
        (None, "but this is NoneType None"),
        ([0.5], "whole numbers"),
        ([3], "not among the 3 here"),
        (np.array([True]), "one for each of the 3"),
        (np.zeros((2, 2), int), "whole numbers"),
    ],
)
def test_what_is_no_choice_is_refused(chosen: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        WHOLE[chosen]


def test_iteration_length_truth_and_in() -> None:
    assert [instance.index for instance in WHOLE] == [0, 1, 2]
    assert [instance.index for instance in reversed(WHOLE)] == [2, 1, 0]
    assert len(WHOLE) == 3 and WHOLE and not WHOLE[:0]
    assert WHOLE[1] in WHOLE and dataclasses.replace(WHOLE[1], score=0.1) not in WHOLE
    assert "dog" in WHOLE and "unicorn" not in WHOLE and 1 not in WHOLE
    # Of the vocabulary, only what was found is here.
    assert "dog" in WHOLE.class_names and "dog" not in WHOLE[1:]


def test_equal_content_is_equal_and_has_one_hash() -> None:
    same = small()
    assert small() == same and small() is not same and hash(small()) == hash(same)
    assert dataclasses.replace(same, notes=("Another way.",)) == same
    assert len({small(), same, small(masks=False)}) == 2
    none = np.zeros(1, np.float32)
    zeros = Prediction((5, 5), np.zeros((1, 4), np.float32), none, np.zeros(1, int), ("a",))
    minus = dataclasses.replace(zeros, boxes=-zeros.boxes)
    assert zeros == minus and hash(zeros) == hash(minus)


@pytest.mark.parametrize(
    "changes",
    [
        {"image_size": (10, 21)},
        {"boxes": small().boxes + np.float32(0.25)},
        {"scores": np.array([0.5, 0.9, 0.75])},
        {"class_ids": np.array([1, 0, 1])},
        {"class_names": ("cat", "dog", "horse")},
        {"masks": None},
        {"masks": (*small().masks[:2], MaskCrop(19, 8, 1, 1, b"\x80"))},  # type: ignore[index]
        {"category_ids": (1, 2, 3)},
    ],
)
def test_other_content_is_not_equal(changes: dict[str, Any]) -> None:
    assert dataclasses.replace(small(), **changes) != small()
    assert small() != small()[:2] and small() != small()[::-1]
    assert small() != 3 and small() != list(small())


@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        *(lambda it, number=number: pickle.loads(pickle.dumps(it, number)) for number in range(6)),
    ],
)
@pytest.mark.parametrize("prediction", [WHOLE, small(masks=False), Prediction.empty((4, 5), "ab")])
def test_copies_are_equal_and_read_only(prediction: Prediction, again: Any) -> None:
    copied = again(prediction)
    assert copied == prediction and hash(copied) == hash(prediction)
    assert (copied.notes, copied.areas.tolist()) == (prediction.notes, prediction.areas.tolist())
    assert is_read_only(copied)


def test_another_process_gets_and_gives_read_only_predictions() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        was_read_only, back = pool.apply(there_and_back, (WHOLE,))
    assert was_read_only and is_read_only(back)
    assert back == WHOLE[::-1]


def test_category_ids_fit_the_class_names() -> None:
    for wrong in ((1, 2), (1, 1, 2)):
        with pytest.raises(PredictionError, match="one id of its own for each of the 3 class"):
            dataclasses.replace(WHOLE, category_ids=wrong)


def test_a_notebook_gets_text_and_html() -> None:
    bundle = WHOLE._repr_mimebundle_(include=None, exclude=None)
    assert bundle == {"text/plain": repr(WHOLE), "text/html": WHOLE._repr_html_()}
    assert "A note." in bundle["text/html"]
