"""A server on loopback that answers as the model zoo's does, or as a test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Zoo(BaseHTTPRequestHandler):
    """The zoo's server. `answer`: another way to answer, of a test's own; `asked`: the ranges asked
    for."""

    answer: Callable[[Zoo], None] | None = None
    content: bytes
    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        type(self).asked.append((self.path, self.headers.get("Range", "")))
        answer = type(self).answer
        if answer is not None:
            answer(self)
        else:
            self.send_range()

    def send_range(self, stop_after: int | None = None, pause_s: float = 0) -> None:
        start = int(self.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
        if start >= len(self.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(self.content)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(self.content) - start))
        if start:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
            )
        self.end_headers()
        for at in range(start, len(self.content), 200_000):
            if stop_after is not None and at >= stop_after:
                return
            self.wfile.write(self.content[at : at + 200_000])
            time.sleep(pause_s)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def zoo_server(content: bytes) -> Iterator[tuple[type[Zoo], str]]:
    """Serve `content` under every path; gives the handler and the server's address."""
    handler = type("Handler", (Zoo,), {"asked": [], "content": content})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    # A client that goes away is what some of these tests are about.
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield handler, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
