"""`evaluate` as a person types it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seg_widgets import segment_folder
from seg_widgets.cli import evaluate, main
from seg_widgets.errors import InferenceError
from seg_widgets.prediction import Filter, Prediction, Predictor
from tests.evaluation.cases import Case, coco_dataset, random_case


class _Model:
    """Knows what is in each image by its colour."""

    name = description = device = "stub"

    def __init__(self, case: Case, fails_on: int = -1) -> None:
        self._found = list(case.predictions.values())
        self._fails_on = fails_on
        self.class_names = self._found[0].class_names

    def __call__(self, image: np.ndarray) -> Prediction:
        number = round(float(image.mean()) / 20)
        if number == self._fails_on:
            raise InferenceError("It is too dark.")
        return self._found[number]


@pytest.fixture
def case() -> Case:
    return random_case(7, images=6)


@pytest.fixture
def data(case: Case, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    for number, (name, truth) in enumerate(case.truths.items()):
        height, width = truth.prediction.image_size
        gray = Image.new("RGB", (width, height), (number * 20,) * 3)
        gray.save(folder / "images" / name, quality=100)
    (folder / "annotations.json").write_text(json.dumps(coco_dataset(case.truths)))
    return folder


def test_a_model_on_a_data_set(
    case: Case,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def load_model(name: str, options: argparse.Namespace) -> Predictor:
        return _Model(case, fails_on=2 if name == "old" else -1)

    monkeypatch.setattr(evaluate, "load_model", load_model)
    report, figures = tmp_path / "out" / "report.html", tmp_path / "figures.csv"
    command = ["evaluate", "new", str(data), "--report", str(report), "--csv", str(figures)]
    assert main([*command, "--worst", "2", "--precision", "0.2", "--against", "old"]) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("Evaluation: masks of ")
    assert "precision 0.2: " in shown.out
    assert "against old:\nComparison: masks in 6 images" in shown.out
    assert "image-2.jpg: It is too dark." in shown.err
    assert report.read_text("utf-8").count("<iframe") == 2
    assert figures.read_text().splitlines()[1].startswith("(all),")
    assert main(["evaluate", "new", str(data), "--boxes"]) == 0
    assert capsys.readouterr().out.startswith("Evaluation: boxes of ")


def test_what_batch_wrote(
    case: Case, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    segment_folder(data / "images", out, _Model(case), filter=Filter(0.6), progress=False)
    assert main(["evaluate", str(out), str(data / "annotations.json")]) == 0
    shown = capsys.readouterr().out
    assert "6 images" in shown and "this AP is not the model's" in shown


@pytest.mark.parametrize("given", ["found", "found/images-coco.json"])
def test_what_segment_wrote_is_no_model(
    given: str,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "images-coco.json").write_text("[]")
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", given, str(data)]) == 2
    said = capsys.readouterr().err
    assert f"{given} is neither a model's folder" in said
    assert "batch PHOTOS --threshold 0 --out found" in said


def test_wrong_usage(
    case: Case, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluate, "load_model", lambda name, options: _Model(case))
    file = data / "annotations.json"
    file.write_text(file.read_text().replace('"cat"', '"kitten"'))
    assert main(["evaluate", "new", str(data)]) == 2
    assert "The truth has classes that the model doesn't have: 'kitten'" in capsys.readouterr().err
    assert main(["evaluate", "new", str(data), "--class", "kitten=cat"]) == 0
    assert main(["evaluate", "new", str(data), "--class", "kitten="]) == 0
    assert main(["evaluate", "new", str(data / "nowhere")]) == 2
    with pytest.raises(SystemExit):
        main(["evaluate", "new", str(data), "--class", "kitten"])
    both = ["--class", "kitten=cat", "--class", "kitten="]
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "new", str(data), *both])
    assert "--class: 'kitten' is given twice, with different values" in capsys.readouterr().err
    assert main(["evaluate", "new", str(data), *both[:2], *both[:2]]) == 0
    assert main(["evaluate", "new", str(data), "--class", "kitten=kat"]) == 2
    assert "'kitten' 'kat', which is no class of the model. Is it 'cat'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--precision", "0", "a precision lies over 0 and up to 1, not '0'"),
        ("--precision", "nan", "a precision lies over 0 and up to 1, not 'nan'"),
        ("--precision", "much", "a precision lies over 0 and up to 1, not 'much'"),
        ("--worst", "-1", "'-1' is no whole number of 0 or more"),
        ("--worst", "2.5", "'2.5' is no whole number of 0 or more"),
    ],
)
def test_numbers_out_of_their_range(
    option: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "starter", "data", option, value])
    assert message in capsys.readouterr().err
