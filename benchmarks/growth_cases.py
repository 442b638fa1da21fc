"""What `benchmarks.growth` times: stages at one size, each in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil

from .measuring import Case, serve

__all__ = ["CASES"]

# A result of the session, small so that the session's own work shows.
_SIZE = (320, 240)
_PATIENCE_S = 120

Seconds = dict[str, float]


def stages(width: int, height: int, instances: int) -> Callable[[], Seconds]:
    """What happens to one image, without the model: seconds of each stage."""
    from seg_widgets import images
    from seg_widgets.drawing import overlay, thumbnail
    from seg_widgets.prediction import Filter
    from seg_widgets.testing import StubPredictor, make_jpeg
    from seg_widgets.viewer import encode_content

    file = make_jpeg(width, height)
    image = images.load(file)
    prediction = StubPredictor(instances)(image)
    shown = Filter(0.5)
    work: dict[str, Callable[[], object]] = {
        "open (JPEG)": lambda: images.load(file),
        "message for the browser": lambda: encode_content(image, prediction),
        "overlay": lambda: overlay(image, prediction),
        "thumbnail": lambda: thumbnail(image, prediction, 112, 84),
        "COCO's RLE": prediction.rle,
        "filter": lambda: prediction.select(shown.keep(prediction)),
    }
    return lambda: {name: _seconds(stage) for name, stage in work.items()}


def session(images: int) -> Callable[[], Seconds]:
    """A panel with so many images in its history: the next one, and a step of the threshold."""
    from seg_widgets import SegmentationPanel
    from seg_widgets.testing import StubPredictor, make_jpeg

    panel = SegmentationPanel(StubPredictor(12), samples={})
    files = [make_jpeg(*_SIZE, seed=seed) for seed in range(8)]

    def add(number: int) -> None:
        panel.segment(files[number % len(files)], f"{number}.jpg")
        panel.wait(_PATIENCE_S)

    for number in range(images - 1):
        add(number)
    _settle(panel, images - 1)
    thresholds = iter(0.3 + step / 1000 for step in range(600))

    def work() -> Seconds:
        def step() -> None:
            panel.threshold = next(thresholds)

        taken = {"next image": _seconds(lambda: add(images)), "threshold": _seconds(step)}
        panel.forget(panel.history[-1].number)
        return taken

    return work


def panels(count: int) -> Callable[[], Seconds]:
    """So many panels in one kernel: a result in the last of them, and the memory of all."""
    from seg_widgets import SegmentationPanel
    from seg_widgets.testing import StubPredictor, make_jpeg

    predictor = StubPredictor(30)
    file = make_jpeg(1280, 960)
    before = _memory_mb()
    made = [SegmentationPanel(predictor, samples={}) for _ in range(count)]
    for panel in made:
        panel.segment(file, "photo.jpg")
        panel.wait(_PATIENCE_S)

    def work() -> Seconds:
        def again() -> None:
            made[-1].segment(file, "photo.jpg")
            made[-1].wait(_PATIENCE_S)

        return {"a result in one of them": _seconds(again), "MB": _memory_mb() - before}

    return work


def memory(repetitions: int) -> Callable[[], Seconds]:
    """The same image again and again in one session without history: MB after so many."""
    from seg_widgets import images
    from seg_widgets.drawing import overlay, thumbnail
    from seg_widgets.testing import StubPredictor, make_jpeg
    from seg_widgets.viewer import encode_content

    file = make_jpeg(3000, 2000)
    predictor = StubPredictor(100)

    def one() -> None:
        image = images.load(file)
        prediction = predictor(image)
        encode_content(image, prediction)
        overlay(image, prediction)
        thumbnail(image, prediction, 112, 84)

    def work() -> Seconds:
        for _ in range(repetitions):
            one()
        return {"MB": _memory_mb()}

    return work


def _settle(panel: Any, images: int) -> None:
    """Wait until the filmstrip has drawn its small images."""
    end_s = time.monotonic() + _PATIENCE_S
    while len(panel.filmstrip.thumbs) < images and time.monotonic() < end_s:
        time.sleep(0.05)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _memory_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


CASES: dict[str, Case] = {
    "stages": stages,
    "session": session,
    "panels": panels,
    "memory": memory,
}

if __name__ == "__main__":
    serve(CASES)
