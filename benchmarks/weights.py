"""Measure the loading of Mask R-CNN R50-FPN's weights: `python -m benchmarks.weights`.

Beside detectron2's own checkpointer, each time in a process of its own: the time to read the file
and put its tensors into a model that is built already, and the peak of memory above what that
process took before, in parts of the weights' own size. The weights are random, in a .pkl as the
model zoo's are.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from .figures import Figure, Summary
from .measuring import ROUNDS

TITLE = "Loading weights"
# Each run takes as long as importing torch does.
QUICK = False

_BUILD = """
import gc, pickle, sys, threading, time
from pathlib import Path
import psutil
from detectron2.config import get_cfg
from detectron2.model_zoo import get_config_file
from detectron2.modeling import build_model
from detectron2.checkpoint import DetectionCheckpointer
from seg_widgets.modeling import load_into, read_checkpoint

cfg = get_cfg()
cfg.merge_from_file(get_config_file("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"))
cfg.MODEL.DEVICE = "cpu"
model = build_model(cfg)
path, way, kept = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
"""

_SAVE = """
tensors = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
path.write_bytes(pickle.dumps({"model": tensors, "__author__": "Detectron2 Model Zoo"}, 4))
"""

_MEASURE = """
gc.collect()
process, peak, over = psutil.Process(), [0], threading.Event()
before = process.memory_info().rss

def watch():
    while not over.wait(0.002):
        peak[0] = max(peak[0], process.memory_info().rss)

watcher = threading.Thread(target=watch, daemon=True)
watcher.start()
started = time.perf_counter()
if way == "detectron2":
    DetectionCheckpointer(model).load(str(path))
else:
    load_into(model, read_checkpoint(path, kept))
took = time.perf_counter() - started
over.set()
watcher.join()
print(took, peak[0] - before)
"""

_WAYS = {
    "ours, again": "again",
    "ours, first (and kept)": "first",
    "detectron2's checkpointer": "detectron2",
}


def _run(code: str, *arguments: object) -> str:
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def main(quick: bool = False) -> list[Figure]:
    """Measure the ways in turn.

    Args:
        quick: is not used, as there is no short form.

    Returns:
        Time and memory.
    """
    taken: dict[str, list[float]] = {name: [] for name in _WAYS}
    peaks: dict[str, list[float]] = {name: [] for name in _WAYS}
    with tempfile.TemporaryDirectory() as scratch:
        path, kept = Path(scratch) / "model.pkl", Path(scratch) / "kept"
        _run(_BUILD + _SAVE, path, "", kept)
        _run(_BUILD + _MEASURE, path, "first", kept)
        for _ in range(ROUNDS):
            for name, way in _WAYS.items():
                # "first" comes after "again", and keeps a copy for the next round's.
                for copy in kept.glob("*") if way == "first" else ():
                    copy.unlink()
                shown = _run(_BUILD + _MEASURE, path, way, kept).split()
                taken[name].append(float(shown[-2]) * 1e3)
                peaks[name].append(int(shown[-1]) / path.stat().st_size)
    return [_figure("R50-FPN, 178 MB", "ms", taken), _figure("memory", "× the file", peaks)]


def _figure(name: str, unit: str, values: dict[str, list[float]]) -> Figure:
    return Figure(name, unit, {way: Summary.of(each) for way, each in values.items()})
