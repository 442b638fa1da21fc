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
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, Route, expect

from .chromium import installed_chromium

REPOSITORY = Path(__file__).resolve().parents[2]

both_ipywidgets = pytest.mark.parametrize(
    "lab", [8, 7], indirect=True, ids=["ipywidgets8", "ipywidgets7"]
)
"""Runs a test in JupyterLab 4 with ipywidgets 8, and in JupyterLab 3 with ipywidgets 7, which is
Colab's."""

# Of these the last switch counts, so those that Playwright turns off are among them. Chromium loads
# the two for its address bar into each new window: 1.2 s of processor time that no test looks at.
_FEATURES_OFF = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
CHROMIUM_FLAGS = (
    f"--disable-features={','.join(_FEATURES_OFF)}",
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
_OVERRIDES = {
    "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"}
}

_NOT_RUN: dict[str, Any] = {"execution_count": None, "metadata": {}, "outputs": []}

STUB_CELL = """\
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor

predictor = StubPredictor(instances={instances}, delay_s={delay_s})
panel = SegmentationPanel(predictor, allow_local=True, samples={{}})
panel"""


def launch(playwright: Playwright) -> Browser:
    """Start the browser; where none is installed it is Playwright's own, or Playwright says how to
    get it."""
    return playwright.chromium.launch(
        executable_path=installed_chromium(), args=list(CHROMIUM_FLAGS)
    )


def write_notebook(path: Path, *cells: str) -> None:
    """Write a notebook of code cells."""
    code = [
        {"cell_type": "code", "id": f"cell-{number}", "source": cell, **_NOT_RUN}
        for number, cell in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": code,
    }
    path.write_text(json.dumps(content), "utf-8")


@dataclass
class Lab:
    """A running JupyterLab: its address, its token and the folder that it shows."""

    address: str
    token: str
    folder: Path
    log: Path
    python: Path = Path(sys.executable)

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
        write_notebook(self.folder / name, *cells)

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
def running_lab(
    scratch: Path, notebooks: Path | None = None, python: Path = Path(sys.executable)
) -> Iterator[Lab]:
    """A JupyterLab of its own: free port, token, home and settings below `scratch`, on a copy of
    `notebooks`.

    `python`: that of the environment whose JupyterLab and kernel are run.
    """
    folder, home, settings = (scratch / name for name in ("notebooks", "home", "settings"))
    if notebooks is None:
        folder.mkdir(parents=True)
    else:
        shutil.copytree(notebooks, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for path in (home, settings):
        path.mkdir(parents=True)
    (settings / "overrides.json").write_text(json.dumps(_OVERRIDES))
    # As a file: JupyterLab 3 does not hear of its own options on the command line.
    options = {"LabApp": {"app_settings_dir": str(settings), "expose_app_in_browser": True}}
    (home / ".jupyter").mkdir()
    (home / ".jupyter" / "jupyter_lab_config.json").write_text(json.dumps(options))
    lab = Lab(
        f"http://127.0.0.1:{free_port()}",
        secrets.token_hex(16),
        folder,
        scratch / "jupyterlab.log",
        python,
    )
    with lab.log.open("wb") as log:
        process = subprocess.Popen(
            _command(lab),
            cwd=folder,
            env=environment(home),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for_server(f"{lab.address}/api/status?token={lab.token}", process, lab.log)
            yield lab
        finally:
            stop(process)


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _command(lab: Lab) -> list[str]:
    # The launcher of `make lab` itself, told where to listen and which folder to show.
    return [
        *(str(lab.python), str(REPOSITORY / "packaging" / "lab.py"), "--no-browser"),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={urlsplit(lab.address).port}",
        "--ServerApp.port_retries=0",
        f"--folder={lab.folder}",
        f"--IdentityProvider.token={lab.token}",
    ]


def environment(home: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "IPYTHON", "PYTEST"))
    }
    return {
        **kept,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), kept.get("PYTHONPATH", "")])),
    }


def wait_for_server(
    address: str, process: subprocess.Popen[bytes], log: Path, timeout_s: float = 90
) -> None:
    """Wait until something answers at the address; raises `RuntimeError` with the log's end if
    nothing does."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=30).close()
        except urllib.error.HTTPError:
            return  # a refusal is an answer too
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"Nothing answers at {address}:\n{log.read_text()[-4000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server that was started in a session of its own."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclass
class PanelPage:
    """A page with a panel on it, wherever it comes from. `strays`: what it asked of other machines,
    in vain."""

    page: Page
    strays: list[str]

    @property
    def canvas(self) -> Locator:
        """The canvas's root element; `data-shown` and `data-total` on it count the instances."""
        return self.page.locator(".sgw").first

    @property
    def stage(self) -> Locator:
        """The part of the canvas that the image is in."""
        return self.canvas.locator(".sgw-stage")

    @property
    def slider(self) -> Locator:
        """The threshold slider's handle, of ipywidgets 8 or 7."""
        return self.page.locator(
            ".sgw-panel-slider .noUi-handle, .sgw-panel-slider .ui-slider-handle"
        ).first

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
        """Wait until a result (of the image called `name`) is drawn and nothing is under way."""
        surface = self.canvas.locator(".sgw-surface")
        expect(surface).to_have_attribute(
            "aria-label", re.compile(f"^{re.escape(name)}"), timeout=timeout_s * 1000
        )
        expect(self.canvas).to_have_attribute(
            "data-total", re.compile(r"^\d+$"), timeout=timeout_s * 1000
        )
        expect(self.canvas).to_have_attribute("aria-busy", "false", timeout=timeout_s * 1000)
        self.settle()

    def settle(self) -> None:
        """Wait for two frames: what was set before is drawn."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def rest(self, milliseconds: int) -> None:
        """Wait by the page's own clock, so that what the page meant to do before is done, however
        busy the machine."""
        self.page.evaluate("(ms) => new Promise((done) => setTimeout(done, ms))", milliseconds)
        self.settle()

    def shown(self) -> int:
        """How many instances the canvas shows, once what was set before is drawn."""
        self.settle()
        return int(self.canvas.get_attribute("data-shown") or 0)

    def marks(self) -> int:
        """How many pixels masks, outlines and labels cover on the canvas, once what was set before
        is drawn."""
        self.settle()
        count: int = (
            self.canvas.locator("canvas")
            .nth(1)
            .evaluate(
                """(canvas) => { const data = canvas.getContext("2d").getImageData(0, 0,
                canvas.width, canvas.height).data; let count = 0; for (let at = 3; at < data.length;
                at += 4) if (data[at]) count++; return count;
            }"""
            )
        )
        return count


@dataclass
class Notebook(PanelPage):
    """A page with one open notebook in JupyterLab."""

    lab: Lab

    def open(self, name: str) -> None:
        """Open a notebook and wait for its kernel."""
        self.page.goto(
            f"{self.lab.address}/lab/workspaces/auto-t/tree/{name}?reset&token={self.lab.token}"
        )
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text(
            "(ipykernel) | Idle", timeout=90_000
        )

    def command(self, name: str) -> None:
        """Start a command of JupyterLab's, without waiting for its end."""
        self.page.evaluate(
            "(name) => { (window.jupyterapp ?? window.jupyterlab).commands.execute(name); }", name
        )

    def run_all(self) -> None:
        """Start all cells; the wait is for what they make."""
        self.command("notebook:run-all-cells")

    def cell(self, number: int) -> Locator:
        """One of the notebook's code cells, from 0."""
        return self.page.locator(".jp-CodeCell").nth(number)

    def edit(self, number: int) -> None:
        """Put the cursor into a code cell, and wait until JupyterLab has noticed: a key before that
        is lost."""
        # JupyterLab 4 has CodeMirror 6, JupyterLab 3 has CodeMirror 5.
        self.cell(number).locator(".cm-content, .CodeMirror-lines").first.click()
        expect(self.page.locator(".jp-Notebook.jp-mod-editMode").first).to_be_attached()

    def hide_sidebar(self) -> None:
        """Give the notebook the window's whole width."""
        self.command("application:toggle-left-area")
        expect(self.page.locator("#jp-left-stack")).to_be_hidden()


@contextmanager
def notebook_page(browser: Browser, lab: Lab, **settings: Any) -> Iterator[Notebook]:
    """A page of its own for a notebook; the settings are those of `quiet_page`."""
    with quiet_page(browser, **settings) as (page, strays):
        yield Notebook(page, strays, lab)


@contextmanager
def quiet_page(
    browser: Browser,
    width: int = 1280,
    height: int = 900,
    scale: float = 1,
    scheme: Any = "light",
    touch: bool = False,
) -> Iterator[tuple[Page, list[str]]]:
    """A page of its own, with a list of what it asks of other machines: it is refused."""
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
        page.on(
            "websocket", lambda socket: None if _is_local(socket.url) else strays.append(socket.url)
        )
        page.set_default_timeout(30_000)
        yield page, strays
    finally:
        context.close()


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("http", "https", "ws", "wss") or parts.hostname in (
        "127.0.0.1",
        "localhost",
        "::1",
    )
