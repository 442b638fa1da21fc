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
