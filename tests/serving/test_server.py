"""The command as a person runs it: the real model, and what stops it from starting."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from seg_widgets import RemotePredictor, load, load_predictor, samples
from seg_widgets.testing import make_picture

from .servers import ROOT, TOKEN, served


def test_the_command(tmp_path: Path) -> None:
    """The starter in a server answers as it does here, up to the sums of other threads."""
    image = load(samples()["cat"])
    expected = load_predictor(device="cpu")(image)
    with served(tmp_path, "--device", "cpu", predictor="") as server:
        remote = RemotePredictor(server.url, TOKEN)
        answer = remote(image)
        assert (answer.image_size, len(answer)) == (expected.image_size, len(expected))
        assert answer.class_ids.tolist() == expected.class_ids.tolist()
        assert answer.scores == pytest.approx(expected.scores, abs=1e-4)
        assert answer.boxes == pytest.approx(expected.boxes, abs=0.05)
        assert answer.areas == pytest.approx(expected.areas, rel=0.01, abs=10)
        assert remote.description == "starter (small, 96 classes)"
        assert remote.class_names == expected.class_names
        found = server.post(
            "/detect?threshold=0.3",
            samples()["cat"].read_bytes(),
            headers={"Accept": "application/json"},
        ).json()
        assert len(found["annotations"]) == len(expected.filter(0.3)) > 0
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
    assert (tmp_path / "log").read_text() == ""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seg_widgets", "serve", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("predictor", "words"),
    [
        ("tests.serving.models:broken", "The weights /srv/secret.pth are damaged."),
        ("tests.serving.models:dies", "ended while it loaded the model"),
        ("tests.serving.models:nothing", "There is no function"),
        ("nonsense", "MODULE:FUNCTION"),
    ],
)
def test_a_model_that_cannot_be_built_is_said_at_once(predictor: str, words: str) -> None:
    done = run("--port", "0", "--predictor", predictor)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_an_unknown_model_is_said_at_once() -> None:
    done = run("--port", "0", "no-such-model")
    assert done.returncode == 2
    assert "error: The model 'no-such-model'" in done.stderr or "is no model name" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--port", str(port), "--predictor", "tests.serving.models:model")
    assert done.returncode == 2
    assert f"can't listen at 127.0.0.1, port {port}" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--workers", "0"), "workers is a whole number from 1"),
        (("--max-queue", "0"), "max_queue is a whole number from 1"),
        (("--port", "70000"), "port is a whole number"),
        (("--job-timeout", "0"), "job_timeout_s is over 0"),
        (("--token", "é"), "ASCII"),
    ],
)
def test_settings_out_of_range_are_named(arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_interrupting_it_ends_it(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        workers = server.workers()
        assert len(RemotePredictor(server.url, TOKEN)(make_picture(64, 48))) == 5
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(30) == 0
        assert not any(worker.is_running() for worker in workers)
