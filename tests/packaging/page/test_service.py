"""The inference service beside the page: started, ended, and started again when it has crashed."""

from __future__ import annotations

import asyncio
import http.client
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests
from page.service import ADDRESS, TOKEN, Service

from ...browser.lab import stop
from .conftest import running
from .visitor import PageServer, wait_until

pytestmark = pytest.mark.slow

LOG = logging.getLogger("test")
# The service with a stub in the model's place: it starts in two seconds.
STUB = ("--predictor", "seg_widgets.testing:StubPredictor")
PANEL = "from seg_widgets import SegmentationPanel\nSegmentationPanel(samples={})"


def run(test: Callable[[Service], Awaitable[None]]) -> None:
    async def with_service() -> None:
        service = Service(LOG, STUB)
        try:
            await service.start()
            await test(service)
        finally:
            service.stop()

    asyncio.run(asyncio.wait_for(with_service(), 120))


def status(service: Service, path: str, token: str = "") -> int:
    host = service.for_kernels[ADDRESS].removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except ConnectionError:
        return 0
    finally:
        connection.close()


def test_it_answers_its_own_token_only_and_ends_with_us() -> None:
    pids = []

    async def test(service: Service) -> None:
        assert service.pid is not None
        pids.append(service.pid)
        token = service.for_kernels[TOKEN]
        assert status(service, "/health") == 200
        assert (status(service, "/model"), status(service, "/model", token)) == (401, 200)
        arguments = psutil.Process(service.pid).cmdline()
        assert not [argument for argument in arguments if token in argument]

    run(test)
    assert not psutil.pid_exists(pids[0])


def test_it_is_started_again_at_the_same_address(caplog: pytest.LogCaptureFixture) -> None:
    async def test(service: Service) -> None:
        first, token = service.pid, service.for_kernels[TOKEN]
        assert first is not None
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 90
        while service.pid == first or status(service, "/model", token) != 200:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)

    run(test)
    assert "starts again" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_it_ends_with_a_server_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import asyncio, logging, sys
sys.path.insert(0, {str(Path(__file__).parents[3] / "packaging")!r})
from page.service import Service
async def main():
    service = Service(logging.getLogger(), {STUB!r})
    await service.start()
    print(service.pid, flush=True)
    await asyncio.sleep(100)
asyncio.run(main())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    try:
        pid = int(process.stdout.readline())
        process.kill()
        process.wait()
        wait_until(lambda: not psutil.pid_exists(pid))
    finally:
        process.stdout.close()
        stop(process)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[PageServer]:
    """A server whose visitors share a service, for two of them."""
    options = ("--ready=1", "--max-visitors=2", f"--service-arguments={' '.join(STUB)}")
    with running(tmp_path, *options, notebook=(PANEL,)) as started:
        yield started


def children_with(server: PageServer, argument: str) -> list[psutil.Process]:
    """The server's own processes whose command line has this argument."""
    children = psutil.Process(server.pid).children()
    return [child for child in children if argument in child.cmdline()]


def is_ready(server: PageServer) -> bool:
    for service in children_with(server, "serve"):
        arguments = service.cmdline()
        break
    else:
        return False
    address = f"http://127.0.0.1:{arguments[arguments.index('--port') + 1]}/health"
    try:
        return requests.get(address, timeout=10).status_code == 200
    except requests.ConnectionError:
        return False


def test_visitors_share_it_and_none_is_lost_when_it_crashes(shared: PageServer) -> None:
    from seg_widgets.testing import make_jpeg

    photo = make_jpeg(640, 480)
    with shared.visitor() as ann, shared.visitor() as bob, shared.visitor() as cid:
        assert (ann.status, bob.status, cid.status) == (200, 200, 503)
        ann.open_panel()
        bob.open_panel()
        for visitor in (ann, bob):
            visitor.upload(photo)
            assert visitor.result() == ""

        [service] = children_with(shared, "serve")
        for process in [*service.children(recursive=True), service]:
            process.kill()
        # A message, or the result once the service is there again: both go on.
        for visitor in (ann, bob):
            visitor.upload(photo, "second.jpg")
            assert "Traceback" not in visitor.result()
        wait_until(lambda: is_ready(shared))
        for visitor in (ann, bob):
            visitor.upload(photo, "third.jpg")
            assert visitor.result() == ""

        kernels = children_with(shared, "ipykernel_launcher")
        assert len(kernels) == 3  # one waits for the next visitor
        for kernel in kernels:
            assert not [each.path for each in kernel.memory_maps() if "/torch/" in each.path]
