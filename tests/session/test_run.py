"""A predictor that waits for its turn, in a session."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from seg_widgets import SegmentationSession
from seg_widgets.errors import InferenceError
from seg_widgets.prediction import Prediction, QueuedPredictor
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
