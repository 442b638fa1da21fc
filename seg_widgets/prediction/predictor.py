"""What the rest of seg_widgets asks of a model."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from .prediction import Prediction

__all__ = ["MAX_INSTANCES", "SCORE_FLOOR", "Predictor"]

# The model runs once per image at this floor; whatever threshold is chosen later only picks from
# its result.
SCORE_FLOOR = 0.05
MAX_INSTANCES = 100


@runtime_checkable
class Predictor(Protocol):
    """Anything that turns an image into a `Prediction`.

    Called with an H×W×3 uint8 RGB array, which it must not change. It answers with every instance
    that scores `SCORE_FLOOR` or more, best first, `MAX_INSTANCES` at most. It may be called from
    any thread, one call at a time.
    """

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        """Find the instances in one image."""
        ...
