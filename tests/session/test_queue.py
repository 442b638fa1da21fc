"""The queue of requests alone: no thread, no model, no image."""

from __future__ import annotations

import numpy as np

from seg_widgets.session.queue import Request, RequestQueue
from seg_widgets.session.source import Source


def source(name: str) -> Source:
    return Source.of_array(np.zeros((1, 1, 3), np.uint8), name)


def single(name: str) -> Request:
    return Request(source(name))


def several(*names: str) -> list[Request]:
    return [Request(source(name), number, kept=True) for number, name in enumerate(names, 1)]


def names(queue: RequestQueue) -> list[str]:
    """The current request and those that wait."""
    current = [] if queue.current is None else [queue.current]
    return [request.source.name for request in (*current, *queue.waiting)]


def test_the_newest_single_request_wins() -> None:
    queue = RequestQueue()
    assert not queue
    requests = [single(name) for name in "abc"]
    for request in requests:
        assert queue.put(request) is None
    assert queue.current is requests[-1]
    assert names(queue) == ["c"]
    assert [request.dropped.is_set() for request in requests] == [True, True, False]
    queue.end(requests[0])  # dropped long ago
    assert queue.current is requests[-1]
    queue.end(requests[-1])
    assert not queue
    assert queue.next() is None


def test_several_are_kept_and_come_one_after_the_other() -> None:
    queue = RequestQueue()
    first, second, third = several("a", "b", "c")
    assert queue.put_all([first, second, third]) is None
    assert names(queue) == ["a", "b", "c"]
    assert queue.position(first) == (1, 3)
    assert queue.next() is None  # the first is not done
    queue.end(first)
    assert queue.next() is second
    assert queue.position(second) == (2, 3)
    assert queue.position(single("d")) is None
    queue.end(second)
    assert queue.next() is third
    queue.end(third)
    assert not queue


def test_one_of_several_waits_again_when_a_single_one_comes() -> None:
    queue = RequestQueue()
    first, second = several("a", "b")
    queue.put_all([first, second])
    again = queue.put(single("now"))
    assert names(queue) == ["now", "a", "b"]
    assert first.dropped.is_set()
    assert again is queue.waiting[0]
    assert (again.number, again.kept, again.dropped.is_set()) == (1, True, False)


def test_one_that_the_model_has_started_on_goes_to_the_history_only() -> None:
    queue = RequestQueue()
    first, second = several("a", "b")
    queue.put_all([first, second])
    first.running = True
    assert queue.put(single("now")) is None
    assert names(queue) == ["now", "b"]
    assert not first.dropped.is_set()
    assert not first.shown


def test_more_that_come_join_the_count_until_all_are_done() -> None:
    queue = RequestQueue()
    queue.put_all(several("a", "b"))
    more = several("c", "d")
    queue.put_all(more)
    assert names(queue) == ["c", "a", "b", "d"]
    assert queue.position(more[0]) == (1, 4)
    queue.clear()
    [alone] = several("e")
    queue.put_all([alone])
    assert queue.position(alone) is None


def test_a_waiting_one_is_taken_or_dropped() -> None:
    queue = RequestQueue()
    first, second, third = several("a", "b", "c")
    queue.put_all([first, second, third])
    assert queue.take(3) is third
    assert queue.take(3) is None
    assert queue.take(1) is None  # the current one does not wait
    assert queue.drop_current() is first
    assert first.dropped.is_set()
    assert queue.drop_current() is None
    assert queue.drop_waiting() == (second,)
    assert not queue
