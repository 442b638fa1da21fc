"""COCO's files as predictions."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seg_widgets import export
from seg_widgets.errors import PredictionError
from seg_widgets.prediction import Prediction

from ...shapes_to_export import SHAPES


def test_a_data_set_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    own = dataclasses.replace(SHAPES, category_ids=(7, 3, 90))
    empty = dataclasses.replace(
        Prediction.empty((9, 9), SHAPES.class_names), category_ids=(7, 3, 90)
    )
    path.write_text(json.dumps(export.coco_dataset([own, empty], ["a.jpg", "b.jpg"])))
    found = Prediction.from_coco(path, "a.jpg")
    np.testing.assert_allclose(found.scores, own.scores, atol=1e-6)
    assert dataclasses.replace(found, scores=own.scores) == own
    assert Prediction.from_coco(path, 2) == empty
    with pytest.raises(PredictionError, match=r"has 2 images \(a\.jpg, b\.jpg\)\. Name one"):
        Prediction.from_coco(path)
    with pytest.raises(PredictionError, match=r"no image 'c\.jpg'; it has a\.jpg, b\.jpg"):
        Prediction.from_coco(path, "c.jpg")


def test_boxes_stay_boxes() -> None:
    boxes = dataclasses.replace(SHAPES, masks=None)
    found = Prediction.from_coco(export.coco_dataset(boxes, "a.jpg"))
    assert found.masks is None
    np.testing.assert_allclose(found.boxes, boxes.boxes, atol=1e-3)


def test_ids_may_be_texts_and_those_of_no_image_are_said() -> None:
    box = {"id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}
    image = {"id": 7, "file_name": "a.jpg", "width": 20, "height": 20}
    content = {"images": [image], "categories": [{"id": 1, "name": "cat"}]}
    for given in (7, "7", 7.0):
        data = {**content, "annotations": [{**box, "image_id": given}]}
        for wanted in (None, "a.jpg", 7, "7"):
            assert len(Prediction.from_coco(data, wanted)) == 1
    data = {**content, "annotations": [{**box, "image_id": 8}]}
    with pytest.raises(PredictionError, match=r"\[0\] is of image_id 8, and no image of that id"):
        Prediction.from_coco(data)
    assert len(Prediction.from_coco({**content, "annotations": []})) == 0

    results = [{**box, "image_id": "7"}, {**box, "image_id": 8}]
    for wanted in (7, "7"):
        assert len(Prediction.from_coco(results, wanted, image_size=(20, 20))) == 1
    assert len(Prediction.from_coco(results, 9, image_size=(20, 20))) == 0
    with pytest.raises(PredictionError, match="they name images by image_id"):
        Prediction.from_coco(results, "a.jpg", image_size=(20, 20))


def test_results_come_back() -> None:
    results = export.to_coco(SHAPES, 4, file_name="a.jpg")
    found = Prediction.from_coco(results, 4, class_names={1: "person", 2: "light", 3: "door"})
    assert found.class_names == ("person", "light", "door")
    assert found.masks == SHAPES.masks
    assert Prediction.from_coco(results, "a.jpg").masks == SHAPES.masks


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "not in COCO's format"),
        ("text", "is not there"),
        (7, "not in COCO's format"),
        ([1], "not in COCO's results format"),
        (
            {"images": [{}], "annotations": [], "categories": []},
            r'"images"\[0\] is damaged: its file_name is missing',
        ),
        (
            {
                "images": [{"id": 1, "file_name": "a", "width": 4, "height": 4}],
                "annotations": [{"image_id": 1, "category_id": 9, "bbox": [0, 0, 2, 2]}],
                "categories": [{"id": 1, "name": "cat"}],
            },
            "has a category that is not listed|9",
        ),
    ],
)
def test_what_is_not_cocos(content: Any, said: str) -> None:
    with pytest.raises(PredictionError, match=said):
        Prediction.from_coco(content)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(PredictionError, match="is a folder"):
        Prediction.from_coco(tmp_path)
    (tmp_path / "a.json").write_bytes(b"\xff{")
    with pytest.raises(PredictionError, match="is not a COCO file, because it is no JSON"):
        Prediction.from_coco(tmp_path / "a.json")
    with pytest.raises(PredictionError, match=r"can't be read|is not there"):
        Prediction.from_coco("a\0b")


_IMAGE = {"id": 1, "file_name": "a.jpg", "width": 4, "height": 4}


@pytest.mark.parametrize(
    ("key", "entries", "words"),
    [
        ("images", [{**_IMAGE, "height": None}], r'"images"\[0\] is damaged: its height is null\.'),
        ("images", [{"file_name": "a", "width": 4}], r'"images"\[0\] .*: its height is missing\.'),
        ("images", [{**_IMAGE, "width": 0}], r'"images"\[0\] is damaged: it has 0×4 pixels'),
        ("images", [_IMAGE, {**_IMAGE, "id": 2, "file_name": "b.jpg"}],
         r"coco\.json has 2 images \(a\.jpg, b\.jpg\)\. Name one: "),
        ("images", [], r"coco\.json has no image\.$"),
        ("images", None, r'coco\.json is damaged: "images" is no list, but null'),
        ("categories", [{"id": 1}], r'"categories"\[0\] is damaged: its name is missing'),
        ("categories", [{"id": 1, "name": "x"}, {"id": "y", "name": "y"}],
         r'"categories"\[1\] is damaged: its id is "y"\. Correct that entry'),
        ("categories", None, '"categories" is no list, but null'),
        ("annotations", None, '"annotations" is no list, but null'),
        ("annotations", [{}, "x"], r'"annotations"\[1\] is damaged: it is "x", not an object'),
    ],
)  # fmt: skip
def test_the_file_and_the_entry_that_is_damaged_are_named(
    key: str, entries: object, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "coco.json"
    content = {"images": [_IMAGE], "categories": [], "annotations": [], key: entries}
    path.write_text(json.dumps(content))
    with pytest.raises(PredictionError, match=rf"^{path}.*{words}|^{path.parent}/{words}"):
        Prediction.from_coco(path)
    path.write_text(json.dumps({**content, "images": [_IMAGE], key: [_IMAGE]}))
    if key == "images":
        with pytest.raises(
            PredictionError, match=r"coco\.json has no image 'b\.jpg'; it has a\.jpg\."
        ):
            Prediction.from_coco(path, "b.jpg")
