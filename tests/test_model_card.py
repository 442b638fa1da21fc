"""The committed card, its figures and the weights belong together: what `python -m training` writes
at its end."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from seg_widgets.modeling import models
from training.card import write_card
from training.classes import CLASSES
from training.names import COCO_NAMES, NAMES
from training.release import FIGURES

WEIGHTS = Path(__file__).parent.parent / "weights" / "starter.safetensors"


@pytest.fixture(scope="module")
def card() -> str:
    """The committed card."""
    return WEIGHTS.with_suffix(".md").read_text("utf-8")


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """The committed figures."""
    found: dict[str, Any] = json.loads(FIGURES.read_text("utf-8"))
    return found


def test_the_card_is_what_its_figures_make_of_the_template(
    card: str, facts: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    write_card(facts, folder / "starter.md", tmp_path / "docs" / "images")
    assert (folder / "starter.md").read_text("utf-8") == card


def test_the_figures_are_those_of_the_weights(facts: dict[str, Any]) -> None:
    content = WEIGHTS.read_bytes()
    assert facts["bytes"] == len(content)
    assert facts["sha256"] == hashlib.sha256(content).hexdigest()
    with safe_open(str(WEIGHTS), "pt") as file:
        assert json.loads(file.metadata()["classes"]) == list(NAMES)
    assert models()[0].classes == len(NAMES)


def test_the_card_has_a_row_for_each_group_and_lists_the_names(card: str) -> None:
    table = card[card.index("\n| group |") + 1 :].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert [row[0] for row in rows] == list(CLASSES)
    listed = card[card.index("\n- `person`") :].partition("\n\n")[0]
    for line in listed.strip().splitlines():
        assert line.split("`")[1] in CLASSES
    names = [name for line in listed.splitlines() for name in line.partition(": ")[2].split(", ")]
    assert {name for name in names if name} | set(CLASSES) >= set(COCO_NAMES)


def test_the_figures_are_few(facts: dict[str, Any]) -> None:
    assert FIGURES.stat().st_size < 30_000
    assert set(facts["folders"]) <= set(facts["learned_from"])
