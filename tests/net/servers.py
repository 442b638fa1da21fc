"""Stand-ins for servers and look-ups that the tests of `net` share."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from seg_widgets.net import Fetched, fetch
from seg_widgets.testing import make_jpeg

JPEG = make_jpeg(64, 48)


def answers(*addresses: str) -> Callable[..., list[Any]]:
    """A stand-in for getaddrinfo; port 0 means the one that was asked for."""

    def look_up(host: str, port: int, *_: object, **__: object) -> list[Any]:
        found = []
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            place = (address, port, 0, 0) if family == socket.AF_INET6 else (address, port)
            found.append((family, socket.SOCK_STREAM, 6, "", place))
        return found

    return look_up


def get(url: str, **options: Any) -> Fetched:
    return fetch(url, allow_local=True, **{"total_timeout_s": 10, **options})


@contextmanager
def raw_server(talk: Callable[[socket.socket], None], connections: int = 1) -> Iterator[str]:
    """A server that answers a connection by `talk`, and more of them if it is told so."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(5)

    def serve() -> None:
        for _ in range(connections):
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                with suppress(OSError):
                    talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        # Closing alone does not wake a thread that waits for the next connection.
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def drip(connection: socket.socket, start: bytes = b"", step: bytes = b"x") -> None:
    connection.recv(4096)
    connection.sendall(start)
    for _ in range(60):
        time.sleep(0.05)
        connection.sendall(step)
