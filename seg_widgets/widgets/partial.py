"""A result on its way: what a canvas shows of it, and what it has shown before."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..prediction import PartialPrediction, Prediction

__all__ = ["Partial", "Shown"]

Shown = tuple[str, int, int, Prediction]
"""What a canvas shows: the image's name, width and height, and what was found in it."""


@dataclass(frozen=True, eq=False)
class Partial:
    """A part of a result that is still to come."""

    image: npt.NDArray[np.uint8]
    """The image, H×W×3 uint8 RGB."""

    found: PartialPrediction
    """What was found so far."""

    before: tuple[bytes, Shown | None]
    """The content before it, and what that shows."""

    def is_part_of(self, image: npt.NDArray[np.uint8], prediction: Prediction) -> bool:
        """Whether a result has the same instances.

        Args:
            image: The result's image.
            prediction: What was found in it.
        """
        return image is self.image and self.found.boxes == replace(prediction, masks=None)
