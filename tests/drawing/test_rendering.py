"""overlay and cutout: what they paint, checked on the pixels; and the palette."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.drawing import rendering
from seg_widgets.drawing.rendering import Style, cutout, overlay, thumbnail
from seg_widgets.errors import PredictionError, SettingError
from seg_widgets.prediction.prediction import Prediction
from seg_widgets.style.colors import (
    PALETTE,
    class_color,
    class_colors,
    hex_color,
    luminance,
    score_color,
    text_color,
)
from seg_widgets.testing import StubPredictor, make_picture

Image = npt.NDArray[np.uint8]

GRAY: Image = np.full((100, 160, 3), 128, np.uint8)
ONLY_MASKS = Style(outlines=False, labels=False, scores=False)
ONLY_OUTLINES = Style(masks=False, labels=False, scores=False)
ONLY_LABELS = Style(masks=False, outlines=False)


def rectangles(
    *places: tuple[int, int, int, int], names: tuple[str, ...] = ("cat", "dog"), **parts: Any
) -> Prediction:
    """Instances of alternating classes that fill the rectangles (x1, y1, x2, y2) of a 160×100
    image."""
    stack = np.zeros((len(places), 100, 160), bool)
    for plane, (x1, y1, x2, y2) in zip(stack, places, strict=True):
        plane[y1:y2, x1:x2] = True
    scores = parts.get("scores", np.linspace(0.97, 0.5, len(places)))
    return Prediction.from_dense(stack, scores, np.arange(len(places)) % len(names), names)


def changed(image: Image, result: Image) -> npt.NDArray[np.bool_]:
    return np.asarray((image != result).any(axis=2))


def labels_of(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, int, int, int]]]:
    """Collects (text, rectangle) of each label that is drawn from now on."""
    drawn: list[tuple[str, tuple[int, int, int, int]]] = []
    texts: dict[int, str] = {}
    make, paint = rendering._pill, rendering._Labels._paint

    def remember(text: str, *rest: Any) -> Any:
        pill = make(text, *rest)
        texts[id(pill)] = text
        return pill

    def note(self: Any, pill: Any, left: int, top: int, color: Any) -> None:
        drawn.append((texts[id(pill)], (left, top, left + pill.size[0], top + pill.size[1])))
        paint(self, pill, left, top, color)

    monkeypatch.setattr(rendering, "_pill", remember)
    monkeypatch.setattr(rendering._Labels, "_paint", note)
    return drawn


# ── masks ─────────────────────────────────────────────────────────────────────────────────────────


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


# ── outlines and boxes ────────────────────────────────────────────────────────────────────────────


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


# ── labels ────────────────────────────────────────────────────────────────────────────────────────


def test_a_label_is_a_pill_of_the_class_colour_with_readable_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = labels_of(monkeypatch)
    result = overlay(GRAY, rectangles((20, 40, 140, 90)), ONLY_LABELS)
    [(text, (x1, y1, x2, y2))] = drawn
    assert text == "cat 0.97"
    assert (x1, y2) == (20, 40)  # it sits on the box's top left corner
    assert not changed(
        GRAY,
        np.where(
            np.pad(np.ones((y2 - y1, x2 - x1, 1), bool), ((y1, 100 - y2), (x1, 160 - x2), (0, 0))),
            GRAY,
            result,
        ),
    ).any()
    pill = result[y1:y2, x1:x2]
    assert (pill == class_color(0)).all(axis=2).mean() > 0.4
    assert (pill == text_color(class_color(0))).all(axis=2).sum() > 10
    assert pill[0, 0].tolist() != list(class_color(0))  # round corners
    middle = pill[(y2 - y1) // 2]
    assert len(np.unique(middle, axis=0)) > 3  # soft-edged letters


@pytest.mark.parametrize(
    ("style", "text"),
    [(Style(), "dog 0.50"), (Style(scores=False), "dog"), (Style(labels=False), "0.50")],
)
def test_what_a_label_says(style: Style, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = labels_of(monkeypatch)
    overlay(GRAY, rectangles((20, 40, 140, 90), names=("dog",), scores=[0.5]), style)
    assert [label for label, _ in drawn] == [text]


def overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@given(
    st.integers(3, 300),
    st.integers(3, 300),
    st.lists(st.tuples(*[st.floats(-20, 320, width=32)] * 4), max_size=25),
    st.sampled_from(["cat", "a very long class name indeed", "Ω", "", "日本語"]),
)
@settings(max_examples=40, deadline=None)
def test_labels_stay_inside_and_apart(height: int, width: int, boxes: list[Any], name: str) -> None:
    image = np.full((height, width, 3), 90, np.uint8)
    ordered = np.array(
        [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in boxes], np.float32
    ).reshape(-1, 4)
    scores = np.linspace(1, 0, len(boxes))
    prediction = Prediction((height, width), ordered, scores, np.zeros(len(boxes), int), (name,))  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as monkeypatch:
        drawn = labels_of(monkeypatch)
        result = overlay(image, prediction)
    assert result.shape == image.shape
    for _, (x1, y1, x2, y2) in drawn:
        assert x1 >= 0 and y1 >= 0 and x2 <= width and y2 <= height
    for (_, one), (_, other) in itertools.combinations(drawn, 2):
        assert not overlap(one, other)


def test_the_best_scored_get_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = labels_of(monkeypatch)
    places = [(40, 40, 80, 60)] * 60
    overlay(GRAY, rectangles(*places, names=("cat",), scores=np.linspace(0.1, 0.9, 60)), Style())
    assert 3 <= len(drawn) < 60
    assert drawn[0][0] == "cat 0.90"
    assert drawn[0][1][0] == 40 and drawn[0][1][3] == 40
    full = [float(text.split()[1]) for text, _ in drawn if text.startswith("cat 0")]
    assert full == sorted(full, reverse=True)
    assert min(full) > 0.7


def test_an_image_narrower_than_a_label(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = labels_of(monkeypatch)
    for width in (4, 12, 30, 60):
        image = np.zeros((80, width, 3), np.uint8)
        prediction = Prediction.from_dense(
            np.ones((1, 80, width), bool), [0.9], [0], ("fire hydrant",)
        )
        assert overlay(image, prediction).shape == (80, width, 3)
    texts = [text for text, _ in drawn]
    assert texts == ["fire h…", "fire hydrant"]  # nothing can be read in 4 or 12 pixels


def test_a_one_pixel_image() -> None:
    prediction = Prediction.from_dense(np.ones((1, 1, 1), bool), [0.9], [0], ("cat",))
    assert overlay(np.zeros((1, 1, 3), np.uint8), prediction, Style(boxes=True)).shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("name", "other"),
    [("кошка", "xxxxx"), ("Ελλάδα", "xxxxxx"), ("naïve", "naive"), ("ß→∞", "xxx")],
)
def test_letters_beyond_ascii_are_real_letters(name: str, other: str) -> None:
    """Each letter differs from the box that fonts show for letters they lack."""
    missing = rendering._pill("\U0010fffd", 20, None).text
    for letter in name:
        assert not np.array_equal(rendering._pill(letter, 20, None).text, missing)
    assert rendering._pill(name, 20, None).text.max() > 200
    assert not np.array_equal(
        rendering._pill(name, 20, None).text, rendering._pill(other, 20, None).text
    )


def test_letters_that_the_bundled_font_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = rendering._bundled_font()
    assert bundled is not None
    other = str(bundled.with_name("LastResortHE-Regular.ttf"))  # it has a sign for every letter
    if not Path(other).is_file():
        pytest.skip("this matplotlib has no such font")
    monkeypatch.setattr(rendering, "_installed_fonts", lambda: (other,))
    rendering._fallback_for.cache_clear()
    assert rendering._fallback_for("猫 0.97") == other
    for name in ("cat", "кошка", "קט", "→∞"):
        assert rendering._fallback_for(name) is None
    monkeypatch.setattr(rendering, "_installed_fonts", lambda: ())
    rendering._fallback_for.cache_clear()
    assert rendering._fallback_for("猫") is None
    rendering._fallback_for.cache_clear()
    assert rendering._pill("猫 0.97", 20, None).text.max() > 200


def test_odd_names_are_one_short_line(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = labels_of(monkeypatch)
    image = np.zeros((100, 2000, 3), np.uint8)
    for name in ("two\nlines", "x" * 10_000):
        prediction = Prediction.from_dense(np.ones((1, 100, 2000), bool), [0.9], [0], (name,))
        overlay(image, prediction)
    assert drawn[0][0] == "two lines 0.90"
    assert drawn[1][0] == "x" * 59 + "… 0.90"


def test_a_font_of_ones_own(tmp_path: Path) -> None:
    bundled = rendering._bundled_font()
    assert bundled is not None
    mono = bundled.with_name("DejaVuSansMono.ttf")
    prediction = rectangles((20, 40, 140, 90))
    assert changed(overlay(GRAY, prediction), overlay(GRAY, prediction, Style(font=mono))).any()
    (tmp_path / "bad.ttf").write_text("no font")
    for path in (tmp_path / "bad.ttf", str(tmp_path / "missing.ttf")):
        with pytest.raises(SettingError, match="can't be read"):
            overlay(GRAY, prediction, Style(font=path))


def test_without_matplotlibs_font(monkeypatch: pytest.MonkeyPatch) -> None:
    rendering._font.cache_clear()
    rendering._pill.cache_clear()
    monkeypatch.setattr(rendering, "_bundled_font", lambda: None)
    assert changed(GRAY, overlay(GRAY, rectangles((20, 40, 140, 90)), ONLY_LABELS)).any()
    rendering._font.cache_clear()
    rendering._pill.cache_clear()


# ── input that is wrong ───────────────────────────────────────────────────────────────────────────


def test_an_image_of_another_size() -> None:
    with pytest.raises(PredictionError, match=r"160×100 pixels, but this one has 100×160"):
        overlay(np.zeros((160, 100, 3), np.uint8), rectangles((0, 0, 5, 5)))


@pytest.mark.parametrize(
    "image", [GRAY[..., 0], GRAY.astype(float), np.dstack((GRAY, GRAY)), "photo.jpg", None]
)
def test_what_is_no_image(image: Any) -> None:
    for draw in (overlay, lambda picture, prediction: cutout(picture, prediction, 0)):
        with pytest.raises(SettingError, match="H×W×3 uint8 RGB"):
            draw(image, rectangles((0, 0, 5, 5)))


@pytest.mark.parametrize(
    "options",
    [
        {"color_by": "size"},
        {"opacity": 1.1},
        {"opacity": float("nan")},
        {"line_width": 0},
        {"line_width": -1},
        {"font_size": 3},
        {"palette": ()},
        {"palette": ((1, 2),)},
        {"palette": ((1, 2, 256),)},
    ],
)
def test_styles_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        Style(**options)


# ── cut-outs ──────────────────────────────────────────────────────────────────────────────────────


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


# ── colours ───────────────────────────────────────────────────────────────────────────────────────


def oklab(colors: Any, deficiency: Any = None) -> npt.NDArray[np.float64]:
    """OKLab after Ottosson 2020; `deficiency`: a matrix for linear RGB, after Machado and others
    2009."""
    value = np.asarray(colors) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    if deficiency is not None:
        linear = np.clip(linear @ np.array(deficiency).T, 0, 1)
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
    ]
    to_lms.append([0.0883024619, 0.2817188376, 0.6299787005])
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
    ]
    to_lab.append([0.0259040371, 0.7827717662, -0.8086757660])
    return np.asarray(np.cbrt(linear @ np.array(to_lms).T) @ np.array(to_lab).T)


PROTANOPIA = [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
]
DEUTERANOPIA = [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
]


def smallest_distance(colors: Any, deficiency: Any = None) -> float:
    lab = oklab(colors, deficiency)
    return float((np.linalg.norm(lab[:, None] - lab[None], axis=2) + np.eye(len(lab))).min())


@pytest.mark.parametrize(
    ("count", "seen", "colour_blind"),
    [(7, 0.15, 0.07), (12, 0.14, 0.07), (40, 0.06, 0.04), (80, 0.04, 0.028)],
)
def test_colours_differ_for_everyone(count: int, seen: float, colour_blind: float) -> None:
    """A difference of 0.02 in OKLab is about the smallest that is seen."""
    assert smallest_distance(class_colors(count)) > seen
    assert smallest_distance(class_colors(count), PROTANOPIA) > colour_blind
    assert smallest_distance(class_colors(count), DEUTERANOPIA) > colour_blind


def test_colours_are_stable() -> None:
    assert [hex_color(color) for color in class_colors(7)] == [
        *["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"]
    ]
    assert class_colors(96) == PALETTE
    assert len(set(class_colors(1300))) > 1250  # LVIS has 1,203 classes
    assert all(0 <= part <= 255 for color in class_colors(500) for part in color)


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


@given(st.tuples(*[st.integers(0, 255)] * 3))
@settings(deadline=None)
def test_text_can_be_read_on_every_colour(color: tuple[int, int, int]) -> None:
    dark, light = sorted((luminance(color), luminance(text_color(color))))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


# ── speed ─────────────────────────────────────────────────────────────────────────────────────────


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
