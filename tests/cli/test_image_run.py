"""A run over a folder that is stopped, killed or fails in part is gone on with."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from seg_widgets.cli import main, segment
from seg_widgets.cli.image_run import JOURNAL
from seg_widgets.prediction import Prediction
from seg_widgets.tables import read_table
from seg_widgets.testing import StubPredictor, make_jpeg

NAMES = [f"{number}.jpg" for number in range(6)]

_PROGRAM = """
import os, signal, sys
from seg_widgets.cli import main, segment
from seg_widgets.testing import StubPredictor
class Killing(StubPredictor):
    def __call__(self, image):
        if self.calls == 2:
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))
        return super().__call__(image)
stub = Killing(4)
stub.description = stub.device = "stub"
segment.load_model = lambda options: stub
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> StubPredictor:
    predictor = StubPredictor(4)
    predictor.description = predictor.device = "stub"  # type: ignore[attr-defined]
    monkeypatch.setattr(segment, "load_model", lambda options: predictor)
    return predictor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.mkdir()
    for number, name in enumerate(NAMES):
        (path / name).write_bytes(make_jpeg(64 + number, 48))
    return path


def _command(folder: Path, *more: str) -> list[str]:
    return ["segment", str(folder), "--out", str(folder.parent / "out"), *more]


def _files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def _stopped(folder: Path, number: str, *more: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", _PROGRAM, number, *_command(folder, *more)]
    return subprocess.run(program, capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize(
    ("number", "status", "done"),
    [("SIGTERM", 143, 3), ("SIGINT", 130, 3), ("SIGKILL", -signal.SIGKILL, 2)],
)
def test_a_stopped_run_is_gone_on_with(
    number: str,
    status: int,
    done: int,
    folder: Path,
    stub: StubPredictor,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = folder.parent / "out"
    assert main(_command(folder)) == 0
    whole = _files(out)
    assert JOURNAL not in whole
    for path in out.iterdir():
        path.unlink()

    stopped = _stopped(folder, number)
    assert stopped.returncode == status, stopped.stderr
    if status > 0:
        words = f"stopped by {number}: {6 - done} of 6 images are left. The same command with"
        assert words in stopped.stderr
        # What was done before is a data set already.
        assert len(json.loads((out / "in-coco.json").read_text())["images"]) == done
    assert len(list(out.glob("*.csv"))) == done

    stub.calls = 0
    capsys.readouterr()
    assert main(_command(folder, "--resume")) == 0
    assert stub.calls == 6 - done
    assert f"{done} of 6 images were done before." in capsys.readouterr().out
    found = _files(out)
    assert found.pop(JOURNAL)
    assert found == whole

    # Once more there is nothing to do; of what has changed, everything.
    stub.calls = 0
    assert main(_command(folder, "--resume")) == 0
    assert stub.calls == 0
    (folder / "1.jpg").write_bytes(make_jpeg(99, 48))
    (out / "2.csv").unlink()
    (folder / "7.jpg").write_bytes(make_jpeg())
    assert main(_command(folder, "--resume")) == 0
    assert stub.calls == 3
    assert len(json.loads((out / "in-coco.json").read_text())["images"]) == 7


def test_what_failed_is_tried_again(folder: Path, stub: StubPredictor) -> None:
    good = (folder / "3.jpg").read_bytes()
    (folder / "3.jpg").write_bytes(b"")
    assert main(_command(folder)) == 1
    (folder / "3.jpg").write_bytes(good)
    stub.calls = 0
    assert main(_command(folder, "--resume")) == 0
    assert stub.calls == 1


def test_other_settings_are_refused_with_both(
    folder: Path, stub: StubPredictor, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "3.jpg").write_bytes(b"")
    assert main(_command(folder, "--format", "csv")) == 1
    capsys.readouterr()
    changed = ["--resume", "--format", "csv", "--threshold", "0.7"]
    assert main(_command(folder, *changed)) == 2
    assert "threshold was 0.5, and is 0.7. Give what it had" in capsys.readouterr().err
    assert main(_command(folder, "--resume", "--format", "csv,png")) == 2
    assert "format was ['csv'], and is ['csv', 'png']" in capsys.readouterr().err


def test_a_model_with_other_weights_or_of_a_server_is_another_model(
    folder: Path, stub: StubPredictor, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "3.jpg").write_bytes(b"")
    stub.weights_sha256 = "one"  # type: ignore[attr-defined]
    assert main(_command(folder)) == 1
    stub.weights_sha256 = "two"  # type: ignore[attr-defined]
    assert main(_command(folder, "--resume")) == 2
    assert "SHA-256 of the weights was one, and is two" in capsys.readouterr().err
    stub.weights_sha256 = "one"  # type: ignore[attr-defined]
    stub.url = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    assert main(_command(folder, "--resume")) == 2
    assert "server was , and is http" in capsys.readouterr().err


def test_what_another_image_has_written_over_is_done_again(
    tmp_path: Path, stub: StubPredictor, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for name, width in (("a", 80), ("b", 96)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "im.jpg").write_bytes(make_jpeg(width, 48))
        (tmp_path / name / "x.png").write_bytes(b"")  # so the journal stays

    def segment_again(name: str) -> str:
        command = ["segment", str(tmp_path / name), "--out", str(out), "--resume"]
        assert main([*command, "--format", "csv"]) == 1
        return (out / "im.csv").read_text().splitlines()[1]

    assert segment_again("a").startswith("im.jpg,1,80,")
    assert segment_again("b").startswith("im.jpg,1,96,")
    assert segment_again("a").startswith("im.jpg,1,80,")
    stub.calls = 0
    segment_again("a")
    assert stub.calls == 0


def test_no_image_of_ones_own_is_replaced_by_a_result(folder: Path, stub: StubPredictor) -> None:
    own = {}
    for name in ("0-overlay.png", "1-cutout-000-x.png", "2-labels.png", "3-other.png"):
        own[name] = make_jpeg(40, 30)
        (folder / name).write_bytes(own[name])
    assert main(["segment", str(folder), "--out", str(folder), "--format", "png,cutouts"]) == 0
    assert {name: (folder / name).read_bytes() for name in own} == own
    found = {path.name for path in folder.glob("*-overlay.png")}
    # What no result would replace keeps its name.
    assert {"0-2-overlay.png", "1-2-overlay.png", "2-overlay.png", "3-overlay.png"} <= found
    assert {"0-overlay-overlay.png", "2-labels-overlay.png"} <= found
    elsewhere = folder.parent / "out"
    assert main(["segment", str(folder / "0.jpg"), "--out", str(elsewhere), "--format", "png"]) == 0
    assert [path.name for path in elsewhere.glob("*.png")] == ["0-overlay.png"]


def test_only_what_is_new_is_done_when_images_come_and_go(
    folder: Path, stub: StubPredictor, capsys: pytest.CaptureFixture[str]
) -> None:
    command = _command(folder, "--format", "png,coco", "--resume")
    assert main(command) == 0 and stub.calls == 6
    (folder / "2.jpg").unlink()
    (folder / "7.jpg").write_bytes(make_jpeg(80, 48))
    assert main(command) == 0
    assert stub.calls == 7
    assert "5 of 6 images were done before" in capsys.readouterr().out
    data = json.loads((folder.parent / "out" / "in-coco.json").read_text())
    names = [f"{number}.jpg" for number in (0, 1, 3, 4, 5, 7)]
    assert [image["file_name"] for image in data["images"]] == names
    assert [each["id"] for each in data["annotations"]] == list(
        range(1, len(data["annotations"]) + 1)
    )


def test_results_among_the_images_are_no_images(
    folder: Path, stub: StubPredictor, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["segment", str(folder), "--out", str(folder), "--format"]
    formats = "png,sheet,labels,labels-png,cutouts,masks"
    assert main([*command, formats]) == 0 and stub.calls == 6
    results = len(list(folder.iterdir())) - 6
    capsys.readouterr()
    assert main([*command, "png"]) == 0 and stub.calls == 12
    assert f"left out {results} earlier results of ours: 0-cutout-000" in capsys.readouterr().err
    assert main(["segment", str(folder / "*.png"), "--out", str(folder.parent / "out")]) == 0
    assert stub.calls > 12, "of a folder of cut-outs, they are what is meant"


def test_a_coco_list_keeps_its_ids_and_names_and_annotations_count_from_1(
    folder: Path, stub: StubPredictor
) -> None:
    entries = [{"id": 70 - number, "file_name": f"{number}.jpg"} for number in range(6)]
    (folder / "list.json").write_text(json.dumps({"images": entries}))
    out = folder.parent / "out"
    formats = ("--format", "coco,results")
    assert main(["segment", str(folder / "list.json"), "--out", str(out), *formats]) == 0
    data = json.loads((out / "images-coco.json").read_text())
    assert [(image["id"], image["file_name"]) for image in data["images"]] == [
        (entry["id"], entry["file_name"]) for entry in entries
    ]
    annotations = data["annotations"]
    assert [each["id"] for each in annotations] == list(range(1, len(annotations) + 1))
    assert {each["image_id"] for each in annotations} == {entry["id"] for entry in entries}
    results = json.loads((out / "images-results.json").read_text())
    assert {each["image_id"] for each in results} == {entry["id"] for entry in entries}


def test_a_dead_model_ends_it_with_a_message(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Dead(StubPredictor):
        description = device = "stub"

        def __call__(self, image: object) -> Prediction:
            raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(segment, "load_model", lambda options: Dead(4))
    assert main(_command(folder)) == 2
    assert "failed on 3 images in a row" in capsys.readouterr().err


def _csv_ids(out: Path) -> dict[str, str]:
    return {path.stem: path.read_text().splitlines()[1].split(",")[1] for path in out.glob("*.csv")}


def test_an_image_has_the_same_id_in_its_own_files_and_in_those_of_all(
    folder: Path, stub: StubPredictor
) -> None:
    out = folder.parent / "out"
    assert main(_command(folder, "--format", "csv,coco,cvat")) == 0
    data = json.loads((out / "in-coco.json").read_text())
    ids = {Path(image["file_name"]).stem: str(image["id"]) for image in data["images"]}
    assert ids == _csv_ids(out) == {str(number): str(number + 1) for number in range(6)}
    with zipfile.ZipFile(out / "4-cvat.zip") as archive:
        cvat = json.loads(archive.read("annotations/instances_default.json"))
    assert [image["id"] for image in cvat["images"]] == [5]
    assert main(_command(folder, "--format", "coco,results,parquet", "--separate")) == 0
    assert json.loads((out / "4-coco.json").read_text())["images"][0]["id"] == 5
    assert {each["image_id"] for each in json.loads((out / "4-results.json").read_text())} == {5}
    assert next(iter(read_table(out / "4.parquet")))[0].image_id == 5


def test_ids_stay_when_images_come_and_go(folder: Path, stub: StubPredictor) -> None:
    out = folder.parent / "out"
    command = _command(folder, "--format", "csv,coco", "--resume")
    assert main(command) == 0
    content = (folder / "2.jpg").read_bytes()
    (folder / "2.jpg").unlink()
    (folder / "07.jpg").write_bytes(make_jpeg(80, 48))
    assert main(command) == 0
    assert stub.calls == 7
    (out / "2.csv").unlink()
    ids = _csv_ids(out)
    assert ids == {"0": "1", "07": "3", "1": "2", "3": "4", "4": "5", "5": "6"}
    data = json.loads((out / "in-coco.json").read_text())
    assert {Path(image["file_name"]).stem: str(image["id"]) for image in data["images"]} == ids
    # One that comes back finds its number taken.
    (folder / "2.jpg").write_bytes(content)
    assert main(command) == 0
    assert _csv_ids(out) == {**ids, "2": "7"}


def test_lists_of_equal_ids_are_refused_only_where_they_become_one_file(
    folder: Path, stub: StubPredictor
) -> None:
    for number in range(2):
        entries = [{"id": 7, "file_name": f"{number}.jpg"}]
        (folder / f"{number}.json").write_text(json.dumps({"images": entries}))
    lists = [str(folder / f"{number}.json") for number in range(2)]
    out = folder.parent / "out"
    assert main(["segment", *lists, "--out", str(out), "--format", "coco"]) == 2
    assert main(["segment", *lists, "--out", str(out), "--format", "csv"]) == 0
    assert _csv_ids(out) == {"0": "7", "1": "7"}


@pytest.mark.parametrize("threshold", ["0.2", "0.8"])
def test_a_page_begins_with_the_threshold(
    threshold: str, folder: Path, stub: StubPredictor
) -> None:
    assert main(_command(folder, "--format", "html", "--threshold", threshold)) == 0
    page = (folder.parent / "out" / "0.html").read_text("utf-8")
    assert f'"threshold": {threshold},' in page


def test_classes_are_chosen_as_in_batch(
    folder: Path, stub: StubPredictor, capsys: pytest.CaptureFixture[str]
) -> None:
    # Each image has a person of 0.99, an animal of 0.69, and a vehicle and food that score less.
    out = folder.parent / "out"
    assert main(_command(folder, "--format", "csv", "--only", "animal")) == 0
    assert [line.split(",")[6] for line in (out / "0.csv").read_text().splitlines()[1:]] == [
        "animal"
    ]
    assert "0 objects" not in capsys.readouterr().out
    lower = ("--class-threshold", "vehicle=0.3", "--hide", "person")
    assert main(_command(folder, "--format", "csv", *lower)) == 0
    assert [line.split(",")[6] for line in (out / "0.csv").read_text().splitlines()[1:]] == [
        "animal",
        "vehicle",
    ]
    capsys.readouterr()
    assert main(_command(folder, "--format", "csv", "--only", "food")) == 0
    shown = capsys.readouterr().out
    assert "0 objects: the choice of classes left out 2 (animal 1, person 1)" in shown
    assert "0 objects: the choice of classes left out 12 (animal 6, person 6)" in shown
    assert "Nothing scores" not in shown
    assert main(_command(folder, "--only", "Person")) == 2
    assert "no class 'Person'. Did you mean 'person'?" in capsys.readouterr().err


def test_another_choice_of_classes_is_another_run(
    folder: Path, stub: StubPredictor, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_command(folder, "--resume", "--only", "person")) == 0
    assert main(_command(folder, "--resume")) == 2
    assert "only was ['person'], and is None" in capsys.readouterr().err
    assert main(_command(folder, "--resume", "--only", "person")) == 0


def test_existing_files_that_are_replaced_are_counted(
    tmp_path: Path, stub: StubPredictor, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for name in ("sub1", "sub2"):
        (tmp_path / name).mkdir()
        for number in range(2):
            (tmp_path / name / f"{number}.jpg").write_bytes(make_jpeg(64, 48))
    more = ("--out", str(out), "--format", "png,csv,coco")
    assert main(["segment", str(tmp_path / "sub1"), *more]) == 0
    assert "replaced" not in capsys.readouterr().out
    # Each image's PNG and CSV; the data set is called like the folder.
    assert main(["segment", str(tmp_path / "sub2"), *more]) == 0
    assert f"replaced 4 files that were there: {out}\n" in capsys.readouterr().out
    assert main(["segment", str(tmp_path / "sub2"), *more]) == 0
    assert f"replaced 5 files that were there: {out}\n" in capsys.readouterr().out
