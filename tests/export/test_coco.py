"""COCO: pycocotools reads what is written."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from seg_widgets import export
from seg_widgets.errors import SettingError
from seg_widgets.prediction import Prediction

from .results import BOXES_ONLY, FOUND, NOTHING


def test_coco_results() -> None:
    results = export.to_coco(FOUND, 7, file_name="a.jpg")
    assert len(results) == 5
    for result, instance in zip(results, FOUND, strict=True):
        x1, y1, x2, y2 = instance.box
        assert result["bbox"] == pytest.approx([x1, y1, x2 - x1, y2 - y1])
        assert result["category_id"] == instance.class_id + 1
        assert result["score"] == pytest.approx(instance.score, abs=1e-6)
        assert (result["image_id"], result["file_name"]) == (7, "a.jpg")
        assert instance.mask is not None and result["segmentation"] == instance.mask.rle((60, 80))
    assert "segmentation" not in export.to_coco(BOXES_ONLY)[0]
    assert "file_name" not in export.to_coco(FOUND)[0]
    assert export.to_coco(NOTHING) == []
    json.dumps(results)


def test_category_ids_of_ones_own() -> None:
    ids = [1, 18, 3, 52]
    assert [result["category_id"] for result in export.to_coco(FOUND, category_ids=ids)] == [
        1,
        18,
        3,
        52,
        1,
    ]
    for wrong in ([1, 2], [1, 1, 2, 3]):
        with pytest.raises(SettingError, match="one id of its own for each of the 4 classes"):
            export.to_coco(FOUND, category_ids=wrong)


def test_pycocotools_loads_the_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "set.json"
    path.write_text(
        json.dumps(export.coco_dataset([FOUND, NOTHING, FOUND], ["a.jpg", "b.jpg", "c.jpg"]))
    )
    coco = COCO(path)
    assert sorted(coco.imgs) == [1, 2, 3]
    assert [coco.imgs[number]["file_name"] for number in (1, 2, 3)] == ["a.jpg", "b.jpg", "c.jpg"]
    assert (coco.imgs[1]["width"], coco.imgs[1]["height"]) == (80, 60)
    assert sorted(coco.anns) == list(range(1, 11))
    assert [coco.cats[number]["name"] for number in sorted(coco.cats)] == list(FOUND.class_names)
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=[3]))
    for annotation, mask, area in zip(annotations, FOUND.masks_dense(), FOUND.areas, strict=True):
        np.testing.assert_array_equal(coco.annToMask(annotation).astype(bool), mask)
        assert annotation["area"] == area and annotation["iscrowd"] == 0
    results = coco.loadRes(export.to_coco(FOUND, 1))
    assert len(results.anns) == 5
    capsys.readouterr()


def test_data_sets_of_one_and_of_boxes() -> None:
    assert len(export.coco_dataset(FOUND, "a.jpg")["images"]) == 1
    assert export.coco_dataset(BOXES_ONLY, "a.jpg")["annotations"][0]["segmentation"] == []
    assert export.coco_dataset([], [])["images"] == []
    with pytest.raises(SettingError, match="1 predictions, but 2 file names"):
        export.coco_dataset([FOUND], ["a", "b"])
    for name in ("x", "a", ""):
        with pytest.raises(SettingError, match="different class names"):
            export.coco_dataset([FOUND, Prediction.empty((5, 5), [name])], ["a", "b"])


def test_a_result_has_no_more_digits_than_it_needs() -> None:
    box, score = np.array([[1.23456, 2, 7.5, 5]]), np.array([0.123456789])
    prediction = Prediction((9, 9), box, score, np.array([1]), ("a", "b"))
    result = export.to_coco(prediction)[0]
    assert (result["image_id"], result["category_id"]) == (1, 2)
    assert (result["bbox"], result["score"]) == ([1.235, 2.0, 6.265, 3.0], 0.123457)
    annotation = export.coco_dataset(prediction, "a.jpg")["annotations"][0]
    assert (annotation["id"], annotation["iscrowd"], annotation["score"]) == (1, 0, 0.123457)


def test_data_sets_without_images_have_the_ids_that_are_given() -> None:
    assert export.coco_dataset([], [])["categories"] == []
    # Ids that differ matter only where none are given.
    unknown = Prediction.empty((5, 5), ["a"])
    both = [dataclasses.replace(unknown, category_ids=(7,)), unknown]
    given = export.coco_dataset(both, ["a", "b"], category_ids=[3])
    assert given["categories"] == [{"id": 3, "name": "a"}]
    with pytest.raises(SettingError, match="different ids"):
        export.coco_dataset(both, ["a", "b"])
    for one, names in ((both, ["a"]), (both[:1], ["a", "b"])):
        with pytest.raises(SettingError, match="give one for each"):
            export.coco_dataset(one, names)
