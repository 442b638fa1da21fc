"""A training that was killed goes on as if nothing had happened."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seg_widgets import load_predictor
from seg_widgets.cli import main
from seg_widgets.errors import SettingError
from seg_widgets.finetuning import FinetuneResult, finetune
from seg_widgets.finetuning.sampler import PhotoSampler

from ..shapes import write_shapes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:torch.meshgrid"),
    pytest.mark.filterwarnings("ignore:.*floordiv.*"),
]

STEPS = 4  # an evaluation and a checkpoint each step
KILLED = 3

_PROGRAM = """
import os, signal, sys, torch
from seg_widgets.finetuning import finetune
torch.set_num_threads(1)
def report(line):
    print(line, flush=True)
    if line.startswith(f"step {sys.argv[4]}: AP"):
        os.kill(os.getpid(), getattr(signal, sys.argv[3]))
finetune(sys.argv[1], sys.argv[2], steps=4, patience=0, min_size=64, device="cpu", report=report)
"""


def _train(data: Path, out: Path, **more: Any) -> tuple[FinetuneResult, list[str]]:
    lines: list[str] = []
    settings: dict[str, Any] = {"steps": STEPS, "patience": 0, "min_size": 64, **more}
    return finetune(data, out, device="cpu", report=lines.append, **settings), lines


def _killed(
    data: Path, out: Path, number: str, step: int = KILLED
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _PROGRAM, str(data), str(out), number, str(step)]
    return subprocess.run(command, capture_output=True, text=True, timeout=250)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_predictor(folder, device="cpu").model.state_dict())


def _losses(out: Path) -> list[tuple[str, str]]:
    with (out / "log.csv").open(newline="") as file:
        return [(row["step"], row["total"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    write_shapes(folder, 5)
    return folder


@pytest.fixture(scope="module")
def whole(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[int], FinetuneResult]:
    """A training without an interrupt: its folder, the images' order, and its result."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("models") / "whole"
    order: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        _note_order(patch, order)
        result, _ = _train(data, out)
    return out, order, result


def _note_order(patch: pytest.MonkeyPatch, order: list[int]) -> None:
    photo: Callable[[PhotoSampler, int], Any] = PhotoSampler._photo

    def noted(self: PhotoSampler, number: int) -> Any:
        order.append(number)
        return photo(self, number)

    patch.setattr(PhotoSampler, "_photo", noted)


def test_what_kill_9_ended_goes_on_with_the_same_images_to_the_same_weights(
    data: Path,
    whole: tuple[Path, list[int], FinetuneResult],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.set_num_threads(1)
    out = tmp_path / "out"
    done = _killed(data, out, "SIGKILL")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (out / "model.safetensors").exists()
    # The best so far is a model that opens.
    assert load_predictor(out / "best", device="cpu").class_names == ("disc", "box")

    order: list[int] = []
    _note_order(monkeypatch, order)
    result, lines = _train(data, out, resume=True)
    # It was killed in the evaluation of this step, before its checkpoint.
    assert f"resumed after step {KILLED - 1} of {STEPS}" in lines
    assert result.why_ended == "steps"
    assert order == whole[1][4 * (KILLED - 1) :]
    assert result.history == whole[2].history
    assert _losses(out) == _losses(whole[0])
    expected, found = _weights(whole[0]), _weights(out)
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    left = {path.name for path in out.iterdir()}
    assert not left & {"best", "checkpoint.pt", "checkpoint.part"}

    # What has ended is not done again.
    again, lines = _train(data, out, resume=True)
    assert lines[-1] == f"the training in {out} has ended already, after {STEPS} steps"
    assert (again.figures, again.history) == (result.figures, result.history)


def test_sigterm_ends_at_once_and_says_how_to_go_on(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = _killed(data, out, "SIGTERM", 2)
    assert done.returncode == 0, done.stderr
    assert f"stopped by SIGTERM after step 2 of {STEPS}: {out / 'checkpoint.pt'} has all of it" in (
        done.stdout
    )
    assert "--resume" in done.stdout
    assert not (out / "model.safetensors").exists()
    assert (out / "checkpoint.pt").is_file()

    # Not with other data or settings: each is named with both values.
    with pytest.raises(SettingError, match=rf"steps was {STEPS}, and is 13; seed was 0, and is 5"):
        _train(data, out, resume=True, steps=13, seed=5)
    other = tmp_path / "other"
    write_shapes(other, 5, seed=9)
    words = rf"data was {data} \(4 images, 8 objects\), and is {other} \(4 images, 8 objects\)"
    with pytest.raises(SettingError, match=words):
        _train(other, out, resume=True)
    content = json.loads((other / "instances.json").read_text())
    content["categories"][0]["name"] = "coin"
    (other / "instances.json").write_text(json.dumps(content))
    with pytest.raises(SettingError, match="classes was disc, box, and is coin, box"):
        _train(other, out, resume=True)
    assert (out / "checkpoint.pt").is_file()

    # A damaged checkpoint is named; without --resume it is kept aside.
    (out / "checkpoint.pt").write_bytes(b"half a file")
    with pytest.raises(SettingError, match=r"checkpoint\.pt is damaged"):
        _train(data, out, resume=True)
    _, lines = _train(data, out, steps=1)
    assert any("is kept as checkpoint.before.pt" in line for line in lines)
    assert (out / "checkpoint.before.pt").read_bytes() == b"half a file"


def test_on_the_command_line_the_status_says_that_it_was_stopped(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ["--out", str(out), "--steps", "3", "--min-size", "64", "--device", "cpu"]
    step = PhotoSampler.sample

    def stopped(self: PhotoSampler, index: int) -> Any:
        if index == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, index)

    monkeypatch.setattr(PhotoSampler, "sample", stopped)
    assert main(["finetune", str(data), *options, "--resume"]) == 143
    shown = capsys.readouterr().out
    assert f"no training was interrupted in {out}: it begins" in shown
    assert "stopped by SIGTERM after step 2 of 3" in shown
    monkeypatch.undo()
    assert main(["finetune", str(data), *options, "--resume"]) == 0
    assert "resumed after step 2 of 3" in capsys.readouterr().out
    assert main(["finetune", str(data), *options, "--resume", "--seed", "1"]) == 2
    assert "seed was 0, and is 1" in capsys.readouterr().err


def test_a_checkpoint_that_cannot_be_written_does_not_end_the_training(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(state: dict[str, Any], path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seg_widgets.finetuning.loop.write_checkpoint", full)
    result, lines = _train(data, tmp_path / "out", steps=2)
    assert result.why_ended == "steps"
    assert any("the checkpoint of step 1 could not be written" in line for line in lines)
    assert load_predictor(tmp_path / "out", device="cpu").class_names == ("disc", "box")
