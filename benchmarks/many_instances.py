"""Thousands of instances in the canvas, alone and with a truth beside them; `canvas.py` runs it.

On exported pages, which have the same canvas without JupyterLab around it. A step and a pointer
that moves are timed as work: what the event's listeners and the frame after it take, without the
wait for the display's next frame. The first paint is timed from the message, in memory, to the end
of the frame that shows it, the decoding of the photograph included.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page

from seg_widgets.prediction import GroundTruth, MaskCrop, Prediction
from seg_widgets.testing import make_picture
from seg_widgets.viewer import to_html
from tests.browser.lab import quiet_page

from .figures import Figure, Summary

SIZE = (3000, 2000)
COUNTS = (100, 1000, 2000, 10_000)
QUICK_COUNTS = (2000,)
# Pixels of a mask's sides.
_SIDES = (20, 140)
_CLASSES = 20
_STEPS = 20
# A new window of Chromium loads pages of its own for some seconds.
_SETTLED_MS = 4000
_IDLE_MS = 2000

_BEGIN = """
    const decode = window.atob;
    window.atob = (text) => {
        const bytes = decode(text);
        window.came = performance.now();
        return bytes;
    };
    window.drawn = (done) => requestAnimationFrame(() => {
        const started = performance.now();
        const channel = new MessageChannel();
        channel.port1.onmessage = () => {
            done(performance.now() - started);
            channel.port1.close();
        };
        channel.port2.postMessage(0);
    });
    new MutationObserver((_, observer) => {
        if (!document.querySelector(".sgw[data-shown]")) return;
        observer.disconnect();
        window.drawn(() => { window.first = performance.now() - window.came; });
    }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-shown"] });
    window.work = async (acts) => {
        const times = [];
        for (const act of acts) {
            await new Promise((done) => setTimeout(done, 20));
            let listeners = 0;
            const frame = new Promise((done) => window.drawn(done));
            const started = performance.now();
            act();
            listeners = performance.now() - started;
            times.push(listeners + (await frame));
        }
        return times;
    };
"""

_STEP = """(steps) => {
    const slider = document.querySelector("#threshold");
    const at = (step) => 0.5 - 0.01 * (step < steps / 2 ? step + 1 : steps - step - 1);
    return window.work(Array.from({ length: steps }, (_, step) => () => {
        slider.value = String(at(step));
        slider.dispatchEvent(new Event("input"));
    }));
}"""

_POINT = """(steps) => {
    const surface = document.querySelector(".sgw-surface");
    const { left, top, width, height } = surface.getBoundingClientRect();
    return window.work(Array.from({ length: steps }, (_, step) => () => {
        const clientX = left + width * ((step * 37) % 100) / 100;
        const clientY = top + height * ((step * 53) % 100) / 100;
        const place = { clientX, clientY, bubbles: true, pointerType: "mouse" };
        surface.dispatchEvent(new PointerEvent("pointermove", place));
    }));
}"""


def many(count: int, size: tuple[int, int] = SIZE) -> Prediction:
    """Ellipses all over an image, as in a photograph of cells or of a crowd."""
    width, height = size
    random = np.random.default_rng(0)
    masks, boxes = [], []
    for _ in range(count):
        across, down = random.integers(*_SIDES, 2).tolist()
        x, y = int(random.integers(0, width - across)), int(random.integers(0, height - down))
        row, column = np.ogrid[:down, :across]
        far = ((column - across / 2 + 0.5) * 2 / across) ** 2
        far = far + ((row - down / 2 + 0.5) * 2 / down) ** 2
        masks.append(MaskCrop.from_array(far <= 1, x, y))
        boxes.append((x, y, x + across, y + down))
    return Prediction(
        (height, width),
        np.array(boxes, np.float32),
        0.05 + 0.95 * random.random(count, dtype=np.float32),
        random.integers(0, _CLASSES, count),
        tuple(f"class {number}" for number in range(_CLASSES)),
        tuple(masks),
    )


def measure(browser: Browser, scratch: Path, rounds: int, quick: bool) -> list[Figure]:
    """Time the canvas with many instances.

    Args:
        browser: that shows it.
        scratch: a folder for the pages.
        rounds: how often each page has its turn.
        quick: 2,000 instances alone.

    Returns:
        First paints, steps and hovers.
    """
    image = make_picture(*SIZE)
    figures = []
    for count in QUICK_COUNTS if quick else COUNTS:
        found = many(count)
        truth = GroundTruth.of(found[::2], size=found.image_size)
        pages = {"our canvas": to_html(found, image)}
        if count < COUNTS[-1]:
            pages["our canvas, with truth"] = to_html(found, image, truth=truth)
        with ExitStack() as stack:
            opened: dict[str, Page] = {}
            for name, text in pages.items():
                path = scratch / f"{count}-{len(opened)}.html"
                path.write_text(text, "utf-8")
                opened[name] = stack.enter_context(_opened(browser, path))
            next(iter(opened.values())).wait_for_timeout(_SETTLED_MS)
            figures += _figures(f"3000×2000, {count:,} instances", opened, rounds)
    return figures


@contextmanager
def _opened(browser: Browser, path: Path) -> Iterator[Page]:
    with quiet_page(browser) as (page, _):
        page.add_init_script(_BEGIN)
        page.goto(path.as_uri())
        yield page


def _figures(what: str, opened: dict[str, Page], rounds: int) -> list[Figure]:
    firsts: dict[str, list[float]] = {name: [] for name in opened}
    steps: dict[str, list[list[float]]] = {name: [] for name in opened}
    points: dict[str, list[list[float]]] = {name: [] for name in opened}
    for _ in range(rounds):
        for name, page in opened.items():
            page.bring_to_front()
            page.reload()
            page.wait_for_function("() => window.first", timeout=60_000)
            firsts[name].append(page.evaluate("() => window.first"))
            page.wait_for_timeout(_IDLE_MS)
            page.evaluate(_STEP, _STEPS // 2)
            steps[name].append(sorted(page.evaluate(_STEP, 2 * _STEPS)))
            points[name].append(sorted(page.evaluate(_POINT, _STEPS)))

    def median(times: dict[str, list[list[float]]]) -> dict[str, Summary]:
        return {
            name: Summary.of([statistics.median(turn) for turn in turns])
            for name, turns in times.items()
        }

    slow = {
        name: Summary.of([turn[int(len(turn) * 0.95)] for turn in turns])
        for name, turns in steps.items()
    }
    first = {name: Summary.of(times) for name, times in firsts.items()}
    return [
        Figure(f"{what}: first paint", "ms", first, compared=False),
        Figure(f"{what}: work of a step", "ms", median(steps), compared=False),
        Figure(f"{what}: work of a slow step (p95)", "ms", slow, compared=False),
        Figure(f"{what}: work of a hover", "ms", median(points), compared=False),
    ]
