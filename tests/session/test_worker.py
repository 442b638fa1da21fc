from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import Future

import pytest

from seg_widgets.session.worker import Superseded, Worker, call_in_thread, wait_for


def test_a_newer_job_replaces_the_one_that_waits() -> None:
    worker = Worker()
    begun, go, done = threading.Event(), threading.Event(), threading.Event()
    ran: list[str] = []

    def first() -> None:
        begun.set()
        assert go.wait(20)
        ran.append("first")

    def last() -> None:
        ran.append("last")
        done.set()

    worker.submit(first)
    assert begun.wait(20)
    worker.submit(lambda: ran.append("replaced"))
    worker.submit(last)
    go.set()
    assert done.wait(20)
    assert ran == ["first", "last"]
    assert not worker.is_current()
    worker.close()
    worker.join(10)


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_job_that_raises_does_not_end_the_worker(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker()
    ran: list[threading.Thread] = []
    begun, done = threading.Event(), threading.Event()

    def leave() -> None:
        ran.append(threading.current_thread())
        begun.set()
        raise error("as it likes")

    def stay() -> None:
        ran.append(threading.current_thread())
        done.set()

    worker.submit(leave)
    assert begun.wait(20)
    worker.submit(stay)
    assert done.wait(20)
    assert ran[0] is ran[1]
    assert "A job of the worker has failed" in caplog.text
    worker.close()
    worker.join(10)
    assert not ran[0].is_alive()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_ends_threads_reaches_who_waits(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error("as it likes")

    with pytest.raises(error, match="as it likes"):
        wait_for(call_in_thread(fail, "a test's"), threading.Event())


def test_a_job_is_let_go_once_it_is_done() -> None:
    class Job:
        def __init__(self) -> None:
            self.done = threading.Event()

        def __call__(self) -> None:
            self.done.set()

    worker = Worker()
    job = Job()
    done, gone = job.done, weakref.ref(job)
    worker.submit(job)
    del job
    assert done.wait(20)
    next_done = threading.Event()
    worker.submit(next_done.set)
    assert next_done.wait(20)
    gc.collect()
    assert gone() is None
    worker.close()
    worker.join(10)


def test_a_closed_worker_drops_what_waits() -> None:
    worker = Worker()
    begun, go = threading.Event(), threading.Event()
    ran: list[str] = []

    def first() -> None:
        begun.set()
        assert go.wait(20)

    worker.submit(first)
    assert begun.wait(20)
    worker.submit(lambda: ran.append("second"))
    worker.close()
    go.set()
    worker.join(10)
    assert ran == []


def test_a_call_in_a_thread_gives_its_value_or_its_error() -> None:
    wanted = threading.Event()
    future = call_in_thread(lambda: threading.current_thread().name, "a thread")
    assert wait_for(future, wanted) == "a thread"

    def fail() -> None:
        raise KeyError("no")

    with pytest.raises(KeyError, match="no"):
        wait_for(call_in_thread(fail, "a thread"), wanted)

    def time_out() -> None:
        raise TimeoutError("the server's own")

    with pytest.raises(TimeoutError, match="the server's own"):
        wait_for(call_in_thread(time_out, "a thread"), wanted)


def test_waiting_ends_when_nobody_needs_the_value() -> None:
    dropped = threading.Event()
    never: Future[int] = Future()
    threading.Timer(0.1, dropped.set).start()
    with pytest.raises(Superseded, match=r"^$"):
        wait_for(never, dropped)
    never.cancel()
    with pytest.raises(Superseded, match=r"^$"):
        wait_for(never, threading.Event())
