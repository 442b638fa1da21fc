"""Measure the export of 10,000 instances to each format: `python -m benchmarks.exports`.

Two cases: a hundred images of 640×480 with a hundred instances each, each exported by itself, and
one image of 4000×3000 with ten thousand cells. Prints seconds and MB, the image's encoding
included; the files are not written.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from seg_widgets import export
from seg_widgets.prediction import MaskCrop, Prediction
from seg_widgets.testing import StubPredictor, make_picture

INSTANCES = 10_000
PER_IMAGE = 100
CELL_PX = 24


@dataclass(frozen=True)
class Figure:
    """How long the export of one case to one format took."""

    case: str
    format: str
    seconds: float
    megabytes: float


def photographs(instances: int = INSTANCES) -> list[export.Result]:
    """Images with a hundred instances each, which overlap."""
    image = make_picture(640, 480)
    return [
        export.Result(image, StubPredictor(PER_IMAGE, seed=seed)(image), f"{seed}.jpg")
        for seed in range(instances // PER_IMAGE)
    ]


def cells(instances: int = INSTANCES) -> list[export.Result]:
    """One image with many cells side by side."""
    columns = 4000 // (CELL_PX + 4)
    rows = 3000 // (CELL_PX + 4)
    ys, xs = np.ogrid[:CELL_PX, :CELL_PX]
    middle = CELL_PX / 2 - 0.5
    disk = (ys - middle) ** 2 + (xs - middle) ** 2 <= (CELL_PX / 2) ** 2
    random = np.random.default_rng(0)
    crops = []
    for place in range(min(instances, columns * rows)):
        row, column = divmod(place, columns)
        mask = disk & (random.random(disk.shape) < 0.98)
        crops.append(MaskCrop.from_array(mask, column * (CELL_PX + 4), row * (CELL_PX + 4)))
    boxes = [(crop.x, crop.y, crop.x + crop.width, crop.y + crop.height) for crop in crops]
    prediction = Prediction(
        (3000, 4000),
        np.array(boxes, np.float32),
        random.random(len(crops)).astype(np.float32),
        np.zeros(len(crops), np.int64),
        ("cell",),
        tuple(crops),
    )
    return [export.Result(make_picture(4000, 3000), prediction, "cells.tif")]


def measure(
    case: str, results: Sequence[export.Result], formats: Sequence[str] | None = None
) -> list[Figure]:
    """Export results to each format.

    Args:
        case: what they are called in the table.
        results: the images.
        formats: names of formats; None: all that write files.
    """
    figures = []
    for name in formats or export.save_formats():
        began = time.perf_counter()
        size = sum(len(export.make(name, result).data) for result in results)
        figures.append(Figure(case, name, time.perf_counter() - began, size / 1e6))
    return figures


def main(instances: int = INSTANCES) -> list[dict[str, str | float]]:
    """Measure both cases, print a table, and return its rows.

    Args:
        instances: how many there are in each case.
    """
    figures = measure(f"{instances // PER_IMAGE} images", photographs(instances))
    figures += measure("one image", cells(instances))
    print(f"{'case':12} {'format':22} {'s':>8} {'MB':>8}")
    for each in figures:
        print(f"{each.case:12} {each.format:22} {each.seconds:8.2f} {each.megabytes:8.1f}")
    return [asdict(each) for each in figures]


if __name__ == "__main__":
    main()
