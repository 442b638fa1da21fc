"""A real JupyterLab on this machine, and a real browser that may reach nothing else."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, Playwright, Route, expect

from .chromium import find_chromium

REPOSITORY = Path(__file__).resolve().parents[2]

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_THEMES = "@jupyterlab/apputils-extension:themes"

# JupyterLab's news toast covers a corner of the page, and its update check leaves the machine.
_OVERRIDES = {"@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"}}

_NOT_RUN: dict[str, Any] = {"execution_count": None, "metadata": {}, "outputs": []}

STUB_CELL = """\
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor

panel = SegmentationPanel(StubPredictor(instances={instances}, delay_s={delay_s}), allow_local=True, samples={{}})
panel"""


def launch(playwright: Playwright) -> Browser:
    """Start the browser."""
    return playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_FLAGS))


@dataclass
class Lab:
    """A running JupyterLab: its address, its token and the folder that it shows."""

    address: str
    token: str
    folder: Path
    log: Path

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Ask the server's REST interface; returns the answer's JSON, or None."""
        request = urllib.request.Request(
            f"{self.address}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def write_notebook(self, name: str, *cells: str) -> None:
        """Put a notebook of code cells into the folder."""
        code = [
            {"cell_type": "code", "id": f"cell-{number}", "source": cell, **_NOT_RUN}
            for number, cell in enumerate(cells)
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": code}
        (self.folder / name).write_text(json.dumps(content), "utf-8")

    def shut_down_kernels(self) -> None:
        """End all kernels and sessions, so that the next page starts with its own."""
        for session in self.request("GET", "/api/sessions"):
            self.request("DELETE", f"/api/sessions/{session['id']}")
        for kernel in self.request("GET", "/api/kernels"):
            self.request("DELETE", f"/api/kernels/{kernel['id']}")

    def set_theme(self, name: str) -> None:
        """Choose "JupyterLab Light" or "JupyterLab Dark" for pages that are opened from now on."""
        self.request("PUT", f"/lab/api/settings/{_THEMES}", {"raw": json.dumps({"theme": name})})


@contextmanager
def running_lab(scratch: Path, notebooks: Path | None = None) -> Iterator[Lab]:
    """A JupyterLab of its own: free port, token, home and settings below `scratch`, on a copy of `notebooks`."""
    folder, home, settings = (scratch / name for name in ("notebooks", "home", "settings"))
    if notebooks is None:
        folder.mkdir(parents=True)
    else:
        shutil.copytree(notebooks, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for path in (home, settings):
        path.mkdir(parents=True)
    (settings / "overrides.json").write_text(json.dumps(_OVERRIDES))
    lab = Lab(f"http://127.0.0.1:{_free_port()}", secrets.token_hex(16), folder, scratch / "jupyterlab.log")
    with lab.log.open("wb") as log:
        process = subprocess.Popen(
            _command(lab, settings), cwd=folder, env=_environment(home), stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_until_ready(lab, process)
            yield lab
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _command(lab: Lab, settings: Path) -> list[str]:
    # The launcher of `make lab` itself, told where to listen and which folder to show.
    return [
        *(sys.executable, str(REPOSITORY / "packaging" / "lab.py"), "--no-browser"),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={urlsplit(lab.address).port}",
        "--ServerApp.port_retries=0",
        f"--folder={lab.folder}",
        f"--IdentityProvider.token={lab.token}",
        f"--LabApp.app_settings_dir={settings}",
        "--LabApp.expose_app_in_browser=True",
    ]


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON", "PYTEST"))}
    return {
        **kept,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), kept.get("PYTHONPATH", "")])),
    }


def _wait_until_ready(lab: Lab, process: subprocess.Popen[bytes], timeout_s: float = 90) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            lab.request("GET", "/api/status")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"JupyterLab did not start:\n{lab.log.read_text()[-4000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclass
class Notebook:
    """A page with one open notebook."""

    page: Page
    lab: Lab
    strays: list[str] = field(default_factory=list)

    @property
    def canvas(self) -> Locator:
        """The canvas's root element; `data-shown` and `data-total` on it count the instances."""
        return self.page.locator(".sgw").first

    @property
    def stage(self) -> Locator:
        """The part of the canvas that the picture is in."""
        return self.canvas.locator(".sgw-stage")

    @property
    def slider(self) -> Locator:
        """The threshold slider's handle, of ipywidgets 8 or 7."""
        return self.page.locator(".sgw-panel-slider .noUi-handle, .sgw-panel-slider .ui-slider-handle").first

    def open(self, name: str) -> None:
        """Open a notebook and wait for its kernel."""
        self.page.goto(f"{self.lab.address}/lab/workspaces/auto-t/tree/{name}?reset&token={self.lab.token}")
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text("(ipykernel) | Idle", timeout=90_000)

    def run_all(self) -> None:
        """Start all cells; the wait is for what they make."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def hide_sidebar(self) -> None:
        """Give the notebook the window's whole width."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        expect(self.page.locator("#jp-left-stack")).to_be_hidden()

    def wait_for_panel(self) -> None:
        """Wait until the panel is on the page."""
        expect(self.canvas).to_be_visible(timeout=90_000)
        expect(self.page.locator(".sgw-panel-upload").first).to_be_visible()

    def upload(self, *files: str | Path) -> None:
        """Choose files in the browser's file dialog."""
        with self.page.expect_file_chooser() as chooser:
            self.page.locator(".sgw-panel-upload").first.click()
        chooser.value.set_files([str(file) for file in files])

    def wait_for_result(self, timeout_s: float = 60, name: str = "") -> None:
        """Wait until a result (of the picture called `name`) is drawn and nothing is under way."""
        surface = self.canvas.locator(".sgw-surface")
        expect(surface).to_have_attribute("aria-label", re.compile(f"^{re.escape(name)}"), timeout=timeout_s * 1000)
        expect(self.canvas).to_have_attribute("data-total", re.compile(r"^\d+$"), timeout=timeout_s * 1000)
        expect(self.canvas).to_have_attribute("aria-busy", "false", timeout=timeout_s * 1000)
        self.settle()

    def settle(self) -> None:
        """Wait for two frames: what was set before is drawn."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def shown(self) -> int:
        """How many instances the canvas shows."""
        return int(self.canvas.get_attribute("data-shown") or 0)

    def marks(self) -> int:
        """How many pixels masks, outlines and labels cover on the canvas."""
        count: int = (
            self.canvas.locator("canvas")
            .nth(1)
            .evaluate(
                """(canvas) => {
                const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
                let count = 0;
                for (let at = 3; at < data.length; at += 4) if (data[at]) count++;
                return count;
            }"""
            )
        )
        return count


@contextmanager
def notebook_page(
    browser: Browser,
    lab: Lab,
    width: int = 1280,
    height: int = 900,
    scale: float = 1,
    scheme: Any = "light",
    touch: bool = False,
) -> Iterator[Notebook]:
    """A page of its own; whatever it asks of another machine is refused, and kept in `strays`."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme=scheme,
        locale="en-US",
        has_touch=touch,
    )
    strays: list[str] = []

    def only_loopback(route: Route) -> None:
        if _is_local(route.request.url):
            route.continue_()
        else:
            strays.append(route.request.url)
            route.abort()

    try:
        context.route("**/*", only_loopback)
        page = context.new_page()
        page.on("websocket", lambda socket: None if _is_local(socket.url) else strays.append(socket.url))
        page.set_default_timeout(30_000)
        yield Notebook(page, lab, strays)
    finally:
        context.close()


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("http", "https", "ws", "wss") or parts.hostname in ("127.0.0.1", "localhost", "::1")
