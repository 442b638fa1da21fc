"""Prediction.plot: what Agg paints of it, checked on the pixels, and its artists."""

from __future__ import annotations

import dataclasses
import io
import sys
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from seg_widgets.errors import DependencyError, PredictionError, SettingError
from seg_widgets.prediction import Prediction
from seg_widgets.style import Style, class_color, score_color
from seg_widgets.testing import StubPredictor, make_picture

NAMES = ("cat", "dog")
PLAIN: dict[str, Any] = {"labels": False, "scores": False}
FILLED: dict[str, Any] = {**PLAIN, "outlines": False, "opacity": 1.0}


@pytest.fixture(autouse=True)
def plain_axes() -> Iterator[None]:
    # A reader's own settings must not change what is looked at here.
    with mpl.rc_context(), mpl.rc_context({"figure.dpi": 100, "savefig.dpi": 100}):
        yield


def axes_of(width: int, height: int, scale: int = 4) -> Axes:
    """Axes that fill a figure of `scale` screen pixels for each pixel of the image."""
    figure = Figure(figsize=(width * scale / 100, height * scale / 100), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    return axes


def pixels(axes: Axes) -> npt.NDArray[np.uint8]:
    canvas: Any = FigureCanvasAgg(axes.get_figure(root=True))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def of_stack(stack: npt.NDArray[np.bool_], **parts: Any) -> Prediction:
    scores = parts.get("scores", np.linspace(0.9, 0.5, len(stack)))
    return Prediction.from_dense(stack, scores, np.arange(len(stack)) % 2, NAMES)


@given(hnp.arrays(np.bool_, st.tuples(st.integers(2, 12), st.integers(2, 12))))
@settings(deadline=None, max_examples=40)
def test_a_mask_is_painted_pixel_by_pixel_holes_included(plane: npt.NDArray[np.bool_]) -> None:
    height, width = plane.shape
    axes = of_stack(plane[None]).plot(axes_of(width, height, 8), **FILLED)
    shown = pixels(axes)
    # Corners are cut, so the middle of each pixel is what tells.
    middles = shown[4::8, 4::8]
    assert middles.shape[:2] == plane.shape
    np.testing.assert_array_equal((middles == class_color(0)).all(axis=2), plane)
    np.testing.assert_array_equal((middles == 255).all(axis=2), ~plane)


def test_it_lies_where_imshow_puts_the_image() -> None:
    image = np.full((40, 60, 3), 255, np.uint8)
    image[10:30, 20:50] = 0
    prediction = of_stack((image[..., 0] == 0)[None])
    for axes in (prediction.plot(axes_of(60, 40), image, **FILLED), axes_of(60, 40)):
        if not axes.images:
            axes.imshow(image)
            assert prediction.plot(axes, **FILLED) is axes
        assert len(axes.images) == 1
        shown = pixels(axes)
        assert (shown[42:118, 82:198] == class_color(0)).all(), "the black rectangle is covered"
        outside = np.delete(shown, slice(38, 122), axis=0)
        assert (outside == 255).all()


def test_without_an_image_the_axes_get_its_shape() -> None:
    axes = of_stack(np.ones((1, 40, 60), bool)).plot(axes_of(60, 40), **PLAIN)
    assert axes.get_xlim() == (-0.5, 59.5)
    assert axes.get_ylim() == (39.5, -0.5)
    assert axes.get_aspect() == 1


def test_the_smaller_lies_on_top_and_colours_are_the_classes() -> None:
    stack = np.zeros((2, 40, 60), bool)
    stack[0, 15:25, 20:30] = True
    stack[1, 5:35, 10:50] = True
    shown = pixels(of_stack(stack).plot(axes_of(60, 40), **FILLED))
    assert tuple(shown[80, 100]) == class_color(0)
    assert tuple(shown[40, 60]) == class_color(1)
    shown = pixels(
        of_stack(stack, scores=[0.25, 1]).plot(axes_of(60, 40), color_by="score", **FILLED)
    )
    assert tuple(shown[80, 100]) == score_color(0.25)
    assert tuple(shown[40, 60]) == score_color(1)


def test_an_outline_runs_along_the_edge() -> None:
    stack = np.zeros((1, 40, 60), bool)
    stack[0, 10:30, 20:50] = True
    shown = pixels(of_stack(stack).plot(axes_of(60, 40), masks=False, line_width=2, **PLAIN))
    inked = (shown != 255).any(axis=2)
    assert inked[80, 78:82].any(), "its left edge, at the column 20 of 4 screen pixels each"
    assert not inked[80, 84:196].any(), "nothing inside"
    assert not inked[:36].any()


def test_boxes_are_drawn_when_asked_or_when_there_is_nothing_else() -> None:
    stack = np.zeros((1, 40, 60), bool)
    stack[0, 10:30, 20:50] = np.tri(20, 30, dtype=bool)
    prediction = of_stack(stack)
    bare = pixels(prediction.plot(axes_of(60, 40), **PLAIN))
    boxed = pixels(prediction.plot(axes_of(60, 40), boxes=True, **PLAIN))
    only = pixels(dataclasses.replace(prediction, masks=None).plot(axes_of(60, 40), **PLAIN))
    corner = np.s_[38:44, 150:152]  # the triangle does not come here, its box does
    assert (bare[corner] == 255).all()
    assert (boxed[corner] != 255).any()
    assert (only[corner] != 255).any()


def test_a_legend_has_each_class_once() -> None:
    found = StubPredictor(8)(make_picture(80, 60))
    axes = found.plot(axes_of(80, 60))
    _, names = axes.get_legend_handles_labels()
    assert sorted(names) == sorted(found.counts())
    handles, _ = axes.get_legend_handles_labels()
    for handle, name in zip(handles, names, strict=True):
        color = class_color(found.class_names.index(name))
        assert handle.get_edgecolor()[:3] == pytest.approx([part / 255 for part in color])  # type: ignore[attr-defined]
    assert axes.legend() is not None
    pixels(axes)
    _, names = found.plot(axes_of(80, 60), color_by="instance").get_legend_handles_labels()
    assert sorted(names) == sorted(f"{instance.index} {instance.class_name}" for instance in found)
    assert found.plot(axes_of(80, 60), color_by="score").get_legend_handles_labels() == ([], [])


@pytest.mark.parametrize(
    ("settings", "texts"),
    [
        ({}, ["$x$ 0.90"]),
        ({"scores": False}, ["$x$"]),
        ({"labels": False}, ["0.90"]),
        (PLAIN, []),
    ],
)
def test_labels_say_name_and_score_and_are_no_formulas(
    settings: dict[str, Any], texts: list[str]
) -> None:
    prediction = dataclasses.replace(
        of_stack(np.ones((1, 40, 60), bool)), class_names=("$x$", "dog")
    )
    axes = prediction.plot(axes_of(60, 40), **settings)
    assert [text.get_text() for text in axes.texts] == texts
    assert not any(text.get_parse_math() for text in axes.texts)
    pixels(axes)


def test_it_is_vectors_in_svg() -> None:
    axes = StubPredictor(5)(make_picture(80, 60)).plot(axes_of(80, 60))
    text = io.StringIO()
    axes.get_figure(root=True).savefig(text, format="svg")  # type: ignore[union-attr]
    assert "<image" not in text.getvalue()
    assert text.getvalue().count('id="patch_') >= 5


def test_the_current_axes_are_the_default() -> None:
    with mpl.rc_context({"backend": "Agg"}):
        from matplotlib import pyplot

        figure, ax = pyplot.subplots()
        try:
            assert of_stack(np.ones((1, 4, 6), bool)).plot() is ax
        finally:
            pyplot.close(figure)


def test_nothing_and_empty_masks_leave_the_image() -> None:
    image = make_picture(80, 60)
    bare = axes_of(80, 60)
    bare.imshow(image)
    for prediction in (Prediction.empty((60, 80)), of_stack(np.zeros((2, 60, 80), bool))):
        axes = prediction.plot(axes_of(80, 60), image, **PLAIN)
        np.testing.assert_array_equal(pixels(axes), pixels(bare))


def test_mistakes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    prediction = of_stack(np.ones((1, 40, 60), bool))
    with pytest.raises(PredictionError, match="60×40"):
        prediction.plot(axes_of(60, 40), make_picture(80, 60))
    with pytest.raises(SettingError, match="uint8"):
        prediction.plot(axes_of(60, 40), np.zeros((40, 60, 3)))  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="color_by"):
        prediction.plot(axes_of(60, 40), color_by="rainbow")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="opacity"):
        prediction.plot(axes_of(60, 40), opacity=2)
    axes = axes_of(60, 40)
    monkeypatch.setitem(sys.modules, "matplotlib.patches", None)
    with pytest.raises(DependencyError, match="pip install matplotlib"):
        prediction.plot(axes)


def test_a_style_is_drawn_as_its_settings_one_by_one() -> None:
    found = StubPredictor(5)(make_picture(80, 60))
    style = Style(color_by="score", opacity=0.8, boxes=True, labels=False, line_width=30)
    one_by_one = {"color_by": "score", "opacity": 0.8, "boxes": True, "labels": False}
    expected = pixels(found.plot(axes_of(80, 60), **one_by_one))  # type: ignore[arg-type]
    np.testing.assert_array_equal(pixels(found.plot(axes_of(80, 60), style=style)), expected)
    both = found.plot(axes_of(80, 60), style=Style(labels=False), **{**one_by_one, "labels": False})  # type: ignore[arg-type]
    np.testing.assert_array_equal(pixels(both), expected)
    own = pixels(found.plot(axes_of(80, 60), palette=((1, 2, 3),), **FILLED))
    assert (own == (1, 2, 3)).all(axis=2).any()


def test_letters_may_be_smaller_than_on_an_image() -> None:
    axes = of_stack(np.ones((1, 40, 60), bool)).plot(axes_of(60, 40), font_size=4)
    assert axes.texts[0].get_fontsize() == 4


@pytest.mark.parametrize("width_in", [3.4, 7.0, 1.6])
def test_labels_stay_inside_the_axes(width_in: float) -> None:
    stack = np.zeros((4, 40, 60), bool)
    for plane, (row, column) in zip(stack, ((0, 55), (0, 0), (36, 50), (20, 30)), strict=True):
        plane[row : row + 4, column : column + 5] = True
    names = ("a class of a long name", "dog")
    prediction = Prediction.from_dense(stack, [0.9] * 4, [0] * 4, names)
    figure = Figure(figsize=(width_in, width_in / 1.5), dpi=100)
    axes = prediction.plot(figure.add_subplot(), make_picture(60, 40))
    assert len(axes.texts) == 4
    for dpi in (100, 300):
        figure.set_dpi(dpi)
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        for text in axes.texts:
            patch = text.get_bbox_patch()
            assert patch is not None
            extent = patch.get_window_extent(canvas.get_renderer())
            assert axes.bbox.x0 - 1 <= extent.x0
            assert axes.bbox.y0 - 1 <= extent.y0 and extent.y1 <= axes.bbox.y1 + 1
            # One that is longer than the axes begins in them.
            is_longer = extent.width > axes.bbox.width
            assert is_longer or extent.x1 <= axes.bbox.x1 + 1
            assert is_longer == (width_in < 2)


def test_a_label_that_fits_stands_on_the_corner_of_its_box() -> None:
    stack = np.zeros((1, 40, 60), bool)
    stack[0, 20:30, 10:50] = True
    axes = of_stack(stack).plot(axes_of(60, 40, 8))
    pixels(axes)
    [text] = axes.texts
    assert text.get_position() == (1, 1)


def test_labels_of_zoomed_axes_are_those_of_what_is_seen() -> None:
    stack = np.zeros((2, 40, 60), bool)
    stack[0, 2:6, 2:6] = stack[1, 30:36, 40:50] = True
    axes = of_stack(stack).plot(axes_of(60, 40, 8), masks=False, outlines=False)
    axes.set(xlim=(30, 59), ylim=(39, 25))
    shown = pixels(axes)
    colors = {tuple(color) for color in shown.reshape(-1, 3).tolist()}
    assert class_color(1) in colors and class_color(0) not in colors
