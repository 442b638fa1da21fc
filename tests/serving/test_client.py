"""`RemotePredictor`, with a real server."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seg_widgets import Predictor, RemotePredictor, SegmentationPanel, SegmentationSession
from seg_widgets.errors import ImageTooLargeError, InferenceError, SettingError
from seg_widgets.prediction import QueuedPredictor
from seg_widgets.session.model_slot import ModelChoice
from seg_widgets.testing import StubPredictor, make_picture

from .models import CRASHES, CRASHES_ONCE, FAILS, WAITS
from .servers import ROOT, TOKEN, Served, encode_png, image_server, served, wait_until

IMAGE = make_picture(64, 48)


@pytest.fixture
def remote(server: Served) -> RemotePredictor:
    return RemotePredictor(server.url, TOKEN, patience_s=30)


def test_it_answers_as_the_model_itself(remote: RemotePredictor) -> None:
    assert isinstance(remote, Predictor) and isinstance(remote, QueuedPredictor)
    for size in ((64, 48), (1, 1), (640, 480)):
        image = make_picture(*size)
        assert remote(image) == StubPredictor(5)(image)


def test_it_says_what_the_model_is(remote: RemotePredictor, server: Served) -> None:
    place = server.url.partition("//")[2]
    assert (remote.name, remote.description) == (place, f"the model of {place}")
    assert remote.device == ""
    assert remote.class_names == StubPredictor().class_names
    assert remote.name == "test model"
    assert remote.description == "test model (4 classes)"
    assert remote.device.startswith("cpu at 127.0.0.1:")
    assert repr(remote) == f"RemotePredictor({server.url!r})"
    assert TOKEN not in repr(remote)


def test_the_address_as_it_is_printed(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(RemotePredictor(f"{server.url}/?token={TOKEN}")(IMAGE)) == 5
    monkeypatch.setenv("SEG_WIDGETS_SERVER", server.url)
    monkeypatch.setenv("SEG_WIDGETS_SERVER_TOKEN", TOKEN)
    assert len(RemotePredictor()(IMAGE)) == 5
    assert ModelChoice.of(None).predictor is not None
    session = SegmentationSession()
    session.segment(IMAGE)
    assert len(session.wait(30) or ()) == 5
    session.close(5)


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:8090", "ftp://host", "http://", "http://a:secret@host"),
        *("http://[::1", "http://host:99999", "http://host:port", 5, b"http://host"),
    ],
)
def test_an_address_that_is_none_is_refused(url: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEG_WIDGETS_SERVER", raising=False)
    with pytest.raises(SettingError, match="server's address") as info:
        RemotePredictor(url)
    assert "secret" not in str(info.value)


def test_an_address_that_is_none_is_shown_whole_and_short() -> None:
    with pytest.raises(SettingError, match=r"^'localhost:8090' is no server's address"):
        RemotePredictor("localhost:8090?token=secret")
    with pytest.raises(SettingError) as info:
        RemotePredictor("x" * 10**6)
    assert len(str(info.value)) < 300


_ABOUT = b'{"name": "m", "classNames": ["cat"]}'


@pytest.mark.parametrize(
    ("about", "answer"),
    [
        (b"<html>", b""),
        (b"[]", b""),
        (b"5", b""),
        (b'{"classNames": 5}', b""),
        (b"[" * 100_000, b""),
        *(
            (_ABOUT, line)
            for line in (
                *(b'{"ahead": "x"}\n', b'{"bytes": "x"}\n', b'{"bytes": -1}\n', b"[]\n", b'"a"\n'),
                *(b"5\n", b"null\n", b"[" * 100_000 + b"\n", b"<html>\n", b"x" * 2_000_000),
            )
        ),
    ],
)
def test_what_answers_otherwise_is_no_server_of_ours(about: bytes, answer: bytes) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def _send(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(content)

        def do_GET(self) -> None:
            self._send(about)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._send(answer)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.01,))
        thread.start()
        try:
            remote = RemotePredictor(f"http://127.0.0.1:{other.server_port}")
            with pytest.raises(
                InferenceError, match="is no server of `python -m seg_widgets serve`"
            ):
                remote(IMAGE)
        finally:
            other.shutdown()
            thread.join()


def test_a_wrong_token_is_said(server: Served) -> None:
    with pytest.raises(InferenceError, match="wants a token, or another one"):
        RemotePredictor(server.url, "wrong")(IMAGE)
    with pytest.raises(InferenceError, match="wants a token, or another one"):
        _ = RemotePredictor(server.url, "").class_names


def test_what_fails_there_is_an_error_here(remote: RemotePredictor) -> None:
    with pytest.raises(InferenceError, match="server's log says why"):
        remote(make_picture(FAILS, 40))
    with pytest.raises(ImageTooLargeError, match="10,001"):
        remote(np.zeros((1, 10_001, 3), np.uint8))
    with pytest.raises(SettingError, match="H×W×3 uint8"):
        remote(np.zeros((4, 4), np.uint8))
    assert len(remote(IMAGE)) == 5


def test_a_worker_that_ends_is_not_noticed_once(remote: RemotePredictor) -> None:
    assert len(remote(make_picture(CRASHES_ONCE, 40))) == 5
    with pytest.raises(InferenceError, match="ended over this image"):
        remote(make_picture(CRASHES, 40))
    assert len(remote(IMAGE)) == 5


def test_a_panel_shows_how_many_are_ahead(server: Served) -> None:
    blocker = RemotePredictor(server.url, TOKEN)
    blocked = server.in_background(lambda: blocker(make_picture(WAITS, 40)))
    server.wait_for_queue(0, 1)
    session = SegmentationSession(RemotePredictor(server.url, TOKEN))
    session.segment(IMAGE, name="cat.jpg")
    wait_until(lambda: session.status == "Segmenting cat.jpg: 1 ahead of you")

    # A newer image takes its place, and one that is cancelled gives it up.
    session.segment(make_picture(80, 60), name="dog.jpg")
    wait_until(lambda: session.status == "Segmenting dog.jpg: 1 ahead of you")
    server.wait_for_queue(1, 1)
    session.cancel()
    server.wait_for_queue(0, 1)
    session.segment(IMAGE, name="bird.jpg")
    server.gate.touch()
    assert len(session.wait(30) or ()) == 5
    assert (session.source, session.error) == ("bird.jpg", "")
    assert len(blocked.get(timeout=30)) == 5
    session.close(5)


def test_a_full_server_is_asked_again(server: Served) -> None:
    asks = [RemotePredictor(server.url, TOKEN, patience_s=60) for _ in range(5)]
    said: list[str] = []
    first = server.in_background(lambda: asks[0](make_picture(WAITS, 40)))
    server.wait_for_queue(0, 1)
    others = [server.in_background(functools.partial(ask, IMAGE)) for ask in asks[1:3]]
    server.wait_for_queue(2, 1)

    with pytest.raises(InferenceError, match="no room for another image"):
        RemotePredictor(server.url, TOKEN, patience_s=0)(IMAGE)
    # One that is still sending when it is turned away.
    large = make_picture(2000, 1500)
    late = server.in_background(
        lambda: asks[3].predict_in_turn(large, on_wait=said.append, is_dropped=lambda: False)
    )
    wait_until(lambda: any("The server is busy; trying again in" in words for words in said))
    server.gate.touch()
    for results in (first, *others, late):
        assert len(results.get(timeout=60)) == 5


def test_a_dropped_request_ends_soon(remote: RemotePredictor, server: Served) -> None:
    dropped = threading.Event()
    asked = server.in_background(
        lambda: remote.predict_in_turn(
            make_picture(WAITS, 40), on_wait=lambda words: None, is_dropped=dropped.is_set
        )
    )
    server.wait_for_queue(0, 1)
    dropped.set()
    error = asked.get(timeout=10)
    assert isinstance(error, InferenceError) and "dropped" in str(error)


def test_a_server_that_was_gone_is_used_again(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        port = int(server.url.rpartition(":")[2])
        session = SegmentationSession(RemotePredictor(server.url, TOKEN))
        session.segment(IMAGE)
        assert len(session.wait(30) or ()) == 5
    session.segment(IMAGE, name="lost.jpg")
    with pytest.raises(InferenceError, match="No server answers at http"):
        session.wait(30)
    assert session.prediction is not None  # what was on screen stays
    with served(tmp_path, port=port):
        session.segment(IMAGE, name="back.jpg")
        assert len(session.wait(30) or ()) == 5
        assert (session.source, session.error) == ("back.jpg", "")
    session.close(5)


def test_a_panel_waits_for_no_server(server: Served) -> None:
    """It is shown at once, whether the server answers or not, and names the model afterwards."""
    gone = SegmentationPanel(RemotePredictor("http://127.0.0.1:9"))
    assert "the model of 127.0.0.1:9" in gone.model_line.value
    gone.close()
    panel = SegmentationPanel(RemotePredictor(server.url, TOKEN))
    panel.segment(IMAGE)
    assert len(panel.wait(30) or ()) == 5
    wait_until(lambda: "(4 classes) on cpu at 127.0.0.1:" in panel.model_line.value)
    assert panel.result is not None and panel.result.model == "test model"
    panel.close()


def test_another_server_is_recognised(tmp_path: Path) -> None:
    with image_server(tmp_path) as address:
        with pytest.raises(InferenceError, match="is no server"):
            RemotePredictor(address)(IMAGE)
        with pytest.raises(InferenceError, match="is no server"):
            RemotePredictor(address).about()


def test_it_needs_neither_torch_nor_the_servers_packages(server: Served) -> None:
    code = (
        "import sys\n"
        "from seg_widgets import RemotePredictor, SegmentationPanel\n"
        "from seg_widgets.testing import make_picture\n"
        f"panel = SegmentationPanel(RemotePredictor({server.url!r}, {TOKEN!r}))\n"
        "panel.segment(make_picture(64, 48))\n"
        "assert len(panel.wait(30)) == 5\n"
        "print(sorted({'torch', 'torchvision', 'detectron2', 'starlette', 'uvicorn'} & "
        "set(sys.modules)))\n"
        "panel.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_segment_uses_a_server(server: Served, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    images_command = [sys.executable, "-m", "seg_widgets", "segment", str(photo)]
    photo.write_bytes(encode_png(64))
    address = f"{server.url}/?token={TOKEN}"
    done = subprocess.run(
        [*images_command, "--server", address, "--out", str(tmp_path), "--format", "coco"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert "model: test model (4 classes) on cpu at 127.0.0.1:" in done.stdout
    assert json.loads((tmp_path / "photo-coco.json").read_text())["annotations"]
    both = subprocess.run(
        [*images_command, "--server", address, "--model", "x", "--half"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert both.returncode == 2
    assert "leave out --model, --half, or --server" in both.stderr
