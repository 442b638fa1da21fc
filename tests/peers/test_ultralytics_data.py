"""Our YOLO export, read by Ultralytics' own data set."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import yaml
from ultralytics.data.dataset import YOLODataset

from seg_widgets import export
from seg_widgets.testing import make_picture

from ..shapes_to_export import HEIGHT, PLANES, SHAPES, WIDTH

# Holes are filled, and pieces are joined by a line.
LOSSY = {"hole", "two holes", "island in a hole", "pieces", "ring touching itself", "diagonal"}


def test_a_yolo_data_set(tmp_path: Path) -> None:
    image = make_picture(WIDTH, HEIGHT)
    made = export.make("yolo", export.Result(image, SHAPES, "photo.png"))
    (tmp_path / made.name).write_bytes(made.data)
    with zipfile.ZipFile(tmp_path / made.name) as archive:
        archive.extractall(tmp_path)
    data = yaml.safe_load((tmp_path / "data.yaml").read_text())
    read = YOLODataset(
        img_path=str(tmp_path / "images"), data=data, task="segment", augment=False, imgsz=WIDTH
    )
    (label,) = read.labels
    assert label["cls"].ravel().astype(int).tolist() == SHAPES.class_ids.tolist()
    found = {}
    for name, points, mask in zip(PLANES, label["segments"], SHAPES.masks_dense(), strict=True):
        # As ultralytics.data.utils.polygon2mask does it.
        plane = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.fillPoly(plane, [(points * (WIDTH, HEIGHT)).astype(np.int32)], 1)
        found[name] = float((plane.astype(bool) & mask).sum() / (plane.astype(bool) | mask).sum())
    print({name: round(value, 3) for name, value in found.items()})
    assert {name for name, value in found.items() if value < 1} <= LOSSY
