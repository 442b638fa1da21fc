"""`weights`: what is here, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from seg_widgets.cli import main


def test_weights_are_listed_with_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "model",
        "classes",
        "trained",
        "on",
        "box",
        "AP",
        "mask",
        "AP",
        "speed",
        "MB",
        "weights",
    ]
    starter = next(line for line in lines if line.startswith("starter "))
    assert starter.endswith("  here")
    zoo = next(line for line in lines if line.startswith("coco-r50-fpn-3x "))
    assert zoo.split() == [
        "coco-r50-fpn-3x",
        "80",
        "COCO",
        "41.0",
        "37.2",
        "fast",
        "178",
        "not",
        "here",
    ]
    assert lines[-1].startswith("Weights are looked for in ")


def test_the_path_of_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "path", "starter"]) == 0
    assert Path(capsys.readouterr().out.strip()).name == "starter.safetensors"
    assert main(["weights", "path", "coco-r50-fpn-3x"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "model_final_f10217.pkl" in said.err
