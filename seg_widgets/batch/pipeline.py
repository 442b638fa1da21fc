"""Images through a model: the next ones are opened while it is at work."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .. import images
from ..errors import ImageError, SettingError
from ..images import Channels, Contrast, LoadedImage, RGBArray
from ..prediction import BatchPredictor, Keep, Prediction, Predictor, SparingPredictor, taken
from .cloud import is_cloud, read_cloud
from .giving_up import FailureWatch
from .outcome import Outcome

__all__ = ["Reading", "batch_size", "segment_groups"]

_log = logging.getLogger(__name__)

_LOCAL_READERS: Final = 2
_REMOTE_READERS: Final = 8
"""A server answers many at once, and each only after a while."""

_AHEAD: Final = 8
"""How many images are opened ahead, at 3 bytes a pixel: as many as there are readers."""


@dataclass(frozen=True)
class Reading:
    """How images are opened; see `seg_widgets.images.read`.

    Raises:
        SettingError: a value is of another kind. Else each image would fail by it.
    """

    contrast: Contrast = "auto"
    channels: Channels = None
    page: int | None = None

    def __post_init__(self) -> None:
        images.Choices(self.contrast, self.channels, self.page)

    def open(self, source: Any, stop: threading.Event | None = None) -> LoadedImage:
        """Open an image.

        Args:
            source: what `images.read` takes, or an address that fsspec opens.
            stop: ends it soon when it is set.

        Returns:
            The image.

        Raises:
            SegWidgetsError: it can't be opened; the message says why.
        """
        given, name = source, None
        if is_cloud(source):
            given, name = read_cloud(source), images.name_of(source)
        return images.read(
            given,
            contrast=self.contrast,
            channels=self.channels,
            page=self.page,
            name=name,
            stop=stop,
        )


def batch_size(predictor: Predictor) -> int:
    """How many images a predictor should be given at once.

    Args:
        predictor: the model.

    Returns:
        1 for one that takes several at once no faster.
    """
    return max(1, predictor.max_batch) if isinstance(predictor, BatchPredictor) else 1


def segment_groups(
    groups: Iterable[Sequence[Any]],
    predictor: Predictor,
    reading: Reading = Reading(),
    keep: Keep | None = None,
    watch: FailureWatch | None = None,
) -> Generator[list[Outcome], None, None]:
    """Open images and run a model on them; those of a group go through the model together.

    Whatever goes wrong with an image is its outcome's `error`; the others are not touched by it.
    Only a model that fails on `MOST_FAILURES` images in a row in the same way (with a dead GPU: on
    three) ends it; those are not yielded.

    Args:
        groups: paths, addresses, and what else `Reading.open` takes. They are asked for a few
            groups ahead.
        predictor: the model. It is called on this thread, images are opened on others.
        reading: how images are opened.
        keep: says by a prediction without masks which instances are needed; a model that can leaves
            out the masks of the others. None: all are.
        watch: counts the model's failures in a row over several calls. What it holds back at the
            end is not yielded: `watch.rest` has it. None: one for this call, and all is yielded.

    Yields:
        The outcomes of each group, in order.

    Raises:
        InferenceError: the model has failed on too many images in a row; the message says why.
    """
    given, watch = watch, watch or FailureWatch()
    stop = threading.Event()
    waiting: deque[list[Future[Outcome]]] = deque()
    rest = iter(groups)
    slots = threading.Semaphore(_LOCAL_READERS)
    open_one = _opener(reading, slots, stop)
    with ThreadPoolExecutor(_REMOTE_READERS, "seg_widgets reader") as pool:

        def fill() -> None:
            while sum(map(len, waiting)) < _AHEAD and (group := next(rest, None)) is not None:
                waiting.append([pool.submit(open_one, source) for source in group])

        try:
            while True:
                fill()
                if not waiting:
                    if given is None:
                        yield from watch.rest()
                    return
                futures = waiting.popleft()
                # Once more, so that others are opened while the model is at these.
                fill()
                outcomes = [future.result() for future in futures]
                _predict(outcomes, predictor, keep)
                yield from watch.pass_on(outcomes)
        finally:
            stop.set()
            for futures in waiting:
                for future in futures:
                    future.cancel()


def _opener(
    reading: Reading, slots: threading.Semaphore, stop: threading.Event
) -> Callable[[Any], Outcome]:
    def open_one(source: Any) -> Outcome:
        is_local = not (images.is_address(source) or is_cloud(source))
        outcome = Outcome(source)
        try:
            if stop.is_set():
                raise ImageError("The run was stopped.")
            # Decoders use the cores that the model needs: only waiting is cheap.
            with slots if is_local else contextlib.nullcontext():
                outcome.image = reading.open(source, stop)
        except Exception as error:
            outcome.error = error
        return outcome

    return open_one


def _predict(outcomes: Sequence[Outcome], predictor: Predictor, keep: Keep | None) -> None:
    """Run the model on what could be opened."""
    opened = [outcome for outcome in outcomes if outcome.image is not None]
    if len(opened) > 1 and isinstance(predictor, BatchPredictor):
        _predict_together(opened, predictor)
    for outcome in opened:
        if outcome.prediction is not None:
            continue
        assert outcome.image is not None  # they were chosen so
        pixels = outcome.image.pixels
        began_s = time.perf_counter()
        try:
            outcome.prediction = taken(_ask(predictor, pixels, keep), pixels)
        # A model of somebody else's can raise anything; the other images count.
        except Exception as error:
            outcome.error = error
        outcome.seconds = time.perf_counter() - began_s


def _ask(predictor: Predictor, pixels: RGBArray, keep: Keep | None) -> Any:
    if keep is None or not isinstance(predictor, SparingPredictor):
        return predictor(pixels)

    def keep_or_all(prediction: Prediction) -> npt.NDArray[np.bool_]:
        try:
            return keep(prediction)
        except SettingError:  # whoever asks the result the same question is told
            return np.ones(len(prediction), bool)

    return predictor.predict_kept(pixels, keep_or_all)


def _predict_together(opened: Sequence[Outcome], predictor: BatchPredictor) -> None:
    """Run the model on several images at once; where that fails, each is tried alone."""
    pixels = [outcome.image.pixels for outcome in opened if outcome.image is not None]
    began_s = time.perf_counter()
    try:
        predictions = predictor.predict_batch(pixels)
    except Exception as error:
        _log.warning("A batch of %d failed; each is tried alone: %s", len(opened), error)
        return
    share_s = (time.perf_counter() - began_s) / len(opened)
    for outcome, prediction in zip(opened, predictions, strict=True):
        outcome.prediction, outcome.seconds = prediction, share_s
