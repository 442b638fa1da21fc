from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable

import pytest

from seg_widgets.errors import ImageError
from seg_widgets.session import SegmentationSession, opening
from seg_widgets.session.opening import MOST_OPENERS, Openers
from seg_widgets.session.source import Opened, Source
from seg_widgets.session.worker import Superseded
from seg_widgets.testing import StubPredictor, make_jpeg, make_picture

PICTURE = Opened(make_picture(4, 4))


def source(load: Callable[[threading.Event | None], Opened]) -> Source:
    return Source("a.png", "", load)  # type: ignore[arg-type]


def test_an_image_is_opened_and_its_error_comes_back() -> None:
    openers = Openers()
    assert openers.open(source(lambda _: PICTURE), threading.Event()) is PICTURE

    def fail(stop: threading.Event | None) -> Opened:
        raise SystemExit(3)

    for _ in range(MOST_OPENERS + 1):
        with pytest.raises(SystemExit):
            openers.open(source(fail), threading.Event())


def test_what_is_dropped_is_stopped_and_gives_its_thread_back() -> None:
    openers = Openers()
    ended = threading.Semaphore(0)

    def until_stopped(stop: threading.Event | None) -> Opened:
        assert stop is not None
        assert stop.wait(30)
        ended.release()
        raise ImageError("stopped")

    for _ in range(3 * MOST_OPENERS):
        dropped = threading.Event()
        threading.Timer(0.01, dropped.set).start()
        with pytest.raises(Superseded):
            openers.open(source(until_stopped), dropped)
    for _ in range(3 * MOST_OPENERS):
        assert ended.acquire(timeout=20)


def test_what_never_ends_keeps_a_few_threads_and_the_next_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "_PATIENCE_S", 0.2)
    openers, go = Openers(), threading.Event()
    begun = threading.Semaphore(0)

    def stuck(stop: threading.Event | None) -> Opened:
        begun.release()
        assert go.wait(60)
        return PICTURE

    before = threading.active_count()
    for _ in range(MOST_OPENERS):
        dropped = threading.Event()
        threading.Timer(0.01, dropped.set).start()
        with pytest.raises(Superseded):
            openers.open(source(stuck), dropped)
        assert begun.acquire(timeout=20)
    with pytest.raises(ImageError, match="4 other images are still being read"):
        openers.open(source(lambda _: PICTURE), threading.Event())
    dropped = threading.Event()
    dropped.set()
    with pytest.raises(Superseded):
        openers.open(source(lambda _: PICTURE), dropped)
    assert threading.active_count() - before <= MOST_OPENERS
    go.set()
    end_s = time.monotonic() + 20
    while time.monotonic() < end_s:
        try:
            assert openers.open(source(lambda _: PICTURE), threading.Event()) is PICTURE
            break
        except ImageError:
            continue


class Drip(http.server.BaseHTTPRequestHandler):
    """Sends a byte now and then for as long as somebody reads; or, at `/good.png`, an image."""

    lock = threading.Lock()
    connections = 0
    most = 0

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path == "/good.png":
            self.end_headers()
            self.wfile.write(make_jpeg(9, 8))
            return
        self.send_header("Content-Length", "20000000")
        self.end_headers()
        with Drip.lock:
            Drip.connections += 1
            Drip.most = max(Drip.most, Drip.connections)
        try:
            while True:
                self.wfile.write(b"x" * 100_000)
                time.sleep(0.02)
        except OSError:
            with Drip.lock:
                Drip.connections -= 1

    def log_message(self, *_: object) -> None:
        pass


def openers() -> int:
    return sum(thread.name == "seg_widgets opener" for thread in threading.enumerate())


def test_sixty_slow_addresses_take_a_few_threads_and_leave_none() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Drip)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    address = f"http://127.0.0.1:{server.server_port}"
    session = SegmentationSession(StubPredictor(1), allow_local=True)
    most = 0
    for number in range(60):
        session.segment_url(f"{address}/{number}.png")
        time.sleep(0.02)
        most = max(most, openers())
    session.segment_url(f"{address}/good.png")
    assert session.wait(60) is not None
    assert session.source == "good.png"
    assert 1 <= most <= MOST_OPENERS
    assert Drip.most <= MOST_OPENERS
    end_s = time.monotonic() + 30
    while (openers() or Drip.connections) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert openers() == Drip.connections == 0
    session.close(5)
    server.shutdown()
    server.server_close()
    serving.join(10)
