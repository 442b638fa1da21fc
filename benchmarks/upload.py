"""From choosing a file to its photograph and its instances on screen, without the model's time.

In JupyterLab and a headless browser that draws in software, with a stand-in for the model that
finds 100 ellipses. The photograph is on screen while the model works, so the stand-in takes two
seconds for that figure, and no time for the other one.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from seg_widgets.testing import make_jpeg
from tests.browser.lab import Lab, Notebook, launch, notebook_page, running_lab

from .figures import Figure, Summary
from .measuring import ROUNDS

TITLE = "From a file to the screen"
NEEDS_BROWSER = True

_SIZES = {"1280×960": (1280, 960), "4000×3000 (12 MP)": (4000, 3000)}
_INSTANCES = 100
_MODEL_S = 2
_REST_MS = 1500
_TIMEOUT_MS = 30_000

# Notes the moment at which an image is open, in milliseconds of the clock that the browser has.
_CELL = """\
import time
from pathlib import Path
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor

panel = SegmentationPanel(StubPredictor({instances}, delay_s={model_s}), samples={{}})

def note(change):
    if change["new"] is not None:
        Path({log!r}).write_text(str(time.time() * 1e3))

panel.observe(note, "upcoming")
# Before the canvas hears of it: observers are called in their order.
handlers = panel._trait_notifiers["upcoming"]["change"]
handlers.insert(0, handlers.pop())
panel"""

# When a file is chosen, when its photograph is drawn and when its result is, as the browser's
# clock says; a frame has been drawn when a task after it runs.
_CLOCK = """() => {
    const root = document.querySelector(".sgw");
    const now = () => performance.timeOrigin + performance.now();
    window.moments = {};
    const note = (name) => {
        if (name in window.moments) return;
        window.moments[name] = 0;
        requestAnimationFrame(() => setTimeout(() => { window.moments[name] = now(); }));
    };
    const look = () => {
        if (root.classList.contains("sgw-previewing")) note("photograph");
        else if (Number(root.dataset.shown) > 0) note("result");
    };
    delete root.dataset.shown;
    window.watcher?.disconnect();
    window.watcher = new MutationObserver(look);
    window.watcher.observe(root, { attributes: true });
    // The button's file input is in no document, so its events reach nothing but itself.
    const input = HTMLInputElement.prototype;
    window.openDialog ??= input.click;
    input.click = function () {
        const noteChoice = () => { window.moments.chosen = now(); };
        this.addEventListener("change", noteChoice, { capture: true, once: true });
        window.openDialog.call(this);
    };
}"""


def main(quick: bool = False) -> list[Figure]:
    """Upload photographs.

    Args:
        quick: the smaller one, once.

    Returns:
        Milliseconds until the photograph is there, from its decoding and from its choice, and until
        its instances are.
    """
    figures = []
    sizes = list(_SIZES.items())[: 1 if quick else None]
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_lab(Path(scratch) / "lab") as lab,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        for name, size in sizes:
            figures += _measure(browser, lab, Path(scratch), name, size, 1 if quick else ROUNDS)
        browser.close()
    return figures


def _measure(
    browser: Browser, lab: Lab, scratch: Path, name: str, size: tuple[int, int], rounds: int
) -> list[Figure]:
    """The figures of one size of photograph."""
    photo, log = scratch / "photo.jpg", scratch / "opened.txt"
    photo.write_bytes(make_jpeg(*size))
    slow = _runs(browser, lab, photo, log, "photograph", rounds, _MODEL_S)
    quick = _runs(browser, lab, photo, log, "result", rounds, 0)
    figures: dict[str, Callable[[dict[str, float]], float]] = {
        "decoded → photograph on screen": lambda run: run["photograph"] - run["opened"],
        "file chosen → photograph on screen": lambda run: run["photograph"] - run["chosen"],
    }
    seen = {what: [figure(run) for run in slow] for what, figure in figures.items()}
    seen["file chosen → instances on screen"] = [run["result"] - run["chosen"] for run in quick]
    return [
        Figure(f"{name}: {what}", "ms", {"ours": Summary.of(values)})
        for what, values in seen.items()
    ]


def _runs(
    browser: Browser, lab: Lab, photo: Path, log: Path, until: str, rounds: int, model_s: float
) -> list[dict[str, float]]:
    """The moments of each of some uploads in one panel; the first is not counted."""
    cell = _CELL.format(instances=_INSTANCES, model_s=model_s, log=str(log))
    lab.write_notebook("upload.ipynb", cell)
    with notebook_page(browser, lab) as notebook:
        notebook.open("upload.ipynb")
        notebook.run_all()
        notebook.wait_for_panel()
        moments = [_upload(notebook, photo, log, until) for _ in range(1 + rounds)]
    lab.shut_down_kernels()
    return moments[1:]


def _upload(notebook: Notebook, photo: Path, log: Path, until: str) -> dict[str, float]:
    notebook.page.evaluate(_CLOCK)
    notebook.upload(photo)
    notebook.page.wait_for_function(
        f"() => window.moments[{json.dumps(until)}] > 0", timeout=_TIMEOUT_MS
    )
    moments: dict[str, float] = notebook.page.evaluate("() => window.moments")
    notebook.wait_for_result()
    # What follows a result (the filmstrip's small images, the notebook's picture) is over.
    notebook.page.wait_for_timeout(_REST_MS)
    return {**moments, "opened": float(log.read_text())}
