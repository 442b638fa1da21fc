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
        (16.082088, 4.267088, 0.249293, 0.0, 0.580308, 2.623075),
        (2.674642, 9.206546, 11.27269),
    ),
    (2, "masks"): (
        (58, 19, 16, 5, 21, 13),
        (23.079495, 7.257402, 0.566344, 0.070585, 0.845593, 1.658749),
        (5.432771, 13.37911, 12.570346),
    ),
    (3, "masks"): (
        (22, 16, 16, 4, 23, 32),
        (7.124139, 3.551829, 0.428369, 0.403855, 3.636708, 7.026042),
        (7.721452, 12.080528, 19.710555),
    ),
    (3, "boxes"): (
        (22, 16, 15, 4, 24, 32),
        (7.124139, 3.551829, 0.428369, 0.403855, 3.636708, 7.026042),
        (7.721452, 12.080528, 19.710555),
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
    assert [gain * share for gain in kinds.gains.values()] == pytest.approx(gains, abs=1e-6)
    assert [
        kinds.ap50 * share,
        kinds.false_positives * share,
        kinds.false_negatives * share,
    ] == pytest.approx(whole, abs=1e-6)


def test_what_a_crowd_takes_is_no_error() -> None:
    """TIDE counts 19 of both and 25 of background here, with the same AP50 and gains: five
    detections that its averages leave out, because crowds took them, are among its errors."""
    case = random_case(2, images=12, most_objects=9, most_detections=20, score_steps=10**6)
    kinds = evaluate(case.predictions, case.truths).error_kinds
    assert tuple(kinds.counts.values()) == (58, 17, 16, 4, 23, 11)
    gains = [24.018721, 6.44658, 0.556972, 0.036272]
    gains += [0.791581, 1.284321]
    assert [gain * 75 for gain in kinds.gains.values()] == pytest.approx(gains, abs=1e-6)
    assert kinds.ap50 * 75 == pytest.approx(5.141396)
