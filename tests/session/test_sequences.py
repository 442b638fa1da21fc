"""Any sequence of what people and programs can do, from several threads, with all that fails."""

from __future__ import annotations

import http.server
import io
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from PIL import Image

from seg_widgets.errors import SegWidgetsError, SettingError
from seg_widgets.images import Upload
from seg_widgets.prediction import Prediction, Predictor
from seg_widgets.session import SegmentationSession

RGBArray = npt.NDArray[np.uint8]

_THREADS: Final = 8
_TRAITS: Final = (
    *("status", "busy", "history", "error", "result", "image", "prediction", "predictor"),
    *("current", "can_undo_clear", "fetching", "notes", "threshold", "selected"),
)
_ERRORS: Final = (ValueError, KeyError, SettingError, SystemExit, KeyboardInterrupt, MemoryError)
# What an image does to the predictor; the number is in its first pixel.
_KINDS: Final = ("good", "slow", "error", "exit", "interrupt", "memory", "wrong", "damaged")


def _png(number: int, kind: str) -> bytes:
    """An image that says which one it is."""
    pixels = np.zeros((6, 7, 3), np.uint8)
    pixels[0, 0] = (number >> 8, number & 255, _KINDS.index(kind))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue() if kind != "damaged" else buffer.getvalue()[:40]


def _number(image: RGBArray) -> int:
    return int(image[0, 0, 0]) << 8 | int(image[0, 0, 1])


def _predict(image: RGBArray, /) -> Prediction:
    """Answer with the image's number as a class name, or do what the image says."""
    kind = _KINDS[image[0, 0, 2]]
    errors: dict[str, type[BaseException]] = {
        "error": ZeroDivisionError,
        "exit": SystemExit,
        "interrupt": KeyboardInterrupt,
        "memory": MemoryError,
    }
    if kind in errors:
        raise errors[kind](f"image {_number(image)} says so")
    if kind == "slow":
        time.sleep(0.01)
    size = image.shape[:2] if kind != "wrong" else (3, 3)
    return Prediction.empty(size, (str(_number(image)),))


class _Named:
    """A predictor whose name can't be read."""

    @property
    def name(self) -> str:
        raise RuntimeError("no name today")

    def __call__(self, image: RGBArray, /) -> Prediction:
        return _predict(image)


def _build(kind: str) -> Callable[[], Predictor]:
    def build() -> Predictor:
        if kind == "slow":
            time.sleep(0.02)
        elif kind == "error":
            raise RuntimeError("no weights")
        elif kind == "exit":
            raise SystemExit(2)
        elif kind == "nothing":
            return None  # type: ignore[return-value]
        elif kind == "unnamed":
            return _Named()
        return _predict

    return build


class _Site(http.server.BaseHTTPRequestHandler):
    """Serves `/<number>-<kind>.png`; what is called "slow" drips."""

    def do_GET(self) -> None:
        number, _, kind = self.path.strip("/").removesuffix(".png").partition("-")
        if kind == "missing":
            self.send_error(404)
            return
        body = _png(int(number), kind)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for at in range(0, len(body), 20):
            self.wfile.write(body[at : at + 20])
            if kind == "slow":
                time.sleep(0.01)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    # What is dropped leaves a broken pipe, which is as it should be.
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


threads = st.integers(0, _THREADS - 1)
kinds = st.sampled_from(_KINDS)


class Sequences(RuleBasedStateMachine):
    """One session; each step runs on one of eight threads, and the next step does not wait for
    it."""

    address = ""

    def __init__(self) -> None:
        super().__init__()
        self.pools = [ThreadPoolExecutor(1) for _ in range(_THREADS)]
        self.pending: list[Future[None]] = []
        self.count = 0
        # The names that must be in the history once nothing is under way.
        self.expected: set[str] = set()
        # Whether something that is still pending may remove entries.
        self.removing = False

    @initialize(build=st.sampled_from(["good", "slow", "error"]))
    def begin(self, build: str) -> None:
        self.session = SegmentationSession(build=_build(build), allow_local=True)

    # ── what can be done ──────────────────────────────────────────────────────────────────────────

    def do(self, thread: int, action: Callable[[], object], *, sets_trait: bool = False) -> None:
        """Do something on a thread; nothing but `SettingError` may come out of it, or, where it
        sets a trait itself, what an observer of that trait raises."""

        def run() -> None:
            try:
                action()
            except SettingError:
                pass
            except BaseException:
                if not sets_trait:
                    raise

        self.pending.append(self.pools[thread].submit(run))

    def upload(self, kind: str) -> Upload:
        self.count += 1
        return Upload(f"{self.count}-{kind}.png", _png(self.count, kind))

    @rule(thread=threads, kind=kinds)
    def one(self, thread: int, kind: str) -> None:
        upload, session = self.upload(kind), self.session
        self.do(thread, lambda: session.segment(upload))

    @rule(thread=threads, kind=st.sampled_from(["good", "slow", "error", "damaged", "missing"]))
    def one_of_the_web(self, thread: int, kind: str) -> None:
        self.count += 1
        url, session = f"{self.address}/{self.count}-{kind}.png", self.session
        self.do(thread, lambda: session.segment_url(url))

    @rule(thread=threads, several=st.lists(kinds, min_size=1, max_size=4))
    def some(self, thread: int, several: list[str]) -> None:
        uploads, session = [self.upload(kind) for kind in several], self.session
        if not self.removing:
            self.expected |= {upload.name for upload in uploads}
        self.do(thread, lambda: session.segment_all(uploads))

    @rule(
        thread=threads,
        kind=st.sampled_from(["good", "slow", "error", "exit", "nothing", "unnamed"]),
    )
    def another_model(self, thread: int, kind: str) -> None:
        session = self.session
        self.do(thread, lambda: session.use(build=_build(kind)))

    @rule(thread=threads, number=st.integers(1, 12))
    def show(self, thread: int, number: int) -> None:
        session = self.session
        self.do(thread, lambda: session.show(number))

    @rule(
        thread=threads,
        what=st.sampled_from(["cancel", "clear", "forget", "close"]),
        number=st.integers(1, 12),
    )
    def remove(self, thread: int, what: str, number: int) -> None:
        session = self.session
        self.expected, self.removing = set(), True
        actions: dict[str, Callable[[], object]] = {
            "cancel": session.cancel,
            "clear": session.clear,
            "forget": lambda: session.forget(number),
            "close": session.close,
        }
        self.do(thread, actions[what])

    @rule(thread=threads)
    def undo(self, thread: int) -> None:
        self.do(thread, self.session.undo_clear)

    @rule(thread=threads, value=st.floats(0, 1), chosen=st.lists(st.integers(0, 2), max_size=2))
    def look(self, thread: int, value: float, chosen: list[int]) -> None:
        session = self.session

        def choose() -> None:
            session.threshold = value
            session.selected = chosen

        self.do(thread, choose, sets_trait=True)

    @rule(trait=st.sampled_from(_TRAITS), error=st.sampled_from(_ERRORS))
    def observe_badly(self, trait: str, error: type[BaseException]) -> None:
        def careless(change: object) -> None:
            raise error("an observer's own mistake")

        self.session.observe(careless, trait)

    @rule(trait=st.sampled_from(_TRAITS), what=st.sampled_from(["cancel", "show", "wait"]))
    def observe_and_act(self, trait: str, what: str) -> None:
        session = self.session

        def act(change: object) -> None:
            if what == "cancel" and session.current == 3:
                session.cancel()
            elif what == "show" and session.current != 1 and len(session.history) > 2:
                session.show(1)
            elif what == "wait" and threading.current_thread().name == "seg_widgets worker":
                session.wait(5)

        if what == "cancel":
            self.expected, self.removing = set(), True
            self.cancelling = True
        session.observe(act, trait)

    cancelling = False

    # ── what must hold ────────────────────────────────────────────────────────────────────────────

    @rule()
    def settle(self) -> None:
        """Once all is done: nothing is busy, and what is there belongs together."""
        for future in self.pending:
            future.result(30)
        self.pending.clear()
        session = self.session
        try:
            answer = session.wait(30)
        except SegWidgetsError:
            assert session.error
        else:
            assert answer is (None if session.result is None else session.result.prediction)
        assert not session.busy
        assert session.status == ""
        assert not session.working
        self.check_result()
        for entry in session.history:
            assert entry.state in ("done", "failed")
            assert (entry.state == "failed") == bool(entry.error)
            if entry.prediction is not None:
                assert entry.image is not None
                assert entry.prediction.class_names == (str(_number(entry.image)),)
        numbers = [entry.number for entry in session.history]
        assert numbers == sorted(set(numbers))
        assert self.expected <= {entry.source for entry in session.history}
        self.removing = self.cancelling
        if session.closed:
            self.check_closed()
            self.begin("good")
            self.expected, self.cancelling, self.removing = set(), False, False

    def check_result(self) -> None:
        session, result = self.session, self.session.result
        if result is None:
            assert session.image is None and session.current is None
            return
        assert session.image is result.image and session.prediction is result.prediction
        assert result.prediction.class_names == (str(_number(result.image)),)
        assert result.name.startswith(f"{_number(result.image)}-")
        assert session.source == result.name
        if session.current is not None:
            [entry] = [one for one in session.history if one.number == session.current]
            assert entry.prediction is result.prediction

    @rule(
        thread=threads,
        before=st.lists(kinds, max_size=4),
        several=st.lists(kinds, max_size=2),
        kind=kinds,
    )
    def newest_wins(self, thread: int, before: list[str], several: list[str], kind: str) -> None:
        """Whatever was requested before it, the newest request decides what is shown and told."""
        self.settle()
        # An observer of before may still request something of its own.
        self.session.unobserve_all()
        self.cancelling = self.removing = False
        self.session.use(build=_build("good"))
        self.settle()
        for one in before:
            self.one(thread, one)
        if several:
            self.some(thread, several)
        self.one(thread, kind)
        for future in self.pending:
            future.result(30)
        newest = f"{self.count}-{kind}.png"
        if kind in ("good", "slow"):
            assert _wait(self.session)
            assert self.session.source == newest
        else:
            assert not _wait(self.session)
            assert self.session.error
            marks = {"wrong": "answered for an image of 3×3", "damaged": newest}
            assert marks.get(kind, f"image {self.count} says so") in self.session.error
        self.settle()

    def check_closed(self) -> None:
        self.session.close(10)
        worker = self.session._worker._thread
        assert worker is None or not worker.is_alive()
        with pytest.raises(SettingError, match="closed"):
            self.session.segment(_png(1, "good"))

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.settle()
            self.session.unobserve_all()
            self.session.close(10)
            self.check_closed()
        for pool in self.pools:
            pool.shutdown()


def _wait(session: SegmentationSession) -> bool:
    """Whether the last request went well."""
    try:
        session.wait(30)
    except SegWidgetsError:
        return False
    return True


@pytest.fixture
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("quiet")
def test_no_sequence_freezes_a_session_or_loses_a_result(site: str) -> None:
    class Here(Sequences):
        address = site

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
