from __future__ import annotations

import numpy as np
import pytest

from seg_widgets.errors import SettingError
from seg_widgets.prediction import Prediction
from seg_widgets.session.history import History
from seg_widgets.session.result import Result


def picture(side: int = 10) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.zeros((side, side, 3), np.uint8)


def numbers(history: History) -> list[int]:
    return [entry.number for entry in history]


def test_entries_are_counted_updated_and_removed() -> None:
    history = History()
    first, second = history.add("a.jpg", "/x/a.jpg"), history.add("b.jpg")
    assert (first, second) == (1, 2)
    assert history[1].origin == "/x/a.jpg"
    assert history[2].state == "waiting"
    history.update(2, state="failed", error="It is no image.")
    assert history[2].error == "It is no image."
    history.remove(1)
    assert numbers(history) == [2]
    assert 1 not in history
    history.update(1, state="done")  # removed meanwhile
    assert numbers(history) == [2]
    assert history.add("c.jpg") == 3
    history.clear()
    assert numbers(history) == []
    with pytest.raises(SettingError, match="no image number 3"):
        history.remove(3)


def test_the_oldest_finished_ones_go_but_not_the_one_on_screen() -> None:
    history = History(max_entries=2)
    for _ in range(5):
        history.add("x")
    for number in (1, 2, 3, 5):
        history.update(number, state="done", image=picture())
    history.trim(keep=1)
    assert numbers(history) == [1, 4, 5]


def test_large_images_leave_room_for_fewer() -> None:
    history = History(max_bytes=700)
    for number in (1, 2, 3):
        history.add("x")
        history.update(number, state="done", image=picture())
        history.trim(keep=number)
    assert numbers(history) == [2, 3]
    history.add("large")
    history.update(4, state="done", image=picture(100))
    history.trim(keep=4)
    assert numbers(history) == [4]


def test_an_entry_has_a_result_once_it_is_done() -> None:
    history = History()
    history.add("a.jpg", "/x/a.jpg")
    assert history[1].result is None
    prediction = Prediction.empty((10, 10))
    history.finish(1, Result(picture(), prediction, "a.jpg", "/x/a.jpg", 1, "starter", 0.5))
    assert history[1].state == "done"
    result = history[1].result
    assert result is not None
    assert (result.name, result.uri, result.number) == ("a.jpg", "/x/a.jpg", 1)
    assert (result.prediction, result.model, result.took_s) == (prediction, "starter", 0.5)
    history.finish(2, result)  # removed meanwhile
    assert numbers(history) == [1]


def test_what_is_unfinished_can_be_dropped() -> None:
    history = History()
    for state in ("waiting", "busy", "done", "failed"):
        history.update(history.add(state), state=state)
    history.drop_unfinished()
    assert [entry.source for entry in history] == ["done", "failed"]
