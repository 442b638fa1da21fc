"""One image through the model: opened, segmented, and the answer checked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..errors import PredictionError
from ..prediction import Prediction, Predictor, taken
from .queue import Request
from .worker import Superseded, call_in_thread, wait_for

__all__ = ["Run", "Step", "run_request"]

RGBArray = npt.NDArray[np.uint8]
Step = Literal["loading", "segmenting"]


@dataclass(frozen=True, eq=False)
class Run:
    """What came of a request: the image (H×W×3 uint8 RGB), the prediction, the model, and the
    seconds that it took."""

    image: RGBArray
    prediction: Prediction
    predictor: Predictor
    took_s: float


def run_request(request: Request, on_step: Callable[[Step], None]) -> Run:
    """Open the image of a request, wait for its model, and run it.

    Args:
        request: What to do; its `model` is set.
        on_step: Called before each step: "loading" when the model is not built yet, "segmenting"
            when it runs.

    Raises:
        Superseded: The request was dropped meanwhile.
        Exception: Whatever the opening, the building or the predictor raises.
        PredictionError: The predictor's answer is no prediction of this image.
    """
    # A slow server may take up to the fetch's whole time limit. So the image is opened in a thread
    # of its own, which a newer request leaves to itself.
    opening = call_in_thread(request.source.load, "seg_widgets opener")
    image = wait_for(opening, request.dropped)

    # Uploaded bytes are let go once they are opened.
    request.source = replace(request.source, load=lambda: image)

    if request.model is None:
        raise Superseded
    if not request.model.done():
        on_step("loading")
    predictor = wait_for(request.model, request.dropped)

    on_step("segmenting")
    started = time.monotonic()
    prediction = taken(predictor(image), image)
    took_s = time.monotonic() - started
    _check_answer(prediction, image)
    return Run(image, prediction, predictor, took_s)


def _check_answer(prediction: Prediction, image: RGBArray) -> None:
    """Raise `PredictionError` unless it is a prediction of this image."""
    if prediction.image_size != image.shape[:2]:
        height, width = prediction.image_size
        raise PredictionError(
            f"The predictor answered for an image of {width}×{height} pixels, but this one has "
            f"{image.shape[1]}×{image.shape[0]}."
        )
