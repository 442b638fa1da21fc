"""Measure a step of the threshold: `python -m benchmarks.threshold_step [WIDTH HEIGHT [INSTANCES]]`.

Prints milliseconds from the key on the slider to the end of the frame that shows it, over a run from threshold 1 to 0
and back, in a headless browser that draws in software.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from seg_widgets.testing import make_jpeg
from tests.browser.lab import STUB_CELL, Notebook, launch, notebook_page, running_lab

# The key's listener is called first; a message posted inside its frame arrives once that frame is drawn.
_CLOCK = """() => {
    window.steps = [];
    document.addEventListener("keydown", () => {
        const started = performance.now();
        requestAnimationFrame(() => {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => { window.steps.push(performance.now() - started); channel.port1.close(); };
            channel.port2.postMessage(0);
        });
    }, { capture: true });
}"""


def threshold_steps_ms(notebook: Notebook, steps: int = 100) -> list[float]:
    """Milliseconds from key to frame, for so many steps down and as many up again."""
    notebook.page.evaluate(_CLOCK)
    notebook.slider.focus()
    notebook.page.keyboard.press("End")
    for key in ("ArrowLeft", "ArrowRight"):
        for _ in range(steps):
            notebook.page.keyboard.press(key)
            notebook.settle()
    times: list[float] = notebook.page.evaluate("() => window.steps")
    return times[1:]


def main() -> None:
    """Measure and print one line."""
    width, height, instances = (int(value) for value in [*sys.argv[1:], "1280", "960", "100"][:3])
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_lab(Path(scratch) / "lab") as lab,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        photo = Path(scratch) / "photo.jpg"
        photo.write_bytes(make_jpeg(width, height))
        lab.write_notebook("stub.ipynb", STUB_CELL.format(instances=instances, delay_s=0))
        with notebook_page(browser, lab) as notebook:
            notebook.open("stub.ipynb")
            notebook.run_all()
            notebook.wait_for_panel()
            notebook.upload(photo)
            notebook.wait_for_result()
            times = sorted(threshold_steps_ms(notebook))
        browser.close()
    p95 = times[int(len(times) * 0.95)]
    print(
        f"{width}×{height}, {instances} instances, {len(times)} steps: "
        f"p50 {statistics.median(times):.1f} ms, p95 {p95:.1f} ms, worst {times[-1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
