"""AP and AR are pycocotools'."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.evaluation import KINDS, Averages, evaluate

from .cases import Case, coco_dataset, random_case, referee, with_regions


def _check(
    case: Case, averages: Averages, kind: str, limits: tuple[int, int, int], cats: int
) -> None:
    scorer = referee(case, kind, limits, cats)
    # pycocotools: T×R×K×A×M and T×K×A×M, -1 where there is no object; its sizes stand in our order.
    precision, recall = scorer.eval["precision"], scorer.eval["recall"]
    ap = np.where((precision < 0).any(axis=1), np.nan, precision.mean(axis=1))[..., -1]
    ar = np.where(recall < 0, np.nan, recall)
    np.testing.assert_allclose(averages.ap, np.transpose(ap, (2, 0, 1)), atol=1e-9)
    np.testing.assert_allclose(averages.ar, np.transpose(ar, (2, 0, 1, 3)), atol=1e-9)
    if cats and limits == (1, 10, 100):
        _check_summary(scorer, averages)


def _check_summary(scorer: Any, averages: Averages) -> None:
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        scorer.summarize()
    ours = np.array([-1.0 if one is None else one for one in averages.figures.values()])
    np.testing.assert_allclose(ours, scorer.stats, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    images=st.integers(1, 8),
    objects=st.integers(0, 9),
    detections=st.sampled_from([0, 1, 5, 20]),
    steps=st.sampled_from([1, 3, 1000]),
)
def test_figures_are_pycocotools(
    seed: int, images: int, objects: int, detections: int, steps: int
) -> None:
    case = random_case(seed, images, objects, detections, steps)
    evaluation = evaluate(case.predictions, case.truths)
    for kind in KINDS:
        scores = evaluation.on(kind).scores
        _check(case, scores.averages, kind, (1, 10, 100), 1)
        _check(case, scores.without_classes, kind, (1, 10, 100), 0)


def test_a_region_to_ignore_is_a_crowd_of_each_class() -> None:
    """Of which alone pycocotools knows."""
    for seed in range(8):
        case, of_each = with_regions(random_case(seed))
        evaluation = evaluate(case.predictions, case.truths)
        assert evaluation.class_names == tuple(evaluation.by_class)
        for kind in KINDS:
            _check(of_each, evaluation.on(kind).scores.averages, kind, (1, 10, 100), 1)


def test_more_than_a_hundred_detections_and_other_limits() -> None:
    case = random_case(5, images=2, most_objects=12, most_detections=900, score_steps=50)
    assert max(len(one) for one in case.predictions.values()) > 400
    for limits in ((1, 10, 100), (2, 5, 30), (1, 10, 1000)):
        scores = evaluate(case.predictions, case.truths, max_detections=limits).scores
        _check(case, scores.averages, "masks", limits, 1)


def test_the_json_gives_the_same(tmp_path: Path) -> None:
    case = random_case(11, images=9)
    file = tmp_path / "truth.json"
    content = coco_dataset(case.truths)
    # Areas and boxes are the file's, as in pycocotools.
    for one in content["annotations"]:
        one["area"] *= 1.5
    file.write_text(json.dumps(content))
    plain, read = evaluate(case.predictions, case.truths), evaluate(case.predictions, file)
    assert read.figures["AP"] == pytest.approx(plain.figures["AP"], abs=1e-12)
    assert read.figures["AP_small"] != plain.figures["AP_small"]
    assert read.class_names == plain.class_names
    assert evaluate(case.predictions, content).figures == read.figures


def test_by_hand() -> None:
    """Ten objects; the four best detections are right but for the third."""
    from seg_widgets import Prediction

    def squares(places: list[int], scores: list[float]) -> Prediction:
        masks = np.zeros((len(places), 20, 220), bool)
        for mask, place in zip(masks, places, strict=True):
            mask[:10, place * 20 : place * 20 + 10] = True
        return Prediction.from_dense(masks, scores, [0] * len(places), ["square"])

    truth = squares(list(range(10)), [1.0] * 10)
    evaluation = evaluate([squares([0, 1, 10, 2], [0.9, 0.8, 0.7, 0.6])], [truth])
    # Precision 1 at the recalls 0, 0.01 … 0.2, then 3/4 at 0.21 … 0.3, nothing above.
    assert evaluation.figures["AP50"] == pytest.approx((21 + 10 * 0.75) / 101)
    assert evaluation.figures["AR1"] == pytest.approx(0.1)
    assert evaluation.figures["AR100"] == pytest.approx(0.3)
    assert evaluation.figures["AP_large"] is None
