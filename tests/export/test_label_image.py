"""Label images: the numbers of instances, what is on top, and what comes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seg_widgets import export
from seg_widgets.errors import ExportError, PredictionError
from seg_widgets.export.label_image import label_image_bytes
from seg_widgets.prediction import MaskCrop, Prediction

from ..shapes_to_export import SHAPES, ious
from .results import BOXES_ONLY


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_all_but_what_is_covered_comes_back(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"labels{suffix}"
    path.write_bytes(label_image_bytes(SHAPES, suffix, file_name="Tür.jpg"))
    found = Prediction.from_label_image(path)
    assert found.class_names == SHAPES.class_names
    np.testing.assert_array_equal(found.class_ids, SHAPES.class_ids)
    np.testing.assert_allclose(found.scores, SHAPES.scores, atol=1e-6)
    np.testing.assert_array_equal(found.boxes, SHAPES.boxes)
    values = ious(found)
    # One of the two disks that overlap lies below the other.
    assert [value for value in values if value < 1] == [min(values)]
    np.testing.assert_array_equal(found.masks_dense().any(axis=0), SHAPES.masks_dense().any(axis=0))


def test_some_keep_their_numbers() -> None:
    labels = export.to_label_image(SHAPES, only=[2, 6])
    assert np.unique(labels).tolist() == [0, 3, 7]


def test_more_instances_than_sixteen_bits_hold(tmp_path: Path) -> None:
    count = 65_540
    places = [divmod(index, 300) for index in range(count)]
    masks = tuple(MaskCrop(x, y, 1, 1, b"\x80") for y, x in places)
    boxes = np.array([[x, y, x + 1, y + 1] for y, x in places], np.float32)
    many = Prediction(
        (220, 300), boxes, np.ones(count, np.float32), np.zeros(count, np.int64), ("cell",), masks
    )
    with pytest.raises(ExportError, match=r"no number above 65535\. Export the label"):
        label_image_bytes(many, ".png")
    path = tmp_path / "labels.tif"
    path.write_bytes(label_image_bytes(many, ".tif"))
    assert Prediction.from_label_image(path) == many


def test_boxes_have_no_label_image() -> None:
    with pytest.raises(PredictionError, match="boxes only"):
        export.to_label_image(BOXES_ONLY)
