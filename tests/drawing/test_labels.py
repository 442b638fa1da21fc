"""Labels: what they say, where they go, and that their letters are real."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.drawing import overlay, place_labels
from seg_widgets.drawing.fonts import fallback_for, font_of
from seg_widgets.drawing.labels import make_pill
from seg_widgets.prediction import Prediction
from seg_widgets.style import (
    DEFAULT_STYLE,
    SMALLEST_FONT_PX,
    Style,
    class_color,
    text_color,
)

from .scenes import GRAY, ONLY_LABELS, changed, rectangles

Rectangle = tuple[int, int, int, int]


def labels_of(prediction: Prediction, style: Style = DEFAULT_STYLE) -> list[tuple[str, Rectangle]]:
    """The text and the rectangle of each label that `overlay` draws."""
    return [
        (
            label.text,
            (
                label.left,
                label.top,
                label.left + label.pill.size[0],
                label.top + label.pill.size[1],
            ),
        )
        for label in place_labels(prediction, style)
    ]


def test_a_label_is_a_pill_of_the_class_colour_with_readable_text() -> None:
    prediction = rectangles((20, 40, 140, 90))
    result = overlay(GRAY, prediction, ONLY_LABELS)
    [(text, (x1, y1, x2, y2))] = labels_of(prediction, ONLY_LABELS)
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
def test_what_a_label_says(style: Style, text: str) -> None:
    prediction = rectangles((20, 40, 140, 90), names=("dog",), scores=[0.5])
    assert [label for label, _ in labels_of(prediction, style)] == [text]


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
    drawn = labels_of(prediction)
    result = overlay(image, prediction)
    assert result.shape == image.shape
    for _, (x1, y1, x2, y2) in drawn:
        assert x1 >= 0 and y1 >= 0 and x2 <= width and y2 <= height
    # Of what is drawn, all lies in these rectangles.
    free = np.ones((height, width), bool)
    for _, (x1, y1, x2, y2) in drawn:
        free[y1:y2, x1:x2] = False
    bare = overlay(image, prediction, Style(labels=False, scores=False))
    assert not (changed(bare, result) & free).any()
    for (_, one), (_, other) in itertools.combinations(drawn, 2):
        assert not overlap(one, other)


def test_the_best_scored_get_the_places() -> None:
    places = [(40, 40, 80, 60)] * 60
    drawn = labels_of(rectangles(*places, names=("cat",), scores=np.linspace(0.1, 0.9, 60)))
    assert 3 <= len(drawn) < 60
    assert drawn[0][0] == "cat 0.90"
    assert drawn[0][1][0] == 40 and drawn[0][1][3] == 40
    full = [float(text.split()[1]) for text, _ in drawn if text.startswith("cat 0")]
    assert full == sorted(full, reverse=True)
    assert min(full) > 0.7


def test_an_image_narrower_than_a_label() -> None:
    drawn = []
    for width in (4, 12, 30, 60):
        image = np.zeros((80, width, 3), np.uint8)
        prediction = Prediction.from_dense(
            np.ones((1, 80, width), bool), [0.9], [0], ("fire hydrant",)
        )
        assert overlay(image, prediction).shape == (80, width, 3)
        drawn += labels_of(prediction)
    texts = [text for text, _ in drawn]
    assert texts == ["fire h…", "fire hydrant"]  # nothing can be read in 4 or 12 pixels


@pytest.mark.parametrize(
    ("name", "other"),
    [("кошка", "xxxxx"), ("Ελλάδα", "xxxxxx"), ("naïve", "naive"), ("ß→∞", "xxx")],
)
def test_letters_beyond_ascii_are_real_letters(name: str, other: str) -> None:
    """Each letter differs from the box that fonts show for letters they lack."""
    missing = make_pill("\U0010fffd", 20, None).text
    for letter in name:
        assert not np.array_equal(make_pill(letter, 20, None).text, missing)
    assert make_pill(name, 20, None).text.max() > 200
    assert not np.array_equal(make_pill(name, 20, None).text, make_pill(other, 20, None).text)


def test_odd_names_are_one_short_line() -> None:
    drawn = []
    for name in ("two\nlines", "x" * 10_000):
        prediction = Prediction.from_dense(np.ones((1, 100, 2000), bool), [0.9], [0], (name,))
        drawn += labels_of(prediction)
    assert drawn[0][0] == "two lines 0.90"
    assert drawn[1][0] == "x" * 59 + "… 0.90"


# ── where exactly ─────────────────────────────────────────────────────────────────────────────────


def boxes_in(size: tuple[int, int], *boxes: tuple[float, ...], name: str = "cat") -> Prediction:
    """Boxes without masks in an image of (height, width); all score 0.5."""
    count = len(boxes)
    array = np.array(boxes, np.float32)
    return Prediction(size, array, np.full(count, 0.5), np.zeros(count, np.int64), (name,))


def test_the_places_around_a_box_are_taken_one_after_the_other() -> None:
    x1, y1, x2, y2 = 200, 200, 500, 400
    drawn = labels_of(boxes_in((600, 700), *[(x1, y1, x2, y2)] * 15))
    left, top, right, bottom = drawn[0][1]
    width, height = right - left, bottom - top
    middle = (x1 + x2 - width) // 2
    assert [place[:2] for _, place in drawn] == [
        *((x1, y1 - height), (x1, y1), (x2 - width, y1 - height), (x2 - width, y1)),
        *((x1, y2), (x1, y2 - height), (x2 - width, y2), (x2 - width, y2 - height)),
        *((middle, (y1 + y2 - height) // 2), (middle, y1 - height), (middle, y2)),
        *((x2, y1), (x1 - width, y1), (x2, y2 - height), (x1 - width, y2 - height)),
    ]
    assert {text for text, _ in drawn} == {"cat 0.50"}


def test_a_box_of_fractions_is_taken_to_whole_pixels() -> None:
    pill = make_pill("cat 0.50", 11, None)
    width, height = pill.size
    [(_, place)] = labels_of(boxes_in((300, 300), (100.9, 100.9, 200.1, 150.1)))
    assert place == (100, 100 - height, 100 + width, 100)
    # Only below the box is room.
    low = boxes_in((height + 2, 300), (100.9, -40, 200.1, 1.2))
    [(_, place)] = labels_of(low)
    assert place == (100, 2, 100 + width, 2 + height)


def test_a_label_is_moved_into_the_image_sideways_only() -> None:
    width, height = make_pill("cat 0.50", 11, None).size
    lefts = [(-30, 0), (0, 0), (7, 7), (300 - width, 300 - width), (290, 300 - width)]
    for x1, left in lefts:
        [(_, place)] = labels_of(boxes_in((200, 300), (x1, 100, x1 + 90, 150)))
        assert place[:2] == (left, 100 - height)
    for y1, top in [(height, 0), (height - 1, height - 1), (0, 0)]:
        [(_, place)] = labels_of(boxes_in((200, 300), (10, y1, 100, 150)))
        assert place[:2] == (10, top)
    for y2, top in [(200 - height, 200 - height), (201 - height, 201 - 2 * height)]:
        [(_, place)] = labels_of(boxes_in((200, 300), (10, 2 - height, 100, y2)))
        assert place[:2] == (10, top)


def test_labels_may_touch_but_not_overlap() -> None:
    width, height = make_pill("cat 0.50", 11, None).size
    for step, top in ((width, 100 - height), (width - 1, 100)):
        boxes = (10, 100, 20, 150), (10 + step, 100, 20 + step, 150)
        [(_, _), (_, second)] = labels_of(boxes_in((200, 300), *boxes))
        assert second[:2] == (10 + step, top)
    for step, top in ((height, 100), (height - 1, 99 + height)):
        boxes = (10, 100, 20, 101), (10, 100 + step, 20, 101 + step)
        [(_, _), (_, second)] = labels_of(boxes_in((200, 300), *boxes))
        assert second[:2] == (10, top)


@pytest.mark.parametrize(("less", "count"), [((0, 0), 1), ((1, 0), 0), ((0, 1), 0)])
def test_an_image_just_as_large_as_a_label(less: tuple[int, int], count: int) -> None:
    style = Style(scores=False, font_size=40)
    width, height = make_pill("cat", 40, None).size
    size = height - less[0], width - less[1]
    full = [
        place for text, place in labels_of(boxes_in(size, (0, 0, 5, 5)), style) if text == "cat"
    ]
    whole = [place for place in full if place == (0, 0, width, height)]
    assert len(whole) == count


@pytest.mark.parametrize(
    ("size", "font_size"), [((100, 100), 11), ((1300, 1300), 20), ((9000, 9000), 72)]
)
def test_letters_are_a_65th_of_the_image(size: tuple[int, int], font_size: float) -> None:
    [label] = place_labels(boxes_in(size, (10, 60, 90, 90)), DEFAULT_STYLE)
    assert label.pill.size == make_pill("cat 0.50", font_size, None).size


def test_a_pill_has_room_around_its_letters() -> None:
    for font_size, padding, above in ((11, 3, 1), (4, 2, 1), (40, 10, 3)):
        pill = make_pill("cat", font_size, None)
        font = font_of(font_size, fallback_for("cat"))
        left, _, right, _ = font.getbbox("cat")
        assert pill.size == (
            np.ceil(right - left) + 2 * padding,
            sum(font.getmetrics()) + 2 * above,
        )
        assert pill.radius == padding
        # As much at both ends, but for the letters' own room.
        own = 1 + font_size / 20
        inked = np.flatnonzero(pill.text.any(axis=0))
        assert inked[0] == pytest.approx(padding, abs=own)
        assert pill.size[0] - 1 - inked[-1] == pytest.approx(padding, abs=own)
        assert pill.shape[0, 0] < 255 and pill.shape[0, padding] == 255
        assert (pill.shape[:, padding:-padding] == 255).all()
        np.testing.assert_array_equal(pill.shape, pill.shape[:, ::-1])
        np.testing.assert_array_equal(pill.shape, pill.shape[::-1])


def test_round_ends_let_the_image_through() -> None:
    prediction = rectangles((20, 40, 140, 90), names=("cat",))
    [label] = place_labels(prediction, ONLY_LABELS)
    width, height = label.pill.size
    place = np.s_[label.top : label.top + height, label.left : label.left + width]
    # A canvas of many values, so that no sum is right by chance.
    image = np.random.default_rng(0).integers(0, 256, GRAY.shape, np.uint8)
    result = overlay(image, prediction, ONLY_LABELS)[place].astype(float)
    share, letters = label.pill.shape[..., None] / 255, label.pill.text[..., None] / 255
    back, front = (np.array(color, float) for color in (class_color(0), text_color(class_color(0))))
    colored = np.rint(back + (front - back) * letters)
    np.testing.assert_allclose(result, colored * share + image[place] * (1 - share), atol=0.51)


def test_what_finds_no_room_is_tried_smaller_then_shorter() -> None:
    style = Style(font_size=40)
    texts = [
        ("elephant 0.50", 40.0),
        ("elephant 0.50", 30.0),
        ("elephant", 30.0),
        ("elep…", 22.5),
        ("e…", SMALLEST_FONT_PX),
    ]
    for text, font_size in texts:
        width, height = make_pill(text, font_size, None).size
        [label] = place_labels(boxes_in((99, width), (0, 60, 5, 99), name="elephant"), style)
        assert (label.text, label.pill.size) == (text, (width, height))
    one = make_pill("x", SMALLEST_FONT_PX, None).size[0]
    [label] = place_labels(boxes_in((99, one), (0, 60, 5, 99), name="x"), style)
    assert label.text == "x"
    assert place_labels(boxes_in((99, one - 1), (0, 60, 5, 99), name="x"), style) == []
