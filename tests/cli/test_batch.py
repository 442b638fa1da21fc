"""`batch` as a person types it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from seg_widgets.cli import batch, main
from seg_widgets.prediction import Prediction
from seg_widgets.testing import StubPredictor, make_jpeg


class Stub(StubPredictor):
    """A model that costs nothing; it may send a signal to this process."""

    name = "stub"
    description = device = "stub"
    signal_at = -1

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        if self.calls == self.signal_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().__call__(image)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    predictor = Stub(4)
    monkeypatch.setattr(batch, "load_model", lambda options: predictor)
    return predictor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for number in range(6):
        (tmp_path / "in" / f"{number}.jpg").write_bytes(make_jpeg(64, 48))
    return tmp_path / "in"


def test_the_objects_of_one_class_in_a_folder(
    folder: Path, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder.parent / "out"
    command = ["batch", str(folder), "--out", str(out), "--only", "person", "--threshold", "0.6"]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("6 of 6 images, 6 objects")
    assert "  person  6\n" in shown.out
    assert "6/6" in shown.err
    assert (out / "table" / "images" / "part-00000000.parquet").is_file()
    # With nothing left to do, the same command says the same.
    assert main(command) == 0
    assert "6/6" in capsys.readouterr().err
    assert main([*command, "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("6 of 6 images (6 of them before), 6 objects: ")
    assert shown.err == "model: stub on stub\n"


def test_a_signal_ends_it_and_the_same_command_goes_on(
    folder: Path, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["batch", str(folder), "--out", str(folder.parent / "out"), "--quiet"]
    stub.signal_at = 2
    assert main(command) == 143
    assert "stopped: 3 images are left; the same call does them" in capsys.readouterr().out
    stub.signal_at = -1
    assert main(command) == 0
    assert stub.calls == 6


def test_failures_and_mistakes_have_their_statuses(
    folder: Path, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(folder.parent / "out"), "--quiet"]
    (folder / "3.jpg").write_bytes(b"")
    assert main(["batch", str(folder), *out, "--class-threshold", "person=0.9"]) == 1
    assert "1 failed: " in capsys.readouterr().out
    assert main(["batch", str(folder), *out]) == 2
    assert "class thresholds was {'person': 0.9}, and is {}" in capsys.readouterr().err
    assert main(["batch", str(folder), *out, "--fresh", "--hide", "person"]) == 1
    gone = folder.parent / "gone"
    assert main(["batch", str(gone), *out, "--model", "no such model"]) == 2
    assert f"There is no file '{gone}'" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["batch", str(folder), "--class-threshold", "person"])
    assert "'person' is not CLASS=SCORE" in capsys.readouterr().err
    both = ["--class-threshold", "person=0.5", "--class-threshold", "person=0.7"]
    with pytest.raises(SystemExit, match="2"):
        main(["batch", str(folder), *both])
    assert "'person' is given twice" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--only", "--hide", "--classes", "--format"])
@pytest.mark.parametrize("value", ["", " , "])
def test_a_list_that_is_empty_is_not_all(
    option: str, value: str, folder: Path, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    """A variable of a script may be empty."""
    with pytest.raises(SystemExit, match="2"):
        main(["batch", str(folder), option, value])
    words = "has no or unknown formats" if option == "--format" else "has no name. Give one"
    assert f"{value!r} {words}" in capsys.readouterr().err
    assert stub.calls == 0


def test_a_folder_that_can_not_be_written_costs_no_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(options: object) -> None:
        raise AssertionError("a model is loaded")

    monkeypatch.setattr(batch, "load_model", load)
    assert main(["batch", str(folder), "--out", str(folder / "0.jpg" / "out")]) == 2
    assert "a part of its path is a file" in capsys.readouterr().err
