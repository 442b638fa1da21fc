"""A canvas beside the truth and a second model: which runs in the background, once an image."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from seg_widgets.prediction import PartialPrediction, Prediction
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.viewer import decode_content
from seg_widgets.widgets.canvas import SegmentationCanvas

from ..waiting import until

IMAGE, OTHER = make_picture(160, 120), make_picture(160, 120)
FOUND = StubPredictor(12)(IMAGE)


class Second:
    """A model that waits until it may answer."""

    name = "mine"

    def __init__(self, number: int = 5) -> None:
        self.may = threading.Event()
        self.seen: list[Any] = []
        self._model = StubPredictor(number)

    def __call__(self, image: np.ndarray) -> Prediction:
        self.seen.append(image)
        assert self.may.wait(30)
        return self._model(image)


@pytest.fixture
def canvas() -> Iterator[SegmentationCanvas]:
    made = SegmentationCanvas(IMAGE, FOUND, name="a.jpg", threshold=0.0)
    yield made
    made.close()


def test_a_model_is_a_second_side(canvas: SegmentationCanvas) -> None:
    model = Second()
    canvas.versus = model
    assert canvas.matches is None
    canvas.truth = FOUND
    assert canvas.matches is not None and canvas.matches.misses == 0
    model.may.set()
    until(lambda: canvas.side_of("versus"))
    assert canvas.side_of("versus") == StubPredictor(5)(IMAGE)
    canvas.compare_with = "versus"
    until(lambda: canvas.matches is not None and len(canvas.matches.truth) == 5)
    sides = decode_content(canvas.content).header["others"]
    assert [(side["kind"], side["name"]) for side in sides] == [
        ("truth", "truth"),
        ("versus", "mine"),
    ]
    # Once an image, however often something else changes.
    canvas.classes = {"person": "person"}
    canvas.truth = None
    assert canvas.side_of("versus") == StubPredictor(5)(IMAGE)
    assert len(model.seen) == 1
    canvas.versus = None
    assert canvas.matches is None


def test_an_image_gets_only_what_was_found_in_it(canvas: SegmentationCanvas) -> None:
    model = Second()
    canvas.versus = model
    until(lambda: model.seen)
    second = StubPredictor(3)(OTHER)
    canvas.set_result(OTHER, second, "b.jpg")
    assert canvas.matches is None
    model.may.set()
    until(lambda: canvas.matches)
    assert [image is OTHER for image in model.seen] == [False, True]
    assert canvas.matches is not None and canvas.matches.found is second


def test_models_that_fail_or_are_not_there_are_said(canvas: SegmentationCanvas) -> None:
    def broken(image: np.ndarray) -> Prediction:
        raise RuntimeError("no memory")

    content = canvas.content
    canvas.versus = broken
    until(lambda: "no memory" in canvas.error)
    canvas.versus = "no-such-model"
    until(lambda: "no-such-model" in canvas.error)
    canvas.versus = ""
    assert "name can't be empty" in canvas.error
    assert canvas.content == content
    # What is closed hears nothing more.
    late = Second()
    canvas.versus = late
    until(lambda: late.seen)
    canvas.error = ""
    canvas.close()
    late.may.set()
    time.sleep(0.05)
    assert canvas.matches is None and canvas.error == ""


def test_a_part_of_a_result_is_matched_with_nothing(canvas: SegmentationCanvas) -> None:
    canvas.truth = FOUND
    part = PartialPrediction(StubPredictor(4)(OTHER), {})
    canvas.set_partial(OTHER, part, "b.jpg")
    assert canvas.matches is None
    canvas.truth = FOUND[:3]
    canvas.set_preview(None)
    # The result before it, with the truth that was set meanwhile.
    assert canvas.matches is not None
    assert (canvas.matches.hits, canvas.matches.false_alarms) == (3, 9)
    assert len(decode_content(canvas.content).header["others"][0]["classIds"]) == 3
