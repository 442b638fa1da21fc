from __future__ import annotations

import threading
from typing import Any

import pytest
import traitlets

from seg_widgets.errors import SettingError
from seg_widgets.session import ThreadSafeTraits
from seg_widgets.widgets.mirror import Mirror


class Sides(ThreadSafeTraits):
    number = traitlets.Int(0)
    text = traitlets.Unicode("")
    value = traitlets.Int(0)

    def __init__(self) -> None:
        super().__init__()
        self.checks: list[int] = []

    @traitlets.validate("number", "value")
    def _check(self, proposal: Any) -> int:
        self.checks.append(proposal["value"])
        if proposal["value"] < 0:
            raise SettingError("It is 0 or more.")
        return int(proposal["value"])


class Unchecked(traitlets.HasTraits):
    number = traitlets.Int(0)
    text = traitlets.Unicode("")


def test_both_sides_follow_and_each_validates_once() -> None:
    owner, view = Sides(), Sides()
    Mirror(owner, view, ["number", "text"])
    owner.number = 1
    assert (view.number, owner.checks, view.checks) == (1, [1], [1])
    view.number = 2
    assert (owner.number, owner.checks, view.checks) == (2, [1, 2], [1, 2])
    view.text = "a"
    assert owner.text == "a"
    owner.value = 5
    assert view.value == 0  # not among the names


def test_names_may_differ_and_one_direction_is_enough() -> None:
    owner, view = Sides(), Sides()
    Mirror(owner, view, {"number": "value"}, two_way=False)
    owner.number = 3
    assert (view.value, view.number) == (3, 0)
    view.value = 4
    assert owner.number == 3


def test_push_copies_all_to_the_view() -> None:
    owner, view = Sides(), Sides()
    owner.number, view.text = 7, "old"
    mirror = Mirror(owner, view, ["number", "text"])
    assert view.number == 0
    mirror.push()
    assert (view.number, view.text) == (7, "")


def test_what_the_owner_refuses_is_replaced_by_its_own_value() -> None:
    owner, view = Sides(), Unchecked()
    Mirror(owner, view, ["number"])
    owner.number = 3
    view.number = -1
    assert owner.number == view.number == 3
    with pytest.raises(SettingError, match="0 or more"):
        owner.number = -1


def test_a_view_can_be_left_out_of_what_another_view_has_changed() -> None:
    owner, first, second = Sides(), Sides(), Sides()
    one = Mirror(owner, first, ["number"])
    Mirror(owner, second, ["number"], unless=one.is_receiving)
    first.number = 5
    assert (owner.number, second.number) == (5, 0)
    owner.number = 6
    assert first.number == second.number == 6


def test_held_changes_arrive_with_their_last_value() -> None:
    owner, view = Sides(), Sides()
    Mirror(owner, view, ["number"])
    with owner.hold_trait_notifications():
        owner.number = 1
        owner.number = 2
        assert view.number == 0
    assert view.number == 2
    assert view.checks == [2]


def test_two_threads_that_change_both_sides_end_with_one_value() -> None:
    owner, view = Sides(), Sides()
    Mirror(owner, view, ["number"])
    start = threading.Barrier(2)

    def change(side: Sides, first: int) -> None:
        start.wait(20)
        for number in range(first, first + 2000):
            side.number = number

    threads = [
        threading.Thread(target=change, args=(owner, 0)),
        threading.Thread(target=change, args=(view, 10_000)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert owner.number == view.number
    assert owner.number in (1999, 11_999)
