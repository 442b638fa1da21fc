"""What the Docker image runs, and the script around docker: here without a container, each as a
process of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from ..browser.lab import environment, free_port, stop, wait_for_server

ROOT = Path(__file__).resolve().parents[2]
START = ROOT / "packaging" / "start.py"


def start(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    command = [sys.executable, str(START), *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **variables},
        check=False,
    )


def status(address: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, headers=headers), timeout=60
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@contextmanager
def running(scratch: Path, *arguments: str, **variables: str) -> Iterator[tuple[str, Path]]:
    """A server of the image's, ended in the end; gives its address and its log."""
    home, log = scratch / "home", scratch / "log"
    home.mkdir()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(START), *arguments],
            env={**environment(home), **variables},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            address = f"http://127.0.0.1:{variables['PORT']}"
            wait_for_server(f"{address}/api", process, log)
            yield address, log
        finally:
            stop(process)


@pytest.mark.slow
def test_the_app_wants_its_token_and_shows_no_code(tmp_path: Path) -> None:
    port = str(free_port())
    started = time.monotonic()
    with running(tmp_path, "app", PORT=port) as (address, log):
        for stranger in (f"{address}/", f"{address}/?token=wrong"):
            with urllib.request.urlopen(stranger, timeout=60) as answer:
                assert "/login" in answer.url
                assert "SegmentationPanel" not in answer.read().decode()
        match = re.search(r"http://127\.0\.0\.1:\d+/\?token=[0-9a-f]{48}", log.read_text())
        assert match is not None, log.read_text()
        with urllib.request.urlopen(match[0], timeout=60) as answer:
            page = answer.read().decode()
        assert "SegmentationPanel" in page, (
            "the panel's text result stands where the widget will be"
        )
        assert "from seg_widgets import" not in page
        assert "Shift+Enter" not in page, (
            "what is said to readers of the notebook is no use on a page without cells"
        )
        # A stranger who knows a visitor's kernel still can't speak to it.
        kernel = re.search(r"Kernel started: ([0-9a-f-]{36})", log.read_text())
        assert kernel is not None
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        channels = f"{address}/api/kernels/{kernel[1]}/channels"
        assert status(channels, **upgrade, **key) == 403
        assert start("health", PORT=port).returncode == 0
    assert start("health", PORT=port).returncode == 1
    assert time.monotonic() - started < 120


@pytest.mark.slow
def test_the_lab_wants_its_token_and_opens_the_work_folder(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "mine.txt").write_text("here")
    settings = {"SEG_WIDGETS_WORK": str(work), "JUPYTER_TOKEN": "secret", "PORT": str(free_port())}
    with running(tmp_path, "lab", "--ip=127.0.0.1", **settings) as (address, _):
        assert status(f"{address}/api") == 200
        assert status(f"{address}/api/contents/mine.txt") == 403
        assert status(f"{address}/api/contents/mine.txt?token=secret") == 200
        assert start("health", PORT=settings["PORT"]).returncode == 0


def test_any_other_command_is_run(tmp_path: Path) -> None:
    done = start("python", "-c", "print('hello from inside')")
    assert (done.returncode, done.stdout) == (0, "hello from inside\n")
    done = start("no-such-program")
    assert done.returncode == 1
    assert "no-such-program can't be run" in done.stderr
    assert "lab, app, health" in done.stderr


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = start("app", PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} can't be used" in done.stderr
    assert "PORT" in done.stderr


@pytest.mark.parametrize("port", ["abc", "0", "-1", "65536", "8888/tcp"])
def test_a_port_that_is_none_is_named(port: str) -> None:
    done = start("app", PORT=port)
    assert (done.returncode, done.stderr) == (
        1,
        f"seg-widgets: PORT must be a number from 1 to 65535, and is {port!r}.\n",
    )
    assert (start("health", PORT=port).returncode, start("health", PORT=port).stderr) == (1, "")


def test_a_root_that_cannot_be_written_to_needs_a_tmp(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    code = f"""
import sys, tempfile
sys.path.insert(0, {str(START.parent)!r})
import start
def mkdtemp(prefix):
    raise FileNotFoundError("No usable temporary directory found")
tempfile.mkdtemp = mkdtemp
sys.exit(start.main(["app"]))
"""
    variables = {**os.environ, "HOME": str(tmp_path / "file")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=variables, timeout=60
    )
    assert done.returncode == 1
    assert "--read-only --tmpfs /tmp" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_and_a_work_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with socket.create_server(("127.0.0.1", 0)):
        code = f"""
import os, sys
sys.path.insert(0, {str(START.parent)!r})
import start
start._become = lambda command: print(os.environ["HOME"]) or 0
start.why_taken = lambda port: ""
sys.exit(start.main(["lab"]))
"""
        variables = {
            **os.environ,
            "HOME": str(tmp_path / "file"),
            "SEG_WIDGETS_WORK": str(tmp_path / "gone"),
        }
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=variables,
            check=True,
            timeout=60,
        )
    said, home = done.stdout.splitlines()
    assert "gone can't be written to by user" in said
    assert "chown -R 1000:100" in said
    assert Path(home).is_dir()
    assert home != str(tmp_path / "file")
    Path(home).rmdir()


def advice(folder: Path, smi: str, cuda: str = "13.0") -> str:
    """What start.py says where nvidia-smi and torch are as given; "" for `smi`: there is none."""
    programs, torch = folder / "programs", folder / "packages" / "torch"
    for path in (programs, torch):
        path.mkdir(parents=True, exist_ok=True)
    (torch / "__init__.py").write_text("raise AssertionError('torch was imported')")
    (torch / "version.py").write_text(
        f"cuda: Optional[str] = {cuda!r}\n" if cuda else "cuda: Optional[str] = None\n"
    )
    if smi:
        (programs / "nvidia-smi").write_text(f"#!/bin/sh\n{smi}\n")
        (programs / "nvidia-smi").chmod(0o755)
    code = f"import sys; sys.path[:0] = [{str(START.parent)!r}, {str(torch.parent)!r}]\n"
    code += "import start; print(start.about_the_gpu())"
    variables = {**os.environ, "PATH": str(programs)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=variables, check=True
    )
    return done.stdout.strip()


def test_a_gpu_that_cannot_be_used_is_told_with_what_to_do(tmp_path: Path) -> None:
    shown = "echo '| NVIDIA-SMI 535.54   Driver Version: 535.54   CUDA Version: {} |'"
    assert advice(tmp_path, "") == ""
    assert advice(tmp_path, shown.format("13.1")) == ""
    old = advice(tmp_path, shown.format("12.2"))
    assert "The NVIDIA driver 535.54 knows CUDA 12.2, but torch is built for CUDA 13.0" in old
    assert "Update the driver" in old
    assert "without TORCH_BACKEND=cpu" in advice(tmp_path, shown.format("13.1"), cuda="")
    broken = advice(tmp_path, 'echo "couldn\'t communicate with the NVIDIA driver"; exit 9')
    assert (
        "nvidia-smi fails (couldn't communicate with the NVIDIA driver); the CPU is used" in broken
    )


def test_a_full_disk_is_told_before_work_is_lost(tmp_path: Path) -> None:
    code = f"""
import collections, shutil, sys
sys.path.insert(0, {str(START.parent)!r})
import start
start._become = lambda command: 0
start.why_taken = lambda port: ""
usage = collections.namedtuple("usage", "total used free")
shutil.disk_usage = lambda path: usage(10**10, 10**10, 5 * 10**6)
start.main(["lab"])
"""
    variables = {**os.environ, "SEG_WIDGETS_WORK": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=variables, check=True
    )
    assert f"The disk of {tmp_path} has less than 200 MB free" in done.stdout
    assert "Free some space" in done.stdout


# ── compose.yaml, and scripts/docker on a program that only notes what it is asked for ────────────


def test_compose_has_the_panel_on_loopback_only() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert set(services) == {"lab", "gpu", "app"}
    for name, service in services.items():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name
        assert service["labels"] == {"seg-widgets": "container"}
    assert services["app"]["command"] == ["app"]
    assert services["app"]["read_only"] is True
    [device] = services["gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


FAKE_DOCKER = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$ASKED"
case "$1" in
  ps)
    printf '%s' "$OURS"
    [ -z "${DAEMON_GONE:-}" ] || { echo 'Cannot connect to the Docker daemon' >&2; exit 1; } ;;
  images) printf '%s' "$IMAGES" ;;
  image) exit "${NO_IMAGE:-0}" ;;
  run) exit "${FAILS:-0}" ;;
esac
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker that does nothing but write down what it was asked for; gives that file."""
    program, asked = tmp_path / "docker", tmp_path / "asked"
    program.write_text(FAKE_DOCKER)
    program.chmod(0o755)
    asked.touch()
    for name, value in {
        "DOCKER": str(program),
        "ASKED": str(asked),
        "OURS": "",
        "IMAGES": "",
    }.items():
        monkeypatch.setenv(name, value)
    return asked


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "scripts" / "docker"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_the_script_builds_and_runs(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = str(free_port())
    monkeypatch.setenv("SEG_WIDGETS_PORT", port)
    assert script("build", "--pull").returncode == 0
    for mode in ("run", "gpu", "app"):
        assert script(mode, "--cpus=2").returncode == 0
    asked = docker.read_text().splitlines()
    assert asked[0] == "build --tag seg-widgets --build-arg TORCH_BACKEND= --pull ."
    lab, gpu, app = (line for line in asked if line.startswith("run "))
    for line in (lab, gpu, app):
        assert "--label seg-widgets=container" in line
        assert "--cpus=2" in line
    assert f"--publish 127.0.0.1:{port}:8888" in lab
    assert lab.endswith(" seg-widgets lab")
    assert "--gpus all" in gpu
    assert f"--publish 127.0.0.1:{port}:8080" in app
    assert "--read-only --tmpfs /tmp" in app


def test_the_script_touches_nothing_but_ours(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert script("clean").returncode == 0
    assert not [line for line in docker.read_text().splitlines() if line.startswith("rm")]
    monkeypatch.setenv("OURS", "aaa\nbbb\n")
    monkeypatch.setenv("IMAGES", "ccc\n")
    docker.write_text("")
    done = script("clean")
    assert "removed 2 containers and 1 images of ours" in done.stdout
    asked = docker.read_text().splitlines()
    assert [line for line in asked if not line.startswith(("ps", "images"))] == [
        "rm --force aaa bbb",
        "rmi --force ccc",
    ]
    for line in asked:
        if line.startswith(("ps", "images")):
            assert "label=seg-widgets=" in line
    assert script("stats").returncode == 0
    assert docker.read_text().splitlines()[-1] == "stats aaa bbb"


def test_the_script_says_what_is_wrong(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "none of our containers" in script("logs").stderr
    assert "none of our containers" in script("stats").stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("SEG_WIDGETS_PORT", str(taken.getsockname()[1]))
        done = script("run")
        assert done.returncode == 1
        assert "is taken on this machine" in done.stderr
    monkeypatch.setenv("FAILS", "125")
    done = script("gpu")
    assert done.returncode == 1
    assert (
        "NVIDIA container toolkit; without them there is the CPU: scripts/docker run."
        in done.stderr
    )
    monkeypatch.setenv("FAILS", "3")
    assert (script("gpu").returncode, script("gpu").stderr) == (3, "")
    monkeypatch.setenv("FAILS", "0")
    monkeypatch.setenv("NO_IMAGE", "1")
    assert "scripts/docker build" in script("run").stderr
    monkeypatch.setenv("DAEMON_GONE", "1")
    said = script("run").stderr
    assert "Cannot connect to the Docker daemon" in said
    assert "does not answer, and has said why" in said
    assert "scripts/docker build" in script("help").stdout
    assert (
        script("bild").returncode,
        "there is no scripts/docker bild" in script("bild").stderr,
    ) == (1, True)
    monkeypatch.setenv("DOCKER", "no-such-docker")
    assert "no-such-docker is not installed here" in script("build").stderr
