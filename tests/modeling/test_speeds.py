"""A speed changes the size at which the model sees an image, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from seg_widgets.errors import SettingError
from seg_widgets.modeling import PRICES, SPEEDS, Detectron2Predictor, load_predictor, save_model


@pytest.fixture(scope="module", params=SPEEDS)
def starter(request: pytest.FixtureRequest) -> Detectron2Predictor:
    return load_predictor(device="cpu", speed=request.param)


def test_what_a_speed_changes(starter: Detectron2Predictor, tmp_path: Path) -> None:
    sizes = {"exact": (576, 920), "balanced": (432, 690), "fast": (346, 552)}
    assert (starter.min_size, starter.max_size) == sizes[starter.speed]
    says = "" if starter.speed == "exact" else f", {starter.speed}"
    assert starter.description == f"starter (small, 96 classes{says})"
    second_look = None if starter.speed == "fast" else 0.7
    assert getattr(starter.model, "second_scale") == second_look  # noqa: B009 - no attribute of Module

    # It is how this one was loaded, and no part of the model.
    assert "MIN_SIZE_TEST: 576" in (save_model(starter, tmp_path) / "config.yaml").read_text()


def test_a_speed_that_is_none() -> None:
    with pytest.raises(SettingError, match="'exact' or 'balanced' or 'fast', but 'faster'"):
        load_predictor(speed="faster")
    with pytest.raises(SettingError, match="min_size=480 and speed='fast' both say"):
        load_predictor(speed="fast", min_size=480)


def test_the_price_of_a_speed_is_the_one_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs/models.md").read_text(encoding="utf-8")
    for model, prices in PRICES.items():
        assert model == "starter"
        assert list(prices) == list(SPEEDS)
        for speed, price in prices.items():
            rows = [line for line in page.splitlines() if line.startswith(f"| `{speed}`")]
            [cells] = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
            assert (cells[1], cells[-1]) == (str(price.ap), f"{price.gain:g}×")
