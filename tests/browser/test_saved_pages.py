"""What is left without a kernel: the page that the panel exports, and a notebook saved as HTML;
both from file://."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import anywidget
import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, expect

from seg_widgets.cli import main
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.viewer import to_html

from . import html_manager
from .lab import PanelPage, quiet_page, write_notebook
from .test_panel_in_lab import changed, pixels, place

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELL = """\
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor, make_picture

panel = SegmentationPanel(StubPredictor(instances=12), samples={})
panel.image = make_picture(640, 480)
panel.wait(60)
panel"""


@pytest.fixture
def page(browser: Browser) -> Iterator[PanelPage]:
    """A page of its own; whatever it asks of another machine fails the test, and so does an error
    in its scripts."""
    errors: list[str] = []
    with quiet_page(browser) as (tab, strays):
        tab.on("pageerror", lambda error: errors.append(str(error)))
        yield PanelPage(tab, strays)
    assert strays == []
    assert errors == []


def explore(page: PanelPage) -> None:
    """What a reader does with 12 instances, 7 of them shown: hover, hide, solo, select, choose what
    is drawn."""
    page.settle()
    assert page.shown() == 7
    assert page.marks() > 5000
    page.page.mouse.move(2, 2)
    page.settle()
    calm = pixels(page.stage)
    page.page.mouse.move(*place(page, 640, 480, 380, 160))
    page.settle()
    assert changed(calm, pixels(page.stage)) > 500
    page.canvas.locator(".sgw-chip-main", has_text="person").click()
    expect(page.canvas).to_have_attribute("data-shown", "5")
    row = page.canvas.locator(".sgw-row[data-index='1']")
    row.click()
    expect(row).to_have_attribute("aria-selected", "true")
    page.canvas.get_by_role("button", name="View").click()
    before = page.marks()
    page.canvas.get_by_role("checkbox", name="Masks").uncheck()
    page.settle()
    assert page.marks() < before / 2
    page.page.keyboard.press("Escape")
    expect(page.canvas.get_by_role("button", name="Export")).to_be_hidden()
    expect(page.canvas.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_exported_page_needs_nothing_else(page: PanelPage, tmp_path: Path, scheme: str) -> None:
    image = make_picture(640, 480)
    path = tmp_path / "an image & more.html"
    path.write_text(to_html(StubPredictor(12)(image), image, "a <image>.jpg"), "utf-8")
    page.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.page.goto(path.as_uri())
    expect(page.page).to_have_title("a <image>.jpg")
    expect(page.canvas.locator(".sgw-surface")).to_have_attribute(
        "aria-label", re.compile("7 of 12 instances")
    )
    explore(page)
    slider = page.page.get_by_role("slider", name="Threshold")
    slider.focus()
    for _ in range(31):
        page.page.keyboard.press("ArrowLeft")
    expect(page.page.get_by_role("status")).to_have_text("0.19")
    expect(page.canvas).to_have_attribute("data-shown", "7")  # 10, less the three persons
    page.page.keyboard.press("End")
    page.canvas.get_by_role("button", name="Show").first.click()
    assert page.page.evaluate("() => getComputedStyle(document.body).colorScheme") in (
        "light dark",
        "normal",
    )
    # Nothing on it can leave the page: its own policy says so to the browser.
    blocked = page.page.evaluate(
        """() => new Promise((done) => {
            addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
            fetch("http://127.0.0.1:9/").catch(() => {});
        })"""
    )
    assert blocked == "connect-src"


def test_a_notebook_saved_as_html_keeps_what_needs_no_kernel(
    page: PanelPage, tmp_path: Path
) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])  # type: ignore[no-untyped-call]
    NotebookClient(notebook, kernel_name="python3", store_widget_state=True).execute()
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        widget_renderer_url="embed-amd.js",
        require_js_url="require.js",
        mathjax_url="",
        mermaid_js_url="",
    )
    text, _ = exporter.from_notebook_node(notebook)
    path = tmp_path / "saved.html"
    path.write_text(text, "utf-8")
    for script in html_manager.scripts().glob("*.js"):
        shutil.copy(script, tmp_path)
    # The page looks for the module of our widgets beside itself.
    shutil.copy(
        Path(anywidget.__file__).parent / "nbextension" / "index.js", tmp_path / "anywidget.js"
    )
    page.page.goto(path.as_uri())
    expect(page.canvas).to_be_visible(timeout=30_000)
    expect(page.canvas).to_have_attribute("data-total", "12")
    explore(page)
    # The slider and the canvas are linked in the browser.
    page.slider.focus()
    page.page.keyboard.press("Home")
    expect(page.canvas).to_have_attribute("data-shown", "9")


PANEL_CELLS = (
    """\
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor, make_picture

panel = SegmentationPanel(StubPredictor(12), samples={}, models={}, threshold=0.6)
panel.segment(make_picture(640, 480), "a <image>.jpg")
print(len(panel.wait()), "instances")
panel""",
    "import ipywidgets\n\nipywidgets.IntSlider(description='not shown')",
    "panel.hidden_classes = ['food']",
)


def test_a_notebook_becomes_one_file_with_its_panel_in_it(page: PanelPage, tmp_path: Path) -> None:
    path, out = tmp_path / "my notebook.ipynb", tmp_path / "page.html"
    write_notebook(path, *PANEL_CELLS)
    before = path.read_bytes()
    assert main(["export-html", str(path), "--out", str(out)]) == 0
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".html"] == ["page.html"]
    page.page.goto(out.as_uri())
    expect(page.page).to_have_title("my notebook")
    expect(page.page.locator("body")).to_contain_text("12 instances")
    expect(page.page.locator("iframe")).to_have_count(1)
    frame = page.page.frame_locator("iframe")
    canvas = frame.locator(".sgw").first
    expect(canvas).to_have_attribute(
        "data-shown", "4"
    )  # 6 of 0.6 and more, less those that the last cell has hidden
    expect(frame.locator(".sgw-surface")).to_have_attribute(
        "aria-label", re.compile("^a <image>.jpg")
    )
    slider = frame.get_by_role("slider", name="Threshold")
    slider.focus()
    page.page.keyboard.press("Home")
    expect(canvas).to_have_attribute("data-shown", "9")
    frame.locator(".sgw-chip-main", has_text="person").click()
    expect(canvas).to_have_attribute("data-shown", "6")
    # What was saved alone shows no panel, because its state was not saved with it.
    assert main(["export-html", str(path), "--as-saved"]) == 0
    assert "<iframe" not in path.with_suffix(".html").read_text("utf-8")


def test_what_cannot_become_a_page_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export-html", str(tmp_path / "gone.ipynb")]) == 1
    assert "gone.ipynb can't be read" in capsys.readouterr().err
    for content in ("no notebook", "{}", '{"cells": 3, "nbformat": 4}'):
        (tmp_path / "wrong.ipynb").write_text(content)
        assert main(["export-html", str(tmp_path / "wrong.ipynb")]) == 1
        assert "wrong.ipynb is no notebook" in capsys.readouterr().err
    write_notebook(tmp_path / "fails.ipynb", "1 / 0")
    assert main(["export-html", str(tmp_path / "fails.ipynb")]) == 1
    assert "a cell that failed with ZeroDivisionError: division by zero" in capsys.readouterr().err
    assert [path.name for path in tmp_path.glob("*.html")] == []
