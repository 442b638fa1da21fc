"""The command line as a person types it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seg_widgets import samples
from seg_widgets.cli.main import _unique_stems, main
from seg_widgets.testing import StubPredictor, make_jpeg


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> StubPredictor:
    """A model that costs nothing, in the place where the command line loads one."""
    predictor = StubPredictor(4)
    predictor.description, predictor.device = "stub (4 ellipses)", "cpu"  # type: ignore[attr-defined]
    monkeypatch.setattr("seg_widgets.modeling.load_predictor", lambda *_, **__: predictor)
    return predictor


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(make_jpeg())
    return path


def test_a_real_image_by_the_real_model(tmp_path: Path) -> None:
    sample = samples()["cat"]
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "seg_widgets",
        "segment",
        str(sample),
        "--out",
        str(out),
        "--threshold",
        "0.3",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "model: starter (small, " in done.stdout
    assert "animal" in done.stdout
    with Image.open(out / "cat-overlay.png") as overlay, Image.open(sample) as picture:
        assert overlay.size == picture.size
        changed = np.asarray(overlay, int) != np.asarray(picture, int)
        assert 0.05 < changed.any(axis=2).mean() < 1
    found = json.loads((out / "cat-coco.json").read_text())
    assert found["annotations"]
    rows = list(csv.DictReader((out / "cat.csv").read_text("utf-8").splitlines()))
    assert len(rows) == len(found["annotations"])
    assert all(float(row["score"]) >= 0.3 for row in rows)


def test_a_folder_and_files_of_one_name(stub: StubPredictor, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("photo.jpg", "b.JPEG"):
        (folder / name).write_bytes(make_jpeg())
    (folder / "notes.txt").write_text("no image")
    out = tmp_path / "out"
    assert main(["segment", str(photo), str(folder), "--out", str(out), "--format", "csv"]) == 0
    assert stub.calls == 3
    assert sorted(path.name for path in out.iterdir()) == ["b.csv", "photo-2.csv", "photo.csv"]


def test_stems_never_meet() -> None:
    sources = ["a/x.jpg", "b/x.png", "x-2.jpg", "https://h/x.jpg?size=3", "https://h/"]
    stems = [stem for _, stem in _unique_stems(sources)]
    assert len(set(stems)) == len(sources)


def test_bad_images_are_listed_and_the_rest_is_done(
    stub: StubPredictor, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    gone = tmp_path / "gone.jpg"
    out = tmp_path / "out"
    status = main(
        [
            "segment",
            str(empty),
            str(photo),
            str(gone),
            "http://127.0.0.1:1/x.jpg",
            "--out",
            str(out),
        ]
    )
    shown = capsys.readouterr()
    assert status == 1
    assert stub.calls == 1
    assert (out / "photo-overlay.png").is_file()
    assert "3 failed:" in shown.err
    assert "empty.jpg" in shown.err
    assert "gone.jpg" in shown.err
    assert "Traceback" not in shown.err


def test_nothing_above_the_threshold_says_what_the_best_is(
    stub: StubPredictor, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", str(photo), "--threshold", "1", "--out", str(tmp_path)]) == 0
    assert "Nothing scores 1.00 or more; the best is 0.99." in capsys.readouterr().out


@pytest.mark.parametrize("threshold", ["nan", "-1", "2", "half"])
def test_a_threshold_out_of_range_is_refused(
    threshold: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["segment", "x.jpg", f"--threshold={threshold}"])
    assert caught.value.code == 2
    assert "threshold" in capsys.readouterr().err


def test_an_unknown_format_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["segment", "x.jpg", "--format", "png,exe"])
    assert "choose from" in capsys.readouterr().err


def test_a_device_that_is_not_here_is_one_line(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", str(photo), "--device", "cuda:99"]) == 2
    assert capsys.readouterr().err.startswith("error: The device 'cuda:99' is not here")


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["segment", "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert "examples:" in shown
    assert "exit status: 0 all images done" in shown
    assert main([]) == 2


def test_doctor_says_what_is_here() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seg_widgets", "doctor"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    for word in (
        "detectron2",
        "torch ",
        "device",
        "driver",
        "starter",
        "GB free",
        "Ready to segment.",
    ):
        assert word in done.stdout


def test_doctor_names_a_problem_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from seg_widgets.cli import doctor

    monkeypatch.setattr("seg_widgets.modeling.catalogue.weight_folders", lambda: [tmp_path])
    stream = io.StringIO()
    assert doctor.report(stream) == 1
    assert "FAIL  starter" in stream.getvalue()
    assert "1 problem to solve first." in stream.getvalue()


def test_doctor_survives_a_look_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    from seg_widgets.cli import doctor

    def broken() -> str:
        raise RuntimeError("driver gone")

    monkeypatch.setattr(doctor, "_nvidia_driver", broken)
    stream = io.StringIO()
    assert doctor.report(stream) == 1
    assert "RuntimeError: driver gone" in stream.getvalue()
    assert "memory" in stream.getvalue()


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
