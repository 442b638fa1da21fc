"""Style: its checks, and what it has in common with a canvas."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seg_widgets.errors import SettingError
from seg_widgets.style import (
    DEFAULT_STYLE,
    SHOW_PARTS,
    Style,
    class_color,
    score_color,
)
from seg_widgets.testing import StubPredictor, make_picture


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"color_by": "size"}, 'color_by is "class", "instance" or "score", not \'size\''),
        ({"opacity": 1.1}, r"opacity lies between 0 and 1, but 1\.1"),
        ({"opacity": float("nan")}, "opacity lies between 0 and 1, but nan"),
        ({"opacity": "much"}, "opacity is a number from 0 to 1, not 'much'"),
        ({"line_width": 0}, "pixels over 0, not 0"),
        ({"line_width": -1}, "pixels over 0, not -1"),
        ({"line_width": "x"}, "pixels over 0, not 'x'"),
        ({"line_width": float("nan")}, "pixels over 0, not nan"),
        ({"font_size": "x"}, "font_size is 7 pixels or more, not 'x'"),
        ({"opacity": True}, "from 0 to 1, not True"),
        ({"font_size": 3}, "font_size is 7 pixels or more, not 3"),
        ({"palette": ()}, "one or more colours"),
        ({"palette": ((1, 2),)}, "one or more colours"),
        ({"palette": ((1, 2, 256),)}, "each part from 0 to 255"),
    ],
)
def test_styles_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Style(**options)


def test_a_style_never_changes_and_its_palette_is_a_value() -> None:
    style = Style(palette=[[1, 2, 3]])  # type: ignore[arg-type]
    assert style == Style(palette=((1, 2, 3),))
    assert len({style, Style(), DEFAULT_STYLE}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="opacity"):
        style.opacity = 1.0  # type: ignore[misc]


@given(
    st.sampled_from(["class", "instance", "score"]),
    st.floats(0, 1),
    st.lists(st.sampled_from(SHOW_PARTS)),
)
def test_a_style_and_the_traits_of_a_canvas_say_the_same(
    color_by: str, opacity: float, show: list[str]
) -> None:
    style = Style.from_traits(color_by, opacity, show)
    traits = style.to_traits()
    assert (traits["color_by"], traits["opacity"]) == (color_by, opacity)
    assert set(traits["show"]) == set(show)
    assert style.scores == style.labels == ("labels" in show)
    assert Style.from_traits(**traits) == style


def test_the_default_style_is_what_a_canvas_begins_with() -> None:
    assert DEFAULT_STYLE.to_traits() == {
        "color_by": "class",
        "opacity": 0.45,
        "show": ["masks", "outlines", "labels"],
    }
    assert Style.from_traits(**DEFAULT_STYLE.to_traits()) == DEFAULT_STYLE


def test_traits_that_no_canvas_has() -> None:
    with pytest.raises(SettingError, match="show takes 'masks', 'outlines', 'boxes', 'labels'"):
        Style.from_traits("class", 0.5, ["masks", "names"])
    with pytest.raises(SettingError, match="color_by"):
        Style.from_traits("size", 0.5, [])


def test_the_colour_of_an_instance_is_its_class_its_own_or_its_scores() -> None:
    prediction = StubPredictor(6)(make_picture(40, 30))
    for index in range(6):
        class_id = int(prediction.class_ids[index])
        assert Style().color_of(prediction, index) == class_color(class_id)
        assert Style(color_by="instance").color_of(prediction, index) == class_color(index)
        score = score_color(float(prediction.scores[index]))
        assert Style(color_by="score").color_of(prediction, index) == score
        own = Style(palette=((1, 2, 3), (4, 5, 6)))
        assert own.color_of(prediction, index) == ((1, 2, 3), (4, 5, 6))[class_id % 2]
