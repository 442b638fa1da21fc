"""A prediction on its way: all boxes are there, and some of the masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .masks import MaskCrop
from .prediction import Prediction

__all__ = ["PartialPrediction"]


@dataclass(frozen=True, eq=False)
class PartialPrediction:
    """What a predictor has found so far; the whole `Prediction` has the same instances."""

    boxes: Prediction
    """All instances, in the order of the whole prediction, without masks."""

    masks: Mapping[int, MaskCrop]
    """The masks that are there, by the index of their instance. An instance that is not in here has
    a mask that is still to come."""

    @property
    def areas(self) -> npt.NDArray[np.int64]:
        """N int64: the pixels of each mask, or of the box (rounded) while there is none."""
        areas = self.boxes.areas.copy()
        for index, mask in self.masks.items():
            areas[index] = mask.area
        return areas
