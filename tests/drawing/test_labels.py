"""Labels: what they say, where they go, and that their letters are real."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.drawing import overlay, place_labels
from seg_widgets.drawing.labels import make_pill
from seg_widgets.prediction import Prediction
from seg_widgets.style import (
    DEFAULT_STYLE,
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
