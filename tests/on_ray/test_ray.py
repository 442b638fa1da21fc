"""Ray Data's workers write the same files as one process, also when one of them is killed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from seg_widgets import segment_dataset, segment_folder
from seg_widgets.batch import OBJECT_COLUMNS, Workers
from seg_widgets.cli import batch, main
from seg_widgets.errors import InferenceError, SettingError
from seg_widgets.images import load
from seg_widgets.testing import make_jpeg

from .models import Dying, Killing, Stub, Weak

ray: Any = pytest.importorskip("ray")

# Ray's own: files of its workers that it leaves to the garbage collector, and pandas' old ways.
pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A real Ray of this machine, with room for two workers."""
    root = str(Path(__file__).resolve().parents[2])
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=200 * 2**20,
        runtime_env={"env_vars": {"PYTHONPATH": root}},
    )
    yield
    ray.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.mkdir()
    for number in range(40):
        (path / f"{number:02}.jpg").write_bytes(make_jpeg(64 + number, 48))
    (path / "07.jpg").write_bytes(b"no image")
    return path


def _files(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_two_workers_of_which_one_is_killed_write_the_same_bytes(
    folder: Path, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"formats": ["csv"], "images_per_part": 4, "progress": False}
    here = segment_folder(folder, tmp_path / "here", Stub(), **settings)
    marks = tmp_path / "marks"
    marks.mkdir()
    there = segment_folder(
        folder,
        tmp_path / "there",
        partial(Killing, str(marks)),
        ray=True,
        workers=Workers(2),
        **settings,
    )
    assert (marks / "killed").is_file()
    # The one that says what the model is, two workers, and the one in the place of the killed.
    assert len(list(marks.glob("worker-*"))) >= 3
    assert _files(tmp_path / "there") == _files(tmp_path / "here")
    assert (there.failed, there.objects) == (here.failed, here.objects) == (1, here.objects)
    assert there.is_complete
    # Nothing is left to do, here or there.
    again = segment_folder(folder, tmp_path / "there", Stub, ray=True, **settings)
    assert again.done_before == 40


def test_exported_files_that_were_deleted_are_made_anew(folder: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"formats": ["geojson"], "images_per_part": 4, "progress": False}
    segment_folder(folder, tmp_path / "out", Stub(), **settings)
    before = _files(tmp_path / "out")
    (tmp_path / "out" / "geojson" / "12.geojson").unlink()
    again = segment_folder(folder, tmp_path / "out", Stub, ray=True, workers=Workers(1), **settings)
    assert (again.done_before, again.missing, again.is_complete) == (36, 1, True)
    assert _files(tmp_path / "out") == before


def test_a_dead_gpu_ends_the_run_which_goes_on_later(folder: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"images_per_part": 4, "progress": False}
    there: dict[str, Any] = {"ray": True, "workers": Workers(1), **settings}
    # The parts end behind 03, 07, 11 …: the model dies at the second image of a part's last three.
    with pytest.raises(InferenceError, match="on 3 images in a row: RuntimeError: CUDA error"):
        segment_folder(folder, tmp_path / "there", Dying, **there)
    failed = (tmp_path / "there" / "failures.csv").read_text()
    assert "07.jpg" in failed and "CUDA" not in failed
    went_on = segment_folder(folder, tmp_path / "there", Stub, **there)
    assert (went_on.done, went_on.failed, went_on.is_complete) == (40, 1, True)
    assert went_on.done_before >= 8
    segment_folder(folder, tmp_path / "here", Stub(), **settings)
    assert _files(tmp_path / "there") == _files(tmp_path / "here")


def test_a_last_image_that_fails_alone_ends_nothing(folder: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"images_per_part": 20, "progress": False}
    there = segment_folder(folder, tmp_path / "there", Weak, ray=True, **settings)
    segment_folder(folder, tmp_path / "here", Weak(), **settings)
    assert (there.done, there.failed, there.is_complete) == (40, 2, True)
    assert _files(tmp_path / "there") == _files(tmp_path / "here")


def test_rows_get_columns_and_errors_of_their_own(folder: Path) -> None:
    paths = [str(folder / name) for name in ("00.jpg", "07.jpg", "08.jpg")]
    contents = [Path(path).read_bytes() for path in paths]
    by_path = ray.data.from_items([{"path": path, "label": 7} for path in paths])
    by_bytes = ray.data.from_items([{"bytes": content, "label": 7} for content in contents])
    arrays = ray.data.from_items([{"image": load(paths[0])}, {"image": load(paths[0])}])

    options: dict[str, Any] = {"only": ["person"], "workers": Workers(1)}
    rows = segment_dataset(by_path, Stub, **options).take_all()
    same = segment_dataset(by_bytes, Stub, column="bytes", **options).take_all()
    pixels = segment_dataset(arrays, Stub, column="image", **options).take_all()

    rows.sort(key=lambda row: row["path"])
    assert [row["label"] for row in rows] == [7, 7, 7]
    assert [(row["width"], row["height"]) for row in rows] == [(64, 48), (None, None), (72, 48)]
    assert rows[1]["error"].startswith("07.jpg ")
    assert [len(row["objects"]) for row in rows] == [1, 0, 1]
    assert tuple(rows[0]["objects"][0]) == OBJECT_COLUMNS
    assert rows[0]["objects"][0]["class_name"] == "person"
    assert "bytes" not in same[0]
    assert sorted(len(row["objects"]) for row in same) == [0, 1, 1]
    assert [row["objects"] for row in pixels] == [rows[0]["objects"]] * 2


def test_the_command_line_on_ray(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(batch, "load_model", _stub)
    command = ["batch", str(folder), "--out", str(tmp_path / "out"), "--quiet"]
    assert main([*command, "--ray", "--workers", "1"]) == 1
    assert capsys.readouterr().out.startswith("40 of 40 images, ")
    # Without Ray the same run is there, with nothing left to do.
    assert main(command) == 1
    assert "(40 of them before)" in capsys.readouterr().out


def _stub(options: Any) -> Stub:
    return Stub()


def test_wrong_workers_are_refused() -> None:
    with pytest.raises(SettingError, match="whole number from 1 on, not 0"):
        Workers(0)
    with pytest.raises(SettingError, match="more than 0 cores"):
        Workers(cpus=0)
