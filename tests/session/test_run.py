"""A predictor that waits for its turn, or answers in steps, in a session."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from seg_widgets import SegmentationSession
from seg_widgets.errors import InferenceError
from seg_widgets.prediction import (
    Filter,
    PartialPrediction,
    Prediction,
    QueuedPredictor,
    StepwisePredictor,
)
from seg_widgets.testing import StubPredictor, make_picture


class Queued:
    """A predictor that reports two others ahead, and goes on when it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.dropped = threading.Event()
        self._stub = StubPredictor(3)

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        raise AssertionError("a session asks it to wait in turn")

    def predict_in_turn(
        self,
        image: npt.NDArray[np.uint8],
        /,
        *,
        on_wait: Callable[[str], None],
        is_dropped: Callable[[], bool],
    ) -> Prediction:
        on_wait("2 ahead of you")
        while not self.go.wait(0.01):
            if is_dropped():
                self.dropped.set()
                raise InferenceError("nobody needs it")
        on_wait("")
        return self._stub(image)


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_status_shows_how_many_are_ahead() -> None:
    queued = Queued()
    assert isinstance(queued, QueuedPredictor)
    session = SegmentationSession(queued)
    seen: list[str] = []
    session.observe(lambda change: seen.append(change["new"]), "status")
    session.segment(make_picture(64, 48), name="cat.jpg")
    _wait_until(lambda: session.status == "Segmenting cat.jpg: 2 ahead of you")
    queued.go.set()
    assert len(session.wait(20) or ()) == 3
    assert seen[-2:] == ["Segmenting cat.jpg", ""]
    session.close(5)


def test_a_request_that_was_cancelled_stops_waiting() -> None:
    queued = Queued()
    session = SegmentationSession(queued)
    session.segment(make_picture(64, 48))
    _wait_until(lambda: "ahead" in session.status)
    session.cancel()
    assert queued.dropped.wait(20)
    assert (session.status, session.error, session.busy) == ("", "", False)
    session.close(5)


def test_a_newer_image_takes_the_turn_of_the_older() -> None:
    queued = Queued()
    session = SegmentationSession(queued)
    session.segment(make_picture(64, 48), name="old.jpg")
    _wait_until(lambda: "old.jpg: 2 ahead" in session.status)
    session.segment(make_picture(80, 60), name="new.jpg")
    assert queued.dropped.wait(20)
    _wait_until(lambda: "new.jpg: 2 ahead" in session.status)
    queued.go.set()
    session.wait(20)
    assert (session.source, session.error) == ("new.jpg", "")
    session.close(5)


# ── a predictor that answers in steps ─────────────────────────────────────────────────────────────


class InSteps:
    """A predictor that goes on after its first step when it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.error: Exception | None = None
        self.stub = StubPredictor(20)
        self.shown: list[Filter] = []

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        return self.stub(image)

    def predict_in_steps(
        self,
        image: npt.NDArray[np.uint8],
        /,
        *,
        shown: Filter,
        on_first: Callable[[PartialPrediction], None],
    ) -> Prediction:
        self.shown.append(shown)
        whole = self.stub(image)
        assert whole.masks is not None
        masks = {int(i): whole.masks[i] for i in np.flatnonzero(shown.keep(whole))}
        on_first(PartialPrediction(replace(whole, masks=None), masks))
        assert self.go.wait(20)
        if self.error is not None:
            raise self.error
        return whole


def _found(session: SegmentationSession) -> PartialPrediction | None:
    return None if session.upcoming is None else session.upcoming.found


def test_what_is_shown_comes_before_the_result() -> None:
    predictor = InSteps()
    assert isinstance(predictor, StepwisePredictor)
    session = SegmentationSession(predictor, threshold=0.7)
    session.class_thresholds = {"person": 0.9}
    session.segment(make_picture(64, 48), name="cat.jpg")
    _wait_until(lambda: _found(session) is not None)
    assert session.upcoming is not None
    assert (session.upcoming.name, session.upcoming.image.shape) == ("cat.jpg", (48, 64, 3))
    assert session.status == "Drawing the fainter instances of cat.jpg"
    assert session.busy
    assert (session.result, session.history) == (None, ())
    assert predictor.shown == [session.filter]
    predictor.go.set()
    answer = session.wait(20)
    assert answer == predictor(make_picture(64, 48))
    assert session.history[0].prediction is answer
    assert (session.upcoming, session.status) == (None, "")

    # Another model looks at the same image: what it has found comes first, too.
    other = InSteps()
    session.hidden_instances = (3,)
    session.use(other)
    _wait_until(lambda: _found(session) is not None)
    assert session.prediction is answer
    assert other.shown == [replace(session.filter, hidden_instances=())]
    other.go.set()
    session.wait(20)
    assert len(session.history) == 2
    session.close(5)


def test_a_newer_image_does_not_wait_for_the_older_ones_second_step() -> None:
    predictor = InSteps()
    session = SegmentationSession(predictor)
    newer = make_picture(80, 60)
    session.observe(
        lambda change: (
            session.segment(newer, name="new.jpg")
            if change["new"] is not None and change["new"].found and change["new"].name == "old.jpg"
            else None
        ),
        "upcoming",
    )
    session.segment(make_picture(64, 48), name="old.jpg")
    predictor.go.set()
    session.wait(20)
    assert (session.source, len(session.history)) == ("new.jpg", 1)
    session.close(5)


def test_of_several_images_the_one_on_screen_comes_in_steps_and_all_are_whole() -> None:
    predictor = InSteps()
    predictor.go.set()
    session = SegmentationSession(predictor)
    session.segment_all([make_picture(64, 48), make_picture(80, 60), make_picture(48, 48)])
    session.wait(20)
    assert len(predictor.shown) == 1
    assert [entry.state for entry in session.history] == ["done"] * 3
    for entry in session.history:
        assert entry.prediction is not None
        assert entry.prediction == predictor(entry.image)
    session.close(5)


def test_a_second_step_that_fails_is_an_error_beside_the_last_result() -> None:
    predictor = InSteps()
    predictor.go.set()
    session = SegmentationSession(predictor)
    session.segment(make_picture(64, 48), name="good.jpg")
    session.wait(20)
    predictor.error = InferenceError("no memory is left")
    session.segment(make_picture(80, 60), name="bad.jpg")
    with pytest.raises(InferenceError, match="no memory is left"):
        session.wait(20)
    assert (session.source, session.error) == ("good.jpg", "no memory is left")
    assert (session.upcoming, session.busy) == (None, False)
    session.close(5)
