"""LabelMe gets what is there: masks without loss, polygons, boxes."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from seg_widgets import export
from seg_widgets.errors import SettingError
from seg_widgets.images import load
from seg_widgets.prediction import Prediction

from ..polygons import fill
from ..shapes_to_export import SHAPES, ious
from .results import BOXES_ONLY, FOUND, IMAGE


def test_polygons_and_boxes() -> None:
    content = export.to_labelme(FOUND, "a.png", IMAGE, masks="polygon")
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


def test_masks_come_back_as_they_were() -> None:
    content = export.to_labelme(SHAPES, "a.png")
    found = Prediction.from_labelme(json.loads(json.dumps(content)), class_names=SHAPES.class_names)
    assert ious(found) == [1.0] * len(SHAPES)
    assert found.class_ids.tolist() == SHAPES.class_ids.tolist()
    np.testing.assert_allclose(found.scores, SHAPES.scores, atol=1e-4)
    with pytest.raises(SettingError, match='masks is "mask" or "polygon"'):
        export.to_labelme(SHAPES, "a.png", masks="rle")  # type: ignore[arg-type]


def test_labelme_has_all_its_fields() -> None:
    box = Prediction((50, 200), [[20, 10, 60, 15]], [0.123456789], [1], ("cat", "dog"))  # type: ignore[arg-type]
    assert export.to_labelme(box, "a.png")["shapes"][0] == {
        "label": "dog",
        "group_id": 0,
        "description": "score 0.1235",
        "shape_type": "rectangle",
        "flags": {},
        "points": [[20, 10], [60, 15]],
    }
