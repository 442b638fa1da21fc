"""Photograph the panel in each of its states: `python -m tests.browser.screenshots OUTDIR [--only NAME …]`.

Makes panel.jpg (the README's) and panel-dark, -narrow, -hover, -empty, -busy, -error, -nothing, -100 and so on, at two
device pixels for each CSS pixel. They show the starter on a sample where its weights are here; --stub shows
StubPredictor on a made picture, as the busy state and the hundred instances always do.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from seg_widgets.testing import make_jpeg

from .lab import REPOSITORY, STUB_CELL, Lab, Notebook, launch, notebook_page, running_lab

WEIGHTS = REPOSITORY / "weights" / "starter.safetensors"
PHOTO = REPOSITORY / "notebooks" / "images" / "raccoon.jpg"

STARTER_CELL = """\
from seg_widgets import SegmentationPanel

panel = SegmentationPanel()
panel"""


class Studio:
    """A laboratory, a browser, a picture, and where the photographs go."""

    def __init__(self, browser: Browser, lab: Lab, scratch: Path, out: Path, photo: Path | None) -> None:
        self.browser, self.lab, self.scratch, self.out, self.starter = browser, lab, scratch, out, photo is not None
        self.photo = photo or scratch / "photo.jpg"
        if photo is None:
            self.photo.write_bytes(make_jpeg(1280, 960))

    def cell(self, instances: int = 12, delay_s: float = 0) -> str:
        if self.starter and instances == 12 and not delay_s:
            return STARTER_CELL
        return STUB_CELL.format(instances=instances, delay_s=delay_s).replace(", samples={}", "")

    def shoot(self, name: str, cell: str, act: object, width: int = 1280, theme: str = "Light") -> None:
        """Open a notebook of one cell, act on its panel, and photograph the panel."""
        self.lab.set_theme(f"JupyterLab {theme}")
        self.lab.write_notebook(f"{name}.ipynb", cell)
        scheme = "dark" if theme == "Dark" else "light"
        with notebook_page(self.browser, self.lab, width=width, height=1000, scale=2, scheme=scheme) as notebook:
            notebook.open(f"{name}.ipynb")
            notebook.hide_sidebar()
            notebook.run_all()
            notebook.wait_for_panel()
            assert callable(act)
            act(notebook)
            notebook.settle()
            path = self.out / f"{name}.jpg"
            # Of a photograph a PNG takes ten times as much, and these are committed.
            panel = notebook.page.locator(".sgw-panel")
            panel.screenshot(path=path, type="jpeg", quality=85, animations="disabled")
            print(path, flush=True)
        self.lab.shut_down_kernels()

    def open_photo(self, notebook: Notebook) -> None:
        notebook.upload(self.photo)
        notebook.wait_for_result()
        notebook.page.mouse.move(2, 2)

    def select_and_hide(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        surface = notebook.canvas.locator(".sgw-surface")
        surface.focus()
        for key in ("ArrowRight", "Enter"):
            notebook.page.keyboard.press(key)
        chips = notebook.canvas.locator(".sgw-chip")
        if chips.count() > 2:
            chips.nth(2).click()
        notebook.page.mouse.move(2, 2)

    def point(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        surface = notebook.canvas.locator(".sgw-surface")
        box = surface.bounding_box()
        assert box is not None
        notebook.page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.45)
        notebook.page.wait_for_timeout(300)

    def busy(self, notebook: Notebook) -> None:
        notebook.upload(self.photo)
        expect(notebook.canvas.locator(".sgw-empty-title")).to_contain_text("Segmenting")

    def busy_again(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        notebook.upload(self.photo)
        expect(notebook.canvas.locator(".sgw-busy")).to_contain_text("Segmenting")
        notebook.page.mouse.move(2, 2)

    def error(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        broken = self.scratch / "letter.jpg"
        broken.write_text("<!doctype html><title>Not a picture</title>")
        notebook.upload(broken)
        expect(notebook.canvas.locator(".sgw-error")).to_be_visible()
        notebook.page.mouse.move(2, 2)

    def nothing(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        notebook.slider.focus()
        notebook.page.keyboard.press("End")

    def hundred(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        notebook.slider.focus()
        notebook.page.keyboard.press("Home")
        notebook.settle()

    def leave_empty(self, notebook: Notebook) -> None:
        notebook.page.mouse.move(2, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--stub", action="store_true", help="show StubPredictor on a made picture")
    parser.add_argument("--photo", type=Path, default=PHOTO, help="the picture that the starter segments")
    parser.add_argument("--only", nargs="*", help="names of the photographs to take")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_lab(Path(scratch) / "lab") as lab,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        photo = None if options.stub or not WEIGHTS.exists() else options.photo.resolve()
        studio = Studio(browser, lab, Path(scratch), options.out, photo)
        plans = {
            "": (studio.cell(), studio.open_photo, 1280, "Light"),
            "dark": (studio.cell(), studio.select_and_hide, 1280, "Dark"),
            "narrow": (studio.cell(), studio.open_photo, 480, "Light"),
            "hover": (studio.cell(), studio.point, 1280, "Light"),
            "empty": (studio.cell(), studio.leave_empty, 1280, "Light"),
            "empty-dark": (studio.cell(), studio.leave_empty, 1280, "Dark"),
            "busy": (studio.cell(delay_s=5), studio.busy, 1280, "Light"),
            "busy-again": (studio.cell(delay_s=4), studio.busy_again, 1280, "Light"),
            "error": (studio.cell(), studio.error, 1280, "Light"),
            "error-dark": (studio.cell(), studio.error, 1280, "Dark"),
            "nothing": (studio.cell(), studio.nothing, 1280, "Light"),
            "100": (studio.cell(instances=100), studio.hundred, 1280, "Light"),
        }
        for name, (cell, act, width, theme) in plans.items():
            if not options.only or (name or "panel") in options.only:
                studio.shoot(f"panel-{name}" if name else "panel", cell, act, width, theme)
        browser.close()


if __name__ == "__main__":
    main()
