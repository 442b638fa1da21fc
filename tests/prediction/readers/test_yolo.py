"""YOLO's label files as predictions; round trips are in tests/export/test_yolo.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from seg_widgets.errors import PredictionError
from seg_widgets.prediction import Prediction


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text("1 0.1 0.1 0.5 0.1 0.5 0.5\n\n0 0.5 0.5 0.5 0.5\n")
    return path


def test_polygons_beside_boxes(labels: Path, tmp_path: Path) -> None:
    found = Prediction.from_yolo(labels, (40, 60))
    assert found.class_names == ("class 0", "class 1")
    assert found.boxes[1].tolist() == [15, 10, 45, 30]
    (tmp_path / "data.yaml").write_text("names: {0: cat, 1: dog, 2: cow}")
    named = Prediction.from_yolo(labels, (40, 60), tmp_path / "data.yaml")
    assert named.class_names == ("cat", "dog", "cow")
    assert Prediction.from_yolo(labels, (40, 60), ["cat", "dog"])[0].class_name == "dog"
    with pytest.raises(PredictionError, match="class id 1, but there are 1 class names"):
        Prediction.from_yolo(labels, (40, 60), ["cat"])
    (tmp_path / "data.yaml").write_text("nc: 3")
    with pytest.raises(PredictionError, match="has no names of classes"):
        Prediction.from_yolo(labels, (40, 60), tmp_path / "data.yaml")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("cat 0.1 0.2 0.3 0.4", "no number"),
        ("0 0.1 0.2 0.3", "3 numbers behind"),
        ("0 0.1 0.2 0.3 0.4 0.5 0.6 0.7", "7 numbers behind"),
        ("0 10 20 30 40", "not from 0 to 1"),
        ("0 nan 0 0 0", "not from 0 to 1"),
        ("-1 0.1 0.1 0.1 0.1", "4 numbers behind"),
    ],
)
def test_rows_that_are_not_yolos(row: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"0 0.5 0.5 0.1 0.1\n{row}\n")
    with pytest.raises(PredictionError, match=f"Line 2 of .*{said}"):
        Prediction.from_yolo(path, (40, 60))
