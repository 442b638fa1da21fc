from __future__ import annotations

import gc
import threading
import weakref

import pytest

from seg_widgets.session import cleared
from seg_widgets.session.cleared import Cleared, Undo


class Owner:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.told: list[bool] = []
        self.changed = threading.Event()
        self.undo = Undo(self.on_change, self.lock)

    def on_change(self) -> None:
        self.told.append(bool(self.undo))
        self.changed.set()


def test_what_is_kept_can_be_taken_once() -> None:
    owner = Owner()
    kept = Cleared((), None, (1,), (2,))
    assert owner.undo.take() is None
    owner.undo.keep(kept)
    assert bool(owner.undo)
    assert owner.undo.take() is kept
    assert owner.undo.take() is None
    assert owner.told == [False, True, False, False]


def test_a_newer_one_takes_the_place_and_its_clock_is_the_one_that_counts() -> None:
    owner = Owner()
    first, second = Cleared((), None), Cleared((), None)
    owner.undo.keep(first)
    owner.undo.keep(second)
    # As if the clock of the first came late.
    owner.undo._on_end(first)
    assert owner.undo.take() is second


def test_its_time_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleared, "UNDO_S", 0.02)
    owner = Owner()
    with owner.lock:
        owner.undo.keep(Cleared((), None))
        owner.changed.clear()
    assert owner.changed.wait(20)
    assert owner.told[-1] is False
    assert owner.undo.take() is None


def test_a_clock_keeps_nobody_alive() -> None:
    owner = Owner()
    owner.undo.keep(Cleared((), None))
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None
