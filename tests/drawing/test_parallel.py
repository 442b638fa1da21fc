"""The threads of one drawing."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from seg_widgets.drawing import overlay, parallel
from seg_widgets.drawing.parallel import Parallel
from seg_widgets.style import Style
from seg_widgets.testing import StubPredictor, make_picture

LARGE = 10_000_000


@pytest.fixture(params=[1, 3])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(parallel, "_cores", lambda: request.param)
    return int(request.param)


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "drawing" in thread.name]


def test_results_come_in_the_order_of_the_items_and_threads_end(cores: int) -> None:
    with Parallel(LARGE) as threads:
        made = list(threads.each(lambda item: item * item, list(range(20))))
        done: list[int] = []
        threads.do(done.append, range(50))
        assert bool(names()) == (cores > 1)
    assert made == [(item, item * item) for item in range(20)]
    assert sorted(done) == list(range(50))
    assert names() == []


def test_a_small_drawing_has_no_threads(cores: int) -> None:
    with Parallel(1000) as threads:
        threads.do(lambda _: None, range(5))
        assert names() == []


def test_only_a_few_are_made_ahead(cores: int) -> None:
    made: list[int] = []
    with Parallel(LARGE) as threads:
        next(threads.each(made.append, list(range(100))))
    assert len(made) <= 2 * cores


def test_what_is_raised_reaches_the_caller(cores: int) -> None:
    def fail(item: int) -> None:
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"), Parallel(LARGE) as threads:
        threads.do(fail, range(3))
    assert names() == []


def test_the_pixels_are_the_same_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    image = make_picture(1100, 700)
    prediction = StubPredictor(40)(image)
    drawn = []
    for count in (1, 4):
        monkeypatch.setattr(parallel, "_cores", lambda count=count: count)
        drawn.append(overlay(image, prediction, Style(boxes=True)))
    np.testing.assert_array_equal(drawn[0], drawn[1])
