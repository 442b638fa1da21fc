"""One image through the model: opened, segmented, and the answer checked."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from ..errors import InferenceError, PredictionError
from ..images import RGBArray
from ..prediction import (
    Filter,
    PartialPrediction,
    Prediction,
    Predictor,
    QueuedPredictor,
    StepwisePredictor,
    taken,
)
from .opening import Openers
from .pixels import Pixels
from .queue import Request
from .result import Upcoming
from .source import Opened
from .worker import Superseded, wait_for

__all__ = ["Listener", "Run", "Step", "run_request"]

Step = Literal["loading", "segmenting"]


@dataclass(frozen=True, eq=False)
class Run:
    """What came of a request: the image with its notes, what loads it again, the prediction, the
    model, and the seconds that it took."""

    opened: Opened
    pixels: Pixels
    prediction: Prediction
    predictor: Predictor
    took_s: float


class Listener(Protocol):
    """Who hears how far a request is."""

    def on_step(self, step: Step) -> None:
        """Called before each step: "loading" when the model is not built yet, "segmenting" when it
        runs."""

    def on_wait(self, words: str) -> None:
        """Called with what a predictor says while it waits for its turn, and with "" when that has
        come."""

    def on_first(self, found: PartialPrediction) -> None:
        """Called when all that is shown has its mask, while the others are drawn."""

    def shown(self) -> Filter | None:
        """What is shown of the result; None where it doesn't go on screen."""


def run_request(request: Request, openers: Openers, listener: Listener) -> Run:
    """Open the image of a request, wait for its model, and run it.

    Args:
        request: What to do; its `model` is set.
        openers: Opens its image.
        listener: Hears how far it is; what it raises ends the run.

    Raises:
        Superseded: The request was dropped meanwhile.
        BaseException: Whatever the opening, the building or the predictor raises.
        PredictionError: The predictor's answer is no prediction of this image.
    """
    # A slow server may take up to the fetch's whole time limit: a newer request does not wait.
    opened = openers.open(request.source, request.dropped)
    image = opened.image

    # Uploaded bytes are let go once they are opened.
    request.source = replace(request.source, load=lambda _stop=None: opened)
    pixels = request.pixels or Pixels(image, request.source.again)
    request.upcoming = Upcoming(image, request.source.name)

    if request.model is None:
        raise Superseded
    if not request.model.done():
        listener.on_step("loading")
    predictor = wait_for(request.model, request.dropped)

    listener.on_step("segmenting")
    started = time.monotonic()
    try:
        answer = _ask(predictor, image, request, listener)
    except SystemExit as error:
        raise InferenceError(
            f"The predictor called sys.exit({error.code!r}) instead of answering."
        ) from None
    prediction = taken(answer, image)
    took_s = time.monotonic() - started
    _check_answer(prediction, image)
    return Run(opened, pixels, prediction, predictor, took_s)


def _ask(predictor: Predictor, image: RGBArray, request: Request, listener: Listener) -> Any:
    """The predictor's answer; one that waits is told when nobody needs it any more."""
    if isinstance(predictor, QueuedPredictor):
        is_dropped = request.dropped.is_set
        return predictor.predict_in_turn(image, on_wait=listener.on_wait, is_dropped=is_dropped)
    shown = listener.shown()
    if shown is not None and isinstance(predictor, StepwisePredictor):
        return predictor.predict_in_steps(image.copy(), shown=shown, on_first=listener.on_first)
    # A copy of its own: some functions draw into what they are given.
    return predictor(image.copy())


def _check_answer(prediction: Prediction, image: RGBArray) -> None:
    """Raise `PredictionError` unless it is a prediction of this image."""
    if prediction.image_size != image.shape[:2]:
        height, width = prediction.image_size
        raise PredictionError(
            f"The predictor answered for an image of {width}×{height} pixels, but this one has "
            f"{image.shape[1]}×{image.shape[0]}."
        )
