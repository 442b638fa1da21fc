"""Measure Mask R-CNN R50-FPN on a GPU beside `DefaultPredictor`: `python -m benchmarks gpu`.

Latency of one image, throughput of a batch, half precision with its difference, milliseconds by
stage, memory, and an upload's way to the canvas. Without a CUDA device it measures small images on
the CPU: that shows that it runs, and nothing about a GPU. The weights are random, scaled so that
there are instances; it needs no network and no browser.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .differences import difference
from .figures import Figure, Summary
from .first_light import R50_FPN, write_weights
from .measuring import ROUNDS, alternate, peak_mb, timed

TITLE = "On a GPU"
BY_NAME = True

BATCH: Final = 8
"""Images together on a GPU; fewer where only the script is tried."""
_STAGES: Final = ("backbone", "proposal_generator", "roi_heads")
_MS: Final = 1e3


@dataclass
class Setting:
    """What is compared, where, and on which images."""

    device: str
    size: tuple[int, int]
    """Width and height of the images, in pixels."""
    min_size: int
    """Pixels of the shorter side for the network."""
    rounds: int
    batch: int
    """Images together."""
    photographs: list[Any] = field(default_factory=list)
    """H×W×3 uint8 RGB."""
    uploads: list[bytes] = field(default_factory=list)
    """The same as JPEGs."""

    @property
    def is_gpu(self) -> bool:
        """Whether a CUDA device measures."""
        return self.device.startswith("cuda")

    @property
    def warmups(self) -> int:
        """Rounds that do not count: a GPU chooses its kernels in them."""
        return 3 if self.is_gpu else 0

    @property
    def words(self) -> str:
        """For the figures' names."""
        return f"{self.size[0]}×{self.size[1]} on {'the GPU' if self.is_gpu else 'the CPU'}"


def main(quick: bool = False) -> list[Figure]:
    """Measure all of it.

    Args:
        quick: few rounds.

    Returns:
        The figures; the peers are detectron2's `DefaultPredictor`, and ours in another way.
    """
    import torch

    is_gpu = torch.cuda.is_available()
    setting = Setting(
        device="cuda:0" if is_gpu else "cpu",
        size=(1280, 960) if is_gpu else (96, 64),
        min_size=800 if is_gpu else 32,
        rounds=(3 if quick else 4 * ROUNDS) if is_gpu else 1,
        batch=BATCH if is_gpu else 2,
    )
    _make_images(setting)
    with tempfile.TemporaryDirectory() as folder:
        write_weights(Path(folder))
        return list(_figures(setting, Path(folder)))


def _figures(setting: Setting, folder: Path) -> Iterator[Figure]:
    ours, theirs = _ours(setting, folder), _default_predictor(setting, folder)
    yield from _latency(setting, ours, theirs)
    yield from _throughput(setting, ours, theirs)
    yield _stages(setting, ours)
    yield _upload(setting, ours)
    yield _memory(ours, theirs, setting)
    # A CPU has no half precision; there float32 is compared with itself, to try the script.
    yield from _half(setting, ours, _ours(setting, folder, half=setting.is_gpu))


# ── what is compared ──────────────────────────────────────────────────────────────────────────────


def _make_images(setting: Setting) -> None:
    import io

    import numpy as np
    from PIL import Image

    from seg_widgets import samples

    for path in list(samples().values()) * setting.batch:
        with Image.open(path) as opened:
            scaled = opened.convert("RGB").resize(setting.size)
        buffer = io.BytesIO()
        scaled.save(buffer, "JPEG", quality=92)
        setting.photographs.append(np.asarray(scaled))
        setting.uploads.append(buffer.getvalue())
        if len(setting.photographs) == setting.batch:
            return


def _ours(setting: Setting, folder: Path, half: bool = False) -> Any:
    from seg_widgets import load_predictor

    return load_predictor(
        config=R50_FPN,
        weights=folder / "r50.safetensors",
        device=setting.device,
        min_size=setting.min_size,
        half=half,
    )


def _default_predictor(setting: Setting, folder: Path) -> Callable[[Any], Any]:
    """detectron2's own, at our score floor, so that both give the same instances."""
    from detectron2.engine import DefaultPredictor
    from detectron2.model_zoo import get_config

    from seg_widgets.prediction import SCORE_FLOOR

    cfg = get_config(R50_FPN)
    cfg.MODEL.DEVICE = setting.device
    cfg.MODEL.WEIGHTS = str(folder / "r50.pkl")
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = SCORE_FLOOR
    cfg.INPUT.MIN_SIZE_TEST = setting.min_size
    predictor = DefaultPredictor(cfg)

    def predict(image: Any) -> Any:
        # To the CPU, as whoever draws it does; ours is there already.
        return predictor(image[:, :, ::-1])["instances"].to("cpu")

    return predict


# ── what is measured ──────────────────────────────────────────────────────────────────────────────


def _latency(setting: Setting, ours: Any, theirs: Callable[[Any], Any]) -> Iterator[Figure]:
    image = setting.photographs[0]
    found = {"ours": len(ours(image)), "DefaultPredictor": len(theirs(image))}
    yield Figure(
        f"instances, {setting.words}",
        "instances",
        {who: Summary.of([count]) for who, count in found.items()},
        compared=False,
    )
    values = alternate(
        {"ours": timed(lambda: ours(image)), "DefaultPredictor": timed(lambda: theirs(image))},
        setting.rounds,
        setting.warmups,
    )
    name = f"one image, {setting.words}"
    target = 2.0 if setting.is_gpu else None
    yield Figure(name, "ms", _scaled(values, _MS), target=target)


def _throughput(setting: Setting, ours: Any, theirs: Callable[[Any], Any]) -> Iterator[Figure]:
    """Images a second, from arrays and from uploads that are decoded beside the network."""
    images = setting.photographs

    def one_by_one() -> None:
        for image in images:
            theirs(image)

    values = alternate(
        {
            "ours, together": timed(lambda: ours.predict_batch(images)),
            "DefaultPredictor, one by one": timed(one_by_one),
        },
        setting.rounds,
        setting.warmups,
    )
    name = f"{setting.batch} images, {setting.words}"
    target = 4.0 if setting.is_gpu else None
    yield Figure(
        name, "images/s", _per_second(values, setting.batch), more_is_better=True, target=target
    )

    values = alternate(
        {
            "decoded beside the network": timed(lambda: _beside(setting.uploads, ours)),
            "decoded, then the network": timed(lambda: _in_turn(setting.uploads, ours)),
        },
        setting.rounds,
        setting.warmups,
    )
    name = f"{setting.batch} uploads, {setting.words}"
    yield Figure(name, "images/s", _per_second(values, setting.batch), more_is_better=True)


def _in_turn(uploads: Sequence[bytes], predictor: Any) -> None:
    from seg_widgets import images

    for upload in uploads:
        predictor(images.load(upload))


def _beside(uploads: Sequence[bytes], predictor: Any) -> None:
    """The next images are decoded by two threads while the model runs."""
    from seg_widgets import images

    with ThreadPoolExecutor(2) as pool:
        for image in pool.map(images.load, uploads):
            predictor(image)


def _stages(setting: Setting, ours: Any) -> Figure:
    """Milliseconds of each part of the network; the device is waited for after each."""
    image = setting.photographs[0]
    spent: dict[str, list[float]] = {}
    with _watched(ours.model, setting, spent):
        for _ in range(setting.rounds + 1):
            started = time.perf_counter()
            ours(image)
            spent.setdefault("whole", []).append(time.perf_counter() - started)
    values = {
        name.replace("_", " "): Summary.of(each[1:] or each).scaled(_MS)
        for name, each in spent.items()
    }
    ordered = {"whole": values.pop("whole"), **values}
    return Figure(f"stages of one image, {setting.words}", "ms", ordered, compared=False)


@contextmanager
def _watched(model: Any, setting: Setting, spent: dict[str, list[float]]) -> Iterator[None]:
    def now() -> float:
        if setting.is_gpu:
            import torch

            torch.cuda.synchronize()
        return time.perf_counter()

    started: dict[str, float] = {}

    def begin(name: str) -> Callable[..., None]:
        return lambda *_: started.update({name: now()})

    def end(name: str) -> Callable[..., None]:
        return lambda *_: spent.setdefault(name, []).append(now() - started[name])

    handles = []
    for name in _STAGES:
        part = getattr(model, name)
        handles += [
            part.register_forward_pre_hook(begin(name)),
            part.register_forward_hook(end(name)),
        ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _upload(setting: Setting, ours: Any) -> Figure:
    """From the bytes of an upload to the message that the canvas is sent."""
    from seg_widgets import images
    from seg_widgets.viewer import encode_content

    body = setting.uploads[0]
    image = images.load(body)
    prediction = ours(image)

    def whole() -> None:
        loaded = images.load(body)
        encode_content(loaded, ours(loaded))

    values = alternate(
        {
            "whole": timed(whole),
            "decode": timed(lambda: images.load(body)),
            "network": timed(lambda: ours(image)),
            "message": timed(lambda: encode_content(image, prediction)),
        },
        setting.rounds,
        setting.warmups,
    )
    name = f"upload to canvas, {setting.words}"
    return Figure(name, "ms", _scaled(values, _MS), compared=False)


def _memory(ours: Any, theirs: Callable[[Any], Any], setting: Setting) -> Figure:
    """The most that PyTorch holds on the device above what it holds before; on a CPU, that the
    process takes."""
    image = setting.photographs[0]
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: ours(image),
        "DefaultPredictor": lambda: theirs(image),
        f"ours, {setting.batch} images": lambda: ours.predict_batch(setting.photographs),
    }
    peak = _gpu_peak_mb if setting.is_gpu else peak_mb
    values = {name: Summary.of([peak(work)]) for name, work in ways.items()}
    return Figure(f"memory, {setting.words}", "MB", values, compared=False)


def _gpu_peak_mb(work: Callable[[], object]) -> float:
    import torch

    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    return float(torch.cuda.max_memory_allocated() - before) / 1e6


def _half(setting: Setting, ours: Any, half: Any) -> Iterator[Figure]:
    """float16 beside float32: how much faster, and how much the results differ."""
    image = setting.photographs[0]
    name = "float16" if setting.is_gpu else "float32 again"
    values = alternate(
        {name: timed(lambda: half(image)), "float32": timed(lambda: ours(image))},
        setting.rounds,
        setting.warmups,
    )
    yield Figure(f"half precision, one image, {setting.words}", "ms", _scaled(values, _MS))
    values = alternate(
        {
            name: timed(lambda: half.predict_batch(setting.photographs)),
            "float32": timed(lambda: ours.predict_batch(setting.photographs)),
        },
        setting.rounds,
        setting.warmups,
    )
    title = f"half precision, {setting.batch} images, {setting.words}"
    yield Figure(title, "images/s", _per_second(values, setting.batch), more_is_better=True)
    differences = difference(ours(image), half(image))
    values = {name: Summary.of([value]) for name, value in differences.items()}
    yield Figure("half precision, difference", "", values, compared=False)


def _scaled(values: dict[str, Summary], factor: float) -> dict[str, Summary]:
    return {name: each.scaled(factor) for name, each in values.items()}


def _per_second(values: dict[str, Summary], count: int) -> dict[str, Summary]:
    """Images a second, from the seconds that so many took."""
    return {
        name: Summary(count / each.median, count / each.high, count / each.low, each.runs)
        for name, each in values.items()
    }
