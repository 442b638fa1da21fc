"""From an upload to the first overlay, beside the web app that the idea came from.

The baseline does for each request what that app did: build a `DefaultPredictor` (which loads 178
MB), run it, draw with detectron2's `Visualizer` at scale 1.2, encode a PNG. Its weights here are
random, spread so that it finds instances; that changes nothing about the time of the same
operations. Each case runs in a process of its own, so that cold means cold and the peak of memory
is its own; within a process the medians are of several requests.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

R50_FPN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
INSTANCES = 15
_BASELINE_REQUESTS, _REQUESTS = 5, 15

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


def baseline(folder: Path) -> list[Times]:
    """The web app's request, several times."""
    import cv2
    import numpy as np
    from detectron2.data import MetadataCatalog
    from detectron2.engine import DefaultPredictor
    from detectron2.utils.visualizer import Visualizer
    from PIL import Image

    requests = []
    for number in range(_BASELINE_REQUESTS):
        watch, body = Stopwatch(), upload(number)
        with watch.step("decode"):
            image = np.asarray(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR))
        with watch.step("build"):
            cfg = _config()
            cfg.MODEL.WEIGHTS = str(folder / "r50.pkl")
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
        requests.append(watch.times)
    return requests


def _ours(predictor: Any) -> list[Times]:
    from seg_widgets import images
    from seg_widgets.drawing import overlay
    from seg_widgets.export import png_bytes
    from seg_widgets.viewer import encode_content

    requests = []
    for number in range(_REQUESTS):
        watch, body = Stopwatch(), upload(number)
        with watch.step("decode"):
            image = images.load(body)
        with watch.step("network"):
            prediction = predictor(image)
        with watch.step("panel message"):
            encode_content(image, prediction)
        with watch.step("draw"):
            drawn = overlay(image, prediction)
        with watch.step("encode"):
            png_bytes(drawn)
        watch.times["instances"] = len(prediction)
        requests.append(watch.times)
    return requests


def same_network(folder: Path) -> list[Times]:
    """Ours on the baseline's own network and weights, cut to as many instances."""
    from seg_widgets import load_predictor

    watch = Stopwatch()
    with watch.step("build once"):
        predictor = load_predictor(config=R50_FPN, weights=folder / "r50.safetensors", device="cpu")
    heads: Any = predictor.model.roi_heads
    heads.box_predictor.test_topk_per_image = INSTANCES
    return [{**times, **watch.times} for times in _ours(predictor)]


def starter(folder: Path) -> list[Times]:
    """Ours as a newcomer meets it: the starter."""
    from seg_widgets import load_predictor

    return _ours(load_predictor(device="cpu"))


def cold(folder: Path) -> list[Times]:
    """A fresh process: import, load the starter, and bring the first upload to the panel's
    message."""
    watch = Stopwatch()
    with watch.step("import seg_widgets"):
        import seg_widgets
    body = upload()
    with watch.step("import panel"):
        from seg_widgets.viewer import encode_content
        from seg_widgets.widgets.panel import SegmentationPanel

        del SegmentationPanel
    with watch.step("import torch and detectron2"):
        from seg_widgets.modeling import import_detectron2

        import_detectron2()
    with watch.step("build and load"):
        predictor = seg_widgets.load_predictor(device="cpu")
    with watch.step("first answer"):
        image = seg_widgets.load(body)
        encode_content(image, predictor(image))
    watch.times["whole"] = sum(watch.times.values())
    with watch.step("second image"):
        image = seg_widgets.load(upload(1))
        encode_content(image, predictor(image))
    return [watch.times]


CASES: dict[str, Callable[[Path], list[Times]]] = {
    "baseline": baseline,
    "same network": same_network,
    "starter": starter,
    "cold": cold,
}


def _run_case(case: str, folder: Path) -> Times:
    """Medians of one case's steps, and its peak of memory, from a process of its own."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "benchmarks.first_light",
        "--case",
        case,
        "--folder",
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{case} failed:\n{done.stderr}")
    result: Times = json.loads(done.stdout.splitlines()[-1])
    return result


def _report(results: dict[str, Times]) -> None:
    names = ("decode", "build", "network", "draw", "encode")
    print(
        f"\nOne 640×480 photograph, {INSTANCES} instances of R50-FPN, seconds, medians; "
        f"{platform.machine()}, CPU"
    )
    print(f"{'':34}{''.join(f'{name:>10}' for name in names)}{'whole':>10}{'peak MB':>10}")
    rest = {}
    for case in ("baseline", "same network", "starter"):
        times = results[case]
        cells = [times.get(name, 0.0) for name in names]
        rest[case] = sum(cells) - times["network"]
        line = "".join(f"{value:10.3f}" for value in cells)
        label = {
            "baseline": "web app (builds for each request)",
            "same network": "ours, same network and weights",
        }
        print(
            f"{label.get(case, 'ours, starter'):34}{line}{sum(cells):10.3f}{times['peak MB']:10.0f}"
        )
    whole = {case: rest[case] + results[case]["network"] for case in rest}
    faster = rest["baseline"] / rest["same network"]
    print(f"\nAll but the network: {faster:.1f}× faster than the web app's (target 15×)")
    faster = whole["baseline"] / whole["starter"]
    print(f"The starter's whole answer: {faster:.1f}× faster (target 8×)")
    message_ms = results["same network"]["panel message"] * 1e3
    print(f"What the panel sends instead of a drawn PNG: {message_ms:.1f} ms to make")
    print("\nFrom a fresh process to the first overlay with the starter (s):")
    for name, value in results["cold"].items():
        print(f"  {name:28}{value:8.0f}" if name == "peak MB" else f"  {name:28}{value:8.3f}")


def main() -> None:
    """Measure every case and print the table."""
    with tempfile.TemporaryDirectory() as name:
        write_weights(Path(name))
        _report({case: _run_case(case, Path(name)) for case in CASES})


def _measure(case: str, folder: Path) -> None:
    """Measure one case in this process, and print it as JSON."""
    requests = CASES[case](folder)
    kept = requests[1:] or requests  # the first one warms up
    medians = {name: statistics.median(times[name] for times in kept) for name in kept[0]}
    medians["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(medians))


def _main() -> None:
    """Measure all; with --case, one case alone, in the process that was made for it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.case:
        _measure(options.case, options.folder)
    else:
        main()


if __name__ == "__main__":
    _main()
