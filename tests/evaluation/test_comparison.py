"""Two models on the same images."""

from __future__ import annotations

import numpy as np
import pytest

from seg_widgets.errors import SettingError
from seg_widgets.evaluation import Evaluation, compare, evaluate
from seg_widgets.evaluation.bootstrap import weights_of
from seg_widgets.prediction import GroundTruth

from .cases import Case, random_case


def _halves(case: Case) -> tuple[Evaluation, Evaluation]:
    """A model that misses half of what there is, and one that finds all of it."""
    every = {name: one.prediction for name, one in case.truths.items()}
    half = {name: one[: len(one) // 2] for name, one in every.items()}
    truths = {name: GroundTruth(one, np.zeros(len(one), bool)) for name, one in every.items()}
    return evaluate(half, truths), evaluate(every, truths)


def test_a_draw_is_measured_as_if_its_images_were_there() -> None:
    case = random_case(8, images=5)
    whole = evaluate(case.predictions, case.truths)
    from seg_widgets.evaluation import comparison

    weights = weights_of(5, 30, seed=1)
    drawn = comparison._drawn(whole, weights)
    names = list(case.truths)
    for row in range(4):
        chosen = [
            name for name, times in zip(names, weights[row], strict=True) for _ in range(times)
        ]
        again = evaluate(
            [case.predictions[name] for name in chosen], [case.truths[name] for name in chosen]
        )
        for class_id, name in enumerate(whole.class_names):
            figure = again.by_class[name]["AP"]
            ours = drawn["AP"][row, class_id]
            # Equal scores of two draws of an image stand in another order than here.
            assert np.isnan(ours) if figure is None else ours == pytest.approx(figure, abs=0.05)


def test_a_clear_difference() -> None:
    half, every = _halves(random_case(1, images=12))
    result = compare(half, every, resamples=200)
    best = result.of()
    assert best.b == pytest.approx(1)
    assert best.is_clear and best.low > 0.2 and best.low <= best.difference <= best.high
    assert str(best).startswith("AP 0.")
    again = compare(half, every, resamples=200)
    assert again.differences == result.differences
    assert compare(half, every, resamples=200, seed=1).differences != result.differences
    back = compare(every, half, resamples=200).of()
    assert (back.low, back.high) == pytest.approx((-best.high, -best.low))
    assert result.images[0].difference >= result.images[-1].difference
    assert "F1 differs most in: image-" in repr(result)
    assert "<td>clear</td>" in result._repr_html_()
    assert {one.class_name for one in result.differences} == {None, "cat", "dog", "cup"}


def test_the_same_model_differs_by_nothing() -> None:
    _, every = _halves(random_case(1, images=12))
    result = compare(every, every, resamples=50)
    assert all((one.low, one.high) == (0, 0) and not one.is_clear for one in result.differences)
    # One image can't say how much others vary, however large the difference is.
    half, whole = _halves(random_case(3, images=1, most_objects=20))
    one = compare(half, whole, resamples=50).of()
    assert one.difference > 0.2 and one.low == one.high and not one.is_clear
    assert one.verdict == "too few images (1)"
    assert "may be chance" in repr(result) and "F1 is the same" in repr(result)


def test_without_objects_there_is_nothing_to_compare() -> None:
    case = random_case(1, images=3)
    found = {name: one.prediction for name, one in case.truths.items()}
    truths = {name: GroundTruth(one[:0], np.zeros(0, bool)) for name, one in found.items()}
    every, none = (
        evaluate(found, truths),
        evaluate({n: one[:0] for n, one in found.items()}, truths),
    )
    result = compare(every, none, resamples=20)
    assert result.differences == ()
    assert "No image has an object, so there is nothing to compare." in repr(result)
    assert "nothing to compare" in result._repr_html_()
    with pytest.raises(SettingError, match="no AP of 'all' to compare"):
        result.of()


def test_what_can_not_be_compared() -> None:
    half, every = _halves(random_case(1, images=4))
    other, _ = _halves(random_case(2, images=4))
    with pytest.raises(SettingError, match="different images"):
        compare(half, other)
    with pytest.raises(SettingError, match="of masks, the other of boxes"):
        compare(half, every.on("boxes"))
    with pytest.raises(SettingError, match="resamples is 20 or more"):
        compare(half, every, resamples=3)
    with pytest.raises(SettingError, match="no AP of 'nothing'"):
        compare(half, every, resamples=20).of("nothing")
