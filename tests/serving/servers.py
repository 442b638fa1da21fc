"""A real server process on loopback, for the tests."""

from __future__ import annotations

import functools
import http.server
import io
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import requests
from PIL import Image

from seg_widgets.testing import make_picture

from .models import GATE

ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN = "only-for-tests"
_START_S = 120


@dataclass
class Served:
    """A server that runs."""

    process: subprocess.Popen[str]
    url: str
    """Without the token."""

    gate: Path
    """The file that the test model waits for."""

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request with the token."""
        headers = {"Authorization": f"Bearer {TOKEN}", **options.pop("headers", {})}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, f"{self.url}{path}", headers=headers, timeout=60, **options
            )

    def post(self, path: str, content: bytes, **options: Any) -> requests.Response:
        """Send bytes."""
        return self.ask("POST", path, data=content, **options)

    def workers(self) -> list[psutil.Process]:
        """The worker processes."""
        return psutil.Process(self.process.pid).children()

    def in_background(self, function: Callable[[], Any]) -> queue.Queue[Any]:
        """Call a function in a thread; the queue gets what it returns or raises."""
        results: queue.Queue[Any] = queue.Queue()

        def work() -> None:
            try:
                results.put(function())
            except Exception as error:
                results.put(error)

        threading.Thread(target=work, daemon=True).start()
        return results

    def wait_for_queue(self, waiting: int, running: int) -> None:
        """Wait until so many wait and run."""
        wait_until(lambda: self._counts() == (waiting, running))

    def _counts(self) -> tuple[int, int]:
        said = self.ask("GET", "/queue").json()
        return said["waiting"], said["running"]


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until something is so; a failure after a minute."""
    end_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.02)


@contextmanager
def served(
    folder: Path,
    *arguments: str,
    predictor: str = "tests.serving.models:model",
    code: str = "",
    port: int = 0,
) -> Iterator[Served]:
    """Run a server.

    Args:
        folder: where the gate is.
        arguments: of the command.
        predictor: what the workers build; "": the model that the arguments name.
        code: Python that serves, instead of the command.
        port: 0: any.
    """
    command = [sys.executable, "-m", "seg_widgets", "serve", "--port", str(port), *arguments]
    if predictor:
        command += ["--predictor", predictor]
    if code:
        command = [sys.executable, "-c", code]
    gate = folder / "gate"
    environment = {
        **os.environ,
        GATE: str(gate),
        "SEG_WIDGETS_SERVER_TOKEN": TOKEN,
        "OMP_NUM_THREADS": "1",
    }
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        address = _address(process, folder / "log")
        parts = urlsplit(address)
        yield Served(process, f"http://{parts.netloc}", gate)
    finally:
        gate.touch()
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    """What the server prints when it is ready."""
    timer = threading.Timer(_START_S, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
    finally:
        timer.cancel()
    assert line.startswith("serving at http"), log.read_text()
    return line.split()[-1]


@contextmanager
def image_server(folder: Path) -> Iterator[str]:
    """A server of a folder's files; its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def encode_png(width: int) -> bytes:
    """An image of this width, which says what the test model does."""
    buffer = io.BytesIO()
    Image.fromarray(make_picture(width, 40)).save(buffer, "PNG")
    return buffer.getvalue()
