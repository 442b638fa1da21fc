"""The protocol that a model follows for the rest of seg_widgets."""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from .prediction import Prediction

__all__ = ["MAX_INSTANCES", "SCORE_FLOOR", "Predictor"]

SCORE_FLOOR: Final = 0.05
"""The lowest score that a model answers with. It runs once per image at this floor; each threshold
that is chosen later only picks from its result."""

MAX_INSTANCES: Final = 100
"""The most instances that a model answers with, the best first."""


@runtime_checkable
class Predictor(Protocol):
    """Anything that turns an image into a `Prediction`.

    It answers with every instance that scores `SCORE_FLOOR` or more, best first, `MAX_INSTANCES` at
    most. It may be called from any thread, one call at a time.
    """

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        """Find the instances in one image.

        Args:
            image: H×W×3 uint8 RGB; it must not be changed.

        Returns:
            What was found.
        """
        ...
