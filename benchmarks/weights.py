"""Measure the loading of Mask R-CNN R50-FPN's weights: `python -m benchmarks.weights`.

Beside detectron2's own checkpointer, each way in a process of its own: seconds to read the file and
put its tensors into a model that is built already, and the peak of memory above what that process
took before, in parts of the weights' own size. The weights are random, in a .pkl as the model zoo's
are.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

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
    "detectron2": "detectron2's checkpointer",
    "first": "ours, first (and kept)",
    "again": "ours, again",
}


def _run(code: str, *arguments: object) -> str:
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def main(runs: int = 3) -> None:
    """Measure each way in turn, and print the best of some runs."""
    with tempfile.TemporaryDirectory() as scratch:
        path, kept = Path(scratch) / "model.pkl", Path(scratch) / "kept"
        _run(_BUILD + _SAVE, path, "", kept)
        size = path.stat().st_size
        print(f"Mask R-CNN R50-FPN, {size / 1e6:.0f} MB; best of {runs}")
        for way, name in _WAYS.items():
            results = []
            for _ in range(runs):
                for copy in kept.glob("*") if way == "first" else ():
                    copy.unlink()
                shown = _run(_BUILD + _MEASURE, path, way, kept).split()
                results.append((float(shown[-2]), int(shown[-1])))
            took_s, peak_bytes = min(results)
            peak = f"{peak_bytes / size:.2f} of the weights' size"
            print(f"  {name}: {took_s * 1e3:.0f} ms, peak {peak}", flush=True)


if __name__ == "__main__":
    main()
