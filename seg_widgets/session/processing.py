"""How a session runs its requests: queue, worker, model and history together, under one lock."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace

from .._text import printable
from ..errors import InferenceError, ModelError, SegWidgetsError
from ..modeling import STARTER
from ..prediction import NO_TIDY, Filter, PartialPrediction
from .failures import presentable
from .model_slot import ModelChoice, ModelSlot, predictor_name, predictor_title
from .opening import Openers
from .pixels import PixelFolder
from .progress import Progress
from .publishing import Publishing
from .queue import Request
from .result import Result
from .run import Run, Step, run_request
from .source import Source
from .worker import Superseded, Worker

__all__ = ["Processing"]


@dataclass(frozen=True)
class _Hearing:
    """Tells a session how far a request is."""

    session: Processing
    request: Request

    def on_step(self, step: Step) -> None:
        self.session._on_step(self.request, step)

    def on_wait(self, words: str) -> None:
        self.session._on_wait(self.request, words)

    def on_first(self, found: PartialPrediction) -> None:
        self.session._on_first(self.request, found)

    def shown(self) -> Filter | None:
        return self.session._shown_of(self.request)


class Processing(Publishing):
    """The part of a session that works: it starts requests, and publishes what comes of them.

    Observers are called on whichever thread made the change.

    Args:
        threshold: The lowest score that is shown, 0 to 1.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__(threshold)
        self._folder = PixelFolder()
        self._slot = ModelSlot(
            on_built=self._on_built,
            on_progress=self._publish,
            on_fetched=self._on_fetched,
            lock=self._lock,
        )
        self._progress = Progress(self._queue, self._slot)
        self._openers = Openers()
        self._worker = Worker()
        self._end_worker = weakref.finalize(self, self._worker.close)
        # Counts what was requested: several images that come together are one request.
        self._order = 0
        self._closed = False

    # ── the model ─────────────────────────────────────────────────────────────────────────────────

    def _choose(self, choice: ModelChoice) -> None:
        """Use a model, or fetch it first."""
        if choice.missing is None:
            self._use(choice)
            return
        with self._lock:
            self._check_open()
            if self._slot.state == "empty":
                self._use(ModelChoice.of(STARTER, device=choice.device))
            self._failure = None
            self._slot.fetch(choice)
            self._publish(error="")

    def _use(self, choice: ModelChoice) -> None:
        """Use a model, and segment the image on screen with it."""
        with self._lock, self._reporting():
            self._check_open()
            self._slot.use(choice)
            self._set_predictor()
            self._progress.took(None)

            result, request = self.result, self._queue.current
            if request is not None and request.shown:
                self._queue.drop_current()
                self._submit(request.again())
            elif result is not None:
                # A result of its own beside the one of the other model, with the same pixels.
                source = Source.of_array(result.image, result.name, result.uri, result.image_notes)
                number = self.current
                pixels = None if number is None else self._history[number].pixels
                self._submit(Request(source, pixels=pixels))
            else:
                self._slot.get()
                # What a model before this one has failed at is over.
                self._failure = None
                self._publish(error="")

    def _on_built(self, error: SegWidgetsError | None) -> None:
        """The slot has built a model, or failed to. Called with the lock."""
        self._set_predictor()
        if error is not None and self._queue.current is None:
            # No request waits for the model, so none would report it.
            self._failure = error
            self._publish(error=str(error))
        else:
            self._publish()

    def _on_fetched(self, choice: ModelChoice, problem: SegWidgetsError | None) -> None:
        """The slot has fetched a model, or failed to. Called with the lock."""
        if problem is None:
            self._use(choice)
            return
        in_use = self._slot.name or predictor_name(self.predictor)
        kind = type(problem) if isinstance(problem, ModelError) else ModelError
        self._failure = kind(f"{problem} Going on with the model {in_use!r}.")
        self._publish(error=str(self._failure))

    # ── starting and dropping; all with the lock ──────────────────────────────────────────────────

    def _submit(self, request: Request) -> None:
        """Make this the current request, and start it. One without an order is the newest."""
        with self._lock:
            self._check_open()
            request.order = request.order or self._next_order()
            self._begin(request, self._queue.put(request))

    def _begin(self, request: Request, waits_again: Request | None) -> None:
        """Start the request that is now the current one, in place of one that waits again."""
        if waits_again is not None and waits_again.number is not None:
            self._history.update(waits_again.number, state="waiting")
        self._failure = None
        self._start(request)
        self._publish(error="")

    def _next_order(self) -> int:
        """The order of one more request, which is now the newest."""
        self._order += 1
        return self._order

    def _start(self, request: Request) -> None:
        request.model = self._slot.get()
        self._progress.opening(request)
        if request.kept and request.number is not None:
            self._history.update(request.number, state="busy")
        self._worker.submit(lambda: self._work(request))

    def _start_next(self) -> None:
        """Go on with the images that wait, unless something else is under way."""
        request = None if self._closed else self._queue.next()
        if request is not None:
            # The first result of several is shown, even where the first image of them has failed.
            request.shown = self.image is None or not request.kept
            self._start(request)

    def _drop_requests(self) -> None:
        """Drop what is under way and what waits, with their entries in the history."""
        self._queue.clear()
        self._history.drop_unfinished()

    def _is_dropped(self, request: Request) -> bool:
        return request.dropped.is_set() or (request.kept and request.number not in self._history)

    # ── on the worker's thread ────────────────────────────────────────────────────────────────────

    def _work(self, request: Request) -> None:
        try:
            self._finish(
                request,
                run_request(request, self._openers, _Hearing(self, request)),
            )
        except Superseded:
            return
        # A predictor, a file-like object or an adapter can raise anything, SystemExit included.
        except BaseException as error:
            what = f"segment {printable(request.source.name) or 'the image'}"
            self._fail(request, presentable(error, what, InferenceError))
        # Without the lock: writing a file may take a second.
        with self._lock:
            over = self._history.over_limit(self.current)
        for pixels in over:
            pixels.put_away(self._folder)

    def _on_step(self, request: Request, step: Step) -> None:
        with self._lock:
            if request.dropped.is_set():
                raise Superseded
            request.running = step == "segmenting"
            if self._queue.current is not request:
                return
            if request.running:
                self._progress.segmenting(request)
            else:
                self._progress.loading()
            self._publish()

    def _on_wait(self, request: Request, words: str) -> None:
        with self._lock:
            if self._queue.current is not request or request.dropped.is_set():
                return
            self._progress.segmenting(request, words)
            self._publish()

    def _on_first(self, request: Request, found: PartialPrediction) -> None:
        with self._lock:
            if self._is_dropped(request):
                raise Superseded
            if self._queue.current is not request or request.upcoming is None:
                return
            request.upcoming = replace(request.upcoming, found=found)
            self._progress.drawing(request)
            self._publish()

    def _shown_of(self, request: Request) -> Filter | None:
        """What is shown of a request's result; None where it doesn't go on screen."""
        with self._lock:
            is_shown = request.shown or self.image is None
            # Tidying up needs all masks that meet the threshold.
            shown = replace(self.filter, hidden_instances=(), tidy=NO_TIDY)
            return shown if is_shown else None

    def _finish(self, request: Request, run: Run) -> None:
        with self._lock:
            if self._is_dropped(request):
                return
            self._progress.took(run.took_s)
            name, uri, number = request.source.name, request.source.uri, request.number
            if number is None:
                number = self._history.add(name, uri)
            model = predictor_title(run.predictor)
            opened = run.opened
            result = Result(
                opened.image, run.prediction, name, uri, number, model, run.took_s, opened.notes
            )
            self._history.finish(number, result, run.pixels)

            shown = request.shown or self.image is None
            # The request stays the current one while the result is shown, so that busy ends only
            # after it.
            if shown:
                self._show(result)
            # The beginning of the newest request has removed the error of the one before. An error
            # that is there now is of the newest request, or of another image that came with this
            # one.
            self._end(request)

    def _fail(self, request: Request, error: SegWidgetsError) -> None:
        with self._lock:
            if self._is_dropped(request):
                return
            failed = [request] if request.kept else []
            if isinstance(error, ModelError) and self.predictor is None:
                # Each of the others would build the model again, only to fail in the same way.
                failed += self._queue.drop_waiting()
            for one in failed:
                if one.number is not None:
                    self._history.update(one.number, state="failed", error=str(error))
            if request.order < self._order:
                # An image that waited: its entry has the error. What is told is about the newest
                # request.
                self._end(request)
                return
            self._failure = error
            self._end(request, error=str(error))

    def _end(self, request: Request, error: str | None = None) -> None:
        """Go on with what waits; report an error unless it is None. Called with the lock."""
        self._queue.end(request)
        self._start_next()
        self._publish(error=error)
