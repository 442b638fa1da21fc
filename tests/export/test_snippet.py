"""The lines of Python make what is shown."""

from __future__ import annotations

import ast
import importlib
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets import export
from seg_widgets.drawing import overlay
from seg_widgets.prediction import Filter
from seg_widgets.style import Style
from seg_widgets.testing import StubPredictor

from .results import FOUND, IMAGE

texts = st.text(max_size=12)


@given(
    st.sets(st.sampled_from(FOUND.class_names)),
    st.dictionaries(st.sampled_from(FOUND.class_names), st.floats(0, 1)),
    st.sets(st.integers(0, 9)),
    st.floats(0, 1),
    st.builds(
        Style,
        color_by=st.sampled_from(["class", "instance", "score"]),
        masks=st.booleans(),
        opacity=st.floats(0, 1),
        boxes=st.booleans(),
        labels=st.booleans(),
        line_width=st.none() | st.floats(1, 9),
        palette=st.none() | st.just(((1, 2, 3), (4, 5, 6))),
    ),
)
@settings(deadline=None, max_examples=30)
def test_the_python_lines_make_the_same_image(
    hidden: set[str], own: dict[str, float], one_by_one: set[int], threshold: float, style: Style
) -> None:
    lines = export.to_python(
        "a.png",
        model="starter",
        filter=Filter(threshold, tuple(sorted(hidden)), own, tuple(sorted(one_by_one))),
        style=style,
    )
    # What the lines take from the package is here the stub's; their last line is an image to look
    # at.
    names = {"load": lambda source: IMAGE, "load_predictor": lambda model: StubPredictor(5)}
    *body, last = ast.parse(lines).body
    assert isinstance(last, ast.Expr)
    scope: dict[str, Any] = {}
    kept = [line for line in body if not isinstance(line, ast.ImportFrom)]
    for line in body:
        if isinstance(line, ast.ImportFrom):
            assert line.module in ("PIL", "seg_widgets")
            module = importlib.import_module(line.module if line.module != "PIL" else "PIL.Image")
            for name in line.names:
                scope[name.name] = (
                    module
                    if name.name == "Image"
                    else names.get(name.name) or getattr(module, name.name)
                )
    exec(compile(ast.Module(kept, []), "lines", "exec"), scope)
    made = eval(compile(ast.Expression(last.value), "last", "eval"), scope)
    keep = FOUND.keep(threshold, hidden, own, one_by_one)
    np.testing.assert_array_equal(np.asarray(made), overlay(IMAGE, FOUND, style, only=keep))
    np.testing.assert_array_equal(scope["shown"].scores, FOUND.scores[keep])


@given(texts, texts)
@settings(deadline=None)
def test_names_in_python_lines_stay_texts(source: str, name: str) -> None:
    lines = export.to_python(source, filter=Filter(0.5, (name,), {name: 0.5}), uploaded=True)
    found = [node.value for node in ast.walk(ast.parse(lines)) if isinstance(node, ast.Constant)]
    assert source in found
    assert found.count(name) >= 2
    assert "put its path here" in lines
    assert "load_predictor" not in lines
    assert "your own predictor" in lines


def test_the_python_lines_say_the_speed() -> None:
    assert "load_predictor('starter')" in export.to_python("a.png", model="starter")
    lines = export.to_python("a.png", model="starter", speed="fast")
    assert "load_predictor('starter', speed='fast')" in lines
    assert "speed" not in export.to_python("a.png", speed="fast")
