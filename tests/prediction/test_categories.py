"""The ids of classes in COCO's files: COCO's own, the data set's, or the class id + 1."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from seg_widgets import export
from seg_widgets.errors import SettingError
from seg_widgets.prediction import Prediction

from ..export.results import FOUND, IMAGE


def coco_categories() -> dict[str, int]:
    """Name → id, as detectron2 has them."""
    builtin_meta = pytest.importorskip("detectron2.data.datasets.builtin_meta")
    return {one["name"]: one["id"] for one in builtin_meta.COCO_CATEGORIES if one["isthing"]}


def of(names: list[str] | tuple[str, ...]) -> Prediction:
    """A prediction with one instance of each class."""
    count = len(names)
    masks = np.ones((count, 4, 5), bool)
    return Prediction.from_dense(masks, [0.5] * count, range(count), names)


def test_a_model_of_cocos_80_classes_has_cocos_ids() -> None:
    categories = coco_categories()
    assert len(categories) == 80 and max(categories.values()) == 90
    names = list(categories)
    assert export.category_ids(of(names)) == tuple(categories.values())
    # The names say which is which, not their order.
    assert export.category_ids(of(names[::-1])) == tuple(categories.values())[::-1]
    results = export.to_coco(of(names))
    assert [one["category_id"] for one in results] == list(categories.values())
    data = export.coco_dataset(of(names), "a.jpg")
    assert {one["name"]: one["id"] for one in data["categories"]} == categories
    assert [one["category_id"] for one in data["annotations"]] == list(categories.values())
    assert data["info"]["description"].endswith("Category ids: COCO's own (1 to 90, with gaps).")
    # Only one of the classes was found: the vocabulary counts.
    assert export.to_coco(of(names)[[79]])[0]["category_id"] == 90


def test_other_spellings_and_gaps_are_cocos_too() -> None:
    categories = coco_categories()
    darknet = {"airplane": "aeroplane", "tv": "TVmonitor", "couch": "sofa"}
    names = [darknet.get(name, name) for name in categories]
    assert export.category_ids(of(names)) == tuple(categories.values())
    by_id = {number: name for name, number in categories.items()}
    with_gaps = [by_id.get(number, "N/A") for number in range(91)]
    assert export.category_ids(of(with_gaps)) == tuple(range(91))
    with_background = ["__background__", *categories]
    assert export.category_ids(of(with_background)) == (0, *categories.values())


def test_other_classes_are_not_taken_for_cocos() -> None:
    names = list(coco_categories())
    for other in (names[:79], [*names[:79], "robot"], [*names, "sky"], ["person", "car"]):
        prediction = of(other)
        assert export.category_ids(prediction) == tuple(range(1, len(other) + 1))
        description = export.coco_dataset(prediction, "a.jpg")["info"]["description"]
        assert description.endswith("Category ids: the class id + 1.")


def test_the_ids_of_a_data_set_are_kept() -> None:
    known = dataclasses.replace(FOUND, category_ids=(24, 3, 9, 7))
    assert export.category_ids(known) == (24, 3, 9, 7)
    data = export.coco_dataset([known, known[:0]], ["a.jpg", "b.jpg"])
    assert [one["id"] for one in data["categories"]] == [24, 3, 9, 7]
    assert data["info"]["description"].endswith("Category ids: those of the data set.")
    # What is given comes first.
    given = export.coco_dataset(known, "a.jpg", category_ids=[1, 2, 3, 4])
    assert [one["id"] for one in given["categories"]] == [1, 2, 3, 4]
    assert given["info"]["description"].endswith("Category ids: as given.")
    with pytest.raises(SettingError, match="predictions have different ids; give category_ids="):
        export.coco_dataset([FOUND, known], ["a.jpg", "b.jpg"])


def test_coco_results_there_and_back() -> None:
    known = dataclasses.replace(FOUND, category_ids=(24, 3, 9, 7))
    categories = export.coco_dataset(known, "a.jpg")["categories"]
    back = Prediction.of(export.to_coco(known), IMAGE, class_names=categories)
    assert export.to_coco(back) == export.to_coco(known)


def test_ids_that_are_given_are_one_for_each_class() -> None:
    assert export.category_ids(FOUND, [9, 8, 7, 0]) == (9, 8, 7, 0)
    for wrong in ([1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 3, 3], []):
        with pytest.raises(SettingError, match="one id of its own for each of the 4 classes"):
            export.category_ids(FOUND, wrong)
