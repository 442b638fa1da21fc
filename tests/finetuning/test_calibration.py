"""Moving the scores so that the best threshold is 0.5."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seg_widgets.finetuning.calibration import calibrate
from seg_widgets.finetuning.evaluation import FoundInstance, Measured, Truth, encode


def test_the_threshold_of_a_cascade_becomes_one_half() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 1
    truth = Truth(np.zeros((20, 20, 3), np.uint8), [FoundInstance(0, encode(mask))])
    truths = [truth] * 12
    names = [f"roi_heads.box_predictor.{stage}.cls_score.bias" for stage in (0, 1)]
    state = dict.fromkeys(names, torch.zeros(2))

    def measure(state: dict[str, torch.Tensor]) -> Measured:
        # One head is nearly sure, the other is not at all: the score is the mean of both.
        logits = [torch.tensor([sure, 0.0]) for sure in (1.0, -3.0)]
        scores = [
            float((logit + state[name]).softmax(0)[0])
            for logit, name in zip(logits, names, strict=True)
        ]
        score = float(np.mean(scores))
        return Measured({"score": score}, [[FoundInstance(0, encode(mask), score)] for _ in truths])

    _, before, measured = calibrate(state, truths, measure)
    assert before == pytest.approx(0.389, abs=0.001)
    assert measured.figures["score"] == pytest.approx(0.5, abs=0.02)
    # What is known already is not measured again.
    calls: list[dict[str, torch.Tensor]] = []

    def counted(given: dict[str, torch.Tensor]) -> Measured:
        calls.append(given)
        return measure(given)

    known = calibrate(state, truths, counted, measure(state))
    assert known[1] == before
    assert calls and all(given is not state for given in calls)
    truths = truths[:9]  # too few to say anything
    _, before, measured = calibrate(state, truths, measure)
    assert (before, measured.figures["score"]) == (0.5, pytest.approx(0.389, abs=0.001))
    assert all(torch.equal(tensor, torch.zeros(2)) for tensor in state.values())
