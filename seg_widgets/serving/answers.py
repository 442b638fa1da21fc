"""What a worker does with one image: open it, run the model, and make what was asked for."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from ..errors import (
    FetchError,
    ImageError,
    InferenceError,
    OutOfMemoryError,
    PredictionError,
    SettingError,
)
from ..export import Result, make
from ..images import MAX_BYTES, LoadedImage, RGBArray, read
from ..prediction import Prediction, Predictor, taken
from .wire import NPZ, decode_image, encode_prediction, is_raw_image

__all__ = ["PREDICTION", "Answer", "Answerer", "Work", "public_failure"]

PREDICTION: Final = "prediction"
"""The `format` of a whole prediction, as `RemotePredictor` reads it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """One image, and what is to be made of it."""

    content: bytes = field(repr=False)
    """The image's file, or a PPM."""

    name: str = ""
    """What the image is called."""

    format: str = "png"
    """One of the export formats, or `PREDICTION`."""

    threshold: float = 0.0
    """The lowest score that is in the answer."""

    classes: tuple[str, ...] = ()
    """The names of the classes that are in the answer; (): all."""

    def header(self) -> dict[str, Any]:
        """All but the bytes, for a frame."""
        return {
            "name": self.name,
            "format": self.format,
            "threshold": self.threshold,
            "classes": self.classes,
            "bytes": len(self.content),
        }

    @classmethod
    def of(cls, header: dict[str, Any], content: bytes) -> Work:
        """The work that a frame holds."""
        return cls(
            content, header["name"], header["format"], header["threshold"], tuple(header["classes"])
        )


@dataclass(frozen=True)
class Answer:
    """What came of one image: a file, or a message that says why there is none."""

    content: bytes = field(default=b"", repr=False)
    """The file's bytes."""

    media_type: str = ""
    """The file's, such as "image/png"."""

    file_name: str = ""
    """What to call the file."""

    error: str = ""
    """Why there is no file, for a person; "": there is one."""

    kind: str = ""
    """The error's class in `seg_widgets.errors`."""

    seconds: dict[str, float] = field(default_factory=dict)
    """How long each part took: "open", "model" and "make"."""

    def header(self) -> dict[str, Any]:
        """All but the bytes, for a frame."""
        return {name: value for name, value in vars(self).items() if name != "content"}


class Answerer:
    """Answers with one model.

    Args:
        predictor: the model.
        max_pixels: the most pixels of an image.
    """

    def __init__(self, predictor: Predictor, max_pixels: int) -> None:
        self._predictor = predictor
        self._max_pixels = max_pixels

    def answer(self, work: Work) -> Answer:
        """Answer for one image.

        Args:
            work: the image, and what is to be made of it.

        Returns:
            The answer; whatever goes wrong is an answer with an `error`.
        """
        try:
            return self._answer(work)
        # A model, or a format of somebody else's, can raise anything; the next image counts.
        except Exception as error:
            return public_failure(error)

    def _answer(self, work: Work) -> Answer:
        marks = [time.monotonic()]
        image = self._open(work)
        marks.append(time.monotonic())
        prediction = self._predict(image.pixels)
        marks.append(time.monotonic())
        answer = _made(work, image, prediction)
        marks.append(time.monotonic())
        spans = (later - sooner for sooner, later in pairwise(marks))
        seconds = dict(zip(("open", "model", "make"), spans, strict=True))
        return Answer(answer.content, answer.media_type, answer.file_name, seconds=seconds)

    def _open(self, work: Work) -> LoadedImage:
        if work.format == PREDICTION and is_raw_image(work.content):
            pixels = read(decode_image(work.content), max_pixels=self._max_pixels).pixels
            return LoadedImage(pixels, work.name, ())
        # The server has counted the bytes already.
        largest = max(MAX_BYTES, len(work.content))
        return read(
            work.content,
            max_pixels=self._max_pixels,
            max_bytes=largest,
            name=work.name or "The image",
        )

    def _predict(self, image: RGBArray) -> Prediction:
        return taken(self._predictor(image), image)


def _made(work: Work, image: LoadedImage, prediction: Prediction) -> Answer:
    """The file that was asked for."""
    if work.format == PREDICTION:
        return Answer(encode_prediction(prediction), NPZ, "prediction.npz")
    shown = prediction.filter(work.threshold, classes=work.classes or None)
    file = make(work.format, Result(image.pixels, shown, work.name, stem=""))
    return Answer(file.data, file.media_type, file.name)


_PUBLIC: Final = (ImageError, FetchError, SettingError, PredictionError, OutOfMemoryError)
"""The errors whose messages name nothing but what the visitor gave. Any other may name a path."""


def public_failure(error: BaseException) -> Answer:
    """An error as an answer that may leave the machine; the log has the rest.

    Args:
        error: whatever was raised.

    Returns:
        The answer, with an error's message and kind.
    """
    if isinstance(error, MemoryError) and not isinstance(error, OutOfMemoryError):
        error = OutOfMemoryError("There is not enough memory for this image. Send it smaller.")
    if not isinstance(error, _PUBLIC):
        _log.error("The model failed on an image.", exc_info=error)
        error = InferenceError(
            "The model failed on this image. The server's log says why; try another image."
        )
    return Answer(error=str(error), kind=type(error).__name__)
