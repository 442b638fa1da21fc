"""`segment` as a person types it."""

from __future__ import annotations

import csv
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seg_widgets import _files, images, samples
from seg_widgets.cli import main, segment
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


def test_a_home_that_can_not_be_written_stops_nothing(tmp_path: Path) -> None:
    """Not even as root, whom no permission stops: the folder can't be there."""
    named = ("HOME", "XDG_", "SEG_WIDGETS", "MPLCONFIGDIR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(named)}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "seg_widgets", "segment", str(samples()["cat"])),
            *("--out", str(tmp_path), "--format", "csv"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**kept, "HOME": "/dev/null/home", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    assert ",cat," in (tmp_path / "cat.csv").read_text("utf-8")


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
    assert "0  cat " in done.stdout
    with Image.open(out / "cat-overlay.png") as overlay, Image.open(sample) as picture:
        assert overlay.size == picture.size
        changed = np.asarray(overlay, int) != np.asarray(picture, int)
        assert 0.05 < changed.any(axis=2).mean() < 1
    found = json.loads((out / "cat-coco.json").read_text())
    assert found["annotations"]
    rows = list(csv.DictReader((out / "cat.csv").read_text("utf-8").splitlines()))
    assert len(rows) == len(found["annotations"])
    assert all(float(row["score"]) >= 0.3 for row in rows)


def test_a_folder_that_can_not_be_written_costs_no_model(
    stub: StubPredictor,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither at the start, nor when the disk is full on the way."""

    def load(options: object) -> None:
        raise AssertionError("a model is loaded")

    with monkeypatch.context() as patch:
        patch.setattr(segment, "load_model", load)
        assert main(["segment", str(photo), "--out", str(photo / "out")]) == 2
    assert "Nothing can be written into" in capsys.readouterr().err

    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (folder / name).write_bytes(make_jpeg())
    out = tmp_path / "out"
    write = _files._write
    left = [2]

    def full(file: Any, content: bytes, durable: bool) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(file, content, durable)

    monkeypatch.setattr(_files, "_write", full)
    assert main(["segment", str(folder), "--out", str(out), "--format", "png"]) == 2
    assert "the disk is full. Free some space" in capsys.readouterr().err
    assert stub.calls == 2, "the first is written, the second is not, the third is not tried"
    assert [path.name for path in out.glob("*.png")] == ["a-overlay.png"]


def test_a_list_is_not_replaced_by_the_results_and_nothing_is_no_folder(
    stub: StubPredictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(make_jpeg())
    path = tmp_path / "images-coco.json"
    entries = [{"id": number, "file_name": f"{name}.jpg"} for number, name in enumerate("ab")]
    path.write_text(json.dumps({"images": entries}))
    assert main(["segment", str(path), "--out", str(tmp_path), "--format", "coco"]) == 2
    assert "images-coco.json, which lists the images" in capsys.readouterr().err
    assert json.loads(path.read_text()) == {"images": entries}
    assert main(["segment", ""]) == 2
    assert "An empty text was given for images" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["segment", str(path), "--out", ""])
    assert "it is empty; for this folder, give ." in capsys.readouterr().err
    assert stub.calls == 0


def test_what_a_run_that_was_killed_left_is_removed(
    stub: StubPredictor, photo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("old", "young"):
        (out / f".seg-widgets-{name}").touch()
    os.utime(out / ".seg-widgets-old", (1e9, 1e9))
    assert main(["segment", str(photo), "--out", str(out), "--format", "csv"]) == 0
    assert sorted(path.name for path in out.iterdir()) == [".seg-widgets-young", "photo.csv"]


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


def test_coco_names_the_image_as_the_panel_does(
    stub: StubPredictor, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = images.LoadedImage(make_picture())
    monkeypatch.setattr(images, "read", lambda source, **_: loaded)
    address = "https://example.org/cat%20one.jpg?width=300"
    assert main(["segment", address, "--out", str(tmp_path), "--format", "coco"]) == 0
    coco = json.loads((tmp_path / "cat one-coco.json").read_text())
    assert coco["images"][0]["file_name"] == "cat one.jpg"


def test_a_folder_without_images_fails_with_a_message(
    stub: StubPredictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", str(tmp_path)]) == 2
    assert "is empty. Put images into it" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("no image")
    assert main(["segment", str(tmp_path)]) == 2
    shown = capsys.readouterr().err
    assert "has no images, only 1 file that is no image: notes.txt. Suffixes that are read" in shown
    (tmp_path / "2024").mkdir()
    assert main(["segment", str(tmp_path)]) == 2
    shown = capsys.readouterr().err
    assert f"Give a subfolder, such as {tmp_path / '2024'}." in shown


def test_what_is_left_out_of_a_folder_is_said(
    stub: StubPredictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    (folder / "deeper").mkdir(parents=True)
    for name in ("a.jpg", "b.jfif", "c", ".d.jpg", "._a.jpg"):
        (folder / name).write_bytes(make_jpeg())
    (folder / "notes.txt").write_text("no image")
    os.mkfifo(folder / "pipe")
    command = ["segment", str(folder), "--out", str(tmp_path / "out"), "--format", "csv"]
    assert main(command) == 0
    assert stub.calls == 3
    assert capsys.readouterr().err == (
        f"{folder}: left out 1 subfolder (not entered): deeper; 2 hidden files: ._a.jpg, .d.jpg; "
        "2 files that are no images: notes.txt, pipe.\n"
    )
    (folder / "e.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    assert main(command) == 1
    assert "e.heic is a HEIC image" in capsys.readouterr().err


def test_a_folder_that_may_not_be_read(
    stub: StubPredictor,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(path: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    out = ["--out", str(tmp_path / "out"), "--format", "csv"]
    assert main(["segment", str(tmp_path), str(photo), *out]) == 1
    assert stub.calls == 1
    assert "may not be read (Permission denied). Give yourself" in capsys.readouterr().err


def test_links_pipes_and_zarr_folders_are_named(
    stub: StubPredictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link.jpg").symlink_to("gone.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "image.zarr").mkdir()
    (tmp_path / "image.zarr" / ".zgroup").write_text("{}")
    assert main(["segment", str(tmp_path)]) == 1
    shown = capsys.readouterr().err
    assert "link.jpg is a link to 'gone.jpg', which is not there" in shown
    assert "pipe.jpg is not an ordinary file" in shown
    assert "image.zarr is an OME-Zarr image" in shown


def _results_of(names: list[str], tmp_path: Path, formats: str, *more: str) -> list[str]:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(make_jpeg())
    out = tmp_path / "out"
    assert main(["segment", str(folder), "--out", str(out), "--format", formats, *more]) == 0
    return sorted(path.name for path in out.iterdir())


@pytest.mark.parametrize(
    "names",
    [
        ["x" * 110 + "1.jpg", "x" * 110 + "2.jpg"],
        ["a:b.jpg", "a*b.jpg", "a_b.jpg"],
        ["photo.jpg", "Photo.jpg", "PHOTO.png"],
        ["caf\u00e9.jpg", "cafe\u0301.jpg"],
        ["con.jpg", "_con.jpg", "CON.png"],
        ["\u5199" * 70 + "1.jpg", "\u5199" * 70 + "2.jpg"],
    ],
)
def test_results_are_never_written_over_each_other(
    names: list[str], stub: StubPredictor, tmp_path: Path
) -> None:
    written = _results_of(names, tmp_path, "csv")
    assert len({name.casefold() for name in written}) == len(names)
    assert "con.csv" not in written


@pytest.mark.parametrize("separate", [False, True])
def test_a_folder_is_one_data_set(separate: bool, stub: StubPredictor, tmp_path: Path) -> None:
    names = ["a.jpg", "b.jpg", "c.jpg"]
    more = ["--separate"] if separate else []
    written = _results_of(names, tmp_path, "coco,results", *more)
    if separate:
        assert len(written) == 6
        return
    assert written == ["in-coco.json", "in-results.json"]
    data = json.loads((tmp_path / "out" / "in-coco.json").read_text())
    assert [(image["id"], image["file_name"]) for image in data["images"]] == [
        (1, "a.jpg"),
        (2, "b.jpg"),
        (3, "c.jpg"),
    ]
    ids = [each["id"] for each in data["annotations"]]
    assert len(set(ids)) == len(ids) > 3
    results = json.loads((tmp_path / "out" / "in-results.json").read_text())
    assert {each["image_id"] for each in results} == {1, 2, 3}


def test_notes_are_printed(
    stub: StubPredictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scan.png"
    Image.fromarray(np.tile(np.arange(64, dtype=np.uint16) * 60, (48, 1))).save(path)
    out = ["--out", str(tmp_path), "--format", "csv"]
    assert main(["segment", str(path), *out]) == 0
    assert "note: Contrast: of uint16 values from 0 to 3780" in capsys.readouterr().out
    assert main(["segment", str(path), *out, "--contrast", "0,4095"]) == 0
    assert "note:" not in capsys.readouterr().out
    assert main(["segment", str(path), *out, "--page", "3"]) == 1
    assert "there is no --page 3" in capsys.readouterr().err
    for wrong in ("--contrast=dark", "--channels=red"):
        with pytest.raises(SystemExit, match="2"):
            main(["segment", str(path), wrong])


def test_a_model_that_fails_costs_one_image_only(
    photo: Path,
    stub: StubPredictor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stub.error = KeyError("proposals")
    other = photo.with_name("other.jpg")
    other.write_bytes(photo.read_bytes())
    assert main(["segment", str(photo), str(other), "--out", str(tmp_path)]) == 1
    shown = capsys.readouterr().err
    assert shown.count("Something unforeseen went wrong: KeyError: 'proposals'") == 4
    assert "Traceback" not in shown
    monkeypatch.setenv("SEG_WIDGETS_TRACEBACK", "1")
    main(["segment", str(photo), "--out", str(tmp_path)])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of this kind are Unix's")
def test_a_reader_that_leaves_ends_it_without_a_traceback(photo: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from seg_widgets.cli import main, segment\n"
        "from seg_widgets.testing import StubPredictor\n"
        "stub = StubPredictor(4); stub.description = stub.device = 'stub'\n"
        "segment.load_model = lambda options: stub\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-u", "-c", program, "segment", *([str(photo)] * 3)]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*command, "--out", str(tmp_path)], stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert done.returncode == 141
    assert done.stderr == ""


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
