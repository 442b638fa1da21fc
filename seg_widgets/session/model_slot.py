"""The model of a session: the one in use, the one that is built, the one that is fetched."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import ModelError, SegWidgetsError, SettingError
from ..modeling import (
    EXACT,
    SPEEDS,
    STARTER,
    BackgroundDownload,
    ModelCard,
    as_predictor,
    check_speed,
    missing_card,
    model_name,
)
from ..prediction import Predictor
from ..serving import SERVER_VARIABLE, environment
from .failures import presentable
from .worker import call_in_thread

__all__ = [
    "ModelChoice",
    "ModelSlot",
    "SlotState",
    "predictor_name",
    "predictor_title",
    "predictor_words",
]

_log = logging.getLogger(__name__)

SlotState = Literal["empty", "building", "ready", "failed", "fetching"]


@dataclass(frozen=True, eq=False)
class ModelChoice:
    """A model to use: a predictor, or how to build one.

    Args:
        predictor: The predictor, or None where it has to be built.
        build: Builds it, without arguments; None where there is a predictor.
        name: The name by which `load_predictor` makes it; "" for your own predictor.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps", for a name.
        speed: One of `SPEEDS`, for a name.
    """

    predictor: Predictor | None = None
    build: Callable[[], Predictor] | None = None
    name: str = ""
    device: str = "auto"
    speed: str = EXACT

    @classmethod
    def of(
        cls,
        predictor: Predictor | str | Path | None = None,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
        speed: str = EXACT,
    ) -> ModelChoice:
        """What a session is given.

        Args:
            predictor: A `Predictor`, a model's name or folder, a model of another library that
                `wrap` takes without class names. None: the model of the server that
                `SEG_WIDGETS_SERVER` names, or else the starter.
            build: Instead of a predictor, a function without arguments that builds one.
            device: "auto", "cpu", "cuda", "cuda:1" or "mps", for a name.
            speed: One of `SPEEDS`, for a name.

        Raises:
            SettingError: Both are given, the predictor can't be called, or there is no such speed.
        """
        check_speed(speed)
        if isinstance(predictor, Path):
            predictor = model_name(predictor)
        if predictor is not None and build is not None:
            raise SettingError("Give a predictor or a function that builds one, not both.")
        if build is not None:
            _check_exact(speed)
            return cls(build=build, device=device)
        if predictor is None:
            predictor = server_predictor()
        if predictor is None or isinstance(predictor, str):
            name = STARTER if predictor is None else predictor
            if not name.strip():
                raise SettingError(
                    f"A model's name can't be empty. Give one such as {STARTER!r}, or nothing."
                )
            return cls(build=_builder(name, device, speed), name=name, device=device, speed=speed)
        _check_exact(speed)
        predictor = as_predictor(predictor)
        if not callable(predictor):
            raise SettingError(
                "A predictor is called with an image and answers with a Prediction, but "
                f"{type(predictor).__name__} can't be called; give a Predictor or a model's name."
            )
        return cls(predictor=predictor, device=device)

    @property
    def missing(self) -> ModelCard | None:
        """The card of the model if its weights must be fetched first, else None."""
        return ModelSlot.to_fetch(self.name) if self.name else None


class ModelSlot:
    """The model in use, and what is under way to get one.

    A model of a name or a builder is built in a thread of its own. The weights of another one can
    be fetched meanwhile; the model in use stays until then.

    Args:
        on_built: Called when a model was built, with None, or with why it failed.
        on_progress: Called now and then while weights are being fetched.
        on_fetched: Called when weights are there, with the choice and None, or with why they are
            not. The slot does not use the model by itself.
        lock: Held while the slot changes and while it calls back; the owner's own lock, or None for
            one of the slot's.
    """

    def __init__(
        self,
        *,
        on_built: Callable[[SegWidgetsError | None], None],
        on_progress: Callable[[], None],
        on_fetched: Callable[[ModelChoice, SegWidgetsError | None], None],
        lock: threading.RLock | None = None,
    ) -> None:
        self._on_built = on_built
        self._on_progress = on_progress
        self._on_fetched = on_fetched
        self._lock = lock or threading.RLock()
        self._choice = ModelChoice()
        self._future: Future[Predictor] | None = None
        self._predictor: Predictor | None = None
        self._failed = False
        self._download: BackgroundDownload | None = None
        self._start_held: list[Callable[[], None]] | None = None

    # ── what it is ────────────────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> SlotState:
        """ "fetching" while weights are on their way, whatever the model in use is; else "ready",
        "building", "failed", or "empty" when no model was chosen or it was not built yet."""
        with self._lock:
            if self._download is not None:
                return "fetching"
            if self._predictor is not None:
                return "ready"
            if self._future is not None:
                return "building"
            return "failed" if self._failed else "empty"

    @property
    def predictor(self) -> Predictor | None:
        """The model in use, or None until it is built."""
        return self._predictor

    @property
    def name(self) -> str:
        """The name by which `load_predictor` makes the model in use, or "" for one's own."""
        return self._choice.name

    @property
    def speed(self) -> str:
        """The one of `SPEEDS` that the model in use is loaded for."""
        return self._choice.speed

    @property
    def building(self) -> bool:
        """Whether a model is being built."""
        return self._future is not None and self._predictor is None

    @property
    def fetching(self) -> str:
        """The name of the model whose weights are being fetched; "" while none are."""
        return "" if self._download is None else self._download.name

    @property
    def progress(self) -> str:
        """How far the fetching is, in words to show; "" while nothing is fetched."""
        return "" if self._download is None else self._download.words

    @staticmethod
    def to_fetch(name: str) -> ModelCard | None:
        """The card of a model whose weights must be fetched before it can be built; None for every
        other name. This is the one place that decides it."""
        return missing_card(name)

    # ── what it does ──────────────────────────────────────────────────────────────────────────────

    def use(self, choice: ModelChoice) -> None:
        """Take another model; what is being built or fetched is dropped.

        It is built when `get` asks for it.
        """
        with self._lock:
            self.stop_fetching()
            self._choice = choice
            self._predictor = choice.predictor
            self._failed = False
            self._future = None
            if choice.predictor is not None:
                self._future = Future()
                self._future.set_result(choice.predictor)

    def get(self) -> Future[Predictor]:
        """The model in use; its building starts if need be, also once more after a failure.

        Raises:
            ModelError: No model was chosen, or the slot was closed.
        """
        with self._lock:
            if self._future is not None:
                return self._future
            build = self._choice.build
            if build is None:
                raise ModelError("There is no model; choose one first.")
            future: Future[Predictor] = Future()
            self._future = future
            self._failed = False
            self._start(lambda: self._build(build, future))
            return future

    @contextmanager
    def held(self) -> Iterator[None]:
        """Models that are asked for in the meantime are built after it.

        Building one imports PyTorch, and every other thread is slower until then.
        """
        with self._lock:
            self._start_held = []
        try:
            yield
        finally:
            with self._lock:
                held, self._start_held = self._start_held, None
            for start in held or ():
                start()

    def _start(self, work: Callable[[], None]) -> None:
        def start() -> None:
            call_in_thread(work, "seg_widgets model")

        if self._start_held is None:
            start()
        else:
            self._start_held.append(start)

    def fetch(self, choice: ModelChoice) -> None:
        """Fetch the weights of a model in the background; the model in use stays.

        Another download ends. A slot that nobody needs any more ends its download as well.
        """
        me = weakref.ref(self)  # a forgotten session must not live as long as its download

        def progress() -> None:
            slot = me()
            if slot is not None:
                slot._tell_progress(download)

        def done(problem: SegWidgetsError | None) -> None:
            slot = me()
            if slot is not None:
                slot._end_fetching(download, choice, problem)

        download = BackgroundDownload(choice.name, progress, done)
        with self._lock:
            self.stop_fetching()
            self._download = download
        weakref.finalize(self, download.cancel)
        download.start()

    def stop_fetching(self) -> None:
        """End the download; what has come stays for the next time."""
        with self._lock:
            if self._download is not None:
                self._download.cancel()
                self._download = None

    def close(self) -> None:
        """Let go of the model, and of what is being built or fetched."""
        self.use(ModelChoice())

    # ── what the threads report ───────────────────────────────────────────────────────────────────

    def _build(self, build: Callable[[], Predictor], future: Future[Predictor]) -> None:
        try:
            built = build()
            if not callable(built):
                raise ModelError(
                    f"The model's builder gave {type(built).__name__}, which is not a Predictor."
                )
        except BaseException as error:
            self._end_building(future, None, presentable(error, "load the model", ModelError))
        else:
            self._end_building(future, built, None)

    def _end_building(
        self, future: Future[Predictor], built: Predictor | None, error: SegWidgetsError | None
    ) -> None:
        with self._lock:
            if self._future is not future:
                # Closed, or another model was chosen meanwhile. A request that waits for this one
                # was dropped as well.
                future.cancel()
                return
            if error is not None:
                self._future = None
                self._failed = True
                future.set_exception(error)
            elif built is not None:
                self._predictor = built
                future.set_result(built)
            self._on_built(error)

    def _tell_progress(self, download: BackgroundDownload) -> None:
        with self._lock:
            if self._download is download:
                self._on_progress()

    def _end_fetching(
        self, download: BackgroundDownload, choice: ModelChoice, problem: SegWidgetsError | None
    ) -> None:
        with self._lock:
            # Cancelled, closed, or another model was chosen meanwhile.
            if self._download is not download:
                return
            self._download = None
            self._on_fetched(choice, problem)


def server_predictor() -> Predictor | None:
    """The model of the server that `SEG_WIDGETS_SERVER` names, or None if it names none."""
    if not environment(SERVER_VARIABLE):
        return None
    from ..serving import RemotePredictor  # with its HTTP client

    return RemotePredictor()


def predictor_name(predictor: object) -> str:
    """What a predictor is called: its `name`, or that of its class."""
    return predictor_words(predictor, "name") or type(predictor).__name__


def predictor_title(predictor: object) -> str:
    """What a predictor is called, with a speed that is not the exact one, as in "starter, fast"."""
    speed = predictor_words(predictor, "speed")
    name = predictor_name(predictor)
    return f"{name}, {speed}" if speed in SPEEDS and speed != EXACT else name


def predictor_words(predictor: object, attribute: str) -> str:
    """What a predictor says of itself.

    Args:
        predictor: Any object; a mistake in its properties is logged, and goes no further.
        attribute: Such as "name", "description" or "device".

    Returns:
        The attribute as a text; "" where it has none, or it raises.
    """
    try:
        return str(getattr(predictor, attribute, "") or "")
    except Exception:
        _log.exception("The predictor's %s can't be read", attribute)
        return ""


def _check_exact(speed: str) -> None:
    if speed != EXACT:
        raise SettingError(
            f"speed={speed!r} is for a model that is loaded by its name. Make your own predictor "
            f"so: load_predictor(…, speed={speed!r})."
        )


def _builder(name: str, device: str, speed: str) -> Callable[[], Predictor]:
    def build() -> Predictor:
        from ..modeling import load_predictor

        return load_predictor(name, device=device, speed=speed)

    return build
