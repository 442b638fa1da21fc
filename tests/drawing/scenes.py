"""Images and predictions to draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from seg_widgets.prediction import Prediction
from seg_widgets.style import (
    Style,
)

Image = npt.NDArray[np.uint8]


GRAY: Image = np.full((100, 160, 3), 128, np.uint8)


ONLY_MASKS = Style(outlines=False, labels=False, scores=False)


ONLY_OUTLINES = Style(masks=False, labels=False, scores=False)


ONLY_LABELS = Style(masks=False, outlines=False)


def rectangles(
    *places: tuple[int, int, int, int], names: tuple[str, ...] = ("cat", "dog"), **parts: Any
) -> Prediction:
    """Instances of alternating classes that fill the rectangles (x1, y1, x2, y2) of a 160×100
    image."""
    stack = np.zeros((len(places), 100, 160), bool)
    for plane, (x1, y1, x2, y2) in zip(stack, places, strict=True):
        plane[y1:y2, x1:x2] = True
    scores = parts.get("scores", np.linspace(0.97, 0.5, len(places)))
    return Prediction.from_dense(stack, scores, np.arange(len(places)) % len(names), names)


def changed(image: Image, result: Image) -> npt.NDArray[np.bool_]:
    return np.asarray((image != result).any(axis=2))
