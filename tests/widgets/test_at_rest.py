"""What is done once changes have come to rest."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from seg_widgets.widgets.at_rest import AtRest


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self.done = threading.Event()

    def act(self) -> None:
        self.count += 1
        self.done.set()


def test_many_changes_are_followed_once_and_the_next_ones_again() -> None:
    counter = Counter()
    rest = AtRest(counter.act, 0.2)
    for _ in range(20):
        rest.touch()
    assert counter.done.wait(10)
    assert counter.count == 1
    counter.done.clear()
    rest.touch()
    assert counter.done.wait(10)
    assert counter.count == 2


def test_a_forgotten_object_is_not_called_and_not_kept() -> None:
    counter = Counter()
    gone = weakref.ref(counter)
    rest = AtRest(counter.act, 0.05)
    rest.touch()
    del counter
    gc.collect()
    assert gone() is None


def test_a_mistake_is_logged_and_the_next_change_works(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Counter):
        def act(self) -> None:
            super().act()
            raise KeyError("a typo")

    failing = Failing()
    rest = AtRest(failing.act, 0.01)
    for count in (1, 2):
        failing.done.clear()
        rest.touch()
        assert failing.done.wait(10)
        assert failing.count == count
    deadline = time.monotonic() + 10
    while caplog.text.count("a typo") < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "a typo" in caplog.text
