"""Colours: apart for everyone, stable, and readable."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.style import (
    PALETTE,
    class_colors,
    hex_color,
    luminance,
    text_color,
)


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


@given(st.tuples(*[st.integers(0, 255)] * 3))
@settings(deadline=None)
def test_text_can_be_read_on_every_colour(color: tuple[int, int, int]) -> None:
    dark, light = sorted((luminance(color), luminance(text_color(color))))
    assert (light + 0.05) / (dark + 0.05) >= 4.5
