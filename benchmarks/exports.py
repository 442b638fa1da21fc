"""Measure the export of 10,000 instances to each format: `python -m benchmarks exports`.

Two cases: a hundred images of 640×480 with a hundred instances each, each exported by itself, and
one image of 4000×3000 with ten thousand cells. The image's encoding is included; the files are not
written. No peer has these formats, so nothing is compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seg_widgets import export
from seg_widgets.prediction import MaskCrop, Prediction
from seg_widgets.testing import StubPredictor, make_picture

from .figures import Figure, Summary
from .measuring import timed

TITLE = "Exports"
INSTANCES = 10_000
PER_IMAGE = 100
CELL_PX = 24


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


def measure(case: str, results: Sequence[export.Result]) -> list[Figure]:
    """Export results to each format, once.

    Args:
        case: what they are called in the table.
        results: the images.
    """
    figures = []
    for name in export.save_formats():

        def make_all(name: str = name) -> None:
            for result in results:
                export.make(name, result)

        seconds = Summary.of([timed(make_all)()])
        figures.append(Figure(f"{name}, {case}", "s", {"ours": seconds}, compared=False))
    return figures


def main(quick: bool = False) -> list[Figure]:
    """Measure both cases.

    Args:
        quick: with a tenth of the instances.
    """
    instances = INSTANCES // 10 if quick else INSTANCES
    return [
        *measure(f"{instances // PER_IMAGE} images of {PER_IMAGE}", photographs(instances)),
        *measure(f"one image of {instances:,}", cells(instances)),
    ]
