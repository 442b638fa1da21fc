"""What a panel knows and does, without any widget: the image, what was found in it, and what of it
is shown.

Two threads of its own keep the kernel free: one builds the model, one opens and segments images. Of
several requests for one image one runs, the newest waits, older ones are dropped; a result is shown
only while its request is still the newest. Several images that come together are all kept: the
first is shown, the others go into the history one after the other, whenever nobody asks for
something else.
"""

from __future__ import annotations

import difflib
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

import numpy as np
import numpy.typing as npt
import traitlets

from .. import images
from ..errors import (
    InferenceError,
    ModelError,
    PredictionError,
    SegWidgetsError,
    SettingError,
    UrlError,
)
from ..modeling import STARTER, BackgroundDownload, missing_card, model_name
from ..prediction import Prediction, Predictor
from .history import History
from .traits import (
    ByIdentity,
    ClassNames,
    ClassThresholds,
    Indices,
    Picture,
    ThreadSafeTraits,
    Threshold,
    own_writes,
)

__all__ = ["PANEL_MAX_PIXELS", "SegmentationSession", "SegmentationState"]

RGBArray = npt.NDArray[np.uint8]
_Result = TypeVar("_Result")

PANEL_MAX_PIXELS: Final = 25_000_000
"""Pixels of the largest image that a session opens; more would make the browser slow."""

_log = logging.getLogger(__name__)


# ── the state ─────────────────────────────────────────────────────────────────────────────────────


class SegmentationState(ThreadSafeTraits):
    """The traits that a session and a panel have in common, and what follows from them."""

    image = Picture()
    """The image on screen, H×W×3 uint8 RGB, or None (default). It changes together with
    `prediction`. Setting it to anything that `images.load` takes (path, URL, bytes, array, PIL
    image) starts `segment`, and it changes when the result is there; setting it to None starts
    `clear`."""

    prediction = traitlets.Instance(Prediction, allow_none=True, read_only=True)
    """What was found in `image`, all of it down to the predictor's score floor, or None (default);
    never set from outside."""

    source = traitlets.Unicode("", read_only=True)
    """What `image` is called, such as "photo.jpg"; "" (default) while there is none, or it has no
    name."""

    origin = traitlets.Unicode("", read_only=True)
    """The path or address that `image` came from; "" (default) while there is none, or for bytes
    and arrays."""

    threshold = Threshold()
    """The lowest score that is shown, 0 to 1 (default 0.5)."""

    class_thresholds = ClassThresholds()
    """Thresholds of single classes by name, each 0 to 1, in place of `threshold`, lower or higher
    (default none); they stay for the next image."""

    hidden_classes = ClassNames()
    """Names of the classes that are not shown (default none); they stay hidden for the next
    image."""

    hidden_instances = Indices()
    """Places in `prediction` of single instances that are not shown (default none); a new image
    empties it."""

    selected = Indices()
    """Places in `prediction` of the selected instances (default none); a new image empties it."""

    busy = traitlets.Bool(False, read_only=True)
    """Whether a model is being built or an image is being opened or segmented (default False)."""

    status = traitlets.Unicode("", read_only=True)
    """What is being done, in words to show, such as "Segmenting photo.jpg (the last one took 0.4
    s)"; "" when idle."""

    error = traitlets.Unicode("")
    """Why the last request gave nothing, cause and fix, in words to show; "" (default) when it went
    well."""

    predictor = ByIdentity(read_only=True)
    """The predictor, or None (default) until it is built."""

    history = traitlets.Tuple((), read_only=True)
    """The images of this session, a tuple of `HistoryEntry` in the order in which they came
    (default empty): those with a result, up to a limit, those that wait for theirs, and those of
    several at once that failed."""

    current = traitlets.Int(None, allow_none=True, read_only=True)
    """The number in `history` of the image on screen, or None (default)."""

    fetching = traitlets.Unicode("", read_only=True)
    """The name of the model whose weights are being fetched, "" (default) while none are. Until
    they are there, the model that was in use goes on, or the starter."""

    def segment(self, source: object, name: str | None = None) -> None:
        """Open and segment an image in the background."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forget the image and its result."""
        raise NotImplementedError

    @property
    def shown_indices(self) -> tuple[int, ...]:
        """Places in `prediction` of what is shown: at or above the threshold, and not hidden."""
        prediction = self.prediction
        if prediction is None:
            return ()
        keep = prediction.keep(
            self.threshold, self.hidden_classes, self.class_thresholds, self.hidden_instances
        )
        return tuple(np.flatnonzero(keep).tolist())

    @property
    def shown(self) -> Prediction | None:
        """What is shown of `prediction`, as a prediction of its own; None while there is none."""
        return None if self.prediction is None else self.prediction.select(self.shown_indices)

    def describe(self) -> str:
        """One line on what is shown, the same for the same state; it stands in the `repr` of
        session and panel."""
        if self.image is None or self.prediction is None:
            return f"no image yet, threshold {self.threshold:.2f}"
        height, width = self.image.shape[:2]
        name = f"{self.source!r} " if self.source else ""
        total = len(self.prediction)
        return (
            f"image={name}{width}×{height}, {len(self.shown_indices)} of {total} "
            f"{'instance' if total == 1 else 'instances'} shown at threshold {self.threshold:.2f}"
        )

    @traitlets.validate("hidden_classes", "class_thresholds")
    def _known_classes(self, proposal: Any) -> Any:
        names: Iterable[str] = proposal["value"]
        if self.prediction is not None and self.prediction.class_names:
            known = self.prediction.class_names
            before = getattr(self, proposal["trait"].name)
            # Classes that were chosen under another model may stay; only a new unknown name is a
            # mistake.
            for name in names:
                if name not in known and name not in before:
                    raise SettingError(
                        f"The model has no class {name!r}.{_did_you_mean(name, known)}"
                    )
        return names

    @traitlets.validate("selected", "hidden_instances")
    def _known_instances(self, proposal: Any) -> tuple[int, ...]:
        indices: tuple[int, ...] = proposal["value"]
        count = 0 if self.prediction is None else len(self.prediction)
        if indices and max(indices) >= count:
            raise SettingError(
                f"There is no instance {max(indices)}: the result has {count}, counted from 0."
            )
        return indices


# ── the worker ────────────────────────────────────────────────────────────────────────────────────


class _Worker:
    """One thread with one place in its queue: a job that waits there gives way to a newer one.

    The thread knows the jobs but not their session, so that a forgotten session can be collected.
    """

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._next: Callable[[], None] | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def submit(self, job: Callable[[], None]) -> None:
        with self._wake:
            self._next = job
            # Started by the first job, and again should a job have ended it (SystemExit in a
            # predictor).
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="seg_widgets worker", daemon=True
                )
                self._thread.start()
            self._wake.notify()

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._next = None
            self._wake.notify()

    def is_current(self) -> bool:
        return self._thread is threading.current_thread()

    def join(self, timeout_s: float) -> None:
        if self._thread is not None and not self.is_current():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._wake:
                while self._next is None and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                job, self._next = self._next, None
            if job is not None:
                job()
            # Or the last image's job, with its image, would stay alive until the next one comes.
            del job


class _Superseded(Exception):
    """A newer request came, or the session was closed."""


class _Source(NamedTuple):
    """An image to open: what it is called, the path or address that it has, "" without one, and
    what opens it."""

    name: str
    origin: str
    load: Callable[[], RGBArray]


def _no_picture() -> RGBArray:
    raise SegWidgetsError("There is no image.")


_NOTHING: Final = _Source("", "", _no_picture)


class _Waiting(NamedTuple):
    """One of several images that waits for its turn: `number` is its place in the history."""

    number: int
    source: _Source


class _Request:
    """One image to segment, with its model where that is being built.

    `number`: its place in the history, where it has one already. `keeps`: whether it is one of
    several that came together, which are never dropped. `shows`: whether its result goes on screen.
    `runs`: whether the model has started on it. The session's newest request is its current one;
    one that is `superseded` is dropped.
    """

    def __init__(self, source: _Source, number: int | None, keeps: bool, shows: bool) -> None:
        self.source = source
        self.number = number
        self.keeps = keeps
        self.shows = shows
        self.runs = False
        self.model: Future[Predictor] | None = None
        self.superseded = threading.Event()


# ── the session ───────────────────────────────────────────────────────────────────────────────────


class SegmentationSession(SegmentationState):
    """An image, what a model found in it, and what of that is shown; knows no widget.

    `predictor`: a `Predictor`, a model's name or folder, or None for the starter; a name's model is
    built at once in the background, after its weights were fetched if they are not here. `build`:
    instead of a predictor, a function without arguments that builds one. `device`: "auto", "cpu",
    "cuda", "cuda:1" or "mps", for a name. `threshold`: 0 to 1. `allow_local`: URLs may point to
    this machine and to private networks (never for strangers' requests). `max_pixels`: the largest
    image that is opened.

    Observers are called on whichever thread made the change. Raises `SettingError` for an argument
    that is none.
    """

    def __init__(
        self,
        predictor: Predictor | str | Path | None = None,
        *,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
        threshold: float = 0.5,
        allow_local: bool = False,
        max_pixels: int = PANEL_MAX_PIXELS,
    ) -> None:
        super().__init__()
        self.threshold = threshold
        self._allow_local = allow_local
        self._max_pixels = max_pixels
        # Held also while busy, status and error are published: their order must be the order in
        # which things happened.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._worker = _Worker()
        self._collected = weakref.finalize(self, self._worker.close)
        self._request: _Request | None = None
        self._waiting: deque[_Waiting] = deque()
        self._together = 0
        self._history = History()
        self._doing = ""
        self._building: Future[Predictor] | None = None
        self._download: BackgroundDownload | None = None
        self._failure: SegWidgetsError | None = None
        self._last_s: float | None = None
        self._closed = False
        self._build: Callable[[], Predictor] | None = None
        self._model_name = ""
        self.use(predictor, build=build, device=device)

    # ── asking for things ─────────────────────────────────────────────────────────────────────────

    def segment(self, source: object, name: str | None = None) -> None:
        """Open and segment an image in the background; a request that still waits is dropped.

        `source`: anything that `images.load` takes, a URL too. `name`: what to call it; without it,
        its file name. What goes wrong with it comes as `error`, and from `wait`. Raises
        `SettingError` on a closed session.
        """
        self._submit(self._source(source, name))

    def segment_url(self, address: str) -> None:
        """Like `segment`, for a text that a stranger may have typed: only http(s) is followed,
        never a path."""
        text = address.strip()

        def load() -> RGBArray:
            if urlsplit(text).scheme.lower() not in ("http", "https"):
                raise UrlError(
                    f"{text!r} is not the address of an image: it starts with https:// or http://."
                )
            return images.load(text, max_pixels=self._max_pixels, allow_local=self._allow_local)

        self._submit(_Source(_name_of(text), text, load))

    def segment_all(self, sources: Iterable[object]) -> None:
        """Segment several images: the first is shown, the others go into `history`, one after the
        other.

        `sources`: each anything that `images.load` takes. A request for a single image goes first,
        and they go on after it. One that fails stays in the history with its error. Raises
        `SettingError` on a closed session.
        """
        with self._lock:
            self._check_open()
            if not self._waiting and not (self._request is not None and self._request.keeps):
                self._together = 0
            added: list[_Waiting] = []
            for source in sources:
                opened = self._source(source)
                added.append(_Waiting(self._history.add(opened.name, opened.origin), opened))
            if not added:
                return
            self._together += len(added)
            self._waiting.extend(added)
            first = added[0]
            self._waiting.remove(first)
            self._submit(first.source, first.number, keeps=True)

    def show(self, number: int) -> None:
        """Put the image numbered `number` of `history` on screen with its result; the model doesn't
        run again.

        One that waits becomes the next one; one that failed tells why in `error`. Raises
        `SettingError` when there is no such image.
        """
        with self._lock:
            self._check_open()
            entry = self._history[number]
            if entry.state == "done":
                self._failure = None
                source = _NOTHING._replace(name=entry.source, origin=entry.origin)
                self._show(entry.image, entry.prediction, source, number)
                self._publish(error="")
            elif entry.state == "failed":
                self._publish(error=entry.error)
            elif self._request is not None and self._request.number == number:
                self._request.shows = True
            else:
                waiting = next((one for one in self._waiting if one.number == number), None)
                if waiting is not None:
                    self._waiting.remove(waiting)
                    self._submit(waiting.source, number, keeps=True)

    def forget(self, number: int) -> None:
        """Remove an image from `history`; one that is on screen stays there.

        Raises `SettingError` when there is no such image.
        """
        with self._lock:
            self._history.remove(number)
            self._waiting = deque(one for one in self._waiting if one.number != number)
            if self._request is not None and self._request.number == number:
                self._request.superseded.set()
                self._request = None
                self._start_next()
            if self.current == number:
                self.set_trait("current", None)
            self._publish()

    def _source(self, source: object, name: str | None = None) -> _Source:
        called = name or _name_of(source)

        def load() -> RGBArray:
            return images.load(
                source,
                max_pixels=self._max_pixels,
                allow_local=self._allow_local,
                name=called or None,
            )

        return _Source(called, str(source) if isinstance(source, (str, PurePath)) else "", load)

    def use(
        self,
        predictor: Predictor | str | Path | None = None,
        *,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
    ) -> None:
        """Take another model (arguments as for the session) and segment the image on screen with
        it.

        Weights of the model zoo that are not here are fetched first; meanwhile, and when that
        fails, the model that was in use goes on, or the starter.
        """
        if isinstance(predictor, Path):
            predictor = model_name(predictor)
        if predictor is not None and build is not None:
            raise SettingError("Give a predictor or a function that builds one, not both.")
        name = ""
        if build is None and (predictor is None or isinstance(predictor, str)):
            name = predictor or STARTER
            build = _model_builder(name, device)
            if missing_card(name) is not None:
                self._fetch(name, device)
                return
        if predictor is not None and not isinstance(predictor, str) and not callable(predictor):
            raise SettingError(
                f"A predictor is called with an image and answers with a Prediction, but {type(predictor).__name__} "
                "can't be called; give a Predictor or a model's name."
            )
        with self._lock:
            self._check_open()
            self._stop_fetching()
            self._build = build
            self._model_name = name
            self._building = None
            self.set_trait("predictor", None if isinstance(predictor, str) else predictor)
            self._last_s = None
            shown = self.image
            request = self._request
            if request is not None and request.shows:
                request.superseded.set()
                self._request = None
                self._submit(request.source, request.number, request.keeps)
            elif shown is not None:
                self._submit(_Source(self.source, self.origin, lambda: shown), self.current)
            else:
                self._start_building()
                self._publish()

    def _fetch(self, name: str, device: str) -> None:
        """Fetch the weights of a model, and use it once they are there."""
        me = weakref.ref(self)  # a forgotten session must not live as long as the download

        def told() -> None:
            session = me()
            if session is not None:
                session._tell_fetched(fetch)

        def done(problem: SegWidgetsError | None) -> None:
            session = me()
            if session is not None:
                session._fetched(fetch, device, problem)

        fetch = BackgroundDownload(name, told, done)
        with self._lock:
            self._check_open()
            self._stop_fetching()
            if self._build is None and self.predictor is None:
                self.use(STARTER, device=device)
            self._download = fetch
            self._failure = None
            self._publish(error="")
        weakref.finalize(self, fetch.cancel)
        fetch.start()

    def _stop_fetching(self) -> None:
        """Called with the lock; whoever calls publishes."""
        if self._download is not None:
            self._download.cancel()
            self._download = None

    def _tell_fetched(self, fetch: BackgroundDownload) -> None:
        with self._lock:
            if self._download is fetch:
                self._publish()

    def _fetched(
        self, fetch: BackgroundDownload, device: str, problem: SegWidgetsError | None
    ) -> None:
        with self._lock:
            if (
                self._download is not fetch
            ):  # cancelled, closed, or another model was chosen meanwhile
                return
            if problem is None:
                self._download = None
                self.use(fetch.name, device=device)
                return
            self._download = None
            goes_on = self._model_name or _predictor_name(self.predictor)
            kind = type(problem) if isinstance(problem, ModelError) else ModelError
            self._failure = kind(f"{problem} Going on with the model {goes_on!r}.")
            self._publish(error=str(self._failure))

    def clear(self) -> None:
        """Forget the image, its result, the history and any error, and drop what is under way or
        waits."""
        with self._lock:
            self._drop_all()
            self._history.clear()
            self._failure = None
            self._show(None, None, _NOTHING, None)
            self._publish(error="")

    @property
    def working(self) -> bool:
        """Whether an image is under way or waits or weights are being fetched, which `cancel`
        drops.

        The model's loading alone is only `busy`.
        """
        with self._lock:
            return self._request is not None or bool(self._waiting) or self._download is not None

    def cancel(self) -> None:
        """Drop what is under way and what waits; what is on screen stays, and so do the results in
        the history.

        Of weights that were being fetched, those that have come stay for the next time.
        """
        with self._lock:
            self._stop_fetching()
            self._drop_all()
            self._publish()

    def wait(self, timeout_s: float | None = None) -> Prediction | None:
        """Wait until nothing is under way, the model's loading included, and return the prediction
        on screen.

        `timeout_s`: seconds; None waits as long as it takes. Raises the error of the last request
        if it failed (the result before it stays on screen), and `TimeoutError` when the time is
        over.
        """
        with self._lock:
            if self._worker.is_current():
                # An observer that the worker itself calls would wait for itself for ever.
                return self.prediction
            if not self._changed.wait_for(lambda: not self.busy, timeout_s):
                raise TimeoutError(f"After {timeout_s:g} s still busy: {self.status}.")
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            return self.prediction

    def close(self, timeout_s: float = 0.0) -> None:
        """End the worker and let go of the model; what is on screen stays readable.

        An image that is being segmented can't be interrupted: its result is dropped. `timeout_s`:
        how many seconds to wait for that. Closing twice is harmless.
        """
        with self._lock:
            self._closed = True
            self._stop_fetching()
            self._drop_all()
            self._build = self._building = None
            self.set_trait("predictor", None)
            self._publish()
        self._collected()
        if timeout_s > 0:
            self._worker.join(timeout_s)

    @property
    def model_name(self) -> str:
        """The name by which `load_predictor` makes the model in use, or "" for a predictor of one's
        own."""
        return self._model_name

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def __repr__(self) -> str:
        return f"SegmentationSession({self.describe()})"

    # ── the model ─────────────────────────────────────────────────────────────────────────────────

    def _start_building(self) -> None:
        """Build the model in a thread of its own, unless it is there or being built. Called with
        the lock."""
        build = self._build
        if build is None or self.predictor is not None or self._building is not None:
            return
        future: Future[Predictor] = Future()
        self._building = future

        def work() -> None:
            try:
                built = build()
                if not callable(built):
                    raise ModelError(
                        f"The model's builder gave {type(built).__name__}, which is not a Predictor."
                    )
            except Exception as error:
                self._built(future, None, _presentable(error, "load the model", ModelError))
            else:
                self._built(future, built, None)

        threading.Thread(target=work, name="seg_widgets model", daemon=True).start()

    def _built(
        self, future: Future[Predictor], predictor: Predictor | None, error: SegWidgetsError | None
    ) -> None:
        with self._lock:
            if self._building is not future:
                # Closed, or another model was chosen meanwhile; a request that waits for this one
                # has gone as well.
                future.cancel()
                return
            self._building = None
            if predictor is not None:
                self.set_trait("predictor", predictor)
                future.set_result(predictor)
                self._publish()
                return
            assert error is not None
            future.set_exception(error)
            if self._request is None:
                # Nobody waits for the model, so nobody else would tell.
                self._failure = error
                self._publish(error=str(error))
            else:
                self._publish()

    def _wait_for_model(self, request: _Request) -> Predictor:
        if request.model is not None:
            return _result(request.model, request)
        predictor: Predictor | None = self.predictor
        if predictor is None:  # closed meanwhile
            raise _Superseded
        return predictor

    # ── one request ───────────────────────────────────────────────────────────────────────────────

    def _submit(self, source: _Source, number: int | None = None, keeps: bool = False) -> None:
        """Make this the current request, whose result is shown."""
        with self._lock:
            self._check_open()
            self._give_way()
            self._failure = None
            self._start(_Request(source, number, keeps, shows=True))
            self._publish(error="")

    def _start(self, request: _Request) -> None:
        """Called with the lock; whoever calls publishes."""
        self._start_building()
        request.model = self._building
        self._request = request
        self._doing = self._sentence("Opening", request)
        if request.keeps and request.number is not None:
            self._history.update(request.number, state="busy")
        self._worker.submit(lambda: self._work(request))

    def _start_next(self) -> None:
        """Go on with the images that wait, unless something else is under way. Called with the
        lock."""
        if self._request is None and self._waiting and not self._closed:
            number, source = self._waiting.popleft()
            # The first result of several is shown, even where the first image of them has failed.
            self._start(_Request(source, number, keeps=True, shows=self.image is None))

    def _give_way(self) -> None:
        """Make room for a newer request: a single one is dropped, one of several waits again.
        Called with the lock."""
        request, self._request = self._request, None
        if request is None:
            return
        if not request.keeps or request.number is None:
            request.superseded.set()
        elif request.runs:
            # The model can't be interrupted: its result goes into the history.
            request.shows = False
        else:
            request.superseded.set()
            self._waiting.appendleft(_Waiting(request.number, request.source))
            self._history.update(request.number, state="waiting")

    def _drop_all(self) -> None:
        """Drop what is under way and what waits, with their places in the history. Called with the
        lock."""
        dropped = [one.number for one in self._waiting]
        self._waiting.clear()
        if self._request is not None:
            self._request.superseded.set()
            self._request = None
        dropped += [entry.number for entry in self._history if entry.state in ("waiting", "busy")]
        for number in dropped:
            if number in self._history:
                self._history.remove(number)

    def _work(self, request: _Request) -> None:
        try:
            image = self._load(request)
            # Bytes that were uploaded are let go once they are opened.
            request.source = request.source._replace(load=lambda: image)
            if self.predictor is None:
                self._tell(request, "Loading the model (the first time takes some seconds)")
            predictor = self._wait_for_model(request)
            took = "" if self._last_s is None else f" (the last one took {_seconds(self._last_s)})"
            self._tell(request, self._sentence("Segmenting", request) + took, runs=True)
            started = time.monotonic()
            prediction = predictor(image)
            took_s = time.monotonic() - started
            _check_answer(prediction, image)
        except _Superseded:
            return
        except Exception as error:
            what = f"segment {request.source.name or 'the image'}"
            self._fail(request, _presentable(error, what, InferenceError))
        else:
            self._finish(request, image, prediction, took_s)

    def _load(self, request: _Request) -> RGBArray:
        """The request's image, read in a thread that is left to itself when a newer request comes.

        A slow server has up to the fetch's whole time limit, and a newer request should not wait
        for it.
        """
        future: Future[RGBArray] = Future()
        load = request.source.load

        def work() -> None:
            try:
                future.set_result(load())
            except Exception as error:
                future.set_exception(error)

        threading.Thread(target=work, name="seg_widgets opener", daemon=True).start()
        return _result(future, request)

    def _tell(self, request: _Request, doing: str, runs: bool = False) -> None:
        with self._lock:
            if request.superseded.is_set():
                raise _Superseded
            request.runs = runs
            if self._request is request:
                self._doing = doing
                self._publish()

    def _finish(
        self, request: _Request, image: RGBArray, prediction: Prediction, took_s: float
    ) -> None:
        with self._lock:
            if self._is_dropped(request):
                return
            self._last_s = took_s
            name, origin, _ = request.source
            number = self._history.add(name, origin) if request.number is None else request.number
            done = {
                "image": image,
                "prediction": prediction,
                "took_s": took_s,
                "model": _predictor_name(self.predictor),
            }
            self._history.update(number, state="done", error="", **done)
            shows = request.shows or self.image is None
            self._history.trim(number if shows else self.current)
            # The request stays the current one while the result is shown, so that busy ends only
            # after it.
            try:
                if shows:
                    self._show(
                        image,
                        prediction,
                        request.source,
                        number if number in self._history else None,
                    )
            except Exception:
                _log.exception("An observer of the image or its result failed")
            self._end(request, error="" if shows else None)

    def _fail(self, request: _Request, error: SegWidgetsError) -> None:
        with self._lock:
            if self._is_dropped(request):
                return
            if request.keeps and request.number is not None:
                self._history.update(request.number, state="failed", error=str(error))
            if isinstance(error, ModelError) and self.predictor is None:
                # Each of the others would build the model again, only to fail in the same way.
                for one in self._waiting:
                    self._history.update(one.number, state="failed", error=str(error))
                self._waiting.clear()
            self._failure = error
            self._end(request, error=str(error))

    def _is_dropped(self, request: _Request) -> bool:
        return request.superseded.is_set() or (
            request.keeps and request.number not in self._history
        )

    def _end(self, request: _Request, error: str | None) -> None:
        """Go on with what waits. Called with the lock."""
        if self._request is request:
            self._request = None
        self._start_next()
        # An observer of the result may have asked for another image, whose state must stay.
        self._publish(
            error=None if self._request is not None and self._request.shows and not error else error
        )

    def _sentence(self, verb: str, request: _Request) -> str:
        place = ""
        if request.keeps and self._together > 1:
            place = f" ({self._together - len(self._waiting)} of {self._together})"
        return f"{verb} {request.source.name or 'the image'}{place}"

    # ── publishing ────────────────────────────────────────────────────────────────────────────────

    def _show(
        self,
        image: RGBArray | None,
        prediction: Prediction | None,
        source: _Source,
        number: int | None,
    ) -> None:
        """Put an image and its result on screen together: every observer sees both, or neither."""
        with self.hold_trait_notifications():
            self.selected = ()
            self.hidden_instances = ()
            self.set_trait("source", source.name)
            self.set_trait("origin", source.origin)
            self.set_trait("current", number)
            self.set_trait("prediction", prediction)
            with own_writes():
                self.image = image

    def _publish(self, error: str | None = None) -> None:
        """Say what is under way. Called with the lock."""
        if self._request is not None:
            status = self._doing
        elif self._download is not None:
            status = self._download.words
        elif self._building is not None:
            status = "Loading the model; an image can be chosen meanwhile"
        else:
            status = ""
        with self.hold_trait_notifications():
            if error is not None:
                self.error = error
            self.set_trait("history", tuple(self._history))
            self.set_trait("fetching", "" if self._download is None else self._download.name)
            self.set_trait("status", status)
            self.set_trait("busy", bool(status))
        self._changed.notify_all()

    def _check_open(self) -> None:
        if self._closed:
            raise SettingError("This session is closed; make a new one.")


def _result(future: Future[_Result], request: _Request) -> _Result:
    """The future's result; a request that is superseded stops waiting for it."""
    while not request.superseded.is_set():
        try:
            return future.result(timeout=0.05)
        except CancelledError:
            raise _Superseded from None
        except TimeoutError:
            if future.done():  # the work's own time-out, not ours
                raise
    raise _Superseded


def _model_builder(name: str, device: str) -> Callable[[], Predictor]:
    def build() -> Predictor:
        from ..modeling import load_predictor

        return load_predictor(name, device=device)

    return build


def _presentable(error: Exception, what: str, kind: type[SegWidgetsError]) -> SegWidgetsError:
    """The error as one of our own, without the frames (and images) that its tracebacks would keep
    alive."""
    if isinstance(error, SegWidgetsError):
        _log.debug("Could not %s", what, exc_info=error)
        shown = error
    else:
        _log.error("Could not %s", what, exc_info=error)
        detail = f": {str(error).rstrip('.')}" if str(error) else ""
        shown = kind(
            f"Something unexpected stopped the attempt to {what} ({type(error).__name__}{detail}). "
            "The kernel's log has the details; try again, or try another image."
        )
    error.__traceback__ = shown.__traceback__ = None
    shown.__cause__ = shown.__context__ = None
    return shown


def _name_of(source: object) -> str:
    """What to call an image: its file name where it has one."""
    name = getattr(source, "name", None) or getattr(source, "filename", None)
    if isinstance(source, str):
        if "://" in source:
            parts = urlsplit(source.strip())
            return unquote(PurePath(parts.path).name) or parts.hostname or ""
        return PurePath(source).name
    if isinstance(source, PurePath):
        return source.name
    return PurePath(name).name if isinstance(name, str) else ""


def _check_answer(prediction: object, image: RGBArray) -> None:
    """Raise `PredictionError` unless it is a prediction of this image."""
    if not isinstance(prediction, Prediction):
        raise PredictionError(
            f"The predictor answered with {type(prediction).__name__} and not with a Prediction."
        )
    if prediction.image_size != image.shape[:2]:
        height, width = prediction.image_size
        raise PredictionError(
            f"The predictor answered for an image of {width}×{height} pixels, but this one has "
            f"{image.shape[1]}×{image.shape[0]}."
        )


def _predictor_name(predictor: object) -> str:
    return str(getattr(predictor, "name", "") or type(predictor).__name__)


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.1f} s" if duration_s < 10 else f"{duration_s:.0f} s"


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, 1, 0.5)
    if close:
        return f" Did you mean {close[0]!r}?"
    listed = ", ".join(names[:8]) + (f" … ({len(names)} in all)" if len(names) > 8 else "")
    return f" It knows {listed}."
