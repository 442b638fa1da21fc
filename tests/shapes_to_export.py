"""Instances that formats get wrong: holes, several pieces, one pixel, the image's border, overlaps,
pixels that touch at a corner only."""

from __future__ import annotations

from typing import Final

import numpy as np

from seg_widgets.prediction import Prediction

HEIGHT, WIDTH = 60, 80


def _planes() -> dict[str, np.ndarray[tuple[int, int], np.dtype[np.bool_]]]:
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]

    def disk(x: float, y: float, radius: float) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        inside: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = (columns - x) ** 2 + (
            rows - y
        ) ** 2 <= radius**2
        return inside

    planes = {
        "disk": disk(20, 20, 9),
        "overlapping": disk(28, 22, 9),
        "hole": disk(55, 20, 12) & ~disk(55, 20, 5),
        "two holes": disk(20, 45, 12) & ~disk(15, 45, 3) & ~disk(25, 45, 3),
        "island in a hole": disk(45, 45, 11) & ~disk(45, 45, 7) | disk(45, 45, 3),
        "pieces": disk(65, 50, 4) | disk(75, 40, 3) | disk(62, 38, 2),
        "pixel": np.zeros((HEIGHT, WIDTH), bool),
        "line": np.zeros((HEIGHT, WIDTH), bool),
        "corner": np.zeros((HEIGHT, WIDTH), bool),
        "border": (rows < 4) & (columns > -1),
        "diagonal": np.zeros((HEIGHT, WIDTH), bool),
        "ring touching itself": np.zeros((HEIGHT, WIDTH), bool),
    }
    planes["pixel"][33, 70] = True
    planes["line"][30, 2:15] = True
    planes["corner"][-3:, -5:] = True
    planes["diagonal"][6:8, 70:72] = np.eye(2, dtype=bool)
    planes["ring touching itself"][10:13, 70:73] = [[0, 1, 1], [1, 0, 1], [1, 1, 1]]
    return planes


PLANES: Final = _planes()

SHAPES: Final = Prediction.from_dense(
    np.stack(list(PLANES.values())),
    np.linspace(0.95, 0.35, len(PLANES)),
    np.arange(len(PLANES)) % 3,
    ("person", "traffic light", "Tür"),
)


def ious(found: Prediction, expected: Prediction = SHAPES) -> list[float]:
    """The IoU of each mask with the one in its place; 0 where there is none."""
    values = [0.0] * len(expected)
    pairs = zip(found.masks_dense(), expected.masks_dense(), strict=False)
    for index, (mask, other) in enumerate(pairs):
        values[index] = float((mask & other).sum() / max((mask | other).sum(), 1))
    return values
