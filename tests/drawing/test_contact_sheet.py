"""The contact sheet: a tile for each instance."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from seg_widgets.drawing import contact_sheet
from seg_widgets.errors import SettingError
from seg_widgets.prediction import Prediction
from seg_widgets.style import Style
from seg_widgets.testing import make_picture

from ..shapes_to_export import HEIGHT, SHAPES, WIDTH

IMAGE = make_picture(WIDTH, HEIGHT)


def test_a_tile_for_each_in_a_square() -> None:
    sheet = contact_sheet(IMAGE, SHAPES, tile_px=100)
    assert sheet.shape == (3 * (100 + 24 + 8) + 8, 4 * (100 + 8) + 8, 3)
    one = contact_sheet(IMAGE, SHAPES, only=[3], tile_px=100)
    assert one.shape == (100 + 24 + 8 + 8, 100 + 8 + 8, 3)
    assert contact_sheet(IMAGE, SHAPES, only=[]).shape[1] == 176
    with pytest.raises(SettingError, match="not among"):
        contact_sheet(IMAGE, SHAPES, only=[99])


def test_boxes_empty_masks_and_long_names() -> None:
    boxes = dataclasses.replace(SHAPES, masks=None, class_names=("w" * 300, "b", "c"))
    sheet = contact_sheet(IMAGE, boxes, Style(boxes=True), tile_px=100)
    assert (sheet != 246).any()
    empty = Prediction.from_dense(np.zeros((1, HEIGHT, WIDTH), bool), [1], [0], ["a"])
    assert contact_sheet(IMAGE, empty, tile_px=100).shape == (140, 116, 3)
