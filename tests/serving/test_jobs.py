"""The queue, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from seg_widgets.serving.answers import Answer, Work
from seg_widgets.serving.jobs import Job, JobQueue, QueueFull, Superseded


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def go() -> None:
        await asyncio.wait_for(scenario(), 10)

    asyncio.run(go())


def put(queue: JobQueue, client: str = "") -> Job:
    job = queue.enter(client)
    queue.put(job, Work(b"x"))
    return job


def test_jobs_run_in_the_order_in_which_they_came() -> None:
    async def scenario() -> None:
        queue = JobQueue(10, 10)
        jobs = [put(queue) for _ in range(3)]
        assert [queue.ahead(job) for job in jobs] == [0, 1, 2]
        assert [queue.take() for _ in jobs] == [[job] for job in jobs]
        assert queue.take() == []
        assert (queue.waiting, queue.running) == (0, 3)

    run(scenario)


def test_a_job_without_work_is_passed_but_keeps_its_place() -> None:
    async def scenario() -> None:
        queue = JobQueue(10, 10)
        slow, quick = queue.enter(), put(queue)
        assert queue.ahead(quick) == 1
        assert queue.take() == [quick]
        queue.put(slow, Work(b"x"))
        await queue.ready()
        assert queue.take() == [slow]

    run(scenario)


@pytest.mark.parametrize(("workers", "ahead"), [(1, [1, 2, 3]), (2, [0, 1, 2])])
def test_what_runs_counts_as_ahead(workers: int, ahead: list[int]) -> None:
    async def scenario() -> None:
        queue = JobQueue(10, 10, workers)
        put(queue)
        queue.take()
        assert [queue.ahead(job) for job in [put(queue) for _ in range(3)]] == ahead

    run(scenario)


def test_a_newer_request_takes_the_place_of_the_older() -> None:
    async def scenario() -> None:
        queue = JobQueue(2, 10)
        older, other = put(queue, "me"), put(queue, "you")
        newer = put(queue, "me")  # also where the queue is full
        with pytest.raises(Superseded, match="newer"):
            older.answer.result()
        assert queue.take(3) == [newer, other]

    run(scenario)


def test_what_runs_for_a_client_is_superseded_but_not_stopped() -> None:
    async def scenario() -> None:
        queue = JobQueue(2, 10)
        older = put(queue, "me")
        assert queue.take() == [older]
        newer = put(queue, "me")
        with pytest.raises(Superseded, match="newer"):
            older.answer.result()
        older.finish(Answer())  # nobody hears it
        queue.done(older)
        assert queue.take() == [newer]
        assert queue.position("me") == 0
        assert queue.position("nobody") is None

    run(scenario)


def test_a_full_queue_says_when_to_come_again() -> None:
    async def scenario() -> None:
        queue = JobQueue(1, 10)
        job = put(queue)
        with pytest.raises(QueueFull, match="try again in") as full:
            queue.enter()
        assert 1 <= full.value.retry_after_s <= 60
        queue.leave(job)
        queue.enter()

    run(scenario)


def test_bytes_are_limited_over_all_that_wait() -> None:
    async def scenario() -> None:
        queue = JobQueue(10, 100)
        first, second = queue.enter(), queue.enter()
        queue.grow(first, 60)
        with pytest.raises(QueueFull, match="try again in"):
            queue.grow(second, 50)
        queue.leave(first)
        queue.grow(second, 50)
        queue.put(second, Work(b"x"))
        queue.take()
        queue.grow(queue.enter(), 100)

    run(scenario)


def test_one_who_leaves_is_not_run() -> None:
    async def scenario() -> None:
        queue = JobQueue(10, 10)
        job = put(queue)
        queue.leave(job)
        assert queue.take() == []
        assert job.answer.cancelled()
        running = put(queue)
        queue.take()
        queue.leave(running)
        queue.put_back(running)  # its worker ended: nobody wants it any more
        assert (queue.waiting, queue.running) == (0, 0)

    run(scenario)


def test_jobs_that_are_put_back_are_the_next() -> None:
    async def scenario() -> None:
        queue = JobQueue(10, 10)
        first, second, other = put(queue), put(queue), put(queue)
        assert queue.take(2) == [first, second]
        queue.put_back(second)
        queue.put_back(first)
        # One of them may have ended the worker, so each runs by itself now.
        assert [queue.take(8) for _ in range(3)] == [[first], [second], [other]]
        assert (first.attempts, other.attempts) == (2, 1)

    run(scenario)


def test_ready_waits_for_work() -> None:
    async def scenario() -> None:
        queue = JobQueue(10, 10)
        waits = asyncio.create_task(queue.ready())
        job = queue.enter()
        await asyncio.sleep(0)
        assert not waits.done()
        queue.put(job, Work(b"x"))
        await waits
        queue.fail_all(RuntimeError("the end"))
        with pytest.raises(RuntimeError, match="the end"):
            job.answer.result()

    run(scenario)
