from __future__ import annotations

import contextlib
import dataclasses
import gc
import io
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import traitlets
from PIL import Image

from seg_widgets.errors import (
    ImageDamagedError,
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
    InferenceError,
    ModelError,
    PredictionError,
    SegWidgetsError,
    SettingError,
    UrlError,
    WeightsNotFoundError,
)
from seg_widgets.images import Upload
from seg_widgets.prediction.prediction import Prediction
from seg_widgets.session.session import SegmentationSession
from seg_widgets.testing import StubPredictor, make_jpeg, make_picture

RGBArray = npt.NDArray[np.uint8]


class Gate:
    """A predictor that waits in each call until it is let go; `entered` counts the calls that have
    begun."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.seen: list[tuple[int, int]] = []
        self._stub = StubPredictor(3)

    def __call__(self, image: RGBArray, /) -> Prediction:
        self.seen.append((image.shape[1], image.shape[0]))
        self.entered.release()
        assert self.go.acquire(timeout=20)
        return self._stub(image)


@pytest.fixture
def session() -> Iterator[SegmentationSession]:
    made = SegmentationSession(StubPredictor())
    yield made
    made.close(5)


def test_an_image_and_its_result_arrive_together(session: SegmentationSession) -> None:
    seen: list[tuple[Any, Any]] = []

    def see(change: object) -> None:
        assert session.prediction is not None
        seen.append((session.image.shape, session.prediction.image_size))

    session.observe(see, "prediction")
    session.observe(see, "image")
    session.image = make_picture(64, 48)
    session.wait(20)
    session.image = make_picture(32, 20)
    result = session.wait(20)
    assert seen == [((48, 64, 3), (48, 64))] * 2 + [((20, 32, 3), (20, 32))] * 2
    assert result is session.prediction
    assert len(result or ()) == 12
    assert not session.busy
    assert session.status == session.error == ""


def constant(answer: Prediction) -> Callable[[RGBArray], Prediction]:
    """A predictor that answers each image with the very same object, as a cache may do."""
    return lambda image: answer


def test_two_images_with_the_same_answer_are_two_results() -> None:
    session = SegmentationSession(constant(Prediction.empty((20, 30))))
    shown: list[tuple[str, int]] = []
    session.observe(lambda change: shown.append((session.source, session.image[0, 0, 0])), "result")
    for name, grey in (("dark.png", 10), ("light.png", 200)):
        session.segment(np.full((20, 30, 3), grey, np.uint8), name)
        session.wait(20)
        assert session.result is not None
        assert session.source == session.result.name == name
        assert (session.image == grey).all()
    assert shown == [("dark.png", 10), ("light.png", 200)]
    assert [entry.source for entry in session.history] == ["dark.png", "light.png"]
    session.close(5)


@pytest.mark.parametrize(
    "trait", ["result", "image", "prediction", "source", "origin", "current", "history"]
)
def test_an_observer_of_any_part_sees_all_parts_of_the_same_result(
    session: SegmentationSession, trait: str, tmp_path: Path
) -> None:
    seen: list[str] = []

    def see(change: object) -> None:
        result = session.result
        if result is None:
            assert session.image is None
            assert session.prediction is None
            assert session.current is None
            assert (session.source, session.origin, session.history) == ("", "", ())
            seen.append("nothing")
        else:
            assert session.current == result.number
            assert session.image is result.image
            assert session.prediction is result.prediction
            assert (session.source, session.origin) == (result.name, result.uri)
            [entry] = [entry for entry in session.history if entry.number == result.number]
            assert (entry.image, entry.prediction) == (result.image, result.prediction)
            assert (entry.model, entry.took_s) == (result.model, result.took_s)
            seen.append(result.name)

    session.observe(see, trait)
    for name, side in (("a.jpg", 20), ("b.jpg", 30)):
        (tmp_path / name).write_bytes(make_jpeg(side, side))
        session.segment(tmp_path / name)
        session.wait(20)
    session.show(1)
    session.clear()
    assert list(dict.fromkeys(seen)) == ["a.jpg", "b.jpg", "nothing"]
    # Going back to the first image changes nothing in the history.
    assert seen.count("a.jpg") == (1 if trait == "history" else 2)


def test_a_result_has_all_its_parts(session: SegmentationSession, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(make_jpeg(40, 30))
    session.segment(path)
    session.wait(20)
    result = session.result
    assert result is not None
    assert (result.name, result.uri, result.number) == ("photo.jpg", str(path), 1)
    assert result.model == "StubPredictor"
    assert result.took_s is not None
    assert result.image.shape == (30, 40, 3)
    assert len(result.prediction) == 12
    with pytest.raises(traitlets.TraitError, match="read-only"):
        session.result = result


def test_busy_is_true_as_soon_as_the_image_is_set_and_the_old_image_stays_meanwhile() -> None:
    gate = Gate()
    session = SegmentationSession(gate)
    session.image = make_picture(16, 16)
    assert session.busy
    assert not isinstance(session.image, np.ndarray)
    assert gate.entered.acquire(timeout=20)
    assert session.status == "Segmenting the image"
    gate.go.release()
    result = session.wait(20)
    assert result is not None
    assert session.image.shape == (16, 16, 3)
    session.close(5)


def test_the_status_names_the_image_and_the_last_time(session: SegmentationSession) -> None:
    states: list[str] = []
    session.observe(lambda change: states.append(change["new"]), "status")
    session.segment(make_jpeg(40, 30), "a.jpg")
    session.wait(20)
    session.segment(make_jpeg(40, 30), "b.jpg")
    session.wait(20)
    assert states[:3] == ["Opening a.jpg", "Segmenting a.jpg", ""]
    assert states[3] == "Opening b.jpg"
    assert states[4].startswith("Segmenting b.jpg (the last one took 0.")
    assert session.source == "b.jpg"


def test_of_many_requests_the_first_runs_the_newest_waits_and_only_the_newest_is_shown() -> None:
    gate = Gate()
    session = SegmentationSession(gate)
    shown: list[int] = []
    session.observe(lambda change: shown.append(session.image.shape[1]), "prediction")
    session.image = make_picture(10, 10)
    assert gate.entered.acquire(timeout=20)
    for side in (20, 30, 40):
        session.image = make_picture(side, side)
    gate.go.release()
    assert gate.entered.acquire(timeout=20)
    gate.go.release()
    session.wait(20)
    assert gate.seen == [(10, 10), (40, 40)]
    assert shown == [40]
    session.close(5)


def test_a_slow_source_does_not_hold_up_a_newer_one(
    session: SegmentationSession,
) -> None:
    stuck = threading.Event()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert stuck.wait(20)
            return super().read(size)

    session.segment(Slow(make_jpeg(9, 9)), "slow")
    session.image = make_picture(24, 24)
    session.wait(10)
    assert session.image.shape == (24, 24, 3)
    stuck.set()


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (b"", ImageFormatError),
        (b"hello, I am a text", ImageFormatError),
        (b"<!doctype html><html></html>", ImageFormatError),
        (make_jpeg(64, 64)[:300], ImageDamagedError),
        ("no such file.jpg", ImageNotFoundError),
    ],
)
def test_a_bad_source_is_told_and_keeps_the_last_result(
    session: SegmentationSession, source: object, kind: type[Exception]
) -> None:
    session.image = make_picture(20, 10)
    before = session.wait(20)
    image = session.image
    session.segment(source)
    with pytest.raises(kind):
        session.wait(20)
    assert session.error
    assert session.prediction is before
    assert session.image is image
    assert not session.busy
    session.image = make_picture(8, 8)
    assert session.error == ""
    session.wait(20)
    assert session.image.shape == (8, 8, 3)


@pytest.mark.parametrize(
    "text", ["/etc/passwd", "file:///etc/passwd", "ftp://example.org/a.jpg", "photo", " "]
)
def test_what_a_stranger_types_is_never_a_path(session: SegmentationSession, text: str) -> None:
    session.segment_url(text)
    with pytest.raises(UrlError, match="https://"):
        session.wait(20)


@pytest.mark.parametrize("value", [float("nan"), -1, 2, "high", None, 1.0001])
def test_a_bad_threshold_is_refused_and_changes_nothing(
    session: SegmentationSession, value: Any
) -> None:
    session.threshold = 0.25
    with pytest.raises(SettingError, match=r"0 (and|to) 1"):
        session.threshold = value
    assert session.threshold == 0.25
    with pytest.raises(SettingError):
        SegmentationSession(StubPredictor(), threshold=value)


def test_what_is_shown_follows_threshold_and_hidden_classes_and_instances(
    session: SegmentationSession,
) -> None:
    assert session.shown is None
    assert not session.shown_indices
    session.image = make_picture(40, 30)
    session.wait(20)
    assert session.shown_indices == tuple(range(7))
    session.threshold = 0
    assert len(session.shown_indices) == 12
    session.hidden_classes = ["person"]
    assert session.shown_indices == (1, 2, 3, 5, 6, 7, 9, 10, 11)
    session.hidden_instances = [1, 2]
    assert session.shown is not None
    assert session.shown.counts() == {"food": 3, "animal": 2, "vehicle": 2}
    session.image = make_picture(50, 30)
    session.wait(20)
    assert session.hidden_instances == ()
    assert session.hidden_classes == ("person",)


def test_a_wrong_class_or_instance_is_refused_with_a_fix(session: SegmentationSession) -> None:
    session.hidden_classes = ["anything before there is a model's answer"]
    session.hidden_classes = []
    session.image = make_picture(40, 30)
    session.wait(20)
    with pytest.raises(SettingError, match="Did you mean 'person'"):
        session.hidden_classes = ["persn"]
    with pytest.raises(SettingError, match="such as"):
        session.hidden_classes = "person"
    with pytest.raises(SettingError, match="class names"):
        session.hidden_classes = [3]  # type: ignore[list-item]
    with pytest.raises(SettingError, match="the result has 12"):
        session.selected = [12]
    wrong: Any
    for wrong in ([-1], [True], ["a"], 0.5):
        with pytest.raises(SettingError, match="instance numbers"):
            session.selected = wrong
    session.selected = [3, 3, *np.array([4])]
    assert session.selected == (3, 4)


def test_an_unexpected_error_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    session = SegmentationSession(StubPredictor(error=KeyError("logits")))
    session.segment(make_picture(30, 30), "x.png")
    with pytest.raises(InferenceError, match=r"segment x\.png \(KeyError: 'logits'\)"):
        session.wait(20)
    assert "logits" in caplog.text
    assert "Traceback" in caplog.text
    session.close(5)


def test_an_error_keeps_no_image_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest keeps log records, and these keep their tracebacks.
    monkeypatch.setattr(logging.getLogger("seg_widgets.session.failures"), "disabled", True)
    pictures: list[weakref.ref[Any]] = []

    def predictor(image: RGBArray, /) -> Prediction:
        pictures.append(weakref.ref(image))
        raise KeyError("logits")

    session = SegmentationSession(predictor)
    session.segment(make_picture(30, 30), "x.png")
    with pytest.raises(InferenceError):
        session.wait(20)
    deadline = time.monotonic() + 10
    while pictures[0]() is not None and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.02)
    assert pictures[0]() is None
    session.close(5)


@pytest.mark.parametrize("answer", [None, 7, "image of another size"])
def test_a_wrong_answer_of_the_predictor_is_told(answer: Any) -> None:
    given = StubPredictor()(make_picture(9, 9)) if answer == "image of another size" else answer
    session = SegmentationSession(lambda image: given)
    session.image = make_picture(30, 20)
    with pytest.raises(PredictionError):
        session.wait(20)
    assert session.image is None
    session.close(5)


# ── the model ─────────────────────────────────────────────────────────────────────────────────────


def test_the_model_is_built_at_once_once_and_in_the_background() -> None:
    built: list[str] = []
    go = threading.Event()

    def build() -> StubPredictor:
        assert go.wait(20)
        built.append(threading.current_thread().name)
        return StubPredictor()

    session = SegmentationSession(build=build)
    assert session.busy
    assert session.status.startswith("Loading the model")
    assert session.predictor is None
    session.image = make_picture(20, 20)
    go.set()
    assert session.wait(20) is not None
    session.image = make_picture(10, 20)
    session.wait(20)
    assert built == ["seg_widgets model"]
    assert session.predictor is not None
    session.close(5)


def test_a_bad_image_is_told_while_the_model_is_still_loading() -> None:
    go = threading.Event()

    def build() -> StubPredictor:
        assert go.wait(20)
        return StubPredictor()

    session = SegmentationSession(build=build)
    told = threading.Event()
    session.observe(lambda change: told.set(), "error")
    session.segment(b"not an image")
    assert told.wait(20)
    assert session.busy
    go.set()
    with pytest.raises(ImageFormatError):
        session.wait(20)
    session.close(5)


def test_a_model_that_fails_is_told_and_built_again_for_the_next_image() -> None:
    attempts: list[int] = []

    def build() -> StubPredictor:
        attempts.append(1)
        if len(attempts) < 3:
            raise WeightsNotFoundError("There are no weights; put them into weights/.")
        return StubPredictor()

    session = SegmentationSession(build=build)
    with pytest.raises(WeightsNotFoundError):
        session.wait(20)
    assert session.error == "There are no weights; put them into weights/."
    session.image = make_picture(20, 20)
    with pytest.raises(WeightsNotFoundError):
        session.wait(20)
    session.image = make_picture(20, 20)
    assert session.wait(20) is not None
    assert session.error == ""
    assert len(attempts) == 3
    session.close(5)


def test_a_builder_that_breaks_or_gives_no_predictor_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> StubPredictor:
        raise ZeroDivisionError

    for build in (broken, lambda: None):
        session = SegmentationSession(build=build)  # type: ignore[arg-type]
        with pytest.raises(ModelError):
            session.wait(20)
        session.close(5)


def test_an_unknown_model_is_told() -> None:
    session = SegmentationSession("no such model")
    with pytest.raises((ModelError, SettingError)):
        session.wait(60)
    assert session.error
    session.close(5)


@pytest.mark.parametrize(
    "settings", [{"predictor": 3}, {"predictor": StubPredictor(), "build": StubPredictor}]
)
def test_what_is_no_predictor_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="predictor"):
        SegmentationSession(**settings)


def test_another_model_segments_the_image_on_screen_again(session: SegmentationSession) -> None:
    session.image = make_picture(30, 20)
    session.wait(20)
    image = session.image
    session.use(StubPredictor(2))
    result = session.wait(20)
    assert result is not None
    assert len(result) == 2
    assert session.image is image
    session.use(build=lambda: StubPredictor(4))
    assert len(session.wait(20) or ()) == 4


def test_another_model_takes_over_a_request_that_is_under_way() -> None:
    gate = Gate()
    session = SegmentationSession(gate)
    session.image = make_picture(30, 20)
    assert gate.entered.acquire(timeout=20)
    session.use(StubPredictor(5))
    gate.go.release()
    assert len(session.wait(20) or ()) == 5
    session.close(5)


# ── ending ────────────────────────────────────────────────────────────────────────────────────────


def test_ten_models_after_each_other_leave_one_alive(session: SegmentationSession) -> None:
    built: list[weakref.ref[StubPredictor]] = []

    def build() -> StubPredictor:
        predictor = StubPredictor()
        built.append(weakref.ref(predictor))
        return predictor

    gc.collect()
    gc.disable()  # nobody may have to look for circles
    try:
        for _ in range(10):
            session.use(build=build)
            session.image = make_picture(30, 20)
            session.wait(20)
            # The worker's thread lets go of its last job a moment after the result is told.
            deadline = time.monotonic() + 5
            while sum(one() is not None for one in built) > 1 and time.monotonic() < deadline:
                time.sleep(0.005)
            assert [one() is session.predictor for one in built] == [False] * (len(built) - 1) + [
                True
            ]
            assert sum(one() is not None for one in built) == 1
    finally:
        gc.enable()


def workers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "seg_widgets worker"}


def test_close_ends_the_worker_and_keeps_what_is_on_screen() -> None:
    others = workers()
    session = SegmentationSession(StubPredictor())
    session.image = make_picture(30, 20)
    session.wait(20)
    [thread] = workers() - others
    assert thread.is_alive()
    session.close(5)
    session.close(5)
    assert not thread.is_alive()
    assert session.closed
    assert session.predictor is None
    assert session.image is not None
    with pytest.raises(SettingError, match="closed"):
        session.image = make_picture(30, 20)


def test_close_during_inference_drops_the_result() -> None:
    gate = Gate()
    session = SegmentationSession(gate)
    session.image = make_picture(30, 20)
    assert gate.entered.acquire(timeout=20)
    session.close()
    assert not session.busy
    assert session.wait(1) is None
    gate.go.release()
    session.close(10)
    assert session.image is None


def test_close_while_the_model_is_built() -> None:
    go = threading.Event()

    def build() -> StubPredictor:
        assert go.wait(20)
        return StubPredictor()

    session = SegmentationSession(build=build)
    session.image = make_picture(30, 20)
    session.close()
    go.set()
    session.close(10)
    assert session.predictor is None
    assert session.error == ""


def test_a_forgotten_session_is_collected_and_its_worker_ends() -> None:
    others = workers()
    session = SegmentationSession(StubPredictor())
    session.image = make_picture(30, 20)
    session.wait(20)
    [thread] = workers() - others
    gone = weakref.ref(session)
    del session
    deadline = time.monotonic() + 10
    while gone() is not None and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.02)
    assert gone() is None
    thread.join(10)
    assert not thread.is_alive()


def test_cancel_keeps_and_clear_forgets(session: SegmentationSession) -> None:
    session.image = make_picture(30, 20)
    session.wait(20)
    session.predictor.delay_s = 0.3
    session.image = make_picture(10, 10)
    session.cancel()
    assert not session.busy
    assert session.image.shape == (20, 30, 3)
    session.segment(b"nothing")
    with pytest.raises(ImageFormatError):
        session.wait(20)
    session.image = None
    assert session.image is session.prediction is None
    assert session.source == session.error == ""
    assert session.wait(20) is None


def test_wait_gives_up_in_time() -> None:
    session = SegmentationSession(StubPredictor(delay_s=0.5))
    session.image = make_picture(30, 20)
    with pytest.raises(TimeoutError, match="still busy"):
        session.wait(0.05)
    session.wait(20)
    session.close(5)


def test_an_observer_may_wait_or_fail(
    session: SegmentationSession, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[object] = []

    def careless(change: object) -> None:
        heard.append(session.wait(5))
        raise RuntimeError("an observer's own mistake")

    session.observe(careless, "prediction")
    session.observe(heard.append, "image")
    session.image = make_picture(30, 20)
    session.wait(20)
    assert not session.busy
    assert heard[0] is session.prediction
    assert len(heard) == 2
    assert "own mistake" in caplog.text


@pytest.mark.parametrize(
    "trait", ["busy", "status", "error", "predictor", "history", "current", "result", "notes"]
)
def test_a_mistake_in_an_observer_of_any_trait_stops_nothing(
    trait: str, caplog: pytest.LogCaptureFixture
) -> None:
    def careless(change: object) -> None:
        raise KeyError("a typo")

    session = SegmentationSession(build=lambda: StubPredictor(2))
    session.observe(careless, trait)
    heard: list[object] = []
    session.observe(heard.append, "prediction")
    session.segment(make_picture(30, 20), "a.png")
    assert session.wait(20) is not None
    session.segment(b"nothing", "b.png")
    with pytest.raises(ImageFormatError):
        session.wait(20)
    session.segment(make_picture(20, 20), "c.png")
    assert session.wait(20) is not None
    session.show(1)
    session.forget(1)
    session.clear()
    session.undo_clear()
    assert session.source == "a.png"
    session.close(5)
    assert len(heard) >= 3
    if trait != "notes":  # there are none, so nothing changes
        assert "failed with KeyError: 'a typo'" in caplog.text
        assert f"observes '{trait}'" in caplog.text


# GeneratorExit stands for what asyncio and other libraries derive from BaseException.
LEAVING = [SystemExit, KeyboardInterrupt, GeneratorExit]


@pytest.mark.parametrize("error", LEAVING)
@pytest.mark.parametrize("trait", ["status", "history", "busy", "result", "predictor"])
def test_an_observer_that_leaves_stops_nothing(trait: str, error: type[BaseException]) -> None:
    def leave(change: object) -> None:
        raise error("bye")

    session = SegmentationSession(build=lambda: StubPredictor(2))
    with contextlib.suppress(KeyboardInterrupt):  # the interrupt of a cell, on this thread
        session.observe(leave, trait)
        session.segment(make_picture(30, 20), "a.png")
    assert session.wait(20) is not None
    assert session.source == "a.png"
    assert not session.busy
    with contextlib.suppress(KeyboardInterrupt):
        session.close(5)
    assert session.closed
    assert "seg_widgets worker" not in worker_names(session)


def worker_names(session: SegmentationSession) -> list[str]:
    thread = session._worker._thread
    if thread is None:
        return []
    thread.join(20)
    return [thread.name] if thread.is_alive() else []


def test_one_observer_does_not_keep_the_others_of_its_trait_from_being_called(
    session: SegmentationSession, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def careless(change: object) -> None:
        heard.append("careless")
        raise RuntimeError("an observer's own mistake")

    def careful(change: object) -> None:
        heard.append("careful")

    session.observe(careless, "prediction")
    session.observe(careful, "prediction")
    session.segment(make_picture(30, 20))
    session.wait(20)
    assert heard == ["careless", "careful"]
    assert "own mistake" in caplog.text
    session.unobserve(careless, "prediction")
    session.segment(make_picture(30, 20))
    session.wait(20)
    assert heard == ["careless", "careful", "careful"]


@pytest.mark.parametrize("error", LEAVING)
def test_builders_sources_and_predictors_that_leave_are_told(error: type[BaseException]) -> None:
    def leave(*_: object) -> Any:
        raise error("bye")

    class Source:
        read = leave

    for session, source in (
        (SegmentationSession(build=leave), make_picture(9, 9)),
        (SegmentationSession(leave), make_picture(9, 9)),
        (SegmentationSession(StubPredictor(1)), Source()),
    ):
        session.segment(source, "a.png")
        with pytest.raises(SegWidgetsError, match=error.__name__ + "|sys.exit"):
            session.wait(20)
        assert session.error
        session.use(StubPredictor(2))
        session.segment(make_picture(8, 8))
        assert session.wait(20) is not None
        session.close(5)


def test_a_predictor_whose_name_can_not_be_read_is_used_all_the_same() -> None:
    class Odd(StubPredictor):
        @property
        def name(self) -> str:
            raise RuntimeError("no name today")

    session = SegmentationSession(Odd(2))
    session.segment(make_picture(30, 20))
    assert session.wait(20) is not None
    assert session.history[0].model == "Odd"
    session.close(5)


def test_the_error_of_the_last_request_outlives_the_images_that_waited(
    paced: tuple[SegmentationSession, Paced],
) -> None:
    session, predictor = paced
    session.segment_all([*pictures(21, 22), Upload("bad.jpg", b"a letter"), *pictures(23)])
    assert predictor.started.acquire(timeout=10)
    session.segment("no such file.jpg")
    predictor.go.release(10)
    with pytest.raises(ImageNotFoundError):
        session.wait(20)
    assert "no such file.jpg" in session.error
    assert [state for _, state in states(session)] == ["done", "done", "failed", "done"]
    # The first of several is shown although the newest request has failed.
    assert session.source == "21.jpg"
    session.segment(make_picture(20, 20), "good.png")
    session.wait(20)
    assert session.error == ""


def test_another_model_ends_the_error_of_the_one_before() -> None:
    session = SegmentationSession(build=lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    with pytest.raises(ModelError, match="ZeroDivisionError"):
        session.wait(20)
    session.use(StubPredictor(2))
    assert session.wait(20) is None
    assert session.error == ""
    session.close(5)


def test_a_predictor_that_exits_is_told_and_the_next_request_works() -> None:
    def predictor(image: RGBArray, /) -> Prediction:
        if image.shape[1] == 30:
            raise SystemExit(3)
        return StubPredictor(2)(image)

    session = SegmentationSession(predictor)
    session.image = make_picture(30, 20)
    with pytest.raises(InferenceError, match=r"called sys\.exit\(3\)"):
        session.wait(20)
    session.image = make_picture(20, 20)
    assert session.wait(20) is not None
    session.close(5)


def test_requests_from_many_threads_end_with_one_consistent_result(
    session: SegmentationSession,
) -> None:
    def ask(seed: int) -> None:
        for step in range(10):
            side = 8 + seed * 10 + step
            session.image = make_picture(side, side + 1)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    result = session.wait(30)
    assert result is not None
    assert session.image.shape[:2] == result.image_size
    assert not session.busy
    assert session.status == ""


def test_the_repr_is_stable(session: SegmentationSession) -> None:
    assert repr(session) == "SegmentationSession(no image yet, threshold 0.50)"
    session.segment(make_jpeg(64, 48), "photo.jpg")
    session.wait(20)
    assert (
        repr(session)
        == "SegmentationSession(image='photo.jpg' 64×48, 7 of 12 instances shown at threshold 0.50)"
    )


def test_names_are_taken_from_where_the_image_comes_from(
    session: SegmentationSession, tmp_path: Any
) -> None:
    path = tmp_path / "harbour.jpg"
    path.write_bytes(make_jpeg(30, 20))
    for source, name in (
        (path, "harbour.jpg"),
        (str(path), "harbour.jpg"),
        (make_picture(5, 5), ""),
    ):
        session.image = source
        session.wait(20)
        assert session.source == name


# ── several images ────────────────────────────────────────────────────────────────────────────────


def test_loading_the_model_is_no_work_that_could_be_cancelled() -> None:
    go = threading.Event()

    def build() -> StubPredictor:
        assert go.wait(20)
        return StubPredictor()

    session = SegmentationSession(build=build)
    try:
        assert session.busy
        assert not session.working
        session.segment(make_picture(40, 30))
        assert session.working
        session.cancel()
        assert not session.working
        go.set()
        session.wait(20)
        assert not session.working
    finally:
        go.set()
        session.close(5)


class Paced:
    """A predictor whose calls wait until they are let go; `widths` are those of the images that it
    saw."""

    name = "paced"

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.started = threading.Semaphore(0)
        self.widths: list[int] = []

    def __call__(self, image: RGBArray, /) -> Prediction:
        self.widths.append(image.shape[1])
        self.started.release()
        assert self.go.acquire(timeout=20)
        return StubPredictor(2)(image)


@pytest.fixture
def paced() -> Iterator[tuple[SegmentationSession, Paced]]:
    predictor = Paced()
    session = SegmentationSession(predictor)
    yield session, predictor
    predictor.go.release(50)
    session.close(5)


def states(session: SegmentationSession) -> list[tuple[str, str]]:
    return [(entry.source, entry.state) for entry in session.history]


def pictures(*widths: int) -> list[Any]:
    return [Upload(f"{width}.jpg", make_jpeg(width, 20)) for width in widths]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_several_images_are_segmented_in_turn_and_the_first_is_shown(
    paced: tuple[SegmentationSession, Paced],
) -> None:
    session, predictor = paced
    session.segment_all(pictures(21, 22, 23))
    assert predictor.started.acquire(timeout=10)
    assert states(session) == [("21.jpg", "busy"), ("22.jpg", "waiting"), ("23.jpg", "waiting")]
    assert session.status == "Segmenting 21.jpg (1 of 3)"
    predictor.go.release()
    assert predictor.started.acquire(timeout=10)
    assert session.source == "21.jpg"
    assert session.status.startswith("Segmenting 22.jpg (2 of 3)")
    predictor.go.release(2)
    session.wait(20)
    assert states(session) == [("21.jpg", "done"), ("22.jpg", "done"), ("23.jpg", "done")]
    assert session.source == "21.jpg"
    assert session.current == 1
    assert [entry.image.shape[1] for entry in session.history] == [21, 22, 23]
    assert all(entry.model == "paced" and entry.took_s is not None for entry in session.history)


def test_an_image_is_there_before_its_result(paced: tuple[SegmentationSession, Paced]) -> None:
    session, predictor = paced
    seen: list[tuple[str, int]] = []
    session.observe(
        lambda change: seen.append((_name(change["new"]), len(predictor.widths))), "upcoming"
    )
    session.segment(make_picture(40, 30), "first")
    assert predictor.started.acquire(timeout=10)
    assert seen == [("first", 0)], "before the model was asked"
    assert session.upcoming.image.shape == (30, 40, 3)
    assert session.image is None
    predictor.go.release()
    session.wait(20)
    assert session.upcoming is None
    assert session.source == "first"

    # One that is dropped, fails or is replaced leaves what was there.
    session.segment(make_picture(50, 30), "second")
    assert predictor.started.acquire(timeout=10)
    session.cancel()
    assert session.upcoming is None
    assert session.source == "first"
    session.segment(b"no image", "third")
    predictor.go.release()
    with pytest.raises(ImageError):
        session.wait(20)
    assert [name for name, _ in seen] == ["first", "", "second", ""]


def _name(upcoming: Any) -> str:
    return "" if upcoming is None else str(upcoming.name)


def test_only_what_will_be_shown_is_upcoming(paced: tuple[SegmentationSession, Paced]) -> None:
    session, predictor = paced
    seen: list[str] = []
    session.observe(lambda change: seen.append(_name(change["new"])), "upcoming")
    session.segment_all(pictures(21, 22, 23))
    predictor.go.release(3)
    session.wait(20)
    assert seen == ["21.jpg", ""]
    # Another model looks at the image that is on screen: its first result stays visible.
    session.use(StubPredictor(3))
    session.wait(20)
    session.show(2)
    assert seen == ["21.jpg", ""]


def test_a_single_request_goes_first_and_nothing_is_lost(
    paced: tuple[SegmentationSession, Paced],
) -> None:
    session, predictor = paced
    session.segment_all(pictures(21, 22, 23))
    assert predictor.started.acquire(timeout=10)
    session.segment(make_picture(40, 20), "single")  # while the model runs on the first of them
    predictor.go.release(10)
    session.wait(20)
    assert predictor.widths == [21, 40, 22, 23]
    assert session.source == "single"
    assert states(session) == [
        ("21.jpg", "done"),
        ("22.jpg", "done"),
        ("23.jpg", "done"),
        ("single", "done"),
    ]


def test_more_images_join_those_that_wait(paced: tuple[SegmentationSession, Paced]) -> None:
    session, predictor = paced
    session.segment_all(pictures(21, 22))
    assert predictor.started.acquire(timeout=10)
    session.segment_all(pictures(31, 32))
    predictor.go.release(10)
    session.wait(20)
    assert sorted(predictor.widths) == [21, 22, 31, 32]
    assert {state for _, state in states(session)} == {"done"}
    assert session.source == "31.jpg"


def test_single_requests_that_are_overtaken_leave_no_entry(
    paced: tuple[SegmentationSession, Paced],
) -> None:
    session, predictor = paced
    session.segment(make_picture(21, 20), "first")
    assert predictor.started.acquire(timeout=10)
    session.segment(make_picture(22, 20), "second")
    session.segment(make_picture(23, 20), "third")
    predictor.go.release(10)
    session.wait(20)
    assert states(session) == [("third", "done")]


def test_a_bad_one_of_several_is_kept_with_its_error_and_the_others_go_on() -> None:
    session = SegmentationSession(StubPredictor(2))
    session.segment_all([Upload("bad.jpg", b"a letter"), *pictures(22), "missing.jpg"])
    with pytest.raises(ImageNotFoundError):
        session.wait(20)
    assert states(session) == [("bad.jpg", "failed"), ("22.jpg", "done"), ("missing.jpg", "failed")]
    assert session.source == "22.jpg"  # the first with a result, as nothing else is on screen
    session.show(1)
    assert "bad.jpg" in session.error
    assert session.source == "22.jpg"
    session.show(2)
    assert session.error == ""
    assert len(session.wait() or ()) == 2
    session.close(5)


def test_a_waiting_image_can_be_brought_forward_or_removed(
    paced: tuple[SegmentationSession, Paced],
) -> None:
    session, predictor = paced
    session.segment_all(pictures(21, 22, 23, 24))
    assert predictor.started.acquire(timeout=10)
    session.show(4)
    session.forget(3)
    predictor.go.release(10)
    session.wait(20)
    assert predictor.widths == [21, 24, 22]
    assert session.source == "24.jpg"
    assert states(session) == [("21.jpg", "done"), ("22.jpg", "done"), ("24.jpg", "done")]


def test_a_removed_image_that_the_model_works_on_leaves_nothing(
    paced: tuple[SegmentationSession, Paced],
) -> None:
    session, predictor = paced
    session.segment_all(pictures(21, 22))
    assert predictor.started.acquire(timeout=10)
    session.forget(1)
    predictor.go.release(10)
    session.wait(20)
    assert states(session) == [("22.jpg", "done")]
    assert session.source == "22.jpg"


def test_cancel_and_clear_drop_what_waits(paced: tuple[SegmentationSession, Paced]) -> None:
    session, predictor = paced
    predictor.go.release()
    session.segment(make_picture(40, 20), "kept")
    session.wait(20)
    session.segment_all(pictures(21, 22))
    wait_until(lambda: 21 in predictor.widths)
    session.cancel()
    assert not session.busy
    assert states(session) == [("kept", "done")]
    assert session.source == "kept"
    predictor.go.release(10)
    session.segment_all(pictures(31, 32))
    session.wait(20)
    session.clear()
    assert session.history == ()
    assert session.current is None
    assert session.image is None
    assert 22 not in predictor.widths


def test_another_model_adds_a_result_beside_the_one_before() -> None:
    class Second(StubPredictor):
        name = "second"

    session = SegmentationSession(StubPredictor(2))
    session.segment_all(pictures(21, 22))
    session.wait(20)
    session.use(Second(5))
    session.wait(20)
    assert [len(entry.prediction) for entry in session.history] == [2, 2, 5]
    assert [entry.source for entry in session.history] == ["21.jpg", "22.jpg", "21.jpg"]
    assert [entry.model for entry in session.history] == [
        "StubPredictor",
        "StubPredictor",
        "second",
    ]
    assert session.history[2].pixels is session.history[0].pixels, "the image is kept once"
    assert session.current == 3
    session.show(1)
    assert session.prediction is not None
    assert len(session.prediction) == 2
    session.close(5)


def test_another_model_that_fails_leaves_what_was_there() -> None:
    session = SegmentationSession(StubPredictor(2))
    session.segment(make_jpeg(21, 20), "a.jpg")
    session.wait(20)
    session.use(StubPredictor(error=KeyError("logits")))
    with pytest.raises(InferenceError, match="logits"):
        session.wait(20)
    assert states(session) == [("a.jpg", "done")]
    assert session.current == 1
    session.close(5)


def test_a_model_that_can_not_be_built_is_tried_once_for_all_that_wait() -> None:
    calls: list[int] = []

    def build() -> StubPredictor:
        calls.append(1)
        raise ModelError("The weights are not here.")

    session = SegmentationSession(build=build)
    with pytest.raises(ModelError):
        session.wait(20)
    session.segment_all(pictures(21, 22, 23))
    with pytest.raises(ModelError):
        session.wait(20)
    assert [state for _, state in states(session)] == ["failed"] * 3
    assert len(calls) == 2
    session.close(5)


def test_uploaded_bytes_are_let_go_once_they_are_opened(
    paced: tuple[SegmentationSession, Paced],
) -> None:
    class Bytes(Upload):
        pass

    session, predictor = paced
    upload = Bytes("a.jpg", make_jpeg(21, 20))
    gone = weakref.ref(upload)
    session.segment(upload)
    del upload
    assert predictor.started.acquire(timeout=10)
    gc.collect()
    assert gone() is None


def test_where_an_image_came_from_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(make_jpeg(21, 20))
    session = SegmentationSession(StubPredictor(2))
    session.segment(path)
    session.wait(20)
    assert session.origin == session.history[0].origin == str(path)
    session.segment(path.read_bytes(), "upload.jpg")
    session.wait(20)
    assert session.origin == ""
    session.show(1)
    assert session.origin == str(path)
    assert session.model_name == ""
    session.close(5)


def test_no_images_at_all_is_no_request() -> None:
    session = SegmentationSession(StubPredictor(2))
    session.segment_all([])
    assert not session.busy
    assert session.history == ()
    session.close()
    with pytest.raises(SettingError, match="closed"):
        session.segment_all([make_picture(20, 20)])


def test_class_thresholds_stand_in_place_of_the_common_one() -> None:
    session = SegmentationSession(StubPredictor(), threshold=0.5)
    session.class_thresholds = {"person": 0.9, "unknown": 0.1}  # before there is a model to ask
    session.segment(make_picture(40, 30))
    session.wait(20)
    assert session.shown is not None
    assert session.shown.counts() == {"animal": 2, "vehicle": 2, "person": 1, "food": 1}
    session.class_thresholds = {"person": 0}
    assert session.shown.counts()["person"] == 3
    mistakes: list[Any] = [{"persn": 0.5}, {"person": 2}, ["person"], {1: 0.5}]
    for wrong in mistakes:
        with pytest.raises(SettingError):
            session.class_thresholds = wrong
    assert session.class_thresholds == {"person": 0.0}
    session.close(5)


def test_one_path_instead_of_several_is_refused_and_changes_nothing(
    session: SegmentationSession, tmp_path: Path
) -> None:
    for one in (tmp_path / "a.jpg", "a.jpg"):
        with pytest.raises(SettingError, match="segment_all takes"):
            session.segment_all(one)  # type: ignore[arg-type]
    with pytest.raises(ImageNotFoundError, match="is empty"):
        session.segment_all(tmp_path)  # type: ignore[arg-type]
    assert session.history == ()
    assert not session.busy


# ── nothing is lost ───────────────────────────────────────────────────────────────────────────────


def test_fifty_results_are_kept() -> None:
    predictor = StubPredictor(3)
    session = SegmentationSession(predictor)
    session.segment_all(pictures(*range(21, 71)))
    session.wait(60)
    assert [entry.number for entry in session.history] == list(range(1, 51))
    assert {entry.state for entry in session.history} == {"done"}
    session.show(2)
    assert session.image.shape == (20, 22, 3)
    assert predictor.calls == 50
    session.close(5)


def test_large_images_leave_memory_and_come_back_with_their_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seg_widgets.session import history

    side = 100
    monkeypatch.setattr(history.History.__init__, "__defaults__", (5 * side * side * 3,))
    predictor = StubPredictor(3)
    session = SegmentationSession(predictor)
    path = tmp_path / "file.png"
    path.write_bytes(make_jpeg(side, side, seed=99))
    given = [path, *(make_picture(side, side, seed) for seed in range(1, 15))]
    session.segment_all(given)
    session.wait(60)

    def in_memory() -> int:
        return sum(entry.pixels.memory_bytes for entry in session.history)

    wait_until(lambda: in_memory() <= 5 * side * side * 3)
    assert session.history[1].pixels.memory_bytes == 0
    assert session.current == 1, "the image on screen stays"
    assert session.history[0].pixels.memory_bytes > 0
    for number in (15, 2, 3, 1):
        session.show(number)
        assert session.current == number
        assert session.error == ""
        assert session.prediction is session.history[number - 1].prediction
        if number > 1:
            assert (session.image == given[number - 1]).all()
    assert (session.history[3].image == given[3]).all(), "Python reads it, too"
    assert predictor.calls == 15, "the model never ran again"

    folder = session._folder.path
    assert folder is not None
    assert len(list(folder.iterdir())) == 10
    session.close(5)
    assert not folder.exists()


def test_pixels_that_can_not_be_had_are_told_and_the_result_stays(tmp_path: Path) -> None:
    session = SegmentationSession(StubPredictor(3))
    path = tmp_path / "photo.jpg"
    path.write_bytes(make_jpeg(60, 40))
    session.segment_all([path, make_picture(20, 20)])
    session.wait(20)
    session.show(2)
    session.history[0].pixels.put_away(session._folder)
    path.unlink()
    session.show(1)
    assert session.current == 2, "what is on screen stays"
    assert session.error.startswith("photo.jpg can't be shown again. ")
    assert session.error.endswith("Its result is still in the history.")
    assert len(session.history[0].prediction) == 3
    path.write_bytes(make_jpeg(60, 40, seed=5))
    session.show(1)
    assert "has changed since it was segmented" in session.error
    path.write_bytes(make_jpeg(60, 40))
    session.show(1)
    assert session.error == ""
    assert session.current == 1
    session.close(5)


# ── clear and back ────────────────────────────────────────────────────────────────────────────────


def test_clear_can_be_undone(session: SegmentationSession) -> None:
    session.segment_all([Upload("bad.jpg", b"a letter"), *pictures(21, 22)])
    with pytest.raises(ImageFormatError):
        session.wait(20)
    session.show(3)
    session.hidden_instances = [2]
    session.selected = [1]
    before = session.history, session.result
    assert not session.can_undo_clear
    session.clear()
    assert session.can_undo_clear
    assert session.history == ()
    assert session.image is None
    session.undo_clear()
    assert not session.can_undo_clear
    assert (session.history, session.current) == (before[0], 3)
    assert session.result is not None
    assert session.result.prediction is before[1].prediction
    assert session.hidden_instances == (2,)
    assert session.selected == (1,)
    with pytest.raises(SettingError, match="nothing to bring back"):
        session.undo_clear()


def test_what_was_opened_since_stays_on_screen(session: SegmentationSession) -> None:
    session.segment(make_jpeg(21, 20), "first")
    session.wait(20)
    session.clear()
    session.segment(make_jpeg(22, 20), "second")
    session.wait(20)
    session.undo_clear()
    assert states(session) == [("first", "done"), ("second", "done")]
    assert session.source == "second"
    session.show(1)
    assert session.source == "first"


def test_undo_brings_back_what_had_no_result_yet() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(image: RGBArray) -> Prediction:
        begun.set()
        assert go_on.wait(20)
        return Prediction.empty((image.shape[0], image.shape[1]), ("cat",))

    session = SegmentationSession(slow)
    session.segment_all([make_picture(20 + number, 10) for number in range(4)])
    assert begun.wait(20)
    session.clear()
    assert not session.history and session.can_undo_clear
    session.undo_clear()
    assert [entry.state for entry in session.history] == ["busy", "waiting", "waiting", "waiting"]
    go_on.set()
    session.wait(20)
    assert [entry.state for entry in session.history] == ["done"] * 4
    assert session.image is not None and session.image.shape == (10, 20, 3)

    # A single image that was under way goes on, unless something newer was asked for.
    for newer in (False, True):
        begun.clear()
        go_on.clear()
        session.segment(make_picture(50, 30))
        assert begun.wait(20)
        session.clear()
        if newer:
            session.segment(make_picture(60, 40))
        session.undo_clear()
        assert len(session.history) >= 4
        go_on.set()
        session.wait(20)
        assert session.image.shape == ((40, 60, 3) if newer else (30, 50, 3))
    session.close(5)


def test_a_function_that_draws_into_its_image_changes_nothing_on_screen() -> None:
    def draws(image: RGBArray) -> Prediction:
        image[:] = 0
        return Prediction.empty((image.shape[0], image.shape[1]), ("cat",))

    picture = make_picture(30, 20)
    session = SegmentationSession(draws)
    session.segment(picture)
    session.wait(20)
    assert session.image is not None
    assert np.array_equal(session.image, make_picture(30, 20))
    assert np.array_equal(picture, make_picture(30, 20))
    session.close(5)


def test_clearing_nothing_leaves_nothing_to_undo(session: SegmentationSession) -> None:
    session.clear()
    assert not session.can_undo_clear
    with pytest.raises(SettingError, match="nothing to bring back"):
        session.undo_clear()


def test_what_was_cleared_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    from seg_widgets.session import cleared

    monkeypatch.setattr(cleared, "UNDO_S", 0.05)
    session = SegmentationSession(StubPredictor(2))
    session.segment(make_jpeg(21, 20), "first")
    session.wait(20)
    gone = weakref.ref(session.history[0].pixels)
    session.clear()
    wait_until(lambda: not session.can_undo_clear)
    gc.collect()
    assert gone() is None
    session.close(5)


# ── notes ─────────────────────────────────────────────────────────────────────────────────────────


def test_notes_of_image_and_prediction_belong_to_the_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from seg_widgets import images

    class Loaded:
        pixels = make_picture(30, 20)
        notes = ("The first of 3 pages is shown.",)

    limit = "The model's limit of 100 instances was reached, so there may be more."

    class Limited(StubPredictor):
        def __call__(self, image: RGBArray, /) -> Prediction:
            return dataclasses.replace(super().__call__(image), notes=(limit,))

    session = SegmentationSession(Limited(2))
    session.segment(make_picture(30, 20))
    session.wait(20)
    assert list(session.notes) == [limit]
    monkeypatch.setattr(images, "read", lambda *given, **settings: Loaded, raising=False)
    session.segment("scan.tif")
    session.wait(20)
    assert list(session.notes) == [*Loaded.notes, limit]
    assert session.error == ""
    assert session.result is not None
    assert session.result.notes == session.history[1].notes == session.notes
    session.use(StubPredictor(2))
    session.wait(20)
    assert list(session.notes) == list(Loaded.notes), "the image is still the one page of three"
    session.clear()
    assert not session.notes
    session.close(5)


def test_a_page_and_its_contrast_are_chosen_for_all_images_or_for_one(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((20, 30), value, np.uint16)) for value in (0, 1000, 4000)]
    path = tmp_path / "stack.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    session = SegmentationSession(StubPredictor(1), contrast=(0, 4000), page=1)
    session.segment(path)
    session.wait(20)
    assert session.image is not None
    assert session.image[0, 0, 0] in (63, 64)
    session.segment(path, page=2)
    session.wait(20)
    assert session.image[0, 0, 0] == 255
    with pytest.raises(SettingError, match="channels is one index"):
        session.segment(path, channels=(0, 1))
    session.segment(path, page=3)
    with pytest.raises(SegWidgetsError, match="3 pages"):
        session.wait(20)
    session.close(5)
    with pytest.raises(SettingError, match="contrast is"):
        SegmentationSession(StubPredictor(1), contrast=(5, 1))


def test_an_equal_prediction_of_another_image_is_news() -> None:
    session = SegmentationSession(lambda image: Prediction.empty(image.shape[:2], ("cat",)))
    seen: list[Prediction] = []
    session.observe(lambda change: seen.append(change["new"]), "prediction")
    for shade in (0, 255):
        session.segment(np.full((4, 5, 3), shade, np.uint8))
        session.wait(30)
    assert len(seen) == 2 and seen[0] == seen[1]
    session.close()
