"""One number names one instance, in each format and in Python."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pytest

from seg_widgets.errors import SettingError
from seg_widgets.export import Result, coco_dataset, make, to_coco
from seg_widgets.export.chosen import chosen_instances
from seg_widgets.prediction import Filter
from seg_widgets.testing import StubPredictor

IMAGE = np.zeros((60, 90, 3), np.uint8)
FOUND = StubPredictor(instances=6)(IMAGE)
# Two and four are not shown.
SHOWN = Filter(0.0, hidden_instances=(2, 4))
NUMBERS = [0, 1, 3, 5]


def test_all_or_some_in_the_order_asked_for() -> None:
    assert [each.index for each in chosen_instances(FOUND)] == list(range(6))
    assert [each.index for each in chosen_instances(FOUND, [4, 1])] == [4, 1]
    with pytest.raises(SettingError):
        list(chosen_instances(FOUND, [6]))


def content(name: str) -> Any:
    data = make(name, Result(IMAGE, FOUND, "cat.jpg", filter=SHOWN)).data
    return json.loads(data) if name != "csv" else data.decode("utf-8")


def test_what_is_hidden_leaves_a_gap_in_the_numbers_of_each_format() -> None:
    rows = csv.DictReader(io.StringIO(content("csv")))
    assert [int(row["instance"]) for row in rows] == NUMBERS
    assert [each["index"] for each in content("results")] == NUMBERS

    annotations = content("coco")["annotations"]
    assert [each["index"] for each in annotations] == NUMBERS
    assert [each["id"] for each in annotations] == [1, 2, 3, 4], "unique in the data set"
    assert [each["area"] for each in annotations] == FOUND.areas[NUMBERS].tolist()

    shapes = content("labelme")["shapes"]
    assert list(dict.fromkeys(each["group_id"] for each in shapes)) == NUMBERS
    (task,) = content("labelstudio")
    regions = task["predictions"][0]["result"]
    assert list(dict.fromkeys(each["id"].split("-")[0] for each in regions)) == [
        f"i{number}" for number in NUMBERS
    ]


def test_a_chosen_instance_has_its_own_mask() -> None:
    everything = to_coco(FOUND)
    assert to_coco(FOUND, only=[5, 3]) == [everything[5], everything[3]]


def test_only_is_for_a_single_prediction() -> None:
    with pytest.raises(SettingError, match="one prediction"):
        coco_dataset([FOUND, FOUND], ["a.jpg", "b.jpg"], only=[0])
