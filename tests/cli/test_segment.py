"""`segment` as a person types it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seg_widgets import images, samples
from seg_widgets.cli import main, segment
from seg_widgets.cli.segment import find_images, unique_stems
from seg_widgets.testing import StubPredictor, make_jpeg, make_picture


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> StubPredictor:
    """A model that costs nothing, in the place where the command line loads one."""
    predictor = StubPredictor(4)
    predictor.description, predictor.device = "stub (4 ellipses)", "cpu"  # type: ignore[attr-defined]
    monkeypatch.setattr(segment, "load_model", lambda options: predictor)
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
    stems = [stem for _, stem in unique_stems(sources)]
    assert len(set(stems)) == len(sources)


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("https://example.org/cat%20one.jpg?width=300", "cat one"),
        ("https://example.org/a/..%2F..%2Fcat.jpg", "cat"),
        ("https://example.org/%2e%2e", "example"),
        ("https://example.org/?image=cat.jpg", "example"),
        ("photos/cat%20one.jpg", "cat%20one"),
        ("photos/what?.jpg", "what?"),
        ("", "image"),
    ],
)
def test_results_are_called_as_the_panel_calls_the_image(source: str, stem: str) -> None:
    assert unique_stems([source]) == [(source, stem)]


def test_coco_names_the_image_as_the_panel_does(
    stub: StubPredictor, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "load", lambda source: make_picture())
    address = "https://example.org/cat%20one.jpg?width=300"
    assert main(["segment", address, "--out", str(tmp_path), "--format", "coco"]) == 0
    coco = json.loads((tmp_path / "cat one-coco.json").read_text())
    assert coco["images"][0]["file_name"] == "cat one.jpg"


def test_a_folder_gives_the_formats_that_are_read(photo: Path, tmp_path: Path) -> None:
    for suffix in (*images.SUFFIXES, ".JPG", ".heic", ".txt", ""):
        (tmp_path / f"image{suffix}").touch()
    found = find_images([str(tmp_path), "gone.jpg", "https://example.org/"])
    assert found == [
        *sorted(str(tmp_path / f"image{suffix}") for suffix in (*images.SUFFIXES, ".JPG")),
        str(photo),
        "gone.jpg",
        "https://example.org/",
    ]


def test_a_folder_without_images_fails_with_a_message(
    stub: StubPredictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", str(tmp_path)]) == 1
    assert "is a folder" in capsys.readouterr().err


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
    with pytest.raises(SystemExit, match="2"):
        main(["segment", "x.jpg", f"--threshold={threshold}"])
    assert "threshold" in capsys.readouterr().err


def test_an_unknown_format_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["segment", "x.jpg", "--format", "png,exe"])
    assert "choose from" in capsys.readouterr().err


def test_a_device_that_is_not_here_is_one_line(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", str(photo), "--device", "cuda:99"]) == 2
    assert capsys.readouterr().err.startswith("error: The device 'cuda:99' is not here")


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["segment", "--help"])
    shown = capsys.readouterr().out
    assert "examples:" in shown
    assert "exit status: 0 all images done" in shown
    assert main([]) == 2
