"""Drawing 100 instances, pasting their masks, and encoding them, beside the libraries that do it.

The image and the ellipses are made (`seg_widgets.testing`). Everybody draws masks, outlines, boxes
and labels with their own defaults. Each contender has a process of its own, and they take turns;
memory is what one more call takes above what its process had.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack

from .figures import Figure, Summary
from .measuring import ROUNDS, alternate, peers_python, worker

TITLE = "Drawing"

SIZES = ((1280, 960), (3000, 2000))
INSTANCES = 100
_MODULE = "benchmarks.drawing_cases"


def main(quick: bool = False) -> list[Figure]:
    """Measure drawing, pasting and encoding.

    Args:
        quick: the smaller image alone, in one round.

    Returns:
        Times and memory.
    """
    sizes, rounds = (SIZES[:1], 1) if quick else (SIZES, ROUNDS)
    figures = []
    for size in sizes:
        drawing = {"our overlay": "ours", "detectron2's Visualizer": "visualizer"}
        if peers_python() is not None:
            drawing["supervision's annotators"] = "supervision"
        figures += _compare("overlay", drawing, size, rounds)
        pasting = {"ours": "paste ours", "detectron2": "paste detectron2"}
        figures += _compare("paste 28×28 masks", pasting, size, rounds)
        encoding = {"from crops": "rle ours", "pycocotools, whole image": "rle pycocotools"}
        figures += _compare("COCO's RLE", encoding, size, rounds)
    return figures


def _compare(
    what: str, contenders: Mapping[str, str], size: tuple[int, int], rounds: int
) -> list[Figure]:
    """Time and memory of some cases with one size of image."""
    arguments = {"width": size[0], "height": size[1], "instances": INSTANCES}
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(worker(_MODULE, case, python=_python(case), **arguments))
            for name, case in contenders.items()
        }
        times = alternate({name: each.seconds for name, each in workers.items()}, rounds)
        peaks = {name: Summary.of([each.peak_mb()]) for name, each in workers.items()}
    described = f"{what}, {size[0]}×{size[1]}"
    milliseconds = {name: summary.scaled(1e3) for name, summary in times.items()}
    return [
        Figure(described, "ms", milliseconds),
        Figure(f"{described}: memory", "MB", peaks, compared=False),
    ]


def _python(case: str) -> str:
    return str(peers_python()) if case == "supervision" else sys.executable
