"""Workers that end, hang or can't build their model."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from seg_widgets.serving.wire import encode_image
from seg_widgets.testing import make_jpeg, make_picture

from .models import CRASHES, CRASHES_ONCE, FAILS, NEVER_ENDS, WAITS
from .servers import Served, encode_png, served, wait_until

JPEG = make_jpeg(64, 48)


def restarts(server: Served) -> float:
    found = re.search(
        r"^seg_widgets_worker_restarts_total (\S+)", server.ask("GET", "/metrics").text, re.M
    )
    assert found
    return float(found[1])


def test_an_idle_worker_that_is_killed_is_replaced(server: Served) -> None:
    before = restarts(server)
    (worker,) = server.workers()
    worker.kill()
    assert server.post("/detect", JPEG).status_code == 200
    (other,) = server.workers()
    assert other.pid != worker.pid
    assert restarts(server) == before + 1


def test_a_worker_that_is_killed_at_work_loses_nothing(server: Served) -> None:
    answer = server.in_background(lambda: server.post("/detect", encode_png(WAITS)))
    server.wait_for_queue(0, 1)
    waiting = server.in_background(lambda: server.post("/detect", JPEG))
    server.wait_for_queue(1, 1)
    server.workers()[0].kill()
    server.gate.touch()
    assert answer.get(timeout=60).status_code == 200
    assert waiting.get(timeout=60).status_code == 200


def test_an_image_that_ends_each_worker_is_given_up(server: Served) -> None:
    waiting = server.in_background(lambda: server.post("/detect", encode_png(CRASHES)))
    refused = waiting.get(timeout=60)
    assert refused.status_code == 503
    assert "ended over this image, twice" in refused.text
    assert int(refused.headers["Retry-After"]) >= 1
    assert server.post("/detect", JPEG).status_code == 200


def test_an_image_that_ends_a_worker_once_is_answered(server: Served) -> None:
    before = restarts(server)
    answer = server.post("/predict", encode_image(make_picture(CRASHES_ONCE, 40)))
    assert answer.status_code == 200 and b'"error"' not in answer.content
    assert restarts(server) == before + 1


def test_a_worker_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with served(tmp_path, "--job-timeout", "2") as server:
        (worker,) = server.workers()
        overdue = server.post("/detect", encode_png(NEVER_ENDS))
        assert (overdue.status_code, "took too long" in overdue.text) == (504, True)
        wait_until(lambda: not worker.is_running() or worker.status() == "zombie")
        assert server.post("/detect", JPEG).status_code == 200


def test_two_workers_share_the_queue(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "2") as server:
        wait_until(lambda: b"workers_ready 2.0" in server.ask("GET", "/metrics").content)
        blocked = server.in_background(lambda: server.post("/detect", encode_png(WAITS)))
        server.wait_for_queue(0, 1)
        assert server.post("/detect", JPEG).status_code == 200
        server.gate.touch()
        assert blocked.get(timeout=30).status_code == 200
        workers = server.workers()
        assert len(workers) == 2
    # A server that ends takes its workers along.
    wait_until(lambda: not any(worker.is_running() for worker in workers))


def test_a_server_that_is_killed_leaves_no_worker(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        workers = server.workers()
        server.process.kill()
        wait_until(lambda: not any(worker.is_running() for worker in workers))
        assert workers


def test_images_that_wait_run_together(tmp_path: Path) -> None:
    with served(tmp_path, predictor="tests.serving.models:batching") as server:
        first = server.in_background(lambda: server.post("/detect", encode_png(WAITS)))
        server.wait_for_queue(0, 1)
        others = []
        for number, width in enumerate((64, 80, FAILS, 64)):
            ask = functools.partial(server.post, "/predict", encode_png(width))
            others.append(server.in_background(ask))
            server.wait_for_queue(number + 1, 1)
        server.gate.touch()
        assert first.get(timeout=30).status_code == 200
        answers = [one.get(timeout=30).content for one in others]
        # One of them fails in the batch, and so each was tried alone.
        assert [b"server's log says why" in answer for answer in answers] == [
            False,
            False,
            True,
            False,
        ]
    log = (tmp_path / "log").read_text()
    assert "a batch of 4" in log
    assert "A batch of 4 failed; each is tried alone" in log
