"""Visitors of the web page on this machine: how long they wait, and what they take.

`make web`'s own server is started on a port of loopback, with the starter in its service. The
visitors have no browser: they load the page, open its websocket, ask for the widgets as a browser
does, and upload photographs one after the other.
"""

from __future__ import annotations

import statistics
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

_IMAGES = Path(__file__).resolve().parent.parent / "notebooks" / "images"
_PANEL = "from seg_widgets import SegmentationPanel\nSegmentationPanel()"
_LOOK_S = 1.0
_PATIENCE_S = 300
_PAUSE_S = 5.0


@dataclass
class Figures:
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


def main(visitors: int = 20, uploads: int = 3, arguments: Sequence[str] = ()) -> Figures:
    """Let visitors come all at once, upload photographs, and print what it took.

    Args:
        visitors: how many, each with a thread of its own here.
        uploads: how many photographs each uploads, with pauses of five seconds.
        arguments: further ones of packaging/web.py.

    Returns:
        What was printed.
    """
    options = [f"--max-visitors={visitors}", *arguments]
    photographs = [path.read_bytes() for path in sorted(_IMAGES.glob("*.jpg"))]
    figures = Figures()
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(Path(scratch), *options, notebook=(_PANEL,)) as server,
    ):
        server.patience_s = _PATIENCE_S
        _wait_until_warm(server)
        alone = _one_alone(server, photographs[0])
        done = threading.Event()
        meter = threading.Thread(target=_measure, args=(server.pid, figures, done))
        meter.start()
        with ThreadPoolExecutor(visitors) as pool:
            for number in range(visitors):
                mine = photographs[number % len(photographs) :] + photographs
                pool.submit(_visit, server, figures, mine, uploads)
        done.set()
        meter.join()
        figures.kernels_mb = [_pss_mb(each) for each in _kernels(server.pid)]
    _print(figures, visitors, uploads, alone)
    return figures


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


def _visit(
    server: PageServer, figures: Figures, photographs: Sequence[bytes], uploads: int
) -> None:
    try:
        before = time.monotonic()
        with server.visitor() as visitor:
            if visitor.status != 200:
                figures.refused += 1
                return
            visitor.open_panel()
            figures.pages_s.append(time.monotonic() - before)
            for photograph in photographs[:uploads]:
                seconds, error = _upload(visitor, photograph)
                figures.errors.extend([error] if error else [])
                figures.results_s.append(seconds)
                time.sleep(_PAUSE_S)
    except (AssertionError, OSError, requests.RequestException) as error:
        figures.errors.append(repr(error))


def _upload(visitor: Visitor, photograph: bytes) -> tuple[float, str]:
    before = time.monotonic()
    visitor.upload(photograph)
    error = visitor.result()
    return time.monotonic() - before, error


def _measure(pid: int, figures: Figures, done: threading.Event) -> None:
    server = psutil.Process(pid)
    while not done.wait(_LOOK_S):
        everything = [server, *server.children(recursive=True)]
        figures.memory_mb = max(figures.memory_mb, sum(map(_pss_mb, everything)))


def _kernels(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children()
    return [child for child in children if "ipykernel_launcher" in child.cmdline()]


def _pss_mb(process: psutil.Process) -> float:
    """What a process takes, in MB, with its part of what it shares with others."""
    try:
        return float(process.memory_full_info().pss) / 1e6
    except psutil.Error:
        return 0.0  # It has just ended.


def _print(figures: Figures, visitors: int, uploads: int, alone: tuple[float, float]) -> None:
    asked, answered = visitors * uploads, len(figures.results_s)
    print(f"one visitor alone: page {alone[0]:.1f} s, first result {alone[1]:.1f} s")
    print(f"{visitors} visitors at once, {uploads} uploads each, with pauses of {_PAUSE_S:.0f} s:")
    print(f"  uploads answered: {answered} of {asked}; errors: {len(figures.errors)}")
    for name, seconds in (("page", figures.pages_s), ("result", figures.results_s)):
        if len(seconds) > 1:
            p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
            print(f"  {name}: median {statistics.median(seconds):.1f} s, p95 {p95:.1f} s")
    per_gb = visitors / (figures.memory_mb / 1000)
    print(f"  all processes: {figures.memory_mb:.0f} MB (PSS), {per_gb:.1f} visitors per GB")
    if figures.kernels_mb:
        largest = max(figures.kernels_mb)
        print(f"  a kernel: {statistics.median(figures.kernels_mb):.0f} MB, at most {largest:.0f}")
    for error in figures.errors[:5]:
        print(f"  {error[:300]}")
