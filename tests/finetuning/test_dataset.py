"""A data set in memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from seg_widgets.finetuning import LabelledImage, read_dataset

from ..shapes import HEIGHT, WIDTH, write_shapes


def test_a_camera_that_was_turned(tmp_path: Path) -> None:
    folder = tmp_path
    write_shapes(folder, 4)
    turned = Image.new("RGB", (WIDTH, HEIGHT), (9, 9, 9))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(folder / "images" / "001.png", exif=exif)
    as_stored = read_dataset(folder).images[0]
    assert not as_stored.upright
    assert as_stored.load().shape[:2] == (HEIGHT, WIDTH)
    data = json.loads((folder / "instances.json").read_text())
    data["images"][0].update(height=WIDTH, width=HEIGHT)
    (folder / "instances.json").write_text(json.dumps(data))
    as_shown = read_dataset(folder).images[0]
    assert as_shown.upright
    assert as_shown.load().shape[:2] == (WIDTH, HEIGHT)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_undone(tmp_path: Path, orientation: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (6, 9, 3), np.uint8)
    stored = Image.fromarray(pixels)
    exif = stored.getexif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    stored.save(path, exif=exif)
    with Image.open(path) as opened:
        shown = ImageOps.exif_transpose(opened).size[::-1]
    assert (LabelledImage(path, (6, 9), (), upright=False).load() == pixels).all()
    assert LabelledImage(path, shown, ()).load().shape[:2] == shown


def test_another_data_sets_classes_are_matched_by_name(tmp_path: Path) -> None:
    write_shapes(tmp_path, 2, names=("box", "ring"))
    told = read_dataset(tmp_path).for_classes(("disc", "box"))
    assert told.class_names == ("disc", "box")
    assert told.counts() == {"disc": 0, "box": 2}
    assert [str(problem) for problem in told.problems] == [
        "image 001.png: its class 'ring' is none that is learned",
        "image 002.png: its class 'ring' is none that is learned",
    ]
