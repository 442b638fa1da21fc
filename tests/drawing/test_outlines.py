"""The outline of a mask: words of bits and OpenCV's morphology give the same pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.drawing import outlines
from seg_widgets.drawing.outlines import outline


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 150),
    st.integers(0, 30),
    st.integers(0, 1),
    st.floats(0.02, 0.98),
    st.integers(0, 1000),
)
def test_both_ways_give_the_same_pixels(
    height: int, width: int, outside: int, more: int, density: float, seed: int
) -> None:
    inside = (np.random.default_rng(seed).random((height, width)) < density).astype(np.uint8)
    inward = max(outside + more, 1)
    expected = outlines._by_pixels(inside, outside, inward)
    np.testing.assert_array_equal(outlines._by_words(inside, outside, inward), expected)


def test_a_large_mask_goes_by_words(monkeypatch: pytest.MonkeyPatch) -> None:
    ways: list[str] = []
    for name in ("_by_pixels", "_by_words"):
        monkeypatch.setattr(outlines, name, lambda *_, name=name: ways.append(name))
    outline(np.ones((40, 30), np.uint8), 4, 4)
    outline(np.ones((400, 300), np.uint8), 4, 4)
    outline(np.ones((400, 300), np.uint8), 31, 31)
    outline(np.ones((400, 300), np.uint8), 31, 32)  # more than a word can be moved
    assert ways == ["_by_pixels", "_by_words", "_by_words", "_by_pixels"]


def test_a_line_is_as_wide_as_asked_on_both_sides_of_the_edge() -> None:
    line = outline(np.ones((300, 400), np.uint8), 3, 4)
    assert line.shape == (308, 408)
    assert np.flatnonzero(line[150]).tolist() == [*range(1, 8), *range(400, 407)]
    assert np.flatnonzero(line[:, 200]).tolist() == [*range(1, 8), *range(300, 307)]
