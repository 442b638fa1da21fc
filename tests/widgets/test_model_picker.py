from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from seg_widgets import RemotePredictor
from seg_widgets.errors import SettingError
from seg_widgets.modeling import models
from seg_widgets.testing import StubPredictor
from seg_widgets.widgets.model_picker import Choice, ModelPicker, model_choices


class Page:
    """A picker of two models, of which "far" has to be fetched."""

    def __init__(self) -> None:
        [card, *_] = [card for card in models() if card.file]
        self.chosen: list[tuple[Choice, str]] = []
        self.fetching = False
        self.away = {"far"}
        self.size = f"{card.megabytes:.0f} MB"
        self.picker = ModelPicker(
            {"far": ("far", None), "near": ("near", None)},
            "near",
            "near",
            to_fetch=lambda name: card if name in self.away else None,
            on_choice=self._on_choice,
            is_fetching=lambda: self.fetching,
            lock=threading.RLock(),
        )

    def _on_choice(self, choice: Choice, speed: str) -> None:
        self.chosen.append((choice, speed))
        self.fetching = choice[0] in self.away


def test_what_is_here_comes_first_and_the_rest_with_its_size() -> None:
    page = Page()
    assert page.picker.dropdown.options == (
        ("near", "near"),
        ("near · balanced", "near · balanced"),
        ("near · fast", "near · fast"),
        (f"far (fetch {page.size})", "far"),
    )
    assert page.picker.dropdown.value == "near"


def test_a_choice_is_handed_on_and_new_options_are_none() -> None:
    page = Page()
    page.picker.dropdown.value = "far"
    assert page.chosen == [(("far", None), "exact")]
    page.picker.show_models("near")  # still on its way
    assert page.picker.dropdown.value == "far"
    page.away.clear()
    page.fetching = False
    page.picker.show_models("far")
    speeds = ("", " · balanced", " · fast")
    names = [f"{model}{speed}" for model in ("far", "near") for speed in speeds]
    assert [label for label, _ in page.picker.dropdown.options] == names
    assert page.picker.dropdown.value == "far"
    assert len(page.chosen) == 1


def test_a_model_that_could_not_be_had_gives_way_to_the_one_in_use() -> None:
    page = Page()
    page.picker.dropdown.value = "far"
    page.fetching = False
    page.picker.show_models("near")
    assert page.picker.dropdown.value == "near"
    assert len(page.chosen) == 1


def test_a_choice_from_python_that_is_refused_leaves_all_as_it_was() -> None:
    page = Page()
    with (
        pytest.raises(SettingError, match="refused"),
        page.picker.choosing({"x": ("x", None)}, "x"),
    ):
        raise SettingError("It is refused.")
    page.picker.show_models("near")
    assert [name for _, name in page.picker.dropdown.options][0::3] == ["near", "far"]
    with page.picker.choosing({"x": ("x", None)}, "x"):
        pass
    page.picker.show_models("x")
    assert page.picker.dropdown.value == "x"


def test_a_model_is_offered_at_each_speed() -> None:
    page = Page()
    page.picker.dropdown.value = "near · fast"
    assert page.chosen == [(("near", None), "fast")]
    page.picker.show_models("near · fast")
    assert page.picker.dropdown.value == "near · fast"
    page.picker.dropdown.value = "near"
    assert page.chosen[1:] == [(("near", None), "exact")]

    # What Python asks for is there before its weights are.
    with page.picker.choosing({}, "far · balanced"):
        page.fetching = True
    page.picker.show_models("near")
    assert page.picker.dropdown.value == "far · balanced"
    page.fetching = False
    page.away.clear()
    page.picker.show_models("far · balanced")
    assert page.picker.dropdown.value == "far · balanced"
    assert len(page.picker.dropdown.options) == 6

    # One's own predictor has no name by which it could be loaded otherwise; nor is a name cut.
    stub = StubPredictor()
    own = ModelPicker(
        {"mine · fast": (stub, None), "other": (stub, None)},
        "mine · fast",
        "mine · fast",
        to_fetch=lambda name: None,
        on_choice=page._on_choice,
        is_fetching=lambda: False,
        lock=threading.RLock(),
    )
    assert [name for _, name in own.dropdown.options] == ["mine · fast", "other"]
    own.dropdown.value = "other"
    own.dropdown.value = "mine · fast"
    assert page.chosen[-1] == ((stub, None), "exact")


def test_the_line_describes_the_model_in_use() -> None:
    class Described(StubPredictor):
        name = "near"
        description = "near (2 classes) <b>"
        device = "cpu"

    page = Page()
    page.picker.show_model(Described(), loading=False)
    assert ">(2 classes) &lt;b&gt; on cpu<" in page.picker.line.value
    page.picker.show_model(None, loading=True)
    assert "Model: loading …" in page.picker.line.value
    page.picker.show_model(None, loading=False)
    assert "Model: none" in page.picker.line.value


def test_choices_have_names() -> None:
    stub, build = StubPredictor(), lambda: StubPredictor()
    given: list[tuple[tuple[Any, ...], tuple[dict[str, Choice], str]]] = [
        ((None, None, {}), ({"starter": ("starter", None)}, "starter")),
        ((stub, None, {}), ({"StubPredictor": (stub, None)}, "StubPredictor")),
        ((None, build, {}), ({"own model": (None, build)}, "own model")),
        (
            ("a", None, {"b": build, "c": stub}),
            ({"a": ("a", None), "b": (None, build), "c": (stub, None)}, "a"),
        ),
    ]
    for arguments, expected in given:
        assert model_choices(*arguments) == expected
    choices, chosen = model_choices(Path("some/folder"), None, None)
    assert set(choices) == {chosen, *(card.name for card in models())}


def test_a_panel_of_a_servers_model_offers_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEG_WIDGETS_SERVER", "http://127.0.0.1:9")
    choices, chosen = model_choices(None, None, None)
    assert list(choices) == [chosen]
    assert isinstance(choices[chosen][0], RemotePredictor)
    # What is named in Python is offered beside it.
    own = StubPredictor()
    assert list(model_choices(None, None, {"own": own})[0]) == [chosen, "own"]
    assert "starter" in model_choices("starter", None, None)[0]


def test_models_that_are_not_here_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    everything, _ = model_choices(None, None, None)
    monkeypatch.setenv("SEG_WIDGETS_OFFLINE", "1")
    monkeypatch.setattr(
        "seg_widgets.session.ModelSlot.to_fetch",
        lambda name: None if name in ("starter", "coco-r50-fpn-3x") else "a card",
    )
    choices, _ = model_choices(None, None, None)
    assert set(choices) == {"starter", "coco-r50-fpn-3x"} < set(everything)
