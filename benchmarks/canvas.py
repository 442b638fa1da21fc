"""Measure a step of the threshold beside a panel that asks its kernel: `python -m benchmarks.canvas
[WIDTH HEIGHT N]`.

Prints milliseconds from the key on the slider to the end of the frame that shows the step, over a
run from threshold 1 to 0 and back, in a headless browser that draws in software; and what is sent.
The other panel does what one does without a canvas: a slider whose every step has the kernel filter
and draw the image and send it to an `ipywidgets.Image`. It is measured twice: as fast as we can
make it (our own `overlay`, which takes a hundredth of a `Visualizer`'s time, and a JPEG), and with
the PNG that such panels usually send (`overlay` again, and Pillow).
"""

from __future__ import annotations

import json
import statistics
import struct
import sys
import tempfile
import zlib
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from seg_widgets.testing import StubPredictor, make_jpeg, make_picture
from seg_widgets.viewer import encode_content
from tests.browser.lab import STUB_CELL, Lab, Notebook, launch, notebook_page, running_lab

SIZES = ((1280, 960), (3000, 2000))
INSTANCES = 100
STEPS = 100

ROUND_TRIP_CELL = """\
import io
import cv2, ipywidgets
from PIL import Image
from seg_widgets import overlay
from seg_widgets.testing import StubPredictor, make_picture

image = make_picture({width}, {height})
prediction = StubPredictor({instances})(image)
slider = ipywidgets.FloatSlider(value=0.5, min=0, max=1, step=0.01)
shown = ipywidgets.Image(format="{encode}", width=640)
sent = []

def jpeg(drawn):
    return cv2.imencode(".jpg", drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()

def png(drawn):
    file = io.BytesIO()
    Image.fromarray(drawn).save(file, "png")
    return file.getvalue()

def draw(change=None):
    encoded = {encode}(overlay(image, prediction.filter(slider.value)))
    # With a number behind it, so that a step which changes nothing arrives, too, and can be timed.
    sent.append(len(encoded))
    shown.value = encoded + len(sent).to_bytes(2, "big")

slider.observe(draw, "value")
draw()
slider.add_class("sgw-panel-slider")
ipywidgets.VBox([slider, shown])"""

ENCODERS = {"jpeg": "kernel round trip, JPEG", "png": "kernel round trip, PNG"}

# The key's listener is called first; a message posted inside its frame arrives once that frame is
# drawn.
_CLOCK = """(selector) => {
    window.steps = [];
    const image = selector && document.querySelector(selector);
    const drawn = (started) => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => { window.steps.push(performance.now() - started); channel.port1.close(); };
        channel.port2.postMessage(0);
    });
    document.addEventListener("keydown", () => {
        const started = performance.now();
        if (!image) drawn(started);
        else image.addEventListener("load", () => drawn(started), { once: true });
    }, { capture: true });
}"""


def steps_ms(notebook: Notebook, image: str = "", steps: int = STEPS) -> list[float]:
    """Milliseconds from key to frame, sorted, for so many steps down and as many up; `image`: what
    must load first."""
    notebook.slider.focus()
    notebook.page.keyboard.press("End")
    notebook.page.wait_for_timeout(1500)
    notebook.page.evaluate(_CLOCK, image)
    for number in range(2 * steps):
        notebook.page.keyboard.press("ArrowLeft" if number < steps else "ArrowRight")
        notebook.page.wait_for_function(f"() => window.steps.length > {number}")
        notebook.settle()
    times: list[float] = notebook.page.evaluate("() => window.steps")
    return sorted(times)


def canvas_ms(browser: Browser, lab: Lab, photo: Path, instances: int) -> list[float]:
    """Our panel's steps."""
    lab.write_notebook("stub.ipynb", STUB_CELL.format(instances=instances, delay_s=0))
    with notebook_page(browser, lab) as notebook:
        notebook.open("stub.ipynb")
        notebook.run_all()
        notebook.wait_for_panel()
        notebook.upload(photo)
        notebook.wait_for_result()
        times = steps_ms(notebook)
    lab.shut_down_kernels()
    return times


def round_trip_ms(
    browser: Browser, lab: Lab, width: int, height: int, instances: int, encode: str
) -> list[float]:
    """The other panel's steps."""
    cell = ROUND_TRIP_CELL.format(width=width, height=height, instances=instances, encode=encode)
    lab.write_notebook("trip.ipynb", cell)
    with notebook_page(browser, lab) as notebook:
        notebook.open("trip.ipynb")
        notebook.run_all()
        notebook.page.locator(".widget-image").wait_for(timeout=60_000)
        times = steps_ms(notebook, ".widget-image", STEPS // 2)
    lab.shut_down_kernels()
    return times


def sent_bytes(width: int, height: int, instances: int) -> dict[str, int]:
    """What our canvas is sent for one image, and what the masks would take as zlib-packed crops one
    by one."""
    image = make_picture(width, height)
    prediction = StubPredictor(instances)(image)
    content = encode_content(image, prediction)
    header = json.loads(content[8 : 8 + struct.unpack("<I", content[4:8])[0]])
    packed = sum(len(zlib.compress(crop.bits)) for crop in prediction.masks or ())
    return {
        "whole": len(content),
        "image": header["imageBytes"],
        "masks": header["maskBytes"],
        "zlib crops": packed,
    }


def _row(name: str, times: list[float]) -> str:
    p95 = times[int(len(times) * 0.95)]
    return (
        f"{name}: p50 {statistics.median(times):.1f} ms, p95 {p95:.1f} ms, worst {times[-1]:.1f} ms"
    )


def main() -> None:
    """Measure and print a paragraph for each size of image."""
    given = [int(value) for value in sys.argv[1:4]]
    sizes = [(given[0], given[1])] if len(given) > 1 else SIZES
    instances = given[2] if len(given) > 2 else INSTANCES
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_lab(Path(scratch) / "lab") as lab,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        for width, height in sizes:
            photo = Path(scratch) / "photo.jpg"
            photo.write_bytes(make_jpeg(width, height))
            ours = canvas_ms(browser, lab, photo, instances)
            print(f"{width}×{height}, {instances} instances, {len(ours)} steps")
            print("  " + _row("canvas", ours))
            for encode, name in ENCODERS.items():
                theirs = round_trip_ms(browser, lab, width, height, instances, encode)
                ratio = statistics.median(theirs) / statistics.median(ours)
                print(f"  {_row(name, theirs)}; {ratio:.1f} times the canvas's median", flush=True)
            sent = ", ".join(
                f"{name} {count / 1000:.1f} kB"
                for name, count in sent_bytes(width, height, instances).items()
            )
            print(f"  sent once: {sent}; for a step: nothing", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
