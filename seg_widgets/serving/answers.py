"""What a worker does with one image: open it, run the model, and make what was asked for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
from ..images import MAX_BYTES, LoadedImage, read
from ..prediction import BatchPredictor, Filter, Prediction, Predictor, taken
from .wire import NPZ, decode_image, encode_prediction, frame_head, is_raw_image

__all__ = [
    "PREDICTION",
    "Answer",
    "Answerer",
    "Work",
    "pack_works",
    "public_failure",
    "unpack_works",
]

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


def pack_works(works: Sequence[Work]) -> list[bytes]:
    """Works that go to a worker together, as the pieces of one frame: images are not copied."""
    headers = [work.header() for work in works]
    contents = [work.content for work in works]
    return [frame_head({"works": headers}, sum(map(len, contents))), *contents]


def unpack_works(header: dict[str, Any], content: bytes) -> list[Work]:
    """The works that a frame of `pack_works` holds."""
    works, at = [], 0
    for one in header["works"]:
        end = at + one["bytes"]
        works.append(Work.of(one, content[at:end]))
        at = end
    return works


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

    def answer_all(self, works: Sequence[Work]) -> Iterator[Answer]:
        """Answer for images that came together.

        Args:
            works: the images, and what is to be made of each.

        Yields:
            An answer for each, in their order, as soon as it is there; whatever goes wrong is an
            answer with an `error`, and the others are not touched by it.
        """
        tasks = [_Task(work) for work in works]
        for task in tasks:
            task.do("open", self._open)
        self._predict_together([task for task in tasks if task.image is not None])
        for task in tasks:
            if task.prediction is None:
                task.do("model", self._predict)
            task.do("make", _make)
            yield task.answer or public_failure(InferenceError("There is no answer."))

    def _open(self, task: _Task) -> None:
        work = task.work
        if work.format == PREDICTION and is_raw_image(work.content):
            pixels = read(decode_image(work.content), max_pixels=self._max_pixels).pixels
            task.image = LoadedImage(pixels, work.name, ())
            return
        task.image = read(
            work.content,
            max_pixels=self._max_pixels,
            # The server has counted the bytes already.
            max_bytes=max(MAX_BYTES, len(work.content)),
            name=work.name or "The image",
        )

    def _predict_together(self, tasks: Sequence[_Task]) -> None:
        """Predict for several images at once; where that fails, each is tried alone."""
        if len(tasks) < 2 or not isinstance(self._predictor, BatchPredictor):
            return
        images = [task.image.pixels for task in tasks if task.image is not None]
        began_s = time.monotonic()
        try:
            predictions = self._predictor.predict_batch(images)
        except Exception as error:
            _log.warning("A batch of %d failed; each is tried alone: %s", len(tasks), error)
            return
        share_s = (time.monotonic() - began_s) / len(tasks)
        for task, prediction in zip(tasks, predictions, strict=True):
            task.prediction = prediction
            task.seconds["model"] = share_s

    def _predict(self, task: _Task) -> None:
        assert task.image is not None  # otherwise the task has ended
        pixels = task.image.pixels
        task.prediction = taken(self._predictor(pixels), pixels)


class _Task:
    """One image on its way through a worker."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.image: LoadedImage | None = None
        self.prediction: Prediction | None = None
        self.answer: Answer | None = None
        self.seconds: dict[str, float] = {}

    def do(self, part: str, function: Callable[[_Task], None]) -> None:
        """Do one part, unless there is an answer already; what it raises becomes the answer."""
        if self.answer is not None:
            return
        began_s = time.monotonic()
        try:
            function(self)
        # A model, or a format of somebody else's, can raise anything; the next image counts.
        except Exception as error:
            self.answer = public_failure(error)
        self.seconds[part] = time.monotonic() - began_s


def _make(task: _Task) -> None:
    """The file that was asked for."""
    assert task.image is not None and task.prediction is not None  # otherwise the task has ended
    work, image, prediction = task.work, task.image, task.prediction
    if work.format == PREDICTION:
        content = encode_prediction(prediction)
        task.answer = Answer(content, NPZ, "prediction.npz", seconds=task.seconds)
        return
    shown = prediction.filter(work.threshold, classes=work.classes or None)
    # All of it is in the file; a page also has the threshold.
    result = Result(image.pixels, shown, work.name, Filter(work.threshold))
    file = make(work.format, result)
    task.answer = Answer(file.data, file.media_type, file.name, seconds=task.seconds)


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
