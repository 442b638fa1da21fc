"""Outlines of simple masks: the same pixels as those of any mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.drawing import layers, overlay
from seg_widgets.drawing.outlines import outline
from seg_widgets.drawing.runs import Runs, outline_spans, paint_spans, runs_of
from seg_widgets.style import Style
from seg_widgets.testing import StubPredictor, make_picture


def simple_mask(random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """One run in each row, which touches the next one: a worm."""
    height, width = random.integers(1, 40), random.integers(1, 60)
    start, end = np.sort(random.integers(0, width, 2)) + np.array((0, 1))
    inside = np.zeros((height, width), np.uint8)
    for row in range(height):
        inside[row, start:end] = 1
        low, high = start, min(end, width - 1)
        start = random.integers(max(low - 6, 0), high + 1)
        end = random.integers(max(start + 1, low), min(high + 8, width) + 1)
    return inside


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), st.integers(0, 1), st.integers(0, 100_000))
def test_the_outlines_of_several_masks_have_the_same_pixels_as_those_of_each(
    outside: int, more: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    inward = max(outside + more, 1)
    expected, layer = np.zeros((70, 90), np.uint8), np.zeros((70, 90), np.uint8)
    found = []
    for number in range(1, 5):
        inside = simple_mask(random)
        x, y = (int(value) for value in random.integers(0, 40, 2))
        runs = runs_of(inside, x, y)
        assert runs is not None
        found.append(runs)
        margin = outside + 1
        layers._write(expected, x - margin, y - margin, outline(inside, outside, inward), number)
    paint_spans(layer, outline_spans(found, outside, inward), [1, 2, 3, 4])
    np.testing.assert_array_equal(layer, expected)


def test_only_one_run_in_each_row_that_touches_the_next_is_simple() -> None:
    def found(*rows: str) -> Runs | None:
        cells: Any = [[cell == "#" for cell in row] for row in rows]
        return runs_of(np.array(cells, bool).view(np.uint8), 5, 7)

    runs = found(".##", "##.", "..#")
    assert runs is not None
    assert (runs.top, runs.starts.tolist(), runs.ends.tolist()) == (7, [6, 5, 7], [8, 7, 8])
    assert found("##.#") is None
    assert found("##", "..", "##") is None
    assert found("#..", "..#") is None


def test_an_overlay_is_the_same_with_all_outlines_by_either_way(monkeypatch: Any) -> None:
    image = make_picture(320, 200)
    prediction = StubPredictor(60)(image)
    style = Style(boxes=True, line_width=5)
    expected = overlay(image, prediction, style)
    monkeypatch.setattr(layers, "_WAITING_BYTES", 1000)
    np.testing.assert_array_equal(overlay(image, prediction, style), expected)
    seen = iter(range(100))
    # Every second mask by the way for any.
    monkeypatch.setattr(layers, "runs_of", lambda *mask: runs_of(*mask) if next(seen) % 2 else None)
    np.testing.assert_array_equal(overlay(image, prediction, style), expected)
