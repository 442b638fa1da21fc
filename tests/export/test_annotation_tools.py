"""LabelMe, Label Studio and supervision get what is there."""

from __future__ import annotations

import base64
import json
import sys
import types
from typing import Any

import numpy as np
import pytest

from seg_widgets import export
from seg_widgets.errors import DependencyError
from seg_widgets.images import load
from seg_widgets.prediction import Prediction

from ..polygons import fill
from .results import BOXES_ONLY, FOUND, IMAGE, NOTHING


def test_labelme() -> None:
    content = export.to_labelme(FOUND, "a.png", IMAGE)
    json.dumps(content)
    assert (content["imagePath"], content["imageHeight"], content["imageWidth"]) == (
        "a.png",
        60,
        80,
    )
    np.testing.assert_array_equal(load(base64.b64decode(content["imageData"])), IMAGE)
    for index, mask in enumerate(FOUND.masks_dense()):
        shapes = [shape for shape in content["shapes"] if shape["group_id"] == index]
        assert {shape["label"] for shape in shapes} == {FOUND[index].class_name}
        np.testing.assert_array_equal(fill([shape["points"] for shape in shapes], 60, 80), mask)
    boxes = export.to_labelme(BOXES_ONLY, "a.png")
    assert boxes["imageData"] is None
    assert {shape["shape_type"] for shape in boxes["shapes"]} == {"rectangle"}
    assert np.ravel(boxes["shapes"][0]["points"]).tolist() == pytest.approx(list(FOUND[0].box))
    empty = Prediction.from_dense(np.zeros((1, 4, 4), bool), [1], [0], ["a"])
    assert export.to_labelme(empty, "a.png")["shapes"] == []


def test_label_studio() -> None:
    task = export.to_label_studio(FOUND, "/data/a.png")
    json.dumps(task)
    assert task["data"] == {"image": "/data/a.png"}
    regions = task["predictions"][0]["result"]
    assert len({region["id"] for region in regions}) == len(regions)
    for index, mask in enumerate(FOUND.masks_dense()):
        own = [region for region in regions if region["id"].startswith(f"i{index}-")]
        polygons = [[[x * 0.8, y * 0.6] for x, y in region["value"]["points"]] for region in own]
        np.testing.assert_array_equal(fill(polygons, 60, 80), mask)
        assert own[0]["value"]["polygonlabels"] == [FOUND[index].class_name]
    box = export.to_label_studio(BOXES_ONLY, "a")["predictions"][0]["result"][0]
    x1, y1, _, y2 = FOUND[0].box
    assert box["value"]["x"] == pytest.approx(x1 / 0.8) and box["value"]["height"] == pytest.approx(
        (y2 - y1) / 0.6
    )
    assert export.to_label_studio(NOTHING, "a")["predictions"][0]["result"] == []


def test_supervision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(DependencyError, match="pip install supervision"):
        export.to_supervision(FOUND)

    def detections(**parts: Any) -> dict[str, Any]:
        return parts

    monkeypatch.setitem(sys.modules, "supervision", types.SimpleNamespace(Detections=detections))
    parts = export.to_supervision(FOUND)
    np.testing.assert_array_equal(parts["xyxy"], FOUND.boxes)
    np.testing.assert_array_equal(parts["mask"], FOUND.masks_dense())
    assert parts["data"]["class_name"].tolist() == [instance.class_name for instance in FOUND]
    assert export.to_supervision(BOXES_ONLY)["mask"] is None
    assert export.to_supervision(NOTHING)["xyxy"].shape == (0, 4)


def test_supervision_itself() -> None:
    supervision = pytest.importorskip("supervision", exc_type=ImportError)
    found = export.to_supervision(FOUND)
    assert isinstance(found, supervision.Detections) and len(found) == 5
    assert len(export.to_supervision(NOTHING)) == 0


# An image of 200×50, so that no side is taken for the other, and scores of more digits than a file
# has.
BOX = Prediction(
    (50, 200),
    np.array([[20, 10, 60, 15], [1, 2, 3, 4]], np.float32),
    np.array([0.123456789, 0.5], np.float32),
    np.array([1, 0]),
    ("cat", "dog"),
)


def test_label_studio_has_all_its_fields() -> None:
    task = export.to_label_studio(BOX, "a.png", from_name="f", to_name="t", model_version="v")
    predicted = task["predictions"][0]
    assert (predicted["model_version"], predicted["score"]) == ("v", 0.311728)
    assert predicted["result"][0] == {
        "id": "i0",
        "type": "rectanglelabels",
        "from_name": "f",
        "to_name": "t",
        "original_width": 200,
        "original_height": 50,
        "image_rotation": 0,
        "score": 0.123457,
        "value": {
            "x": pytest.approx(10),
            "y": pytest.approx(20),
            "width": pytest.approx(20),
            "height": pytest.approx(10),
            "rotation": 0,
            "rectanglelabels": ["dog"],
        },
    }
    assert predicted["result"][1]["id"] == "i1"
    nothing = export.to_label_studio(NOTHING, "a")["predictions"][0]
    assert nothing == {"model_version": "seg_widgets", "score": 0.0, "result": []}


def test_label_studio_names_and_closes_each_piece() -> None:
    dense = np.zeros((1, 10, 20), bool)
    dense[0, 2:4, 5:10] = dense[0, 6:9, 12:16] = True
    pieces = Prediction.from_dense(dense, [0.5], [0], ["cat"])
    regions = export.to_label_studio(pieces, "a")["predictions"][0]["result"]
    assert [(region["id"], region["type"]) for region in regions] == [
        ("i0-0", "polygonlabels"),
        ("i0-1", "polygonlabels"),
    ]
    assert all(region["value"]["closed"] is True for region in regions)
    corners = {tuple(point) for region in regions for point in region["value"]["points"]}
    assert (25.0, 20.0) in corners and (80.0, 90.0) in corners


def test_labelme_has_all_its_fields() -> None:
    assert export.to_labelme(BOX, "a.png")["shapes"][0] == {
        "label": "dog",
        "group_id": 0,
        "description": "score 0.1235",
        "shape_type": "rectangle",
        "flags": {},
        "points": [[20, 10], [60, 15]],
    }
