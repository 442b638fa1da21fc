"""Connections that say nothing, or not enough."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from seg_widgets.testing import make_jpeg

from .models import WAITS
from .servers import Served, encode_png, served

CODE = """
from seg_widgets.serving import ModelSettings, ServerSettings, serve
from seg_widgets.serving import connections

connections.HEADERS_S = 0.5
settings = ServerSettings(ModelSettings(factory="tests.serving.models:model"), port=0,
                          token="only-for-tests")
serve(settings, lambda url: print("serving at", url, flush=True))
"""


@pytest.mark.parametrize(
    "start", [b"", b"GET / HTTP/1.1\r\n", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /"]
)
def test_half_a_request_is_not_waited_for(tmp_path: Path, start: bytes) -> None:
    with served(tmp_path, code=CODE) as server:
        place = urlsplit(server.url)
        with socket.create_connection((place.hostname, place.port or 0), timeout=20) as silent:
            silent.sendall(start)
            while silent.recv(4096):
                pass
        # A request that is under way is no silence.
        slow = server.in_background(lambda: _ask(server))
        server.wait_for_queue(0, 1)
        time.sleep(2)
        assert slow.empty()
        server.gate.touch()
        assert slow.get(timeout=30) == 200


def _ask(server: Served) -> int:
    return server.post("/detect", encode_png(WAITS)).status_code


def test_many_silent_connections_keep_nobody_out(server: Served) -> None:
    place = urlsplit(server.url)
    silent = [
        socket.create_connection((place.hostname, place.port or 0), timeout=20) for _ in range(200)
    ]
    try:
        assert server.post("/detect", make_jpeg(64, 48)).status_code == 200
    finally:
        for one in silent:
            one.close()
