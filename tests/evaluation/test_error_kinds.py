"""The kinds of errors beside TIDE's own program (tidecv 1.0.1), whose figures are kept here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seg_widgets.evaluation import evaluate
from seg_widgets.prediction import GroundTruth

from .cases import random_case

# In the order of `ERROR_KINDS`: what it counts, and the gains in percent; then its AP50, and what
# it calls FalsePos and FalseNeg. Its averages have a fourth class, which no object has.
TIDE: dict[tuple[int, str], Any] = {
    (1, "masks"): (
        (31, 5, 9, 1, 24, 27),
        (16.08208847200509, 4.267087892999826, 0.24929278642149866, 0.0, 0.5803080308030797)
        + (2.62307480748074,),
        (2.6746424642464257, 9.206545654565456, 11.2726897689769),
    ),
    (2, "masks"): (
        (58, 19, 16, 5, 21, 13),
        (23.07949455298335, 7.257401881309785, 0.5663444000150823, 0.07058529128774893)
        + (0.8455934083865317, 1.658749102209236),
        (5.4327706917597505, 13.379110496359061, 12.570345582852077),
    ),
    (3, "masks"): (
        (22, 16, 16, 4, 23, 32),
        (7.124139268322444, 3.5518291239620465, 0.4283693302292795, 0.40385508944091253)
        + (3.636708425592288, 7.026041546462335),
        (7.721452433704909, 12.080527764314898, 19.710555190134368),
    ),
    (3, "boxes"): (
        (22, 16, 15, 4, 24, 32),
        (7.124139268322444, 3.5518291239620465, 0.4283693302292795, 0.40385508944091253)
        + (3.636708425592288, 7.026041546462335),
        (7.721452433704909, 12.080527764314898, 19.710555190134368),
    ),
}


@pytest.mark.parametrize(("seed", "kind"), TIDE)
def test_they_are_those_of_tide(seed: int, kind: Any) -> None:
    case = random_case(seed, images=12, most_objects=9, most_detections=20, score_steps=10**6)
    truths = {
        name: GroundTruth(truth.prediction, np.zeros(len(truth), bool))
        for name, truth in case.truths.items()
    }
    kinds = evaluate(case.predictions, truths).on(kind).error_kinds
    counts, gains, whole = TIDE[seed, kind]
    assert tuple(kinds.counts.values()) == counts
    share = 100 * 3 / 4
    assert [gain * share for gain in kinds.gains.values()] == pytest.approx(gains)
    assert [
        kinds.ap50 * share,
        kinds.false_positives * share,
        kinds.false_negatives * share,
    ] == pytest.approx(whole)


def test_what_a_crowd_takes_is_no_error() -> None:
    """TIDE counts 19 of both and 25 of background here, with the same AP50 and gains: five
    detections that its averages leave out, because crowds took them, are among its errors."""
    case = random_case(2, images=12, most_objects=9, most_detections=20, score_steps=10**6)
    kinds = evaluate(case.predictions, case.truths).error_kinds
    assert tuple(kinds.counts.values()) == (58, 17, 16, 4, 23, 11)
    gains = [24.01872057463974, 6.446579653702791, 0.5569718891717015, 0.036271743116339294]
    gains += [0.7915814205854961, 1.2843206589566503]
    assert [gain * 75 for gain in kinds.gains.values()] == pytest.approx(gains)
    assert kinds.ap50 * 75 == pytest.approx(5.141396492590438)
