"""What a panel knows and does, without any widget: the picture, what was found in it, and what of it is shown.

Two threads of its own keep the kernel free: one builds the model, one opens and segments pictures. Of several requests
one runs, the newest waits, older ones are dropped; a result is shown only while its request is still the newest.
"""

from __future__ import annotations

import difflib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

import numpy as np
import numpy.typing as npt
import traitlets

from . import images
from .errors import InferenceError, ModelError, PredictionError, SegWidgetsError, SettingError, UrlError
from .prediction import Prediction, check_threshold
from .predictor import Predictor

__all__ = [
    "ClassNames",
    "Indices",
    "SegmentationSession",
    "SegmentationState",
    "ThreadSafeTraits",
    "Threshold",
    "own_writes",
]

RGBArray = npt.NDArray[np.uint8]
_Result = TypeVar("_Result")

PANEL_MAX_PIXELS: Final = 25_000_000
"""Pixels of the largest picture that a session opens; more would make the browser slow."""

_log = logging.getLogger(__name__)


if TYPE_CHECKING:
    _FloatTrait = traitlets.TraitType[float, object]
    _NamesTrait = traitlets.TraitType[tuple[str, ...], Iterable[str]]
    _IndicesTrait = traitlets.TraitType[tuple[int, ...], Iterable[int]]
    _AnyTrait = traitlets.TraitType[Any, Any]
else:
    # traitlets 5.7 (Colab's) takes no type parameters.
    _FloatTrait = _NamesTrait = _IndicesTrait = _AnyTrait = traitlets.TraitType


# ── traits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Threshold(_FloatTrait):
    """A score threshold, 0 to 1; anything else (NaN too) raises `SettingError` and changes nothing."""

    info_text = "a number from 0 to 1"
    default_value = 0.5

    def validate(self, obj: Any, value: object) -> float:
        """The value as a float."""
        return check_threshold(value)


class ClassNames(_NamesTrait):
    """Class names without repetition, as a tuple; one text instead of a list raises `SettingError`."""

    info_text = "a list of class names"
    default_value = ()

    def validate(self, obj: Any, value: Any) -> tuple[str, ...]:
        """The names as a tuple."""
        if isinstance(value, str):
            raise SettingError(f"{self.name} is a list of class names, such as [{value!r}], not one text.")
        try:
            names = tuple(value)
        except TypeError:
            names = (value,)
        if not all(isinstance(name, str) for name in names):
            raise SettingError(f'{self.name} is a list of class names, such as ["person"], not {value!r}.')
        return tuple(dict.fromkeys(names))


class Indices(_IndicesTrait):
    """Places of instances in the prediction without repetition, as a tuple; anything else raises `SettingError`."""

    info_text = "a list of instance numbers"
    default_value = ()

    def validate(self, obj: Any, value: Any) -> tuple[int, ...]:
        """The numbers as a tuple of int."""
        try:
            numbers = tuple(value)
        except TypeError:
            numbers = (value,)
        wrong = [n for n in numbers if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0]
        if wrong:
            raise SettingError(f"{self.name} is a list of instance numbers from 0 on, such as [0, 3], not {value!r}.")
        return tuple(dict.fromkeys(int(number) for number in numbers))


class ByIdentity(_AnyTrait):
    """A value that is compared by identity: comparing two pictures pixel by pixel for each change would be a waste."""

    default_value = None
    allow_none = True

    def set(self, obj: Any, value: Any) -> None:
        """Set it, and notify unless it is the very same object."""
        old = obj._trait_values.get(self.name)
        obj._trait_values[self.name] = value
        if old is not value:
            obj._notify_trait(self.name, old, value)


class Picture(ByIdentity):
    """The picture on screen: setting it asks for a segmentation, and it changes only when the result is there."""

    def set(self, obj: Any, value: Any) -> None:
        if getattr(_own_writes, "on", False):
            super().set(obj, value)
        elif value is None:
            obj.clear()
        else:
            obj.segment(value)


# True in a thread while it publishes a result, so that only the session itself writes the picture on screen.
_own_writes = threading.local()


@contextmanager
def own_writes() -> Iterator[None]:
    """Within it, setting a `Picture` trait in this thread puts the picture on screen instead of asking for it."""
    _own_writes.on = True
    try:
        yield
    finally:
        _own_writes.on = False


# By thread: the changes that wait for the end of that thread's hold_trait_notifications, by the object's id.
_held = threading.local()


class ThreadSafeTraits(traitlets.HasTraits):
    """Traits that several threads may set: holding notifications back in one thread never touches another's.

    traitlets' own `hold_trait_notifications` replaces `notify_change` of the object for everybody, so a change that a
    second thread makes meanwhile can be lost.
    """

    @contextmanager
    def hold_trait_notifications(self) -> Iterator[None]:
        """Collect this thread's changes and notify once at the end, the last value of each trait."""
        waiting: dict[int, dict[str, Any]] = _held.__dict__.setdefault("changes", {})
        if id(self) in waiting:
            yield
            return
        mine = waiting[id(self)] = {}
        try:
            yield
        finally:
            del waiting[id(self)]
            failure: Exception | None = None
            for change in mine.values():
                # An observer that fails must not keep the others from hearing of their change.
                try:
                    self.notify_change(change)
                except Exception as error:
                    failure = failure or error
            if failure is not None:
                raise failure

    def notify_change(self, change: Any) -> None:
        """Notify, or keep the change while this thread holds notifications back."""
        mine = getattr(_held, "changes", {}).get(id(self))
        if mine is None:
            super().notify_change(change)
            return
        name = change["name"]
        if name in mine:
            change = traitlets.Bunch({**change, "old": mine[name]["old"]})
        mine[name] = change


# ── the state ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class SegmentationState(ThreadSafeTraits):
    """The traits that a session and a panel have in common, and what follows from them."""

    image = Picture()
    """The picture on screen, H×W×3 uint8 RGB, or None (default). It changes together with `prediction`. Setting it to
    anything that `images.load` takes (path, URL, bytes, array, PIL image) starts `segment`, and it changes when
    the result is there; setting it to None starts `clear`."""

    prediction = traitlets.Instance(Prediction, allow_none=True, read_only=True)
    """What was found in `image`, all of it down to the predictor's score floor, or None (default); never set from
    outside."""

    source = traitlets.Unicode("", read_only=True)
    """What `image` is called, such as "photo.jpg"; "" (default) while there is none, or it has no name."""

    threshold = Threshold()
    """The lowest score that is shown, 0 to 1 (default 0.5)."""

    hidden_classes = ClassNames()
    """Names of the classes that are not shown (default none); they stay hidden for the next picture."""

    hidden_instances = Indices()
    """Places in `prediction` of single instances that are not shown (default none); a new picture empties it."""

    selected = Indices()
    """Places in `prediction` of the selected instances (default none); a new picture empties it."""

    busy = traitlets.Bool(False, read_only=True)
    """Whether a model is being built or a picture is being opened or segmented (default False)."""

    status = traitlets.Unicode("", read_only=True)
    """What is being done, in words to show, such as "Segmenting photo.jpg (the last one took 0.4 s)"; "" when idle."""

    error = traitlets.Unicode("")
    """Why the last request gave nothing, cause and fix, in words to show; "" (default) when it went well."""

    predictor = ByIdentity(read_only=True)
    """The predictor, or None (default) until it is built."""

    def segment(self, source: object, name: str | None = None) -> None:
        """Open and segment a picture in the background."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forget the picture and its result."""
        raise NotImplementedError

    @property
    def shown_indices(self) -> tuple[int, ...]:
        """Places in `prediction` of what is shown: at or above the threshold, and not hidden."""
        prediction = self.prediction
        if prediction is None:
            return ()
        hidden = [index for index, name in enumerate(prediction.class_names) if name in self.hidden_classes]
        keep = (prediction.scores >= np.float32(self.threshold)) & ~np.isin(prediction.class_ids, hidden)
        keep[[index for index in self.hidden_instances if index < len(keep)]] = False
        return tuple(np.flatnonzero(keep).tolist())

    @property
    def shown(self) -> Prediction | None:
        """What is shown of `prediction`, as a prediction of its own; None while there is none."""
        return None if self.prediction is None else self.prediction.select(self.shown_indices)

    def describe(self) -> str:
        """One line on what is shown, the same for the same state; it stands in the `repr` of session and panel."""
        if self.image is None or self.prediction is None:
            return f"no picture yet, threshold {self.threshold:.2f}"
        height, width = self.image.shape[:2]
        name = f"{self.source!r} " if self.source else ""
        total = len(self.prediction)
        return (
            f"image={name}{width}×{height}, {len(self.shown_indices)} of {total} "
            f"{'instance' if total == 1 else 'instances'} shown at threshold {self.threshold:.2f}"
        )

    @traitlets.validate("hidden_classes")
    def _known_classes(self, proposal: Any) -> tuple[str, ...]:
        names: tuple[str, ...] = proposal["value"]
        if self.prediction is not None and self.prediction.class_names:
            known = self.prediction.class_names
            # Classes that were hidden under another model may stay; only a new unknown name is a mistake.
            for name in names:
                if name not in known and name not in self.hidden_classes:
                    raise SettingError(f"The model has no class {name!r}.{_did_you_mean(name, known)}")
        return names

    @traitlets.validate("selected", "hidden_instances")
    def _known_instances(self, proposal: Any) -> tuple[int, ...]:
        indices: tuple[int, ...] = proposal["value"]
        count = 0 if self.prediction is None else len(self.prediction)
        if indices and max(indices) >= count:
            raise SettingError(f"There is no instance {max(indices)}: the result has {count}, counted from 0.")
        return indices


# ── the worker ────────────────────────────────────────────────────────────────────────────────────────────────────────


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
            # Started by the first job, and again should a job have ended it (SystemExit in a predictor).
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="seg_widgets worker", daemon=True)
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
            # Or the last picture's job, with its picture, would stay alive until the next one comes.
            del job


class _Superseded(Exception):
    """A newer request came, or the session was closed."""


class _Request:
    """One picture to segment: `load` gives it, `name` is what to call it, `model` its model where that is being built.

    The session's newest request is its current one; all others are `superseded`.
    """

    def __init__(self, load: Callable[[], RGBArray], name: str, model: Future[Predictor] | None) -> None:
        self.load = load
        self.name = name
        self.model = model
        self.superseded = threading.Event()


# ── the session ───────────────────────────────────────────────────────────────────────────────────────────────────────


class SegmentationSession(SegmentationState):
    """A picture, what a model found in it, and what of that is shown; knows no widget.

    `predictor`: a `Predictor`, a model's name, or None for the starter; a name's model is built at once in the
    background. `build`: instead of a predictor, a function without arguments that builds one. `device`: "auto", "cpu",
    "cuda", "cuda:1" or "mps", for a name. `threshold`: 0 to 1. `allow_local`: URLs may point to this machine and to
    private networks (never for strangers' requests). `max_pixels`: the largest picture that is opened.

    Observers are called on whichever thread made the change. Raises `SettingError` for an argument that is none.
    """

    def __init__(
        self,
        predictor: Predictor | str | None = None,
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
        # Held also while busy, status and error are published: their order must be the order in which things happened.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._worker = _Worker()
        self._collected = weakref.finalize(self, self._worker.close)
        self._request: _Request | None = None
        self._doing = ""
        self._building: Future[Predictor] | None = None
        self._failure: SegWidgetsError | None = None
        self._last_s: float | None = None
        self._closed = False
        self._build: Callable[[], Predictor] | None = None
        self.use(predictor, build=build, device=device)

    # ── asking for things ─────────────────────────────────────────────────────────────────────────────────────────────

    def segment(self, source: object, name: str | None = None) -> None:
        """Open and segment a picture in the background; a request that still waits is dropped.

        `source`: anything that `images.load` takes, a URL too. `name`: what to call it; without it, its file name.
        What goes wrong with it comes as `error`, and from `wait`. Raises `SettingError` on a closed session.
        """
        called = name or _name_of(source)

        def load() -> RGBArray:
            return images.load(source, max_pixels=self._max_pixels, allow_local=self._allow_local, name=called or None)

        self._submit(load, called)

    def segment_url(self, address: str) -> None:
        """Like `segment`, for a text that a stranger may have typed: only http(s) is followed, never a path."""
        text = address.strip()

        def load() -> RGBArray:
            if urlsplit(text).scheme.lower() not in ("http", "https"):
                raise UrlError(f"{text!r} is not the address of a picture: it starts with https:// or http://.")
            return images.load(text, max_pixels=self._max_pixels, allow_local=self._allow_local)

        self._submit(load, _name_of(text))

    def use(
        self,
        predictor: Predictor | str | None = None,
        *,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
    ) -> None:
        """Take another model (arguments as for the session) and segment the picture on screen with it."""
        if predictor is not None and build is not None:
            raise SettingError("Give a predictor or a function that builds one, not both.")
        if build is None and (predictor is None or isinstance(predictor, str)):
            build = _model_builder(predictor or "starter", device)
        if predictor is not None and not isinstance(predictor, str) and not callable(predictor):
            raise SettingError(
                f"A predictor is called with a picture and answers with a Prediction, but {type(predictor).__name__} "
                "can't be called; give a Predictor or a model's name."
            )
        with self._lock:
            self._check_open()
            self._build = build
            self._building = None
            self.set_trait("predictor", None if isinstance(predictor, str) else predictor)
            self._last_s = None
            shown = self.image
            if self._request is not None:
                self._submit(self._request.load, self._request.name)
            elif shown is not None:
                self._submit(lambda: shown, self.source)
            else:
                self._start_building()
                self._publish()

    def clear(self) -> None:
        """Forget the picture, its result and any error, and drop what is under way."""
        with self._lock:
            self._drop_request()
            self._failure = None
            self._show(None, None, "")
            self._publish(error="")

    def cancel(self) -> None:
        """Drop the request that is under way; what is on screen stays."""
        with self._lock:
            self._drop_request()
            self._publish()

    def wait(self, timeout_s: float | None = None) -> Prediction | None:
        """Wait until nothing is under way, the model's loading included, and return the prediction on screen.

        `timeout_s`: seconds; None waits as long as it takes. Raises the error of the last request if it failed (the
        result before it stays on screen), and `TimeoutError` when the time is over.
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

        A picture that is being segmented can't be interrupted: its result is dropped. `timeout_s`: how many seconds to
        wait for that. Closing twice is harmless.
        """
        with self._lock:
            self._closed = True
            self._drop_request()
            self._build = self._building = None
            self.set_trait("predictor", None)
            self._publish()
        self._collected()
        if timeout_s > 0:
            self._worker.join(timeout_s)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def __repr__(self) -> str:
        return f"SegmentationSession({self.describe()})"

    # ── the model ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _start_building(self) -> None:
        """Build the model in a thread of its own, unless it is there or being built. Called with the lock."""
        build = self._build
        if build is None or self.predictor is not None or self._building is not None:
            return
        future: Future[Predictor] = Future()
        self._building = future

        def work() -> None:
            try:
                built = build()
                if not callable(built):
                    raise ModelError(f"The model's builder gave {type(built).__name__}, which is not a Predictor.")
            except Exception as error:
                self._built(future, None, _presentable(error, "load the model", ModelError))
            else:
                self._built(future, built, None)

        threading.Thread(target=work, name="seg_widgets model", daemon=True).start()

    def _built(self, future: Future[Predictor], predictor: Predictor | None, error: SegWidgetsError | None) -> None:
        with self._lock:
            if self._building is not future:
                # Closed, or another model was chosen meanwhile; a request that waits for this one has gone as well.
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

    # ── one request ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _submit(self, load: Callable[[], RGBArray], name: str) -> None:
        with self._lock:
            self._check_open()
            self._drop_request()
            self._start_building()
            request = self._request = _Request(load, name, self._building)
            self._failure = None
            self._doing = _sentence("Opening", name)
            self._publish(error="")
            self._worker.submit(lambda: self._work(request))

    def _drop_request(self) -> None:
        if self._request is not None:
            self._request.superseded.set()
            self._request = None

    def _work(self, request: _Request) -> None:
        try:
            image = self._load(request)
            if self.predictor is None:
                self._tell(request, "Loading the model (the first time takes some seconds)")
            predictor = self._wait_for_model(request)
            took = "" if self._last_s is None else f" (the last one took {_seconds(self._last_s)})"
            self._tell(request, _sentence("Segmenting", request.name) + took)
            started = time.monotonic()
            prediction = predictor(image)
            took_s = time.monotonic() - started
            if not isinstance(prediction, Prediction):
                raise PredictionError(
                    f"The predictor answered with {type(prediction).__name__} and not with a Prediction."
                )
            if prediction.image_size != image.shape[:2]:
                height, width = prediction.image_size
                raise PredictionError(
                    f"The predictor answered for a picture of {width}×{height} pixels, but this one has "
                    f"{image.shape[1]}×{image.shape[0]}."
                )
        except _Superseded:
            return
        except Exception as error:
            what = f"segment {request.name or 'the picture'}"
            self._fail(request, _presentable(error, what, InferenceError))
        else:
            self._finish(request, image, prediction, took_s)

    def _load(self, request: _Request) -> RGBArray:
        """The request's picture, read in a thread that is left to itself when a newer request comes.

        A slow server has up to the fetch's whole time limit, and a newer request should not wait for it.
        """
        future: Future[RGBArray] = Future()
        load = request.load

        def work() -> None:
            try:
                future.set_result(load())
            except Exception as error:
                future.set_exception(error)

        threading.Thread(target=work, name="seg_widgets opener", daemon=True).start()
        return _result(future, request)

    def _tell(self, request: _Request, doing: str) -> None:
        with self._lock:
            if self._request is not request:
                raise _Superseded
            self._doing = doing
            self._publish()

    def _finish(self, request: _Request, image: RGBArray, prediction: Prediction, took_s: float) -> None:
        with self._lock:
            if self._request is not request:
                return
            self._last_s = took_s
            # The request stays the current one while the result is shown, so that busy ends only after it.
            try:
                self._show(image, prediction, request.name)
            except Exception:
                _log.exception("An observer of the picture or its result failed")
            if self._request is request:
                self._request = None
                self._publish(error="")

    def _fail(self, request: _Request, error: SegWidgetsError) -> None:
        with self._lock:
            if self._request is not request:
                return
            self._request = None
            self._failure = error
            self._publish(error=str(error))

    # ── publishing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _show(self, image: RGBArray | None, prediction: Prediction | None, name: str) -> None:
        """Put a picture and its result on screen together: every observer sees both, or neither."""
        with self.hold_trait_notifications():
            self.selected = ()
            self.hidden_instances = ()
            self.set_trait("source", name)
            self.set_trait("prediction", prediction)
            with own_writes():
                self.image = image

    def _publish(self, error: str | None = None) -> None:
        """Say what is under way. Called with the lock."""
        if self._request is not None:
            status = self._doing
        elif self._building is not None:
            status = "Loading the model; a picture can be chosen meanwhile"
        else:
            status = ""
        with self.hold_trait_notifications():
            if error is not None:
                self.error = error
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
        from .detectron2_predictor import load_predictor

        return load_predictor(name, device=device)

    return build


def _presentable(error: Exception, what: str, kind: type[SegWidgetsError]) -> SegWidgetsError:
    """The error as one of our own, without the frames (and pictures) that its tracebacks would keep alive."""
    if isinstance(error, SegWidgetsError):
        _log.debug("Could not %s", what, exc_info=error)
        shown = error
    else:
        _log.error("Could not %s", what, exc_info=error)
        detail = f": {str(error).rstrip('.')}" if str(error) else ""
        shown = kind(
            f"Something unexpected stopped the attempt to {what} ({type(error).__name__}{detail}). "
            "The kernel's log has the details; try again, or try another picture."
        )
    error.__traceback__ = shown.__traceback__ = None
    shown.__cause__ = shown.__context__ = None
    return shown


def _name_of(source: object) -> str:
    """What to call a picture: its file name where it has one."""
    name = getattr(source, "name", None) or getattr(source, "filename", None)
    if isinstance(source, str):
        if "://" in source:
            parts = urlsplit(source.strip())
            return unquote(PurePath(parts.path).name) or parts.hostname or ""
        return PurePath(source).name
    if isinstance(source, PurePath):
        return source.name
    return PurePath(name).name if isinstance(name, str) else ""


def _sentence(verb: str, name: str) -> str:
    return f"{verb} {name or 'the picture'}"


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.1f} s" if duration_s < 10 else f"{duration_s:.0f} s"


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, 1, 0.5)
    if close:
        return f" Did you mean {close[0]!r}?"
    listed = ", ".join(names[:8]) + (f" … ({len(names)} in all)" if len(names) > 8 else "")
    return f" It knows {listed}."
