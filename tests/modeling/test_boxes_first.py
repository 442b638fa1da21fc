"""An answer in two steps is the answer in one, bit by bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from seg_widgets import images, load_predictor, samples
from seg_widgets.errors import InferenceError, OutOfMemoryError, SettingError
from seg_widgets.modeling.boxes_first import GROUP, BoxesFirst, has_halves
from seg_widgets.modeling.detectron2_predictor import Detectron2Predictor
from seg_widgets.prediction import (
    Filter,
    PartialPrediction,
    Prediction,
    SparingPredictor,
    StepwisePredictor,
)

from ..networks import built, spread_scores, zoo_config

R50_FPN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
NAMES = [f"class {number}" for number in range(80)]


@pytest.fixture(scope="module")
def photo() -> Any:
    return images.load(samples()["astronaut"])


@pytest.fixture(scope="module")
def model() -> Any:
    return spread_scores(built(zoo_config(R50_FPN))).eval()


@pytest.fixture(scope="module")
def r50(model: Any) -> Detectron2Predictor:
    return Detectron2Predictor(model, NAMES, min_size=160, optimize=True)


@pytest.fixture(scope="module")
def starter() -> Detectron2Predictor:
    return load_predictor(device="cpu")


def _in_steps(predictor: Any, photo: Any, shown: Filter) -> tuple[Any, list[PartialPrediction]]:
    parts: list[PartialPrediction] = []
    whole = predictor.predict_in_steps(photo, shown=shown, on_first=parts.append)
    return whole, parts


def _check(whole: Any, part: PartialPrediction, answer: Any, shown: Filter) -> None:
    """The whole is the answer; the part has its instances, and its masks of what is shown."""
    assert whole == answer
    assert whole.notes == answer.notes
    np.testing.assert_array_equal(part.boxes.boxes, answer.boxes)
    np.testing.assert_array_equal(part.boxes.scores, answer.scores)
    np.testing.assert_array_equal(part.boxes.class_ids, answer.class_ids)
    assert part.boxes.masks is None
    assert set(np.flatnonzero(shown.keep(answer)).tolist()) <= set(part.masks)
    assert len(part.masks) < len(answer)
    assert all(answer.masks[index] == mask for index, mask in part.masks.items())
    drawn = [index in part.masks for index in range(len(answer))]
    boxes = np.rint(np.prod(answer.boxes[:, 2:] - answer.boxes[:, :2], axis=1, dtype=np.float64))
    np.testing.assert_array_equal(part.areas, np.where(drawn, answer.areas, boxes))


def test_r50_fpn_gives_the_same_in_two_steps(r50: Detectron2Predictor, photo: Any) -> None:
    assert isinstance(r50, StepwisePredictor)
    answer = r50(photo)
    assert len(answer) > 60
    by_score = Filter(float(answer.scores[20]))
    whole, parts = _in_steps(r50, photo, by_score)
    _check(whole, parts[0], answer, by_score)
    # The first 21 lie in two groups.
    assert (len(parts), list(parts[0].masks)) == (1, list(range(2 * GROUP)))

    # What is shown of one class may lie anywhere.
    later = [at for at in range(GROUP, len(answer)) if at % GROUP == 3]
    rare = min(
        later, key=lambda at: int((answer.class_ids[: at + 1] == answer.class_ids[at]).sum())
    )
    score = float(answer.scores[rare])
    by_class = Filter(1.0, class_thresholds={NAMES[answer.class_ids[rare]]: score})
    whole, parts = _in_steps(r50, photo, by_class)
    _check(whole, parts[0], answer, by_class)
    assert rare in parts[0].masks


def test_the_starter_gives_the_same_in_two_steps(starter: Detectron2Predictor, photo: Any) -> None:
    answer = starter(photo)
    shown = Filter(0.9)
    whole, parts = _in_steps(starter, photo, shown)
    _check(whole, parts[0], answer, shown)
    # The network's own inference draws all masks at once.
    assert starter._predict([photo], starter.min_size)[0] == answer


def test_masks_that_nobody_needs_are_left_out(r50: Detectron2Predictor, photo: Any) -> None:
    answer = r50(photo)
    kept = Filter(float(answer.scores[20]))
    spared = r50.predict_kept(photo, kept.keep)
    assert isinstance(r50, SparingPredictor)
    assert spared.notes == answer.notes
    np.testing.assert_array_equal(spared.boxes, answer.boxes)
    assert spared.select(kept.keep(spared)) == answer.select(kept.keep(answer))
    assert spared.masks is not None
    assert answer.masks is not None
    assert spared.masks[: 2 * GROUP] == answer.masks[: 2 * GROUP]
    assert not spared.areas[2 * GROUP :].any()
    assert r50.predict_kept(photo, Filter(0.0).keep) == answer


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("mine"), RuntimeError("out of memory"), MemoryError("mine")]
)
def test_what_the_callers_function_raises_is_raised_as_it_is(
    r50: Detectron2Predictor, photo: Any, error: Exception
) -> None:
    def keep(found: Prediction) -> npt.NDArray[np.bool_]:
        raise error

    with pytest.raises(type(error)) as raised:
        r50.predict_kept(photo, keep)
    assert raised.value is error
    with pytest.raises(SettingError, match="one boolean for each of the"):
        r50.predict_kept(photo, lambda found: np.ones(2, bool))
    assert len(r50.predict_kept(photo, Filter(0.5).keep)) == len(r50(photo))


def test_one_step_where_few_masks_would_wait(r50: Detectron2Predictor, photo: Any) -> None:
    answer = r50(photo)
    for shown in (Filter(0.05), Filter(float(answer.scores[-GROUP // 2]))):
        whole, parts = _in_steps(r50, photo, shown)
        assert whole == answer
        assert parts == []


def test_one_step_for_a_model_of_ones_own_and_for_one_with_hooks(model: Any, photo: Any) -> None:
    own = Detectron2Predictor(model, NAMES, min_size=160)
    assert _in_steps(own, photo, Filter(1.0))[1] == []

    assert has_halves(model)
    hook = model.roi_heads.mask_head.register_forward_hook(lambda *_: None)
    try:
        assert not has_halves(model)
    finally:
        hook.remove()
    assert not has_halves(torch.nn.Linear(2, 2))
    kind = type(model.roi_heads)
    try:
        model.roi_heads.__class__ = type("StandardROIHeads", (kind,), {"__module__": "mine"})
        assert not has_halves(model)
    finally:
        model.roi_heads.__class__ = kind


def _fail(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int) -> None:
    """Let the second step fail so often; and the first, once that is over."""
    draw, left = BoxesFirst.draw_rest, [times]

    def failing(self: BoxesFirst) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise error
        draw(self)

    monkeypatch.setattr(BoxesFirst, "draw_rest", failing)


def test_a_second_step_without_memory_is_tried_again_at_half_the_size(
    r50: Detectron2Predictor, photo: Any, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = Detectron2Predictor(model, NAMES, min_size=80, optimize=True)(photo)
    _fail(monkeypatch, MemoryError("no room"), 1)
    whole, parts = _in_steps(r50, photo, Filter(1.0))
    assert whole == half
    assert len(parts) == 1  # a second part would be of another image size


def test_what_else_goes_wrong_in_the_second_step(
    r50: Detectron2Predictor, photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail(monkeypatch, RuntimeError("a strange shape"), 1)
    with pytest.raises(InferenceError, match="a strange shape"):
        _in_steps(r50, photo, Filter(1.0))

    def no_memory(*_: Any) -> Any:
        raise RuntimeError("can't allocate memory")

    monkeypatch.setattr(BoxesFirst, "draw", no_memory)
    with pytest.raises(OutOfMemoryError, match="needs more memory"):
        _in_steps(r50, photo, Filter(1.0))

    def enough(_part: PartialPrediction) -> None:
        raise InterruptedError

    monkeypatch.undo()
    with pytest.raises(InterruptedError):
        r50.predict_in_steps(photo, shown=Filter(1.0), on_first=enough)
    assert r50(photo)  # it is free again
