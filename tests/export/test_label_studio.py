"""Label Studio gets what is there: brushes without loss, polygons, boxes, and the config."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest

from seg_widgets import export
from seg_widgets.errors import SettingError
from seg_widgets.export.label_studio import brush_rle
from seg_widgets.prediction import MaskCrop, Prediction

from ..polygons import fill
from ..shapes_to_export import HEIGHT, PLANES, SHAPES, WIDTH
from .results import BOXES_ONLY, FOUND, NOTHING

# An image of 200×50, so that no side is taken for the other, and scores of more digits than a file
# has.
BOX = Prediction(
    (50, 200),
    np.array([[20, 10, 60, 15], [1, 2, 3, 4]], np.float32),
    np.array([0.123456789, 0.5], np.float32),
    np.array([1, 0]),
    ("cat", "dog"),
)


def test_polygons_and_boxes() -> None:
    task = export.to_label_studio(FOUND, "/data/a.png", masks="polygon")
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


def decoded(packed: list[int], height: int, width: int) -> npt.NDArray[np.uint8]:
    """What Label Studio makes of a brush (`decode_rle` of its converter), H×W×4."""
    bits = "".join(f"{byte:08b}" for byte in packed)
    at = 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    count = take(32)
    word = take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    values: list[int] = []
    while len(values) < count:
        repeats = take(1)
        length = take(sizes[take(2)]) + 1
        if repeats:
            values += [take(word)] * length
        else:
            values += [take(word) for _ in range(length)]
    return np.array(values, np.uint8).reshape(height, width, 4)


@pytest.mark.parametrize("name", PLANES)
def test_a_brush_loses_nothing(name: str) -> None:
    packed = brush_rle(MaskCrop.from_array(PLANES[name]), (HEIGHT, WIDTH))
    expected = np.repeat(PLANES[name][:, :, None] * np.uint8(255), 4, axis=2)
    np.testing.assert_array_equal(decoded(packed, HEIGHT, WIDTH), expected)


def test_runs_that_are_longer_than_a_length_holds() -> None:
    mask = np.zeros((300, 400), bool)
    mask[50:250] = True
    packed = brush_rle(MaskCrop.from_array(mask), mask.shape)
    np.testing.assert_array_equal(decoded(packed, 300, 400)[..., 3] > 0, mask)


def test_a_task_has_the_config_that_it_needs() -> None:
    task = export.to_label_studio(SHAPES, "a.png")
    kinds = {region["type"] for region in task["predictions"][0]["result"]}
    assert kinds == {"brushlabels"}
    view = ElementTree.fromstring(task["meta"]["labeling_config"])
    labels = view.find("BrushLabels")
    assert labels is not None and labels.get("toName") == view.find("Image").get("name")  # type: ignore[union-attr]
    assert [label.get("value") for label in labels] == list(SHAPES.class_names)
    odd = export.label_studio_config(['<a> & "b"'], "polygon")
    assert ElementTree.fromstring(odd).find("PolygonLabels/Label").get("value") == '<a> & "b"'  # type: ignore[union-attr]
    assert "RectangleLabels" in export.to_label_studio(BOX, "a")["meta"]["labeling_config"]
    with pytest.raises(SettingError, match='masks is "brush" or "polygon"'):
        export.to_label_studio(SHAPES, "a.png", masks="rle")  # type: ignore[arg-type]


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
    regions = export.to_label_studio(pieces, "a", masks="polygon")["predictions"][0]["result"]
    assert [(region["id"], region["type"]) for region in regions] == [
        ("i0-0", "polygonlabels"),
        ("i0-1", "polygonlabels"),
    ]
    assert all(region["value"]["closed"] is True for region in regions)
    corners = {tuple(point) for region in regions for point in region["value"]["points"]}
    assert (25.0, 20.0) in corners and (80.0, 90.0) in corners
