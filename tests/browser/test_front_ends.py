"""Other front ends than JupyterLab: the panel in Jupyter Notebook 7, the canvas in marimo."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .lab import (
    STUB_CELL,
    Lab,
    PanelPage,
    environment,
    free_port,
    quiet_page,
    stop,
    wait_for_server,
)
from .test_panel_in_lab import place

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# As docs/install.md shows it, on the predictor that needs no model.
MARIMO = """\
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo

    from seg_widgets import SegmentationCanvas
    from seg_widgets.testing import StubPredictor, make_picture

    image = make_picture(640, 480)
    canvas = mo.ui.anywidget(SegmentationCanvas(image, StubPredictor(instances=12)(image)))
    threshold = mo.ui.slider(0.05, 1, 0.01, value=0.5, label="threshold")
    mo.vstack([threshold, canvas])
    return canvas, mo, threshold


@app.cell
def _(canvas, threshold):
    canvas.threshold = threshold.value


@app.cell
def _(canvas, mo):
    mo.md(f"selected: {canvas.value['selected']}")
"""


@pytest.fixture
def notebook_7(browser: Browser, lab: Lab) -> Iterator[PanelPage]:
    """The panel in Jupyter Notebook, which the same server shows under an address of its own."""
    lab.write_notebook("stub.ipynb", STUB_CELL.format(instances=12, delay_s=0))
    with quiet_page(browser) as (page, strays):
        page.goto(f"{lab.address}/notebooks/stub.ipynb?token={lab.token}")
        expect(page.locator(".cm-content").first).to_contain_text("SegmentationPanel")
        _wait_for_kernel(lab, page)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        panel = PanelPage(page, strays)
        panel.wait_for_panel()
        yield panel
    lab.shut_down_kernels()
    assert strays == []


def _wait_for_kernel(lab: Lab, page: Page) -> None:
    """Notebook 7 shows "idle" before it has a kernel; the server knows better."""
    for _ in range(300):
        states = [
            session["kernel"]["execution_state"] for session in lab.request("GET", "/api/sessions")
        ]
        if states == ["idle"]:
            expect(page.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute(
                "data-status", "idle"
            )
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"no kernel is idle: {states}")


def test_the_panel_in_jupyter_notebook(notebook_7: PanelPage, photo: Path, tmp_path: Path) -> None:
    panel = notebook_7
    assert "/notebooks/stub.ipynb" in panel.page.url
    panel.upload(photo)
    panel.wait_for_result(name="photo.jpg")
    assert panel.shown() == 7

    panel.slider.focus()
    for _ in range(31):
        panel.page.keyboard.press("ArrowLeft")
    panel.settle()
    assert panel.shown() == 10

    panel.page.mouse.click(*place(panel, 640, 480, 380, 160))
    expect(panel.canvas.locator("[aria-selected=true]")).to_have_count(1)
    panel.canvas.get_by_role("button", name="Export").click()
    with panel.page.expect_download() as started:
        panel.page.get_by_role("menuitem", name="PNG", exact=True).click()
    saved = tmp_path / "saved.png"
    started.value.save_as(saved)
    assert saved.read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def marimo(browser: Browser, tmp_path: Path) -> Iterator[PanelPage]:
    """The canvas on a page that marimo serves."""
    (tmp_path / "app.py").write_text(MARIMO)
    port, log = free_port(), tmp_path / "marimo.log"
    command = [
        sys.executable,
        "-m",
        "marimo",
        "--quiet",
        "run",
        "--headless",
        "--no-token",
        "--host=127.0.0.1",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, f"--port={port}", "app.py"],
            cwd=tmp_path,
            env={**environment(tmp_path), "MARIMO_SKIP_UPDATE_CHECK": "1"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_for_server(f"http://127.0.0.1:{port}/", process, log)
            with quiet_page(browser) as (page, strays):
                page.goto(f"http://127.0.0.1:{port}/")
                panel = PanelPage(page, strays)
                expect(panel.canvas).to_have_attribute("data-total", "12", timeout=60_000)
                yield panel
            assert strays == []
        finally:
            stop(process)


def test_the_canvas_in_marimo(marimo: PanelPage) -> None:
    canvas = marimo
    assert canvas.shown() == 7
    canvas.settle()
    assert canvas.marks() > 5000
    canvas.canvas.locator(".sgw-chip-main", has_text="person").click()
    expect(canvas.canvas).to_have_attribute("data-shown", "5")
    canvas.canvas.locator(".sgw-chip-main", has_text="person").click()

    # marimo's slider moves the canvas by way of Python, and Python hears what is selected.
    canvas.page.get_by_role("slider").first.focus()
    canvas.page.keyboard.press("Home")
    expect(canvas.canvas).to_have_attribute("data-shown", "12")
    canvas.page.mouse.click(*place(canvas, 640, 480, 380, 160))
    expect(canvas.page.locator("body")).to_contain_text("selected: [")
    expect(canvas.page.locator("body")).not_to_contain_text("selected: []")
