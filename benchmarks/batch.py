"""Measure runs over many images: images a second, memory, going on, and Ray.

The peer is the loop that people write: detectron2's `DefaultPredictor` for each file, and its
`instances_to_coco_json`. Both have the starter's weights and keep what scores 0.05 or more.

    OMP_NUM_THREADS=1 .venv-ray/bin/python -m benchmarks.batch --ray

compares a run on Ray with the same run without it, in the environment that has Ray.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from .figures import Figure, Summary
from .measuring import alternate, timed

TITLE = "Many images"

_SIZES: Final = {"1280×960": (1280, 960), "4000×3000": (4000, 3000)}
_FLOOR: Final = 0.05


def main(quick: bool = False) -> list[Figure]:
    """Measure.

    Args:
        quick: fewer images, the smaller size alone, in one round.

    Returns:
        Images a second beside the loop, the table's bytes, the growth of memory, the time to go on.
    """
    images, rounds = (3, 1) if quick else (8, 3)
    sizes = dict(list(_SIZES.items())[: 1 if quick else None])
    figures = [
        figure for name, size in sizes.items() for figure in _throughput(name, size, images, rounds)
    ]
    return [*figures, _memory(100 if quick else 500), _resume(1000 if quick else 10_000)]


# ── beside the loop ───────────────────────────────────────────────────────────────────────────────


def _throughput(name: str, size: tuple[int, int], images: int, rounds: int) -> list[Figure]:
    from seg_widgets import load_predictor, segment_folder
    from seg_widgets.prediction import Filter

    predictor = load_predictor(device="cpu")
    loop = _default_predictor(predictor)
    with tempfile.TemporaryDirectory() as scratch:
        photos = _photographs(Path(scratch) / "photos", images, size)
        out = Path(scratch) / "out"

        def ours() -> None:
            summary = segment_folder(
                photos, out, predictor, filter=Filter(_FLOOR), fresh=True, progress=False
            )
            assert summary.done == images and not summary.failed

        def theirs() -> None:
            _loop(sorted(photos.iterdir()), loop, Path(scratch) / "coco.json")

        taken = alternate({"ours": timed(ours), "DefaultPredictor": timed(theirs)}, rounds)
        written = sum(path.stat().st_size for path in (out / "table").rglob("*.parquet"))
    values = {who: _rate(summary, images) for who, summary in taken.items()}
    size_kb = {"ours": Summary.of([written / images / 1000])}
    return [
        Figure(f"{name} photographs, starter", "images/s", values, True, 1.3),
        Figure(f"{name} photographs, the table", "kB/image", size_kb, compared=False),
    ]


def _default_predictor(predictor: Any) -> Any:
    """detectron2's own, with the same network and weights."""
    from detectron2.config import get_cfg
    from detectron2.engine import DefaultPredictor

    from seg_widgets.modeling import find_model

    cfg = get_cfg()
    cfg.merge_from_file(str(find_model("starter").config))
    cfg.MODEL.DEVICE, cfg.MODEL.WEIGHTS = "cpu", ""
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = _FLOOR
    loop = DefaultPredictor(cfg)
    loop.model.load_state_dict(predictor.model.state_dict(), strict=False)
    return loop


def _loop(paths: Sequence[Path], predictor: Any, out: Path) -> None:
    """What people write."""
    import cv2
    from detectron2.evaluation.coco_evaluation import instances_to_coco_json

    results: list[Any] = []
    for number, path in enumerate(paths):
        found = predictor(cv2.imread(str(path)))["instances"].to("cpu")
        results += instances_to_coco_json(found, number)
    out.write_text(json.dumps(results))


def _photographs(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """The samples at another size, with a little noise, so that no two files are the same."""
    from seg_widgets import samples

    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    paths = list(samples().values())
    for number in range(count):
        with Image.open(paths[number % len(paths)]) as image:
            pixels = np.asarray(image.convert("RGB").resize(size), np.int16)
        noisy = pixels + random.integers(-3, 4, pixels.shape, np.int16)
        noisy = np.clip(noisy, 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number:05}.jpg", quality=90)
    return folder


def _rate(summary: Summary, images: int) -> Summary:
    """Seconds for all as images a second."""
    return Summary(
        images / summary.median, images / summary.high, images / summary.low, summary.runs
    )


# ── alone, with a model that costs nothing ────────────────────────────────────────────────────────

_GROWTH = """
import sys, psutil
from seg_widgets import segment_folder
from seg_widgets.testing import StubPredictor

class Watching(StubPredictor):
    name = "stub"
    seen = {}
    def __call__(self, image):
        found = super().__call__(image)
        self.seen[self.calls] = psutil.Process().memory_info().rss / 1e6
        return found

watching = Watching(20)
segment_folder(sys.argv[1], sys.argv[2], watching, progress=False)
last = max(watching.seen)
around = lambda n: sorted(watching.seen[i] for i in range(n - 9, n + 1))[5]
print(around(50), around(last))
"""


def _memory(images: int) -> Figure:
    """The process's memory at the 50th and at the last image, 1280×960, 20 instances each."""
    with tempfile.TemporaryDirectory() as scratch:
        photos = _links(Path(scratch) / "photos", images, (1280, 960))
        command = [sys.executable, "-W", "ignore", "-c", _GROWTH, photos, Path(scratch) / "out"]
        done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, check=True)
    early, late = map(float, done.stdout.split())
    values = {f"image {images}": Summary.of([late]), "image 50": Summary.of([early])}
    return Figure("memory of a run", "MB", values, compared=False)


def _resume(images: int) -> Figure:
    """The time of a run that finds all of its images done."""
    from seg_widgets import segment_folder
    from seg_widgets.testing import StubPredictor

    stub = StubPredictor(3)
    with tempfile.TemporaryDirectory() as scratch:
        photos = _links(Path(scratch) / "photos", images, (64, 48))
        out = Path(scratch) / "out"
        whole = _seconds(lambda: segment_folder(photos, out, stub, progress=False))
        again = [
            _seconds(lambda: segment_folder(photos, out, stub, progress=False)) for _ in range(5)
        ]
        assert stub.calls == images
    values = {"going on": Summary.of(again), "the run itself": Summary.of([whole])}
    return Figure(f"a run of {images:,} images, all of them done", "s", values, compared=False)


def _seconds(work: Callable[[], object]) -> float:
    return timed(work)()


def _links(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """Many names of one file."""
    _photographs(folder, 1, size)
    first = folder / "00000.jpg"
    for number in range(1, count):
        os.link(first, folder / f"{number:05}.jpg")
    return folder


# ── on Ray ────────────────────────────────────────────────────────────────────────────────────────


class Slow:
    """A model that takes as long as a real one, and no core; Ray's workers find it by its name."""

    name = "slow"

    def __init__(self) -> None:
        from seg_widgets.testing import StubPredictor

        self._stub = StubPredictor(10, delay_s=0.05)
        self.class_names = self._stub.class_names

    def __call__(self, image: Any, /) -> Any:
        """Find ten ellipses after 50 ms."""
        return self._stub(image)


def on_ray(images: int = 600, parts: int = 12) -> Figure:
    """A run with one worker on Ray beside the same run without Ray.

    Args:
        images: how many.
        parts: in how many parts.

    Returns:
        Images a second, with the start of Ray's workers and without it.
    """
    from seg_widgets import segment_folder
    from seg_widgets.batch import Workers

    settings: dict[str, Any] = {"images_per_part": images // parts, "progress": False}
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stderr(io.StringIO()):
        photos = _links(Path(scratch) / "photos", images, (640, 480))
        here, there = Path(scratch) / "here", Path(scratch) / "there"
        local = _seconds(lambda: segment_folder(photos, here, Slow(), **settings))
        remote = _seconds(
            lambda: segment_folder(photos, there, Slow, ray=True, workers=Workers(1), **settings)
        )
        steady_here, steady_there = (_steady(each, images // parts) for each in (here, there))
    values = {
        "Ray, once it is started": Summary.of([steady_there]),
        "without Ray, meanwhile": Summary.of([steady_here]),
        "Ray, with its start": Summary.of([images / remote]),
        "without Ray, the whole run": Summary.of([images / local]),
    }
    return Figure("a run with one worker, 50 ms a model", "images/s", values, True)


def _steady(out: Path, images_per_part: int) -> float:
    """Images a second from the first part to the last, by the times of their files."""
    times = sorted(path.stat().st_mtime for path in (out / "table" / "images").iterdir())
    return (len(times) - 1) * images_per_part / (times[-1] - times[0])


def _print(figure: Figure) -> None:
    shown = {name: f"{value.median:.3g}" for name, value in figure.values.items()}
    print(f"{figure.name} ({figure.unit}): {shown}, ratios {figure.ratios}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ray", action="store_true", help="on Ray, beside the same without it")
    parser.add_argument("--images", type=int, default=600, help="how many, with --ray")
    options = parser.parse_args()
    if options.ray:
        _print(on_ray(options.images))
    else:
        for one in main():
            _print(one)
