"""Photograph the panel in each of its states: `python -m tests.browser.screenshots [OUTDIR] [--only
NAME …]`.

Makes panel.jpg (the README's) and the others of docs/panel.md: panel-dark, -narrow, -filmstrip,
-100, -empty, -busy, -error, -nothing, -truth; with `--only` also panel-hover, -classes, -fetching,
-busy-again, -empty-dark and -error-dark. They show the starter on a sample; `--stub` shows
StubPredictor on a made image, as some of the states always do. `--reference` writes what
test_screenshots.py compares with: each state with StubPredictor, small.
"""

from __future__ import annotations

import argparse
import io
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from seg_widgets.testing import make_jpeg

from .lab import REPOSITORY, STUB_CELL, Lab, Notebook, launch, notebook_page, running_lab

WEIGHTS = REPOSITORY / "weights" / "starter.safetensors"
PHOTO = REPOSITORY / "notebooks" / "images" / "fruit.jpg"
# An image with a truth, on which the starter is right once, wrong once, and misses something.
JUDGED = REPOSITORY / "notebooks" / "images" / "astronaut.jpg"
TRUTH = REPOSITORY / "notebooks" / "images" / "judge.json"

STARTER_CELL = """\
from seg_widgets import SegmentationPanel

panel = SegmentationPanel()
panel"""


TRUTH_CELL = """\
from seg_widgets import SegmentationPanel, load, load_predictor
from seg_widgets.prediction import GroundTruth

predictor = load_predictor()
image = load("{photo}")
truth = GroundTruth.of(
    "{truth}", size=image.shape[:2], file_name="{photo}", classes={{"helmet": "accessory"}}
)
panel = SegmentationPanel(predictor, truth=truth, threshold={threshold}, samples={{}})
panel.segment(image, name="astronaut.jpg")
panel"""

MANY_CLASSES_CELL = """\
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor

kinds = ("baseball bat", "teapot", "wine_glass")
names = [f"{kind}_{number}" for number in range(401) for kind in kinds]
panel = SegmentationPanel(StubPredictor(60, names), threshold=0.0)
panel"""

# Nobody answers at this address, and the download waits for that some seconds.
FETCHING_CELL = """\
import os
import socket

silent = socket.create_server(("127.0.0.1", 0))
os.environ["SEG_WIDGETS_MIRROR"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor

panel = SegmentationPanel(StubPredictor(12), samples={})
panel"""

REFERENCE = Path(__file__).parent / "reference"
_REFERENCE_WIDTH = 160
_SCALE, _QUALITY = 1.5, 82


# What the tests compare, and what docs/panel.md shows.
COMPARED = (
    "panel",
    "panel-dark",
    "panel-narrow",
    "panel-filmstrip",
    "panel-100",
    "panel-empty",
    "panel-busy",
    "panel-error",
)
SHOWN = (*COMPARED, "panel-nothing", "panel-truth")


class Studio:
    """A laboratory, a browser, and an image to segment: the starter's, or a made one for
    StubPredictor."""

    def __init__(
        self, browser: Browser, lab: Lab, scratch: Path, photo: Path | None = None
    ) -> None:
        self.browser, self.lab, self.scratch, self.starter = (
            browser,
            lab,
            scratch,
            photo is not None,
        )
        self.photo = photo or scratch / "photo.jpg"
        if photo is None:
            self.photo.write_bytes(make_jpeg(1280, 960))

    def cell(self, instances: int = 12, delay_s: float = 0) -> str:
        if self.starter and instances == 12 and not delay_s:
            return STARTER_CELL
        return STUB_CELL.format(instances=instances, delay_s=delay_s).replace(", samples={}", "")

    def truth_cell(self) -> str:
        return TRUTH_CELL.format(photo=JUDGED, truth=TRUTH, threshold=0.39)

    def scenes(self) -> dict[str, tuple[str, Callable[[Notebook], None], int, str]]:
        """Each state by name: the notebook's cell, what is done there, the page's width in pixels,
        and the theme."""
        usual = self.cell()
        return {
            "panel": (usual, self.open_photo, 1280, "Light"),
            "panel-dark": (usual, self.select_and_hide, 1280, "Dark"),
            "panel-narrow": (usual, self.open_photo, 400, "Light"),
            "panel-hover": (usual, self.point, 1280, "Light"),
            "panel-filmstrip": (usual, self.open_several, 1280, "Light"),
            "panel-100": (self.cell(instances=100), self.hundred, 1280, "Light"),
            "panel-empty": (usual, self.leave_empty, 1280, "Light"),
            "panel-empty-dark": (usual, self.leave_empty, 1280, "Dark"),
            "panel-classes": (MANY_CLASSES_CELL, self.find_class, 1280, "Light"),
            "panel-fetching": (FETCHING_CELL, self.fetch, 1280, "Light"),
            "panel-busy": (self.cell(delay_s=5), self.busy, 1280, "Light"),
            "panel-busy-again": (self.cell(delay_s=4), self.busy_again, 1280, "Light"),
            "panel-error": (usual, self.error, 1280, "Light"),
            "panel-error-dark": (usual, self.error, 1280, "Dark"),
            "panel-nothing": (usual, self.nothing, 1280, "Light"),
            "panel-truth": (self.truth_cell(), self.judge, 1280, "Light"),
        }

    def shoot(self, name: str, scale: float = 1) -> bytes:
        """Open a notebook of one cell, act on its panel, and photograph the panel; a PNG."""
        cell, act, width, theme = self.scenes()[name]
        self.lab.set_theme(f"JupyterLab {theme}")
        self.lab.write_notebook(f"{name}.ipynb", cell)
        scheme = "dark" if theme == "Dark" else "light"
        with notebook_page(
            self.browser, self.lab, width=width, height=1000, scale=scale, scheme=scheme
        ) as notebook:
            notebook.open(f"{name}.ipynb")
            notebook.hide_sidebar()
            notebook.run_all()
            notebook.wait_for_panel()
            act(notebook)
            notebook.settle()
            shot = notebook.page.locator(".sgw-panel").screenshot(animations="disabled")
        self.lab.shut_down_kernels()
        self.lab.set_theme("JupyterLab Light")
        return shot

    def open_photo(self, notebook: Notebook) -> None:
        notebook.upload(self.photo)
        notebook.wait_for_result()
        notebook.page.mouse.move(2, 2)

    def open_several(self, notebook: Notebook) -> None:
        if self.starter:
            photos = sorted(
                path
                for path in PHOTO.parent.glob("*.jpg")
                if path.stem in ("astronaut", "cat", "coins")
            )
        else:
            photos = [self.scratch / f"photo {number}.jpg" for number in range(3)]
            for number, path in enumerate(photos):
                path.write_bytes(make_jpeg(640, 480, seed=number))
        notebook.upload(*photos)
        films = notebook.page.locator(".sgw-film").get_by_role("option")
        expect(films).to_have_count(3)
        expect(films.last).to_have_accessible_name(re.compile("instance"), timeout=60_000)
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
        expect(notebook.canvas.locator(".sgw-preview")).to_be_visible()
        expect(notebook.canvas.locator(".sgw-busy")).to_contain_text("Segmenting")
        notebook.page.mouse.move(2, 2)

    def busy_again(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        notebook.upload(self.photo)
        expect(notebook.canvas.locator(".sgw-busy")).to_contain_text("Segmenting")
        notebook.page.mouse.move(2, 2)

    def find_class(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        notebook.canvas.get_by_role("searchbox").fill("bat 1")
        notebook.canvas.get_by_role("button", name="Only these").click()
        notebook.page.mouse.move(2, 2)

    def fetch(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        notebook.page.locator(".sgw-panel-models select").select_option(index=4)
        expect(notebook.canvas).to_contain_text("Fetching")
        notebook.page.mouse.move(2, 2)

    def error(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        broken = self.scratch / "letter.jpg"
        broken.write_text("<!doctype html><title>Not an image</title>")
        notebook.upload(broken)
        expect(notebook.canvas.get_by_role("alert")).to_be_visible()
        notebook.page.mouse.move(2, 2)

    def nothing(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        notebook.slider.focus()
        notebook.page.keyboard.press("End")

    def judge(self, notebook: Notebook) -> None:
        notebook.wait_for_result()
        expect(notebook.canvas.locator(".sgw-match")).to_be_visible()
        notebook.page.mouse.move(2, 2)

    def hundred(self, notebook: Notebook) -> None:
        self.open_photo(notebook)
        notebook.slider.focus()
        notebook.page.keyboard.press("Home")
        notebook.settle()

    def leave_empty(self, notebook: Notebook) -> None:
        expect(notebook.canvas).to_have_attribute("aria-busy", "false", timeout=60_000)
        notebook.page.mouse.move(2, 2)


def small(shot: bytes) -> Image.Image:
    """A photograph as small as the references are: what is left is what a glance sees."""
    with Image.open(io.BytesIO(shot)) as shown:
        height = round(shown.height * _REFERENCE_WIDTH / shown.width)
        return shown.convert("RGB").resize((_REFERENCE_WIDTH, height), Image.Resampling.BOX)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=REPOSITORY / "docs" / "images")
    parser.add_argument("--stub", action="store_true", help="show StubPredictor on a made image")
    parser.add_argument(
        "--photo", type=Path, default=PHOTO, help="the image that the starter segments"
    )
    parser.add_argument(
        "--only", nargs="*", metavar="NAME", help="the photographs to take, also others than usual"
    )
    parser.add_argument(
        "--reference", action="store_true", help="write what the tests compare with"
    )
    options = parser.parse_args()
    out = REFERENCE if options.reference else options.out
    out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_lab(Path(scratch) / "lab") as lab,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        stub = options.stub or options.reference or not WEIGHTS.exists()
        studio = Studio(browser, lab, Path(scratch), None if stub else options.photo.resolve())
        for name in options.only or (COMPARED if options.reference else SHOWN):
            path = out / f"{name}.{'png' if options.reference else 'jpg'}"
            if options.reference:
                small(studio.shoot(name)).save(path, optimize=True)
            else:
                # Of a photograph a PNG takes ten times as much, and these are committed.
                with Image.open(io.BytesIO(studio.shoot(name, _SCALE))) as shown:
                    shown.convert("RGB").save(
                        path, quality=_QUALITY, optimize=True, progressive=True
                    )
            print(path, flush=True)
        browser.close()


if __name__ == "__main__":
    main()
