"""Visitors of the web page on this machine: how long they wait, and what they take.

`make web`'s own server is started on a port of loopback, with the starter in its service. The
visitors have no browser: they load the page, open its websocket, ask for the widgets as a browser
does, and upload photographs one after the other.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from tests.packaging.page.conftest import running
from tests.packaging.page.visitor import PageServer, Visitor, wait_until

from .figures import Figure, Summary

TITLE = "Visitors of the web page"
# It takes both cores for minutes, and 4 GB.
BY_NAME = True

_IMAGES = Path(__file__).resolve().parent.parent / "notebooks" / "images"
_PANEL = "from seg_widgets import SegmentationPanel\nSegmentationPanel()"
_LOOK_S = 1.0
_PATIENCE_S = 300
_PAUSE_S = 5.0


@dataclass
class Seen:
    """What was measured. Times in seconds."""

    pages_s: list[float] = field(default_factory=list)
    """From the request for a page to the panel's widgets."""
    results_s: list[float] = field(default_factory=list)
    """From an upload to its result."""
    errors: list[str] = field(default_factory=list)
    refused: int = 0
    memory_mb: float = 0.0
    """The most that all processes took together (PSS)."""
    kernels_mb: list[float] = field(default_factory=list)
    """What each kernel takes in the end (PSS)."""


def main(quick: bool = False) -> list[Figure]:
    """Let visitors come all at once and upload photographs.

    Args:
        quick: three of them, with one photograph each.

    Returns:
        What they waited for, and what it took.
    """
    visitors, uploads = (3, 1) if quick else (20, 3)
    seen, alone = visit(visitors, uploads)
    for error in seen.errors[:5]:
        print(f"  {error[:300]}", file=sys.stderr)
    answered = f"answered, of {visitors * uploads} uploads"
    crowd = f"of {visitors} visitors at once"
    figures: dict[str, tuple[str, list[float]]] = {
        "page, one visitor alone": ("s", [alone[0]]),
        "first result, one visitor alone": ("s", [alone[1]]),
        f"page, {crowd}": ("s", seen.pages_s),
        f"result, {crowd}": ("s", seen.results_s),
        answered: ("", [len(seen.results_s) - len(seen.errors)]),
        "memory of all processes (PSS)": ("MB", [seen.memory_mb]),
        "a kernel in the end (PSS)": ("MB", seen.kernels_mb),
    }
    return [
        Figure(name, unit, {"ours": Summary.of(values)}, compared=False)
        for name, (unit, values) in figures.items()
        if values
    ]


def visit(
    visitors: int = 20, uploads: int = 3, arguments: Sequence[str] = ()
) -> tuple[Seen, tuple[float, float]]:
    """Let visitors come all at once and upload photographs.

    Args:
        visitors: how many, each with a thread of its own here.
        uploads: how many photographs each uploads, with pauses of five seconds.
        arguments: further ones of packaging/web.py.

    Returns:
        What was seen, and the seconds that a page and a result took of one visitor alone.
    """
    options = [f"--max-visitors={visitors}", *arguments]
    photographs = [path.read_bytes() for path in sorted(_IMAGES.glob("*.jpg"))]
    seen = Seen()
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(Path(scratch), *options, notebook=(_PANEL,)) as server,
    ):
        server.patience_s = _PATIENCE_S
        _wait_until_warm(server)
        alone = _one_alone(server, photographs[0])
        done = threading.Event()
        meter = threading.Thread(target=_measure, args=(server.pid, seen, done))
        meter.start()
        with ThreadPoolExecutor(visitors) as pool:
            for number in range(visitors):
                mine = photographs[number % len(photographs) :] + photographs
                pool.submit(_visit, server, seen, mine, uploads)
        done.set()
        meter.join()
        seen.kernels_mb = [_pss_mb(each) for each in _kernels(server.pid)]
    return seen, alone


def _wait_until_warm(server: PageServer) -> None:
    """Until the model is loaded and pages wait for the first visitors."""
    log = server.log
    wait_until(lambda: log.read_text().count("Kernel started") >= 2, _PATIENCE_S)
    time.sleep(_PAUSE_S)


def _one_alone(server: PageServer, photograph: bytes) -> tuple[float, float]:
    """The page and the first result of somebody who is alone on a warm server."""
    before = time.monotonic()
    with server.visitor() as visitor:
        visitor.open_panel()
        page_s = time.monotonic() - before
        result_s, error = _upload(visitor, photograph)
        assert not error, error
        visitor.load("logout")
    return page_s, result_s


def _visit(server: PageServer, seen: Seen, photographs: Sequence[bytes], uploads: int) -> None:
    try:
        before = time.monotonic()
        with server.visitor() as visitor:
            if visitor.status != 200:
                seen.refused += 1
                return
            visitor.open_panel()
            seen.pages_s.append(time.monotonic() - before)
            for photograph in photographs[:uploads]:
                seconds, error = _upload(visitor, photograph)
                seen.errors.extend([error] if error else [])
                seen.results_s.append(seconds)
                time.sleep(_PAUSE_S)
    except (AssertionError, OSError, requests.RequestException) as error:
        seen.errors.append(repr(error))


def _upload(visitor: Visitor, photograph: bytes) -> tuple[float, str]:
    before = time.monotonic()
    visitor.upload(photograph)
    error = visitor.result()
    return time.monotonic() - before, error


def _measure(pid: int, seen: Seen, done: threading.Event) -> None:
    server = psutil.Process(pid)
    while not done.wait(_LOOK_S):
        everything = [server, *server.children(recursive=True)]
        seen.memory_mb = max(seen.memory_mb, sum(map(_pss_mb, everything)))


def _kernels(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children()
    return [child for child in children if "ipykernel_launcher" in child.cmdline()]


def _pss_mb(process: psutil.Process) -> float:
    """What a process takes, in MB, with its part of what it shares with others."""
    try:
        return float(process.memory_full_info().pss) / 1e6
    except psutil.Error:
        return 0.0  # It has just ended.
