"""What a page takes while a session's images become many: the browser's renderer, in MB (PSS).

Photographs of 12 megapixels go through one panel, and all of them are in its filmstrip. A decoded
one takes 48 MB; the page should hold the one that is shown, and small images of the others.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

from tests.browser.lab import Notebook, launch, notebook_page, running_lab

from .figures import Curve

TITLE = "Memory of the page"
NEEDS_BROWSER = True
QUICK = False

_IMAGES = (1, 10, 50, 200)
# For each image: a busy machine needs seconds to open, encode and show it.
_PATIENCE_S = 10
_REST_S = 3.0

# A thread of the kernel: it shows images until there are as many as a file in the folder says.
_CELL = """\
import threading, time
from pathlib import Path
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor, make_jpeg

panel = SegmentationPanel(StubPredictor(12), samples={{}}, static_image=False)
files = [make_jpeg(4000, 3000, seed=seed) for seed in range(3)]

def work(folder=Path({folder!r})):
    shown = 0
    while True:
        wanted = int((folder / "wanted").read_text() or 0)
        while shown < wanted:
            panel.segment(files[shown % len(files)], f"{{shown}}.jpg")
            panel.wait(60)
            shown += 1
        (folder / "shown").write_text(str(shown))
        time.sleep(0.2)

threading.Thread(target=work, daemon=True).start()
panel"""


def main(quick: bool = False) -> list[Curve]:
    """Show images, and look at the renderer's memory in between.

    Args:
        quick: is not used, as there is no short form.

    Returns:
        MB over images.
    """
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_lab(Path(scratch) / "lab") as lab,
        sync_playwright() as playwright,
    ):
        folder = Path(scratch)
        (folder / "wanted").write_text("0")
        browser = launch(playwright)
        lab.write_notebook("memory.ipynb", _CELL.format(folder=str(folder)))
        with notebook_page(browser, lab) as notebook:
            notebook.open("memory.ipynb")
            notebook.run_all()
            notebook.wait_for_panel()
            points = [(float(count), _after(notebook, folder, count)) for count in _IMAGES]
        browser.close()
    return [Curve("memory of the page", "images of 12 MP in a session", "MB", {"renderer": points})]


def _after(notebook: Notebook, folder: Path, count: int) -> float:
    """MB of the page with so many images."""
    (folder / "wanted").write_text(str(count))
    end_s = time.monotonic() + _PATIENCE_S * (count + 6)
    while not (folder / "shown").exists() or (folder / "shown").read_text() != str(count):
        if time.monotonic() > end_s:
            raise TimeoutError(f"{count} images took longer than {_PATIENCE_S} s each")
        time.sleep(0.2)
    notebook.wait_for_result()
    time.sleep(_REST_S)
    session = notebook.page.context.new_cdp_session(notebook.page)
    session.send("HeapProfiler.collectGarbage")
    time.sleep(_REST_S)
    return max(map(_pss_mb, _renderers()))


def _renderers() -> list[psutil.Process]:
    """The processes of this one's browser that have pages."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "--type=renderer" in " ".join(child.cmdline())]


def _pss_mb(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / 1e6
