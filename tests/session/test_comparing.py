"""A panel's truth and second model: compared in the background, and what doesn't fit is said."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from seg_widgets.errors import SettingError
from seg_widgets.prediction import Prediction
from seg_widgets.session import SegmentationSession
from seg_widgets.testing import StubPredictor, make_picture

from ..waiting import until

IMAGE = make_picture(160, 120)


@pytest.fixture
def session() -> Iterator[SegmentationSession]:
    made = SegmentationSession(StubPredictor(12))
    yield made
    made.close(10)


def test_a_result_is_matched_with_the_truth(session: SegmentationSession) -> None:
    assert session.matches is None
    session.truth = StubPredictor(12)(IMAGE)[::2]
    session.image = IMAGE
    session.wait(60)
    matches = session.matches
    assert matches is not None
    assert (matches.hits, matches.false_alarms, matches.misses) == (4, 3, 2)
    session.threshold = 0.0
    assert session.matches is not None
    assert session.matches.misses == 0
    session.truth = None
    assert session.matches is None
    assert session.comparison is None


def test_what_of_the_truth_can_not_be_used_is_said(session: SegmentationSession) -> None:
    polygon = {"image_id": 1, "category_id": 1, "iscrowd": 0}
    session.truth = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 160, "height": 120}],
        "categories": [{"id": 1, "name": StubPredictor(12)(IMAGE).class_names[0]}],
        "annotations": [
            {**polygon, "id": 7, "segmentation": [[1, 1, 20, 1, 20, 20]]},
            {**polygon, "id": 8, "segmentation": [[1, 1, 5, 5]]},
        ],
    }
    session.image = IMAGE
    session.wait(60)
    assert len(session.notes) == 1
    assert session.notes[0].startswith("truth: 1 × its polygon has fewer than three points")
    session.truth = None
    assert not session.notes


def test_a_second_model_runs_on_a_thread_of_its_own(session: SegmentationSession) -> None:
    names: list[str] = []

    def second(image: np.ndarray) -> Prediction:
        names.append(threading.current_thread().name)
        return StubPredictor(5)(image)

    session.image = IMAGE
    session.wait(60)
    session.versus = second
    until(lambda: session.matches)
    assert names == ["seg_widgets second model"]
    assert session.comparison is not None
    assert session.comparison.versus == StubPredictor(5)(IMAGE)
    before = session.matches
    session.truth = StubPredictor(12)(IMAGE)
    assert session.matches is not None
    assert session.matches.misses > 0
    session.compare_with = "versus"
    until(lambda: session.matches and session.matches.hits == before.hits)  # type: ignore[union-attr]


def test_a_second_model_looks_at_an_image_once(session: SegmentationSession) -> None:
    seen: list[int] = []

    def second(image: np.ndarray) -> Prediction:
        seen.append(image.shape[1])
        return StubPredictor(5)(image)

    session.versus = second
    session.image = IMAGE
    session.wait(60)
    until(lambda: session.matches)
    session.truth = StubPredictor(12)(IMAGE)
    session.classes = {"kitty": "cat"}
    session.truth = None
    assert session.comparison is not None
    assert session.comparison.versus == StubPredictor(5)(IMAGE)
    session.image = make_picture(80, 60)
    session.wait(60)
    until(lambda: session.comparison and session.comparison.versus)
    session.show(session.history[0].number)
    assert session.comparison.versus == StubPredictor(5)(IMAGE)
    assert seen == [160, 80]
    session.versus = StubPredictor(3)
    until(lambda: session.comparison and session.comparison.versus == StubPredictor(3)(IMAGE))


def test_a_second_model_that_is_still_at_an_image_is_not_asked_again(
    session: SegmentationSession,
) -> None:
    seen: list[int] = []
    may_end = threading.Event()

    def second(image: np.ndarray) -> Prediction:
        seen.append(image.shape[1])
        assert may_end.wait(60)
        return StubPredictor(5)(image)

    session.versus = second
    session.image = IMAGE
    session.wait(60)
    until(lambda: seen)
    session.truth = StubPredictor(12)(IMAGE)
    session.truth = None
    may_end.set()
    until(lambda: session.comparison and session.comparison.versus)
    session.truth = StubPredictor(12)(IMAGE)
    assert seen == [160]


def test_a_second_model_that_answers_for_another_size_is_an_error(
    session: SegmentationSession,
) -> None:
    session.versus = lambda image: StubPredictor(5)(make_picture(300, 200))
    session.image = IMAGE
    session.wait(60)
    until(lambda: "300×200" in session.error)
    assert session.comparison is None
    assert session.matches is None


def test_what_does_not_fit_is_said_and_the_result_stays(session: SegmentationSession) -> None:
    session.image = IMAGE
    found = session.wait(60)
    session.truth = np.zeros((3, 3), int)
    assert "belongs to an image of 3×3 pixels" in session.error
    assert session.prediction is found
    session.truth = found
    assert session.error == ""
    session.truth = "/not/there.json"
    assert "can't be read" in session.error
    assert session.matches is None

    def broken(image: np.ndarray) -> Prediction:
        raise RuntimeError("no memory")

    session.truth, session.versus = None, broken
    until(lambda: "no memory" in session.error)
    assert session.prediction is found
    session.versus = "no-such-model"
    until(lambda: "no-such-model" in session.error)


def test_settings_are_checked(session: SegmentationSession) -> None:
    with pytest.raises(SettingError, match="IoU threshold"):
        session.iou_threshold = 0.0
    with pytest.raises(SettingError, match='"truth" or "versus"'):
        session.compare_with = "model"
