"""The contact sheet: a tile for each instance."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from seg_widgets.drawing import contact_sheet, overlay
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


def test_names_that_can_not_be_drawn_as_they_are() -> None:
    """Neither in a sheet nor in an overlay: line breaks, escapes, half of a character."""
    for name in ("\n", "a\nb", "\x1b[31m", "\udcff", "\0", ""):
        boxes = dataclasses.replace(SHAPES, class_names=(name, "b", "c"))
        assert (contact_sheet(IMAGE, boxes, tile_px=100) != 246).any()
        for style in (Style(), Style(scores=False)):
            assert (overlay(IMAGE, boxes, style) != IMAGE).any()


def test_tiles_of_small_instances_are_small_and_each_has_its_own_pixels_and_color() -> None:
    planes = np.zeros((1200, 400, 400), bool)
    for index, plane in enumerate(planes):
        row, column = divmod(index, 40)
        plane[row * 10 : row * 10 + 4, column * 10 : column * 10 + 4] = True
    many = Prediction.from_dense(planes, np.full(1200, 0.5), np.zeros(1200, int), ["cell"])
    image = make_picture(400, 400)
    bare = Style(masks=False, outlines=False)
    sheet = contact_sheet(image, many, bare)
    assert sheet.shape == (35 * (100 + 24 + 8) + 8, 35 * (100 + 8) + 8, 3)
    # Instance 1041 (row 29, column 26 of the sheet) stands at (10, 260), with 3 pixels around it.
    tile = sheet[8 + 29 * 132 :][:100, 8 + 26 * 108 :][:, :100]
    np.testing.assert_array_equal(tile[45:55, 45:55], image[257:267, 7:17])
    colors = Style(
        outlines=False, opacity=1, palette=((255, 0, 0), (0, 0, 255)), color_by="instance"
    )
    drawn = contact_sheet(image, many, colors)[8 + 29 * 132 :][:100, 8 + 26 * 108 :][:, :100]
    np.testing.assert_array_equal(drawn[48:52, 48:52], np.broadcast_to([0, 0, 255], (4, 4, 3)))
