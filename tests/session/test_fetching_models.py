"""A model whose weights are not here: fetched while the one in use goes on, and what happens when
that fails."""

from __future__ import annotations

import gc
import hashlib
import json
import pickle
import re
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seg_widgets import load_predictor, save_model
from seg_widgets.cli import main
from seg_widgets.errors import ConfigError, SettingError, WeightsError, WeightsFetchError
from seg_widgets.modeling import catalogue, models, read_checkpoint
from seg_widgets.modeling.catalogue import ModelCard
from seg_widgets.session.session import SegmentationSession
from seg_widgets.testing import StubPredictor, make_jpeg, make_picture
from seg_widgets.widgets.panel import SegmentationPanel

from ..waiting import until
from ..zoo import Zoo, zoo_server

NAME = "coco-r50-fpn-3x"
CLASSES = tuple(f"thing {number}" for number in range(96))
STARTER_FILE = Path(__file__).resolve().parents[2] / "weights" / "starter.safetensors"
SIZE = f"{STARTER_FILE.stat().st_size / 1e6:.0f} MB"


@pytest.fixture(scope="module")
def content(root_folder: Path) -> bytes:
    """The starter's tensors as the zoo would serve them, under other class names."""
    tensors = read_checkpoint(root_folder / "weights" / "starter.safetensors").tensors
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    return pickle.dumps(
        {"model": arrays, "__author__": "Detectron2 Model Zoo", "classes": list(CLASSES)}, 4
    )


@pytest.fixture(scope="module")
def root_folder() -> Path:
    return Path(__file__).resolve().parents[2]


@pytest.fixture
def zoo(
    tmp_path: Path, root_folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> Iterator[type[Zoo]]:
    """A server that has the weights of NAME, and an empty cache."""
    monkeypatch.setenv("SEG_WIDGETS_CACHE", str(tmp_path))
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    changes = {
        "config": str(root_folder / "weights" / "starter.yaml"),
        "classes": 96,
        "megabytes": len(content) / 1e6,
        "file": f"zoo/model_final_{md5[:6]}.pkl",
    }
    card = next(card for card in models() if card.name == NAME)
    monkeypatch.setitem(catalogue._CARDS, NAME, ModelCard(**{**vars(card), **changes}))
    with zoo_server(content) as (handler, address):
        monkeypatch.setenv("SEG_WIDGETS_MIRROR", address)
        yield handler


def slowly(pause_s: float) -> Callable[[Zoo], None]:
    return lambda request: request.send_range(pause_s=pause_s)


def test_the_model_in_use_goes_on_until_the_other_is_there(zoo: type[Zoo]) -> None:
    zoo.answer = slowly(0.03)
    session = SegmentationSession(StubPredictor())
    said: list[str] = []
    session.observe(lambda change: said.append(change.new), "status")
    session.segment(make_picture(60, 40), "first.png")
    session.wait(20)
    session.use(NAME, device="cpu")
    assert (session.fetching, session.busy, session.working) == (NAME, True, True)
    session.segment(make_picture(60, 40), "second.png")
    until(lambda: session.source == "second.png")
    assert session.fetching == NAME
    assert isinstance(session.predictor, StubPredictor)
    assert len(session.prediction or ()) == 12
    prediction = session.wait(60)
    assert session.fetching == ""
    assert session.model_name == NAME
    assert prediction is not None
    assert prediction.class_names == CLASSES
    assert session.source == "second.png"
    assert session.error == ""
    megabytes = [words for words in said if words.startswith(f"Fetching {NAME}: ")]
    assert len(megabytes) >= 2
    assert megabytes[-1].endswith(f" of {SIZE}")
    assert len(zoo.asked) == 1
    session.close(5)


def test_cancel_keeps_what_has_come_and_the_model_in_use(zoo: type[Zoo], tmp_path: Path) -> None:
    zoo.answer = slowly(0.02)
    session = SegmentationSession(StubPredictor())
    session.use(NAME, device="cpu")
    part = next(card for card in models() if card.name == NAME).file_name + ".part"
    until(lambda: (tmp_path / part).exists() and (tmp_path / part).stat().st_size > 1_000_000)
    session.cancel()
    assert (session.fetching, session.busy, session.error) == ("", False, "")
    assert isinstance(session.predictor, StubPredictor)
    until(
        lambda: (
            not [
                thread for thread in threading.enumerate() if thread.name == "seg_widgets download"
            ]
        )
    )
    zoo.answer = None
    session.use(NAME, device="cpu")
    session.wait(60)
    assert session.model_name == NAME
    assert int(zoo.asked[-1][1].removeprefix("bytes=").rstrip("-")) > 1_000_000
    session.close(5)


def test_another_choice_ends_the_download(zoo: type[Zoo]) -> None:
    zoo.answer = slowly(0.02)
    session = SegmentationSession(StubPredictor())
    session.use(NAME, device="cpu")
    session.use(StubPredictor(3))
    assert session.fetching == ""
    session.image = make_picture(60, 40)
    assert len(session.wait(20) or ()) == 3
    until(
        lambda: (
            not [
                thread for thread in threading.enumerate() if thread.name == "seg_widgets download"
            ]
        )
    )
    assert session.model_name == ""
    session.close(5)


def test_without_a_network_one_line_says_so_and_the_starter_goes_on(
    zoo: type[Zoo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEG_WIDGETS_MIRROR", "http://127.0.0.1:9")
    session = SegmentationSession(NAME, device="cpu")
    with pytest.raises(
        WeightsFetchError, match=r"can't be reached.*Going on with the model 'starter'"
    ):
        session.wait(60)
    assert session.error.count("\n") == 0
    assert session.model_name == "starter"
    session.image = make_picture(60, 40)
    assert session.wait(60) is not None
    assert session.predictor.name == "starter"
    session.close(5)


def test_a_wrong_file_is_told_and_the_model_in_use_goes_on(zoo: type[Zoo]) -> None:
    zoo.content = zoo.content[:-1] + b"x"
    session = SegmentationSession(StubPredictor())
    session.use(NAME, device="cpu")
    with pytest.raises(
        WeightsError, match=r"its MD5 begins with.*Going on with the model 'StubPredictor'"
    ):
        session.wait(60)
    assert isinstance(session.predictor, StubPredictor)
    session.close(5)


def test_a_forgotten_session_ends_its_download(zoo: type[Zoo]) -> None:
    zoo.answer = slowly(0.05)
    session = SegmentationSession(StubPredictor())
    session.use(NAME, device="cpu")
    kept = weakref.ref(session)
    del session
    gc.collect()
    until(lambda: kept() is None)
    until(
        lambda: (
            not [
                thread for thread in threading.enumerate() if thread.name == "seg_widgets download"
            ]
        )
    )


# ── the panel's picker ────────────────────────────────────────────────────────────────────────────


def labels(panel: SegmentationPanel) -> dict[str, str]:
    return {name: label for label, name in panel.model_picker.options}


def test_the_picker_says_what_is_here_and_fetches_the_rest(zoo: type[Zoo]) -> None:
    panel = SegmentationPanel(device="cpu", samples={})
    panel.wait(60)
    # What is here is offered at each speed.
    speeds = {"starter · balanced", "starter · fast"}
    assert set(labels(panel)) == {card.name for card in models()} | speeds
    assert labels(panel)["starter"] == "starter"
    assert labels(panel)[NAME] == f"{NAME} (fetch {SIZE})"
    assert labels(panel)["coco-r101-fpn-3x"] == "coco-r101-fpn-3x (fetch 254 MB)"
    assert next(iter(labels(panel))) == "starter"
    panel.segment(make_picture(60, 40))
    panel.wait(60)
    zoo.answer = slowly(0.02)
    panel.model_picker.value = NAME
    assert panel.fetching == NAME
    until(lambda: panel.canvas.status.startswith(f"Fetching {NAME}: "))
    assert "cancel" in panel.canvas.actions
    panel.wait(60)
    assert panel.model_picker.value == NAME
    assert labels(panel)[NAME] == NAME
    assert panel.prediction is not None
    assert panel.prediction.class_names == CLASSES
    assert panel.model_name == NAME
    panel.close()


def test_the_picker_returns_to_the_model_in_use(zoo: type[Zoo]) -> None:
    panel = SegmentationPanel(StubPredictor(), samples={})
    zoo.answer = lambda request: request.send_error(503)
    panel.model_picker.value = NAME
    with pytest.raises(WeightsFetchError, match="status 503"):
        panel.wait(60)
    assert panel.model_picker.value == "StubPredictor"
    assert "status 503" in panel.canvas.error
    zoo.answer = slowly(0.02)
    panel.model_picker.value = NAME
    panel.cancel()
    assert panel.model_picker.value == "StubPredictor"
    assert panel.error == ""
    zoo.answer = None
    panel.use(NAME, device="cpu")
    panel.wait(60)
    assert panel.model_picker.value == NAME
    panel.close()


def test_a_panel_that_starts_with_a_model_that_cannot_be_had(
    zoo: type[Zoo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEG_WIDGETS_MIRROR", "http://127.0.0.1:9")
    panel = SegmentationPanel(NAME, device="cpu", samples={}, models={})
    with pytest.raises(WeightsFetchError):
        panel.wait(60)
    assert panel.model_picker.value == "starter"
    assert set(labels(panel)) == {NAME, "starter", "starter · balanced", "starter · fast"}
    assert "Going on with the model 'starter'" in panel.canvas.error
    panel.segment(make_picture(60, 40))
    assert panel.wait(60) is not None
    panel.close()


def test_a_panel_opens_a_models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_model(load_predictor(device="cpu", classes=CLASSES), tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    for given in (tmp_path / "mine", str(tmp_path / "mine"), Path("mine"), "./mine"):
        panel = SegmentationPanel(given, device="cpu", samples={})
        panel.segment(make_picture(60, 40))
        prediction = panel.wait(60)
        assert prediction is not None
        assert prediction.class_names == CLASSES
        assert panel.model_picker.value in (str(tmp_path / "mine"), "./mine")
        assert "96 classes" in panel.model_line.value
        panel.close()
    with pytest.raises(SettingError, match="not both"):
        SegmentationPanel(tmp_path, build=StubPredictor)
    panel = SegmentationPanel(tmp_path / "gone", samples={})
    with pytest.raises(ConfigError, match="no folder"):
        panel.wait(60)
    panel.close()


# ── without a panel ───────────────────────────────────────────────────────────────────────────────


def test_python_and_the_command_line_fetch_too(
    zoo: type[Zoo], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo.answer = slowly(0.005)
    (tmp_path / "photo.jpg").write_bytes(make_jpeg())
    command = [
        "segment",
        str(tmp_path / "photo.jpg"),
        "--model",
        NAME,
        "--device",
        "cpu",
        "--out",
        str(tmp_path / "a"),
    ]
    assert main(command) == 0
    said = capsys.readouterr()
    assert f"model: {NAME} (96 classes) on cpu" in said.out
    assert f"{NAME}: {SIZE[:-3]} of {SIZE}" in said.err
    # Renamed in a file, and from a folder.
    (tmp_path / "names.txt").write_text("\n".join(f"renamed {number}" for number in range(96)))
    renamed = load_predictor(NAME, classes=tmp_path / "names.txt", device="cpu")
    assert renamed.class_names[16] == "renamed 16"
    command[3] = str(save_model(renamed, tmp_path / "mine"))
    assert main([*command, "--format", "coco"]) == 0
    categories = json.loads((tmp_path / "a" / "photo-coco.json").read_text())["categories"]
    assert [category["name"] for category in categories] == list(renamed.class_names)
    assert len(zoo.asked) == 1


def test_a_bar_is_drawn_where_nobody_else_tells(
    zoo: type[Zoo], capsys: pytest.CaptureFixture[str]
) -> None:
    zoo.answer = slowly(0.005)
    assert load_predictor(NAME, device="cpu").class_names == CLASSES
    drawn = capsys.readouterr().err
    assert f"{NAME}: 100%" in drawn
    assert re.search(r"(\d+\.\dM)/\1 ", drawn)
