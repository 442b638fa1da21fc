"""`finetune DATA --check`: what is in a data set, without a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seg_widgets.cli import main

from ..shapes import HEIGHT, WIDTH, write_shapes


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_shapes(tmp_path, 4)
    return tmp_path


def _change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((folder / "instances.json").read_text())
    edit(content)
    (folder / "instances.json").write_text(json.dumps(content))


def test_what_is_right_but_worth_knowing_is_no_fault(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _change(data, lambda content: content.update(annotations=content["annotations"][:6]))
    assert main(["finetune", str(data), "--check"]) == 0
    shown = capsys.readouterr().out
    assert "Nothing is wrong with it." in shown
    assert "note: image 004.png: it has no object: it counts as background" in shown


def test_crowds_are_named_and_can_be_taken(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def every_other(content: dict[str, Any]) -> None:
        for entry in content["annotations"][::2]:
            entry["iscrowd"] = 1

    _change(data, every_other)
    assert main(["finetune", str(data), "--check"]) == 1
    assert capsys.readouterr().out.count("it is marked as a crowd (iscrowd=1)") == 4
    assert main(["finetune", str(data), "--check", "--crowds-as-objects"]) == 0
    assert "4 images, 8 objects" in capsys.readouterr().out


def test_the_images_folder_is_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "images").rename(data / "photos")
    assert main(["finetune", str(data), "--check"]) == 2
    assert "--images DIR" in capsys.readouterr().err
    assert main(["finetune", str(data), "--check", "--images", str(data / "photos")]) == 0


def test_limits_are_raised_and_lowered(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    over = ["--max-pixels", str(HEIGHT * WIDTH - 1)]
    assert main(["finetune", str(data), "--check", *over]) == 2
    assert "over a limit, which --max-pixels or --max-mb raises" in capsys.readouterr().err
    assert main(["finetune", str(data), "--check", "--max-mb", "0.0001"]) == 2
    for wrong in ("0", "inf", "much"):
        with pytest.raises(SystemExit, match="2"):
            main(["finetune", str(data), "--check", "--max-mb", wrong])
    assert main(["finetune", str(data), "--check", "--max-pixels", str(10**9)]) == 0


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--steps", "0", "steps is 1 or more"),
        ("--patience", "-2", "patience"),
        ("--learning-rate", "nan", "learning_rate"),
        ("--min-size", "0", "min_size"),
        ("--validation", "nan", "validation is a share"),
        ("--validation", "2", "validation is a share"),
    ],
)
def test_check_refuses_settings_that_the_training_would_refuse(
    data: Path, option: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["finetune", str(data), "--check", f"{option}={value}"]) == 2
    assert words in capsys.readouterr().err
