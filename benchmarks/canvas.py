"""One step of the threshold, beside a panel that asks its kernel.

It is timed from the key on the slider to the end of the frame that shows the step, in JupyterLab
and a headless browser that draws in software. The other panel does what one does without a canvas:
a slider whose every step has the kernel filter and draw the image and send it to an
`ipywidgets.Image`. It is measured twice: as fast as we can make it (our own `overlay`, which takes
a hundredth of a `Visualizer`'s time, and a JPEG), and with the PNG that such panels usually send
(`overlay` again, and Pillow). All three are open at once and take turns.
`many_instances.py` adds thousands of instances, on pages without JupyterLab.
"""

from __future__ import annotations

import json
import statistics
import struct
import tempfile
import zlib
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from seg_widgets.prediction import GroundTruth
from seg_widgets.testing import StubPredictor, make_jpeg, make_picture
from seg_widgets.viewer import Compared, encode_content
from tests.browser.lab import STUB_CELL, Lab, Notebook, launch, notebook_page, running_lab

from . import many_instances
from .figures import Figure, Summary
from .measuring import ROUNDS

TITLE = "One step of the threshold"
NEEDS_BROWSER = True

SIZES = ((1280, 960), (3000, 2000))
INSTANCES = 100
# Of one turn, and as many back.
STEPS = 10
QUICK_STEPS = 4

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

# The same image and instances, with the truth of each second one beside them.
TRUTH_CELL = """\
from seg_widgets import SegmentationPanel
from seg_widgets.testing import StubPredictor, make_picture

image = make_picture({width}, {height})
truth = StubPredictor({instances})(image)[::2]
panel = SegmentationPanel(StubPredictor({instances}), samples={{}}, truth=truth)
panel.image = image
panel.wait(120)
panel"""
WITH_TRUTH = "our canvas, with truth"

ENCODERS = {"kernel round trip, JPEG": "jpeg", "kernel round trip, PNG": "png"}

# The key's listener is called first; a message posted inside its frame arrives once that frame is
# drawn.
_CLOCK = """(selector) => {
    window.steps = [];
    const image = selector && document.querySelector(selector);
    const drawn = (started) => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => {
            window.steps.push(performance.now() - started);
            channel.port1.close();
        };
        channel.port2.postMessage(0);
    });
    document.addEventListener("keydown", () => {
        const started = performance.now();
        if (!image) drawn(started);
        else image.addEventListener("load", () => drawn(started), { once: true });
    }, { capture: true });
}"""


def begin(notebook: Notebook, image: str = "") -> None:
    """Make ready for `steps_ms`; `image`: the selector of what must load before a step is shown."""
    notebook.slider.focus()
    notebook.page.keyboard.press("End")
    notebook.page.wait_for_timeout(1000)
    notebook.page.evaluate(_CLOCK, image)


def steps_ms(notebook: Notebook, steps: int = STEPS) -> list[float]:
    """Milliseconds from key to frame, for so many steps down and as many up."""
    notebook.page.bring_to_front()
    notebook.slider.focus()
    notebook.page.evaluate("() => { window.steps = []; }")
    for number in range(2 * steps):
        notebook.page.keyboard.press("ArrowLeft" if number < steps else "ArrowRight")
        notebook.page.wait_for_function(f"() => window.steps.length > {number}")
        notebook.settle()
    times: list[float] = notebook.page.evaluate("() => window.steps")
    return times


def open_canvas(notebook: Notebook, lab: Lab, photo: Path, instances: int) -> None:
    """Our panel, with a result."""
    lab.write_notebook("stub.ipynb", STUB_CELL.format(instances=instances, delay_s=0))
    notebook.open("stub.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    notebook.upload(photo)
    notebook.wait_for_result()
    begin(notebook)


def open_with_truth(notebook: Notebook, lab: Lab, size: tuple[int, int], instances: int) -> None:
    """Our panel, which matches each step with the truth."""
    cell = TRUTH_CELL.format(width=size[0], height=size[1], instances=instances)
    lab.write_notebook("truth.ipynb", cell)
    notebook.open("truth.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    notebook.wait_for_result()
    begin(notebook)


def open_round_trip(
    notebook: Notebook, lab: Lab, size: tuple[int, int], instances: int, encode: str
) -> None:
    """The other panel."""
    cell = ROUND_TRIP_CELL.format(width=size[0], height=size[1], instances=instances, encode=encode)
    name = f"trip-{encode}.ipynb"
    lab.write_notebook(name, cell)
    notebook.open(name)
    notebook.run_all()
    notebook.page.locator(".widget-image").wait_for(timeout=60_000)
    begin(notebook, ".widget-image")


def sent_bytes(width: int, height: int, instances: int) -> dict[str, int]:
    """What our canvas is sent for one image, and what the masks would take as zlib-packed crops one
    by one."""
    image = make_picture(width, height)
    prediction = StubPredictor(instances)(image)
    content = encode_content(image, prediction)
    truth = GroundTruth.of(prediction, size=prediction.image_size)
    compared = encode_content(image, prediction, others=[Compared.of(prediction, truth)])
    header = json.loads(content[8 : 8 + struct.unpack("<I", content[4:8])[0]])
    packed = sum(len(zlib.compress(crop.bits)) for crop in prediction.masks or ())
    return {
        "whole": len(content),
        "whole, with truth": len(compared),
        "image": header["imageBytes"],
        "masks": header["maskBytes"],
        "masks packed one by one": packed,
    }


def main(quick: bool = False) -> list[Figure]:
    """Measure each size of image.

    Args:
        quick: the smaller one alone beside the faster peer, and 2,000 instances, in one round.

    Returns:
        A step's median and its slow end, what is sent for an image, and thousands of instances.
    """
    sizes, rounds = (SIZES[:1], 1) if quick else (SIZES, ROUNDS)
    figures = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_lab(Path(scratch) / "lab") as lab,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        for size in sizes:
            photo = Path(scratch) / "photo.jpg"
            photo.write_bytes(make_jpeg(*size))
            figures += _compare(browser, lab, photo, size, rounds, quick)
            lab.shut_down_kernels()
        figures += many_instances.measure(browser, Path(scratch), rounds, quick)
        browser.close()
    return figures


def _compare(
    browser: Browser, lab: Lab, photo: Path, size: tuple[int, int], rounds: int, quick: bool
) -> list[Figure]:
    """Our panel and the others with one image."""
    peers = dict(list(ENCODERS.items())[:1]) if quick else ENCODERS
    with ExitStack() as stack:
        notebooks = {
            name: stack.enter_context(notebook_page(browser, lab))
            for name in ("our canvas", *([] if quick else [WITH_TRUTH]), *peers)
        }
        open_canvas(notebooks["our canvas"], lab, photo, INSTANCES)
        if not quick:
            open_with_truth(notebooks[WITH_TRUTH], lab, size, INSTANCES)
        for name, encode in peers.items():
            open_round_trip(notebooks[name], lab, size, INSTANCES, encode)
        turns: dict[str, list[list[float]]] = {name: [] for name in notebooks}
        for _ in range(1 + rounds):
            for name, notebook in notebooks.items():
                times = steps_ms(notebook, QUICK_STEPS if quick else STEPS)
                turns[name].append(sorted(times))
    what = f"{size[0]}×{size[1]}, {INSTANCES} instances"
    medians = {
        name: Summary.of([statistics.median(each) for each in times[1:]])
        for name, times in turns.items()
    }
    slow = {
        name: Summary.of([each[int(len(each) * 0.95)] for each in times[1:]])
        for name, times in turns.items()
    }
    sent = {name: Summary.of([count / 1e3]) for name, count in sent_bytes(*size, INSTANCES).items()}
    whole = {name: sent[name] for name in ("whole", "whole, with truth")}
    masks = {"our masks": sent["masks"], "packed one by one": sent["masks packed one by one"]}
    return [
        Figure(f"{what}: a step", "ms", medians),
        Figure(f"{what}: a slow step (p95)", "ms", slow),
        Figure(f"{what}: sent once, nothing for a step", "kB", whole, compared=False),
        Figure(f"{what}: of that, masks", "kB", masks, compared=False),
    ]
