"""From an upload to the drawn result, beside the web app that the idea came from.

The baseline does for each request what that app did: build a `DefaultPredictor` (which loads 178
MB), run it, draw with detectron2's `Visualizer` at scale 1.2, encode a PNG. Its weights here are
random, spread so that it finds instances; that changes nothing about the time of the same
operations. Each case has a process of its own, so that its peak of memory is its own; they take
turns.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from .figures import Figure, Summary
from .measuring import ROUNDS, Case, serve, worker

TITLE = "A photograph from upload to drawn result"
QUICK = False

R50_FPN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
INSTANCES = 15
_STEPS = ("decode", "build", "network", "draw", "encode")

Times = dict[str, float]


class Stopwatch:
    """Seconds by the name of the step."""

    def __init__(self) -> None:
        self.times: Times = {}

    @contextmanager
    def step(self, name: str) -> Any:
        start = time.perf_counter()
        yield
        self.times[name] = time.perf_counter() - start


def upload(number: int = 0) -> bytes:
    """The bytes of a 640×480 photograph, another one for each number."""
    from PIL import Image

    from seg_widgets import samples

    name = ("raccoon", "coffee")[number % 2]
    buffer = io.BytesIO()
    with Image.open(samples()[name]) as image:
        image.resize((640, 480)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def write_weights(folder: Path) -> None:
    """R50-FPN with random weights as a zoo-shaped .pkl for the baseline and as .safetensors for
    ours."""
    import pickle

    import torch
    from detectron2.modeling import build_model
    from safetensors.torch import save_file

    torch.manual_seed(3)
    model = build_model(_config())
    for name, buffer in model.named_buffers():
        if name.endswith(
            "conv3.norm.weight"
        ):  # random residual blocks would double the activations sixteen times
            buffer.fill_(0.25)
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.weight.mul_(5)
        model.roi_heads.box_predictor.cls_score.bias[-1] = -50
        model.roi_heads.mask_head.predictor.weight.mul_(300)
    tensors = model.state_dict()
    zoo = {
        "model": {name: tensor.numpy() for name, tensor in tensors.items()},
        "__author__": "benchmark",
    }
    (folder / "r50.pkl").write_bytes(pickle.dumps(zoo))
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "r50.safetensors"
    )


def _config() -> Any:
    from detectron2.model_zoo import get_config

    cfg = get_config(R50_FPN)
    cfg.MODEL.DEVICE = "cpu"
    cfg.TEST.DETECTIONS_PER_IMAGE = INSTANCES
    return cfg


def baseline(folder: str) -> Callable[[], Times]:
    """The web app's request."""
    import cv2
    import numpy as np
    from detectron2.data import MetadataCatalog
    from detectron2.engine import DefaultPredictor
    from detectron2.utils.visualizer import Visualizer
    from PIL import Image

    numbers = iter(range(1_000_000))

    def request() -> Times:
        watch, body = Stopwatch(), upload(next(numbers))
        with watch.step("decode"):
            image = np.asarray(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR))
        with watch.step("build"):
            cfg = _config()
            cfg.MODEL.WEIGHTS = str(Path(folder) / "r50.pkl")
            predictor = DefaultPredictor(cfg)
        with watch.step("network"):
            instances = predictor(image)["instances"].to("cpu")
        assert len(instances) == INSTANCES
        with watch.step("draw"):
            metadata = MetadataCatalog.get(cfg.DATASETS.TRAIN[0])
            drawn = (
                Visualizer(image[:, :, ::-1], metadata, scale=1.2)
                .draw_instance_predictions(instances)
                .get_image()
            )
        with watch.step("encode"):
            Image.fromarray(drawn).save(io.BytesIO(), "PNG")
        return watch.times

    return request


def _ours(predictor: Any) -> Callable[[], Times]:
    from seg_widgets import images
    from seg_widgets.drawing import overlay
    from seg_widgets.export import png_bytes

    numbers = iter(range(1_000_000))

    def request() -> Times:
        watch, body = Stopwatch(), upload(next(numbers))
        with watch.step("decode"):
            image = images.load(body)
        watch.times["build"] = 0.0
        with watch.step("network"):
            prediction = predictor(image)
        with watch.step("draw"):
            drawn = overlay(image, prediction)
        with watch.step("encode"):
            png_bytes(drawn)
        return watch.times

    return request


def same_network(folder: str) -> Callable[[], Times]:
    """Ours on the baseline's own network and weights, cut to as many instances."""
    from seg_widgets import load_predictor

    weights = Path(folder) / "r50.safetensors"
    predictor = load_predictor(config=R50_FPN, weights=weights, device="cpu")
    heads: Any = predictor.model.roi_heads
    heads.box_predictor.test_topk_per_image = INSTANCES
    return _ours(predictor)


def starter(folder: str) -> Callable[[], Times]:
    """Ours as a newcomer meets it: the starter."""
    from seg_widgets import load_predictor

    return _ours(load_predictor(device="cpu"))


CASES: dict[str, Case] = {
    "ours, same network": same_network,
    "web app": baseline,
    "ours, starter": starter,
}


def main(quick: bool = False) -> list[Figure]:
    """Let the cases take turns.

    Args:
        quick: is not used, as there is no short form.

    Returns:
        The whole request, each step of it, and the peak of memory.
    """
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        write_weights(Path(name))
        workers = {
            case: stack.enter_context(worker("benchmarks.first_light", case, folder=name))
            for case in CASES
        }
        taken: dict[str, list[Times]] = {case: [] for case in CASES}
        for _ in range(1 + ROUNDS):
            for case, process in workers.items():
                taken[case].append(process.result())
        peaks = {case: Summary.of([process.peak_mb()]) for case, process in workers.items()}
    return [*_figures({case: times[1:] for case, times in taken.items()}), _memory(peaks)]


def _figures(taken: dict[str, list[Times]]) -> list[Figure]:
    """Of the whole, of all but the network, and of each step."""
    kinds: dict[str, tuple[str, ...]] = {
        "one 640×480 photograph, whole": _STEPS,
        "all but the network": tuple(step for step in _STEPS if step != "network"),
        **{step: (step,) for step in _STEPS if step != "build"},
    }
    return [
        Figure(
            name,
            "s",
            {
                case: Summary.of([sum(times[step] for step in steps) for times in requests])
                for case, requests in taken.items()
            },
        )
        for name, steps in kinds.items()
    ]


def _memory(peaks: dict[str, Summary]) -> Figure:
    return Figure("memory for one more request", "MB", peaks, compared=False)


if __name__ == "__main__":
    serve(CASES)
