"""The session: takes requests, runs them in the background, publishes their results.

The kernel's thread never waits: a worker opens and segments images, a thread of its own builds the
model, another one fetches weights. CONTRIBUTING has the rules for these threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, Literal, Unpack

from ..images import Channels, Choices, Contrast, Reading
from ..modeling import EXACT
from ..prediction import DEFAULT_THRESHOLD, Prediction, Predictor
from .comparing import Comparing
from .history_table import history_table
from .model_slot import ModelChoice
from .queue import Request
from .several import several
from .source import Limits, Source

__all__ = ["PANEL_MAX_PIXELS", "SegmentationSession"]

PANEL_MAX_PIXELS: Final = 25_000_000
"""Pixels of the largest image that a session opens; more would make the browser slow."""


class SegmentationSession(Comparing):
    """An image, what a model found in it, and what of that is shown; knows no widget.

    Of several requests for one image one runs, the newest waits, and older ones are dropped. A
    result is shown only while its request is still the newest. Several images that come together
    are all kept: the first is shown, the others go into the history one after the other, whenever
    nothing else is requested.

    Observers are called on whichever thread made the change.

    Args:
        predictor: A `Predictor`, a model's name or folder, or None (default) for the starter. A
            name's model is built at once in the background, after its weights were fetched if they
            are not here.
        build: Instead of a predictor, a function without arguments that builds one.
        device: "auto" (default), "cpu", "cuda", "cuda:1" or "mps", for a name.
        threshold: The lowest score that is shown, 0 to 1 (default 0.5).
        allow_local: Whether URLs may point to this machine and to private networks (default False;
            never for strangers' requests).
        max_pixels: Pixels of the largest image that is opened (default 25 million).
        contrast: How values of more than 8 bits become 0–255: "auto" (default), "full", "none" or
            (black, white), as for `images.load`.
        channels: Of images with many channels, the index of one, or of three for red, green and
            blue. None (default) means the first.
        page: The index of the page or frame that is opened. None (default) means the first.
        speed: "exact" (default), "balanced" or "fast", as for `load_predictor`, for a name.

    Raises:
        SettingError: An argument is out of range, or the predictor can't be called.
    """

    def __init__(
        self,
        predictor: Predictor | str | Path | None = None,
        *,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
        threshold: float = DEFAULT_THRESHOLD,
        allow_local: bool = False,
        max_pixels: int = PANEL_MAX_PIXELS,
        contrast: Contrast = "auto",
        channels: Channels = None,
        page: int | None = None,
        speed: str = EXACT,
    ) -> None:
        self._limits = Limits(max_pixels, allow_local, Choices(contrast, channels, page))
        choice = ModelChoice.of(predictor, build, device, speed)
        super().__init__(threshold)
        with self._slot.held():
            self._choose(choice)
            self._make_parts()

    def _make_parts(self) -> None:
        """What a subclass makes of itself before its model is built; here nothing."""

    # ── requests ──────────────────────────────────────────────────────────────────────────────────

    def segment(self, source: object, name: str | None = None, **choices: Unpack[Reading]) -> None:
        """Open and segment an image in the background; a request that still waits is dropped.

        What goes wrong with the image comes as `error`, and is raised by `wait`.

        Args:
            source: Anything that `images.load` takes (path, URL, bytes, array, PIL image, upload).
            name: What to call it; None (default) takes its file name.
            **choices: `contrast`, `channels` and `page` of this image, in place of the session's.

        Raises:
            SettingError: The session is closed, or a choice is not possible.
        """
        self._submit(Request(Source.of(source, self._limits.reading(**choices), name)))

    def segment_url(self, address: str) -> None:
        """Like `segment`, for a text that may not be trusted: only http(s) is followed,
        never a path.

        Args:
            address: Starts with https:// or http://, or is completed: `example.org/cat.jpg` gets
                https:// in front.

        Raises:
            SettingError: The session is closed.
        """
        self._submit(Request(Source.of_address(address, self._limits)))

    def segment_all(self, sources: Iterable[object]) -> None:
        """Segment several images: the first is shown, the others go into `history`, one after the
        other.

        A request for a single image goes first, and they continue after it. One that fails stays in
        the history with its error.

        Args:
            sources: Each anything that `images.load` takes; or a folder, a pattern
                ("photos/*.jpg"), a COCO file or a list, as `segment_folder` takes.

        Raises:
            SettingError: The session is closed, or it is one image instead of several.
            ImageError: The folder, pattern or list has no image.
        """
        given = several(sources)
        with self._lock:
            self._check_open()
            opened = [Source.of(source, self._limits) for source in given]
            order = self._next_order()
            requests = [
                Request(one, self._history.add(one.name, one.uri), kept=True, order=order)
                for one in opened
            ]
            if requests:
                self._begin(requests[0], self._queue.put_all(requests))

    def use(
        self,
        predictor: Predictor | str | Path | None = None,
        *,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
        speed: str = EXACT,
    ) -> None:
        """Take another model, and segment the image on screen with it: a result of its own in
        `history`, beside the one of the other model.

        Weights of the model zoo that are not here are fetched first. Meanwhile, and when that
        fails, the model in use, or the starter, stays.

        Args:
            predictor: A `Predictor`, a model's name or folder, or None (default) for the starter.
            build: Instead of a predictor, a function without arguments that builds one.
            device: "auto" (default), "cpu", "cuda", "cuda:1" or "mps", for a name.
            speed: "exact" (default), "balanced" or "fast", as for `load_predictor`, for a name.

        Raises:
            SettingError: The predictor can't be called, or the session is closed.
        """
        self._choose(ModelChoice.of(predictor, build, device, speed))

    def cancel(self) -> None:
        """Drop what is under way and what waits; what is on screen stays, and so do the results in
        the history.

        Of weights that were being fetched, those that have come stay for the next time.
        """
        with self._lock:
            self._slot.stop_fetching()
            self._drop_requests()
            self._publish(error=self.error)

    def wait(self, timeout_s: float | None = None) -> Prediction | None:
        """Wait until nothing is under way, the model's loading included.

        Args:
            timeout_s: Seconds; None (default) waits as long as it takes.

        Returns:
            The prediction on screen, or None.

        Raises:
            SegWidgetsError: The last request failed; the result before it stays on screen.
            TimeoutError: The time is over.
        """
        with self._lock:
            if self._worker.is_current():
                # An observer that the worker itself calls would wait for itself for ever.
                return self._answer
            if not self._changed.wait_for(lambda: not self.busy, timeout_s):
                raise TimeoutError(f"After {timeout_s:g} s still busy: {self.status}.")
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            return self._answer

    @property
    def _answer(self) -> Prediction | None:
        return None if self.result is None else self.result.prediction

    def table(
        self, library: Literal["pandas", "polars"] | None = None, *, everything: bool = False
    ) -> Any:
        """The instances of all images of the history as one data frame.

        Args:
            library: "pandas" or "polars"; None (default): the one that is there.
            everything: Also those that are not shown (default False).

        Returns:
            A data frame with a row for each instance: `prediction.INSTANCE_COLUMNS`, and `model`.

        Raises:
            SettingError: `library` is something else.
            DependencyError: The library is not installed.
        """
        with self._lock:
            history, chosen, current = self.history, self.filter, self.current
        return history_table(history, None if everything else chosen, current, library)

    def close(self, timeout_s: float = 0.0) -> None:
        """End the worker and free the model; what is on screen stays readable.

        Temporary files are removed: an older image of the history without a file of its own can't
        be loaded any more.

        An image that is being segmented can't be interrupted: its result is dropped. Closing twice
        is harmless.

        Args:
            timeout_s: Seconds to wait for the worker's end (default 0).
        """
        self._end_second()
        try:
            with self._lock, self._reporting():
                self._closed = True
                self._slot.close()
                self._drop_requests()
                self._undo.take()
                self._set_predictor()
                self._publish()
        finally:
            self._folder.close()
            self._end_worker()
        if timeout_s > 0:
            self._worker.join(timeout_s)

    @property
    def working(self) -> bool:
        """Whether an image is under way or waits, or weights are being fetched: what `cancel`
        drops. The model's loading alone is only `busy`."""
        with self._lock:
            return bool(self._queue) or bool(self._slot.fetching)

    @property
    def model_name(self) -> str:
        """The name by which `load_predictor` makes the model in use; "" for a predictor of one's
        own."""
        return self._slot.name

    @property
    def speed(self) -> str:
        """The speed of the model in use, "exact", "balanced" or "fast"; "exact" for a predictor of
        one's own."""
        return self._slot.speed

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def __repr__(self) -> str:
        return f"SegmentationSession({self.describe()})"
