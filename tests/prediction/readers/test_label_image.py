"""Label images of other programs; ours are in tests/export/test_label_image.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seg_widgets import samples
from seg_widgets.errors import PredictionError
from seg_widgets.prediction import Prediction
from seg_widgets.testing import make_jpeg

LABELS = np.zeros((6, 8), np.uint16)
LABELS[1:3, 1:3] = 300
LABELS[4:, 5:] = 7


def test_an_array_and_a_file(tmp_path: Path) -> None:
    Image.fromarray(LABELS).save(tmp_path / "a.png")
    for source in (LABELS, LABELS.astype(np.int64), tmp_path / "a.png"):
        found = Prediction.from_label_image(source)
        assert found.class_names == ("object",)
        assert found.areas.tolist() == [6, 4]
        assert found.boxes.tolist() == [[5, 4, 8, 6], [1, 1, 3, 3]]
        assert found.scores.tolist() == [1, 1]


def test_names() -> None:
    assert Prediction.from_label_image(LABELS, class_names="cell").class_names == ("cell",)
    named = Prediction.from_label_image(LABELS, class_names={7: "b", 300: "a"})
    assert [each.class_name for each in named] == ["b", "a"]
    with pytest.raises(PredictionError, match="no name for the label 300"):
        Prediction.from_label_image(LABELS, class_names={7: "b"})


@pytest.mark.parametrize(
    "array", [np.zeros((3, 4, 3), np.uint8), np.zeros((3, 4)), np.zeros(4, int)]
)
def test_what_is_no_label_image(array: Any) -> None:
    with pytest.raises(PredictionError, match="H×W whole numbers"):
        Prediction.from_label_image(array)


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0 and no more")
    with pytest.raises(PredictionError, match="can't be read as a TIFF or PNG"):
        Prediction.from_label_image(tmp_path / "a.tif")
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png")
    with pytest.raises(PredictionError, match=r"it has colours \(RGB\)"):
        Prediction.from_label_image(tmp_path / "b.png")


def test_a_photograph_in_grey_is_none_and_many_small_objects_are(tmp_path: Path) -> None:
    with Image.open(samples()["rocket"]) as photograph:
        photograph.convert("L").save(tmp_path / "grey.png")
    with pytest.raises(PredictionError, match=r"looks like a photograph in grey.*give its array"):
        Prediction.from_label_image(tmp_path / "grey.png")
    with Image.open(tmp_path / "grey.png") as grey:
        assert len(Prediction.from_label_image(np.array(grey))) > 100
    # Objects of three by three pixels, side by side.
    numbers = np.arange(1, 30 * 30 + 1, dtype=np.uint16).reshape(30, 30)
    Image.fromarray(numbers.repeat(3, 0).repeat(3, 1)).save(tmp_path / "dense.png")
    assert len(Prediction.from_label_image(tmp_path / "dense.png")) == 900


def test_a_photograph_is_named_and_not_its_buffer(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(make_jpeg(16, 12))
    with pytest.raises(PredictionError, match=r"cat\.jpg is no label image") as caught:
        Prediction.from_label_image(tmp_path / "cat.jpg")
    assert "0x" not in str(caught.value)
