"""Which weights are kept."""

from __future__ import annotations

from typing import Any

import pytest

from seg_widgets.finetuning.validation import BestWeights


@pytest.mark.parametrize(
    ("figures", "kept", "worse"),
    [
        ([0.1, 0.3, 0.2], 1, 1),
        ([0.1, 0.3, 0.301, 0.2], 1, 2),  # less than BETTER is chance
        ([0.3, 0.2, 0.4], 2, 0),
        ([0.0, 0.0, 0.0], 2, 0),  # nothing was found yet, which is no reason to end
        ([0.0, 0.0, 0.1, 0.0], 2, 1),
    ],
)
def test_the_best_weights_are_kept(figures: list[float], kept: int, worse: int) -> None:
    weights = BestWeights()
    for number, ap in enumerate(figures):
        state: dict[str, Any] = {"number": number}
        weights.offer(state, ap)
    assert weights.state is not None
    assert weights.state["number"] == kept
    assert weights.worse == worse
