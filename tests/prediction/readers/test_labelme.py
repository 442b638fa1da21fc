"""LabelMe's files as predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seg_widgets import export
from seg_widgets.errors import PredictionError
from seg_widgets.prediction import Prediction

from ...shapes_to_export import PLANES, SHAPES, ious


def _file(*shapes: dict[str, Any]) -> dict[str, Any]:
    return {"shapes": list(shapes), "imageHeight": 20, "imageWidth": 30}


def test_polygons_lose_holes_only() -> None:
    content = export.to_labelme(SHAPES, "a.png", masks="polygon")
    values = dict(zip(PLANES, ious(Prediction.from_labelme(content)), strict=True))
    assert {name for name, value in values.items() if value < 1} == {
        *("hole", "two holes", "island in a hole", "ring touching itself"),
    }


def test_shapes_of_other_kinds() -> None:
    found = Prediction.from_labelme(
        _file(
            {"label": "a", "shape_type": "rectangle", "points": [[10, 8], [2, 3]]},
            {"label": "b", "shape_type": "circle", "points": [[15, 10], [15, 15]]},
            {"label": "c", "shape_type": "line", "points": [[1, 1], [2, 2]]},
            {"label": "b", "points": [[1, 1], [5, 1], [5, 5]], "description": "score 0.25"},
        )
    )
    assert found.class_names == ("a", "b")
    assert found.areas[0] == 40
    assert found.areas[1] == pytest.approx(np.pi * 25, rel=0.06)
    assert found.scores.tolist() == [1, 1, 0.25]
    boxes = Prediction.from_labelme(
        _file({"label": "a", "shape_type": "rectangle", "points": [[10, 8], [2, 3]]})
    )
    assert boxes.masks is None and boxes.boxes.tolist() == [[2, 3, 10, 8]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "not in LabelMe's format"),
        ({"shapes": []}, "not in LabelMe's format"),
        (_file({"points": []}), "not in LabelMe's format"),
        (_file({"label": "a", "points": [["x", 1]]}), r'"shapes"\[0\] is damaged'),
        (
            _file(
                {"label": "a", "shape_type": "line", "points": []},
                {"label": "a", "shape_type": "rectangle", "points": [[0, 1]]},
            ),
            r'"shapes"\[1\] is damaged',
        ),
        (_file({"label": None, "points": [[0, 0], [1, 0], [1, 1]]}), "not in LabelMe's format"),
        (_file({"label": "a", "points": [[float("nan"), 1]] * 3}), "not finite"),
        (_file({"label": "a", "shape_type": "mask", "points": [[0, 0]], "mask": "!"}), "damaged"),
        ({"shapes": [], "imageHeight": 0, "imageWidth": 9}, "can't be read"),
    ],
)
def test_what_is_not_labelmes(content: Any, said: str) -> None:
    with pytest.raises(PredictionError, match=said):
        Prediction.from_labelme(content)


def test_a_label_without_a_class() -> None:
    content = export.to_labelme(SHAPES, "a.png")
    with pytest.raises(PredictionError, match="The label Tür is not in class_names"):
        Prediction.from_labelme(content, class_names=["person", "traffic light"])
