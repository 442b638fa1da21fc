"""YOLO's labels: one row an instance, filled by OpenCV's rule."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from seg_widgets import export
from seg_widgets.errors import SettingError
from seg_widgets.prediction import Prediction

from ..shapes_to_export import HEIGHT, PLANES, SHAPES, WIDTH, ious
from .results import BOXES_ONLY, FOUND, IMAGE, NOTHING


def test_masks_of_one_piece_without_holes_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(export.to_yolo(SHAPES))
    found = Prediction.from_yolo(path, (HEIGHT, WIDTH), SHAPES.class_names)
    values = dict(zip(PLANES, ious(found), strict=True))
    lossy = {"hole", "two holes", "island in a hole", "pieces", "ring touching itself"}
    assert {name for name, value in values.items() if value < 1} == lossy
    assert min(values.values()) > 0.65
    np.testing.assert_array_equal(found.class_ids, SHAPES.class_ids)


def test_boxes_are_rows_of_five(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(export.to_yolo(BOXES_ONLY))
    assert {len(line.split()) for line in path.read_text().splitlines()} == {5}
    found = Prediction.from_yolo(path, BOXES_ONLY.image_size)
    assert found.masks is None
    np.testing.assert_allclose(found.boxes, BOXES_ONLY.boxes, atol=1e-3)
    assert export.to_yolo(NOTHING) == ""


def test_the_archive_is_a_data_set() -> None:
    made = export.make("yolo", export.Result(IMAGE, FOUND, "a b.jpg"))
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        assert archive.namelist() == ["data.yaml", "images/a b.png", "labels/a b.txt"]
        names = yaml.safe_load(archive.read("data.yaml"))["names"]
    assert tuple(names[class_id] for class_id in range(len(names))) == FOUND.class_names


def test_several_images_have_labels_each(tmp_path: Path) -> None:
    path = export.save_together("yolo", ["in/a.jpg", "b.png"], [FOUND, NOTHING], tmp_path, "all")
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["data.yaml", "labels/a.txt", "labels/b.txt"]
        assert archive.read("labels/b.txt") == b""
    twice = export.save_together("yolo", ["a.jpg", "a.png"], [FOUND, FOUND], tmp_path, "b")
    with zipfile.ZipFile(twice) as archive:
        assert archive.namelist()[1:] == ["labels/a.txt", "labels/a (2).txt"]
    names = ["a.png", "a.jpg", "a (2).png", "a.webp"]
    path = export.save_together("yolo", names, [FOUND, NOTHING, FOUND, FOUND], tmp_path, "c")
    with zipfile.ZipFile(path) as archive:
        assert [name[7:-4] for name in archive.namelist()[1:]] == ["a", "a (3)", "a (2)", "a (4)"]
    other = Prediction.empty((5, 5), ("cell",))
    with pytest.raises(SettingError, match="one list of classes"):
        export.save_together("yolo", ["a", "b"], [FOUND, other], tmp_path, "all")
