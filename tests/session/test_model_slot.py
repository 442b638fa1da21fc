"""The model's slot alone: empty, building, ready, failed, fetching."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, ClassVar

import pytest

from seg_widgets.errors import ModelError, SettingError, WeightsFetchError
from seg_widgets.session import model_slot
from seg_widgets.session.model_slot import ModelChoice, ModelSlot, predictor_name
from seg_widgets.testing import StubPredictor


class Heard:
    """A slot, and what it has called back."""

    def __init__(self) -> None:
        self.built: list[Any] = []
        self.progress: list[str] = []
        self.fetched: list[tuple[str, Any]] = []
        self.event = threading.Event()
        self.slot = ModelSlot(
            on_built=self._on_built, on_progress=self._on_progress, on_fetched=self._on_fetched
        )

    def _on_built(self, error: Any) -> None:
        self.built.append(error)
        self.event.set()

    def _on_progress(self) -> None:
        self.progress.append(self.slot.progress)

    def _on_fetched(self, choice: ModelChoice, problem: Any) -> None:
        self.fetched.append((choice.name, problem))
        self.event.set()


class FakeDownload:
    """A download that the test drives."""

    made: ClassVar[list[FakeDownload]] = []

    def __init__(self, name: str, told: Callable[[], None], done: Callable[[Any], None]) -> None:
        self.name, self.told, self.done = name, told, done
        self.words = f"Fetching {name}"
        self.started = self.cancelled = False
        FakeDownload.made.append(self)

    def start(self) -> None:
        self.started = True

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[FakeDownload]:
    monkeypatch.setattr(model_slot, "BackgroundDownload", FakeDownload)
    FakeDownload.made = []
    return FakeDownload.made


def test_an_empty_slot_has_no_model() -> None:
    slot = Heard().slot
    assert (slot.state, slot.predictor, slot.name, slot.fetching) == ("empty", None, "", "")
    with pytest.raises(ModelError, match="choose one"):
        slot.get()


def test_a_predictor_is_ready_at_once() -> None:
    heard = Heard()
    predictor = StubPredictor()
    heard.slot.use(ModelChoice.of(predictor))
    assert heard.slot.state == "ready"
    assert heard.slot.get().result(0) is heard.slot.predictor is predictor
    assert heard.built == []


def test_a_model_is_built_once_in_a_thread_of_its_own() -> None:
    heard, go = Heard(), threading.Event()
    calls: list[str] = []

    def build() -> StubPredictor:
        assert go.wait(20)
        calls.append(threading.current_thread().name)
        return StubPredictor()

    heard.slot.use(ModelChoice.of(build=build))
    states = [heard.slot.state]  # nobody has asked for it yet
    first = heard.slot.get()
    assert heard.slot.get() is first
    states.append(heard.slot.state)
    assert heard.slot.building
    go.set()
    assert first.result(20) is heard.slot.predictor
    assert heard.event.wait(20)
    states.append(heard.slot.state)
    assert states == ["empty", "building", "ready"]
    assert not heard.slot.building
    assert heard.built == [None]
    assert calls == ["seg_widgets model"]


def test_a_failure_is_reported_and_the_next_request_builds_again() -> None:
    heard = Heard()
    attempts: list[int] = []

    def build() -> Any:
        attempts.append(1)
        if len(attempts) == 1:
            raise KeyError("no")
        return StubPredictor() if len(attempts) == 3 else None

    heard.slot.use(ModelChoice.of(build=build))
    for message in ("load the model", "NoneType"):
        heard.event.clear()
        with pytest.raises(ModelError, match=message):
            heard.slot.get().result(20)
        assert heard.event.wait(20)
        assert heard.slot.state == "failed"
    heard.slot.get().result(20)
    assert heard.slot.state == "ready"
    assert [type(error) for error in heard.built[:2]] == [ModelError, ModelError]


def test_another_choice_cancels_what_is_being_built() -> None:
    heard, go = Heard(), threading.Event()

    def build() -> StubPredictor:
        assert go.wait(20)
        return StubPredictor()

    heard.slot.use(ModelChoice.of(build=build))
    future = heard.slot.get()
    other = StubPredictor()
    heard.slot.use(ModelChoice.of(other))
    go.set()
    with pytest.raises(CancelledError, match=r"^$"):
        future.result(20)
    assert heard.slot.predictor is other
    assert heard.built == []


def test_the_model_in_use_stays_while_another_is_fetched(downloads: list[FakeDownload]) -> None:
    heard = Heard()
    heard.slot.use(ModelChoice.of(StubPredictor()))
    heard.slot.fetch(ModelChoice.of("far away"))
    [download] = downloads
    assert download.started
    assert (heard.slot.state, heard.slot.fetching) == ("fetching", "far away")
    assert isinstance(heard.slot.predictor, StubPredictor)
    download.words = "Fetching far away: 3 of 9 MB"
    download.told()
    assert heard.progress == ["Fetching far away: 3 of 9 MB"]
    download.done(None)
    assert heard.fetched == [("far away", None)]
    assert (heard.slot.state, heard.slot.progress) == ("ready", "")


def test_a_download_that_was_stopped_reports_nothing(downloads: list[FakeDownload]) -> None:
    heard = Heard()
    heard.slot.fetch(ModelChoice.of("one"))
    heard.slot.fetch(ModelChoice.of("two"))
    heard.slot.stop_fetching()
    assert [download.cancelled for download in downloads] == [True, True]
    for download in downloads:
        download.told()
        download.done(WeightsFetchError("It was cancelled."))
    assert heard.progress == []
    assert heard.fetched == []
    assert heard.slot.state == "empty"


def test_a_forgotten_slot_ends_its_download(downloads: list[FakeDownload]) -> None:
    heard = Heard()
    heard.slot.fetch(ModelChoice.of("far away"))
    gone = weakref.ref(heard.slot)
    del heard
    deadline = time.monotonic() + 10
    while gone() is not None and time.monotonic() < deadline:
        gc.collect()
    assert gone() is None
    assert downloads[0].cancelled
    downloads[0].done(None)


def test_a_closed_slot_lets_go_of_its_model() -> None:
    heard = Heard()
    heard.slot.use(ModelChoice.of(StubPredictor()))
    heard.slot.close()
    assert (heard.slot.state, heard.slot.predictor, heard.slot.name) == ("empty", None, "")


def test_what_can_be_chosen() -> None:
    assert ModelChoice.of().name == ModelChoice.of("starter").name == "starter"
    assert ModelChoice.of(StubPredictor()).name == ""
    assert ModelChoice.of("starter").missing is None
    assert ModelChoice.of(StubPredictor()).missing is None
    with pytest.raises(SettingError, match="not both"):
        ModelChoice.of(StubPredictor(), StubPredictor)
    with pytest.raises(SettingError, match="int can't be called"):
        ModelChoice.of(3)  # type: ignore[arg-type]


def test_a_predictor_is_called_by_its_name_or_its_class() -> None:
    class Named(StubPredictor):
        name = "mine"

    assert predictor_name(Named()) == "mine"
    assert predictor_name(StubPredictor()) == "StubPredictor"


def test_building_waits_while_it_is_held() -> None:
    heard = Heard()
    slot = heard.slot
    slot.use(ModelChoice(build=StubPredictor))
    with pytest.raises(RuntimeError, match="in the middle"), slot.held():
        future = slot.get()
        assert slot.get() is future, "it is asked for once"
        assert slot.state == "building"
        assert not heard.built
        raise RuntimeError("in the middle")
    assert isinstance(future.result(20), StubPredictor)
    assert heard.event.wait(20)
    assert heard.built == [None]
