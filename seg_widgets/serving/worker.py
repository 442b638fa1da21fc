"""A worker process: it builds one model, and answers for one image after the other.

It is started as `python -m seg_widgets.serving.worker`. Frames come on standard input: first the
model's settings, then images. Frames go to standard output: first what the model is, then answers.
When the input ends, so does the worker; a server that is gone leaves none behind.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import IO, Any

import numpy as np

from ..errors import SegWidgetsError
from ..prediction import BatchPredictor, Predictor
from .answers import Answerer, unpack_works
from .settings import ModelSettings
from .wire import pack_frame, read_frame

__all__ = ["main"]

_log = logging.getLogger(__name__)


def main() -> int:
    """Serve frames until the input ends; the exit status is 1 where the model can't be built."""
    logging.basicConfig(format="seg-widgets worker: %(message)s")
    # Ctrl+C in a terminal reaches all processes; the server ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    frames_in, frames_out = _own_pipes()
    try:
        header, _ = read_frame(frames_in)
    except EOFError:
        return 0

    settings = ModelSettings(**header)
    try:
        predictor = settings.build()
        _warm_up(predictor)
    except Exception as error:
        _log.error("The model can't be loaded.", exc_info=_unforeseen(error))
        _send(frames_out, {"failed": f"{error}" or type(error).__name__})
        return 1
    _send(frames_out, {"ready": about(predictor)})
    _serve(Answerer(predictor, settings.max_pixels), frames_in, frames_out)
    return 0


def _serve(answerer: Answerer, frames_in: IO[bytes], frames_out: IO[bytes]) -> None:
    while True:
        try:
            header, content = read_frame(frames_in)
        except EOFError:
            return
        try:
            for answer in answerer.answer_all(unpack_works(header, content)):
                _send(frames_out, answer.header(), answer.content)
        except BrokenPipeError:
            return
        # Otherwise it would stay until the next image has come.
        del content


def about(predictor: Predictor) -> dict[str, Any]:
    """What clients may know of a model.

    Args:
        predictor: the model.

    Returns:
        Its name, a line for people, its class names, its device, and how many images it takes at
        once.
    """
    name = str(getattr(predictor, "name", "") or type(predictor).__name__)
    return {
        "name": name,
        "description": str(getattr(predictor, "description", "") or name),
        "classNames": [str(one) for one in getattr(predictor, "class_names", ())],
        "device": str(getattr(predictor, "device", "") or ""),
        "maxBatch": predictor.max_batch if isinstance(predictor, BatchPredictor) else 1,
    }


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes to the server, which no `print` and no library can write to any more."""
    frames_in = os.fdopen(os.dup(0), "rb")
    frames_out = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return frames_in, frames_out


def _warm_up(predictor: Predictor) -> None:
    """Run the model once: the first image takes longer, and no visitor should wait for that."""
    predictor(np.zeros((64, 64, 3), np.uint8))


def _unforeseen(error: Exception) -> Exception | None:
    """The error for the log, unless its message says all."""
    return None if isinstance(error, SegWidgetsError) else error


def _send(file: IO[bytes], header: dict[str, Any], payload: bytes = b"") -> None:
    file.write(pack_frame(header, payload))
    file.flush()


if __name__ == "__main__":
    sys.exit(main())
