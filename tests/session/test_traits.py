"""Traits that several threads may set."""

from __future__ import annotations

import threading
from typing import Any

import traitlets

from seg_widgets.session.traits import ThreadSafeTraits


class _Counter(ThreadSafeTraits):
    first = traitlets.Int(0)
    second = traitlets.Int(0)


def test_holding_back_in_one_thread_loses_nothing_of_another() -> None:
    """With traitlets' own hold_trait_notifications this loses notifications or raises."""
    counter = _Counter()
    heard = {"first": 0, "second": 0}

    def count(change: Any) -> None:
        heard[change["name"]] += 1

    counter.observe(count)
    rounds = 3000

    def hold() -> None:
        for number in range(rounds):
            with counter.hold_trait_notifications():
                counter.first = number + 1

    def set_plainly() -> None:
        for number in range(rounds):
            counter.second = number + 1

    threads = [threading.Thread(target=hold), threading.Thread(target=set_plainly)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert heard == {"first": rounds, "second": rounds}


def test_held_changes_are_told_once_with_the_first_old_and_the_last_new_value() -> None:
    counter = _Counter()
    heard: list[tuple[int, int]] = []
    counter.observe(lambda change: heard.append((change["old"], change["new"])), "first")
    with counter.hold_trait_notifications():
        counter.first = 1
        with counter.hold_trait_notifications():
            counter.first = 2
        assert not heard
    assert heard == [(0, 2)]
