"""How a session runs its requests: queue, worker, model and history together, under one lock."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..errors import InferenceError, ModelError, SegWidgetsError, SettingError
from ..modeling import STARTER
from .failures import presentable
from .history import History
from .model_slot import ModelChoice, ModelSlot, predictor_name
from .pixels import PixelFolder
from .queue import Request, RequestQueue
from .result import Result
from .run import Run, Step, run_request
from .source import Source
from .state import SegmentationState
from .worker import Superseded, Worker

__all__ = ["Processing"]

_log = logging.getLogger(__name__)


class Processing(SegmentationState):
    """The part of a session that works: it starts requests, and publishes what comes of them.

    Observers are called on whichever thread made the change.

    Args:
        choice: The model to use; its building or fetching starts at once.
        threshold: The lowest score that is shown, 0 to 1.
    """

    # ipywidgets calls `close` also for an object whose __init__ refused its arguments.
    _closed = True

    def __init__(self, choice: ModelChoice, threshold: float) -> None:
        # Checked before a panel becomes a widget, which would have to be closed.
        self.threshold = threshold
        super().__init__()

        # The one lock of a session. It is also held while traits are published: their order must
        # be the order in which things happened.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

        self._queue = RequestQueue()
        self._history = History()
        self._folder = PixelFolder()
        self._slot = ModelSlot(
            on_built=self._on_built,
            on_progress=self._publish,
            on_fetched=self._on_fetched,
            lock=self._lock,
        )
        self._worker = Worker()
        self._end_worker = weakref.finalize(self, self._worker.close)

        self._doing = ""
        self._failure: SegWidgetsError | None = None
        self._last_s: float | None = None
        self._closed = False
        self._choose(choice)

    def _check_open(self) -> None:
        if self._closed:
            raise SettingError("This session is closed; make a new one.")

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
        with self._lock:
            self._check_open()
            self._slot.use(choice)
            self._set_predictor()
            self._last_s = None

            result, request = self.result, self._queue.current
            if request is not None and request.shown:
                self._queue.drop_current()
                self._submit(
                    Request(
                        request.source, request.number, kept=request.kept, pixels=request.pixels
                    )
                )
            elif result is not None:
                # A result of its own beside the one of the other model, with the same pixels.
                source = Source.of_array(result.image, result.name, result.uri, result.image_notes)
                number = self.current
                pixels = None if number is None else self._history[number].pixels
                self._submit(Request(source, pixels=pixels))
            else:
                self._slot.get()
                self._publish()

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
        """Make this the current request, and start it."""
        with self._lock:
            self._check_open()
            self._begin(request, self._queue.put(request))

    def _begin(self, request: Request, waits_again: Request | None) -> None:
        """Start the request that is now the current one, in place of one that waits again."""
        if waits_again is not None and waits_again.number is not None:
            self._history.update(waits_again.number, state="waiting")
        self._failure = None
        self._start(request)
        self._publish(error="")

    def _start(self, request: Request) -> None:
        request.model = self._slot.get()
        self._doing = self._sentence("Opening", request)
        if request.kept and request.number is not None:
            self._history.update(request.number, state="busy")
        self._worker.submit(lambda: self._work(request))

    def _start_next(self) -> None:
        """Go on with the images that wait, unless something else is under way."""
        request = None if self._closed else self._queue.next()
        if request is not None:
            # The first result of several is shown, even where the first image of them has failed.
            request.shown = self.image is None
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
            run = run_request(
                request,
                lambda step: self._on_step(request, step),
                lambda words: self._on_wait(request, words),
            )
        except Superseded:
            return
        except Exception as error:
            what = f"segment {request.source.name or 'the image'}"
            self._fail(request, presentable(error, what, InferenceError))
        else:
            self._finish(request, run)
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
                last_s = self._last_s
                last = "" if last_s is None else f" (the last one took {_seconds(last_s)})"
                self._doing = self._sentence("Segmenting", request) + last
            else:
                self._doing = "Loading the model (the first time takes some seconds)"
            self._publish()

    def _on_wait(self, request: Request, words: str) -> None:
        with self._lock:
            if self._queue.current is not request or request.dropped.is_set():
                return
            self._doing = self._sentence("Segmenting", request) + (f": {words}" if words else "")
            self._publish()

    def _finish(self, request: Request, run: Run) -> None:
        with self._lock:
            if self._is_dropped(request):
                return
            self._last_s = run.took_s
            name, uri, number = request.source.name, request.source.uri, request.number
            if number is None:
                number = self._history.add(name, uri)
            model = predictor_name(run.predictor)
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
            self._end(request, error="" if shown else None)

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
            self._failure = error
            self._end(request, error=str(error))

    def _end(self, request: Request, error: str | None) -> None:
        """Go on with what waits. Called with the lock."""
        self._queue.end(request)
        self._start_next()
        # An observer of the result may have requested another image, whose state must stay.
        current = self._queue.current
        keeps_state = current is not None and current.shown and not error
        self._publish(error=None if keeps_state else error)

    # ── publishing; all with the lock ─────────────────────────────────────────────────────────────

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Within it, traits are set; what their observers raise is logged, and goes no further.

        An observer's mistake must neither stop the worker nor keep `wait` from ending.
        """
        try:
            with self.hold_trait_notifications():
                yield
        except Exception as error:
            which = " ".join(getattr(error, "__notes__", ()))
            _log.error(
                "A function that observes the session failed with %s: %s. %s The session goes on.",
                type(error).__name__,
                error,
                which,
                exc_info=error,
            )

    def _set_predictor(self) -> None:
        with self._reporting():
            self.set_trait("predictor", self._slot.predictor)

    def _show(self, result: Result | None) -> None:
        """Put a result on screen, or None."""
        in_history = result is not None and result.number in self._history
        number = result.number if result is not None and in_history else None
        shown = None if result is None else replace(result, number=number)
        with self._reporting():
            self._publish_result(shown, number, self._history)

    def _publish(self, error: str | None = None) -> None:
        """Publish what is under way; `error` unless it is None."""
        if self._queue.current is not None:
            status = self._doing
        elif self._slot.fetching:
            status = self._slot.progress
        elif self._slot.building:
            status = "Loading the model; an image can be chosen meanwhile"
        else:
            status = ""
        with self._reporting():
            if error is not None:
                self.error = error
            self.set_trait("history", tuple(self._history))
            self.set_trait("fetching", self._slot.fetching)
            self.set_trait("status", status)
            self.set_trait("busy", bool(status))
        self._changed.notify_all()

    def _sentence(self, verb: str, request: Request) -> str:
        position = self._queue.position(request)
        place = f" ({position[0]} of {position[1]})" if position else ""
        return f"{verb} {request.source.name or 'the image'}{place}"


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.1f} s" if duration_s < 10 else f"{duration_s:.0f} s"
