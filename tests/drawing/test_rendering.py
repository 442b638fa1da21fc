"""Drawing: masks, outlines and boxes on the image, cut-outs and thumbnails."""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.drawing import cutout, overlay, thumbnail
from seg_widgets.errors import PredictionError, SettingError
from seg_widgets.prediction import Prediction
from seg_widgets.style import (
    Style,
    class_color,
    luminance,
    score_color,
)
from seg_widgets.testing import StubPredictor, make_picture

from .scenes import GRAY, ONLY_MASKS, ONLY_OUTLINES, changed, rectangles


def test_a_mask_is_blended_with_its_colour_and_nothing_else_changes() -> None:
    image = make_picture(160, 100)
    result = overlay(
        image, rectangles((20, 30, 60, 70)), dataclasses.replace(ONLY_MASKS, opacity=0.5)
    )
    inside = np.zeros((100, 160), bool)
    inside[30:70, 20:60] = True
    np.testing.assert_array_equal(result[~inside], image[~inside])
    expected = (image[inside].astype(float) + class_color(0)) / 2
    np.testing.assert_allclose(result[inside], expected, atol=1)


@pytest.mark.parametrize("opacity", [0.0, 1.0])
def test_opacity_at_its_ends(opacity: float) -> None:
    result = overlay(
        GRAY, rectangles((20, 30, 60, 70)), dataclasses.replace(ONLY_MASKS, opacity=opacity)
    )
    assert result[50, 40].tolist() == (list(class_color(0)) if opacity else [128] * 3)


def test_the_smaller_instance_lies_on_top() -> None:
    style = dataclasses.replace(ONLY_MASKS, opacity=1.0)
    for places in ([(0, 0, 100, 100), (40, 40, 60, 60)], [(40, 40, 60, 60), (0, 0, 100, 100)]):
        prediction = rectangles(*places)
        small = int(prediction.areas.argmin())
        result = overlay(GRAY, prediction, style)
        assert tuple(result[50, 50].tolist()) == class_color(small)
        assert tuple(result[10, 10].tolist()) == class_color(1 - small)


def test_the_input_is_never_changed_and_the_result_is_new() -> None:
    image = make_picture(160, 100)
    before = image.copy()
    image.setflags(write=False)
    for style in (
        Style(),
        Style(boxes=True, color_by="instance"),
        Style(masks=False, outlines=False, labels=False),
    ):
        for prediction in (rectangles((20, 30, 60, 70)), Prediction.empty((100, 160))):
            result = overlay(image, prediction, style)
            assert result.dtype == np.uint8 and result.shape == image.shape
            assert result.flags.writeable and not np.shares_memory(result, image)
    np.testing.assert_array_equal(image, before)


def test_nothing_found_leaves_the_image() -> None:
    np.testing.assert_array_equal(
        overlay(GRAY, Prediction.empty((100, 160)), Style(boxes=True)), GRAY
    )


def test_views_of_other_arrays_work() -> None:
    image = make_picture(160, 100)
    expected = overlay(image, rectangles((20, 30, 60, 70)))
    flipped = image[::-1, :, ::-1].copy()[::-1, :, ::-1]
    assert not flipped.flags.c_contiguous
    np.testing.assert_array_equal(overlay(flipped, rectangles((20, 30, 60, 70))), expected)


def test_empty_masks_and_boxes_outside() -> None:
    prediction = Prediction.from_dense(
        np.zeros((3, 100, 160), bool),
        [0.9, 0.8, 0.7],
        [0, 1, 0],
        ("cat", "dog"),
        np.array([[0, 0, 0, 0], [-1e9, -5, 1e9, 1e9], [500, 500, 600, 600]]),
    )
    assert overlay(GRAY, prediction, Style(boxes=True)).shape == GRAY.shape


def test_more_colours_than_a_byte_counts() -> None:
    places = [(x, y, x + 4, y + 4) for y in range(0, 100, 5) for x in range(0, 160, 5)]
    prediction = rectangles(*places)
    assert len(prediction) > 600
    style = dataclasses.replace(ONLY_MASKS, color_by="instance", opacity=1.0, outlines=True)
    result = overlay(GRAY, prediction, dataclasses.replace(style, outlines=False))
    for index in (0, 255, 256, 600):
        x1, y1, _, _ = places[index]
        assert tuple(result[y1 + 1, x1 + 1].tolist()) == class_color(index)
    assert changed(GRAY, overlay(GRAY, prediction, style)).any()


def test_an_outline_follows_the_mask_and_its_holes() -> None:
    ring = np.zeros((1, 100, 160), bool)
    rows, columns = np.ogrid[:100, :160]
    distance = np.hypot(rows - 50, columns - 80)
    ring[0] = (distance < 40) & (distance > 20)
    prediction = Prediction.from_dense(ring, [0.9], [0], ("ring",))
    style = dataclasses.replace(ONLY_OUTLINES, line_width=2)
    result = overlay(GRAY, prediction, style)
    where = changed(GRAY, result)
    edge = np.minimum(np.abs(distance - 40), np.abs(distance - 20))
    assert not where[edge > 5].any()
    assert where[edge < 0.7].all()
    # On the edge itself the colour is the class's, with its halo beside it.
    on_edge = result[edge < 0.5].astype(int)
    assert np.abs(on_edge - class_color(0)).max(axis=1).mean() < 60


def test_an_outline_at_the_image_edge_stays_visible() -> None:
    result = overlay(
        GRAY, rectangles((0, 0, 160, 100)), dataclasses.replace(ONLY_OUTLINES, line_width=3)
    )
    for pixel in (result[0, 80], result[99, 80], result[50, 0], result[50, 159]):
        assert np.abs(pixel.astype(int) - class_color(0)).max() < 60
    assert not changed(GRAY, result)[10:90, 10:150].any()


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_line_width_is_in_pixels(width: int) -> None:
    style = Style(
        masks=False, outlines=False, boxes=True, labels=False, scores=False, line_width=width
    )
    result = overlay(GRAY, rectangles((40, 30, 120, 80)), style)
    column = result[:55, 80].astype(int)
    like_class = np.abs(column - class_color(0)).max(axis=1) < 50
    assert like_class.sum() == width
    assert like_class.argmax() == 30


@pytest.mark.parametrize("color", [class_color(3), (10, 10, 60)])
def test_a_line_keeps_apart_from_an_image_of_its_own_colour(color: tuple[int, int, int]) -> None:
    image = np.full((100, 160, 3), color, np.uint8)
    style = Style(masks=False, labels=False, scores=False, palette=(color,))
    result = overlay(image, rectangles((40, 30, 120, 80)), style)
    assert (
        max(abs(luminance(tuple(pixel)) - luminance(color)) for pixel in result[55, 30:50].tolist())
        > 0.15
    )


def test_boxes_are_drawn_where_they_are() -> None:
    style = Style(masks=False, outlines=False, boxes=True, labels=False, scores=False, line_width=1)
    result = overlay(GRAY, rectangles((40, 30, 120, 80)), style)
    for y, x in ((30, 80), (79, 80), (50, 40), (50, 119)):
        assert np.abs(result[y, x].astype(int) - class_color(0)).max() < 60
    assert not changed(GRAY, result)[34:76, 44:116].any()
    assert not changed(GRAY, result)[:27].any() and not changed(GRAY, result)[83:].any()


def test_a_prediction_without_masks_gets_its_boxes() -> None:
    prediction = dataclasses.replace(rectangles((40, 30, 120, 80)), masks=None)
    assert changed(GRAY, overlay(GRAY, prediction, ONLY_OUTLINES))[30, 40:120].all()


def test_a_one_pixel_image() -> None:
    prediction = Prediction.from_dense(np.ones((1, 1, 1), bool), [0.9], [0], ("cat",))
    assert overlay(np.zeros((1, 1, 3), np.uint8), prediction, Style(boxes=True)).shape == (1, 1, 3)


def test_an_image_of_another_size() -> None:
    with pytest.raises(PredictionError, match=r"160×100 pixels, but this one has 100×160"):
        overlay(np.zeros((160, 100, 3), np.uint8), rectangles((0, 0, 5, 5)))


@pytest.mark.parametrize(
    "image", [GRAY[..., 0], GRAY.astype(float), np.dstack((GRAY, GRAY)), "photo.jpg", None]
)
def test_what_is_no_image(image: Any) -> None:
    for draw in (overlay, lambda given, prediction: cutout(given, prediction, 0)):
        with pytest.raises(SettingError, match="H×W×3 uint8 RGB"):
            draw(image, rectangles((0, 0, 5, 5)))


def test_only_some_are_drawn_in_the_colours_that_they_have_among_all() -> None:
    prediction = rectangles((0, 0, 40, 40), (50, 0, 90, 40), (100, 0, 140, 40))
    style = dataclasses.replace(ONLY_MASKS, color_by="instance", opacity=1.0)
    whole = overlay(GRAY, prediction, style)
    chosen = overlay(GRAY, prediction, style, only=[2, 0])
    np.testing.assert_array_equal(chosen[:, :50], whole[:, :50])
    np.testing.assert_array_equal(chosen[:, 95:], whole[:, 95:])
    assert not changed(GRAY, chosen)[:, 50:95].any()
    np.testing.assert_array_equal(
        overlay(GRAY, prediction, style, only=prediction.keep(0, ["dog"])), chosen
    )
    np.testing.assert_array_equal(overlay(GRAY, prediction, style, only=[]), GRAY)
    with pytest.raises(SettingError, match="3 here"):
        overlay(GRAY, prediction, style, only=[3])


def test_a_colour_can_tell_the_score() -> None:
    prediction = rectangles((0, 0, 40, 40), (50, 0, 90, 40), scores=[1.0, 0.25])
    result = overlay(
        GRAY, prediction, dataclasses.replace(ONLY_MASKS, color_by="score", opacity=1.0)
    )
    assert tuple(result[20, 20]) == score_color(1) == (253, 231, 37)
    assert tuple(result[20, 70]) == score_color(0.25) == (59, 82, 139)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 60),
    st.integers(1, 60),
    st.lists(
        st.tuples(st.integers(0, 39), st.integers(0, 39), st.integers(1, 40), st.integers(1, 40)),
        max_size=4,
    ),
)
@settings(deadline=None)
def test_a_thumbnail_fits_and_keeps_the_sides(
    height: int, width: int, most_high: int, most_wide: int, boxes: list[tuple[int, int, int, int]]
) -> None:
    stack = np.zeros((len(boxes), height, width), bool)
    for plane, (x, y, wide, high) in zip(stack, boxes, strict=True):
        plane[y : y + high, x : x + wide] = True
    count = len(boxes)
    prediction = Prediction.from_dense(stack, np.full(count, 0.9), np.zeros(count), ("cat",))
    image = np.full((height, width, 3), 128, np.uint8)
    small = thumbnail(image, prediction, most_wide, most_high)
    assert small.shape[0] <= max(most_high, 1) and small.shape[1] <= max(most_wide, 1)
    assert small.shape[0] <= height and small.shape[1] <= width
    scale = min(most_wide / width, most_high / height, 1)
    assert abs(small.shape[1] - width * scale) <= 0.5 or small.shape[1] == 1
    assert abs(small.shape[0] - height * scale) <= 0.5 or small.shape[0] == 1
    assert (image == 128).all()


def test_a_thumbnail_shows_its_masks_where_they_are() -> None:
    prediction = rectangles((80, 0, 160, 100))
    small = thumbnail(GRAY, prediction, 80, 80)
    assert small.shape == (50, 80, 3)
    drawn = changed(np.full_like(small, 128), small)
    assert drawn[:, 42:].all()
    assert not drawn[:, :38].any()
    with pytest.raises(PredictionError, match="for an image of 160×100"):
        thumbnail(GRAY[:50], prediction, 80, 80)


def test_cutout() -> None:
    image = make_picture(160, 100)
    prediction = rectangles((20, 30, 60, 70))
    result = cutout(image, prediction, 0)
    np.testing.assert_array_equal(result[..., :3], image[30:70, 20:60])
    assert (result[..., 3] == 255).all()
    hole = np.zeros((1, 100, 160), bool)
    hole[0, 10:20, 10:20] = np.eye(10, dtype=bool)
    result = cutout(image, Prediction.from_dense(hole, [1], [0], ("cat",)), 0)
    np.testing.assert_array_equal(result[..., 3], np.eye(10) * 255)
    assert not result[~np.eye(10, dtype=bool)].any()


def test_cutouts_without_a_mask() -> None:
    image = make_picture(160, 100)
    boxes = [[-5, 90.5, 10.2, 200], [300, 300, 310, 310]]
    prediction = Prediction((100, 160), boxes, [1, 1], [0, 0], ("cat",))  # type: ignore[arg-type]
    np.testing.assert_array_equal(cutout(image, prediction, 0)[..., :3], image[90:100, 0:11])
    assert cutout(image, prediction, 1).tolist() == [[[0, 0, 0, 0]]]
    empty = Prediction.from_dense(np.zeros((1, 100, 160), bool), [1], [0], ("cat",))
    assert cutout(image, empty, 0).tolist() == [[[0, 0, 0, 0]]]
    with pytest.raises(IndexError):
        cutout(image, empty, 1)


def test_a_class_has_its_colour_in_every_image() -> None:
    style = dataclasses.replace(ONLY_MASKS, opacity=1.0)
    both = rectangles((0, 0, 50, 50), (60, 0, 100, 50))
    dog = overlay(GRAY, both.select([1]), style)[10, 80]
    np.testing.assert_array_equal(dog, overlay(GRAY, both, style)[10, 80])
    by_instance = dataclasses.replace(style, color_by="instance")
    assert overlay(GRAY, both, by_instance)[10, 80].tolist() == list(class_color(1))
    assert overlay(GRAY, rectangles((0, 0, 9, 9), (20, 0, 29, 9), names=("cat",)), by_instance)[
        5, 25
    ].tolist() == list(class_color(1))


def test_a_palette_of_ones_own() -> None:
    style = dataclasses.replace(ONLY_MASKS, opacity=1.0, palette=[[1, 2, 3]])  # type: ignore[arg-type]
    assert overlay(GRAY, rectangles((0, 0, 50, 50), (60, 0, 100, 50)), style)[10, 80].tolist() == [
        1,
        2,
        3,
    ]
    assert style.palette == ((1, 2, 3),)


def test_time_does_not_grow_with_pixels_times_instances() -> None:
    """100 instances at 1280×960 cost far less than 100 blends of the whole image."""
    image = make_picture(1280, 960)
    prediction = StubPredictor(100)(image)
    overlay(image, prediction)
    ours = min(timed(lambda: overlay(image, prediction, ONLY_MASKS)) for _ in range(3))
    one_blend = min(timed(lambda: cv2.addWeighted(image, 0.5, image, 0.5, 0)) for _ in range(5))
    assert ours < 40 * one_blend


def timed(call: Any) -> float:
    start = cv2.getTickCount()
    call()
    return float((cv2.getTickCount() - start) / cv2.getTickFrequency())
