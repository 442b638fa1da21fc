from __future__ import annotations

import numpy as np
import pytest

from seg_widgets.errors import SettingError
from seg_widgets.prediction import Prediction
from seg_widgets.session.history import History
from seg_widgets.session.pixels import PixelFolder, Pixels
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


def done(history: History, side: int = 10) -> Pixels:
    number = history.add("x")
    pixels = Pixels(picture(side))
    history.update(number, state="done", image=pixels)
    return pixels


def test_nothing_is_dropped_and_the_oldest_pixels_leave_memory_first() -> None:
    history = History(max_bytes=700)
    made = [done(history) for _ in range(4)]
    assert history.over_limit(keep=4) == made[:2]
    assert history.over_limit(keep=1) == made[1:3], "but not those on screen"
    assert numbers(history) == [1, 2, 3, 4]
    large = done(history, 100)
    assert history.over_limit(keep=5) == made
    assert history.over_limit(keep=None) == [*made, large]


def test_two_results_of_one_image_count_once() -> None:
    history = History(max_bytes=700)
    pixels = done(history)
    history.update(history.add("x"), state="done", image=pixels)
    done(history)
    assert history.over_limit(keep=3) == []


def test_an_entry_loads_its_image_when_it_is_read() -> None:
    loaded: list[int] = []

    def again() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        loaded.append(1)
        return picture()

    history = History()
    history.add("x")
    pixels = Pixels(picture(), again)
    history.update(1, state="done", image=pixels, prediction=Prediction.empty((10, 10)))
    pixels.put_away(PixelFolder())
    assert history[1].changed(state="failed").pixels is pixels
    assert "x" in repr(history[1])
    assert loaded == []
    image = history[1].image
    assert image is not None
    assert (image == picture()).all()
    assert len(loaded) == 1


def test_what_was_cleared_comes_back_in_its_old_order() -> None:
    history = History()
    done(history)
    done(history)
    entries = history.clear()
    done(history)
    history.restore(entries)
    assert numbers(history) == [1, 2, 3]


def test_an_entry_has_a_result_once_it_is_done() -> None:
    history = History()
    history.add("a.jpg", "/x/a.jpg")
    assert history[1].result is None
    history.update(1, image=Pixels(picture()))
    assert history[1].result is None, "there is no prediction yet"
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


def test_pixels_just_at_the_limit_stay() -> None:
    # Each of 300 bytes.
    for limit, leaving in ((900, 0), (899, 1), (600, 1), (599, 2), (1, 3)):
        history = History(max_bytes=limit)
        made = [done(history) for _ in range(3)]
        assert history.over_limit(keep=None) == made[:leaving], limit
    history.remove(1)
    assert history.over_limit(keep=1) == made[1:], "what was removed is kept by nobody"
    assert history.over_limit(keep=3) == [made[1]]


def test_pixels_that_have_left_memory_take_none() -> None:
    history = History(max_bytes=299)
    made = [done(history) for _ in range(3)]
    history.add("waits, so that it has no pixels")
    folder = PixelFolder()
    made[0].put_away(folder)
    made[1].put_away(folder)
    assert history.over_limit(keep=4) == [made[2]]
    made[2].put_away(folder)
    assert history.over_limit(keep=None) == []


def test_a_finished_entry_has_no_error_any_more() -> None:
    history = History()
    history.add("a.jpg")
    history.update(1, state="failed", error="The model is gone.")
    assert repr(history[1]) == "HistoryEntry(1, 'a.jpg', failed)"
    prediction = Prediction.empty((10, 10))
    result = Result(picture(), prediction, "a.jpg", "", 1, "starter", 0.5, ("A note.",))
    pixels = Pixels(picture())
    history.finish(1, result, pixels)
    assert (history[1].state, history[1].error) == ("done", "")
    assert history[1].pixels is pixels
    assert history[1].notes == ("A note.",)
    assert repr(history[1]) == "HistoryEntry(1, 'a.jpg', done, by starter)"
