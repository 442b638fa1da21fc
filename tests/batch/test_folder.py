"""`segment_folder`: one table of many images, whatever happens on the way."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from seg_widgets import load, load_predictor, samples, segment_folder
from seg_widgets.errors import ExportError, ImageNotFoundError, SettingError
from seg_widgets.export import ExportFormat, register, unregister
from seg_widgets.prediction import Filter, MaskCrop, Prediction
from seg_widgets.tables import read_table
from seg_widgets.testing import StubPredictor, make_jpeg

_PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from seg_widgets import load, load_predictor, samples, segment_folder
from seg_widgets.tables import read_table
from seg_widgets.testing import StubPredictor
class Killing(StubPredictor):
    name = "stub"
    def __call__(self, image):
        if self.calls == 5:
            # Writing has a thread of its own.
            note = Path(sys.argv[2], "run", "00000.json")
            while not note.exists():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(image)
segment_folder(
    sys.argv[1], sys.argv[2], Killing(4),
    formats=["labelme"], images_per_part=4, progress=False,
)
"""


class Stub(StubPredictor):
    name = "stub"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.mkdir()
    for number in range(10):
        (path / f"{number}.jpg").write_bytes(make_jpeg(64 + number, 48))
    return path


def _files(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def _run(folder: object, out: object, predictor: Any = None, **settings: Any) -> Any:
    given = {"images_per_part": 4, "progress": False, **settings}
    return segment_folder(folder, out, predictor or Stub(4), **given)  # type: ignore[arg-type]


def test_a_folder_becomes_one_table(folder: Path, tmp_path: Path) -> None:
    summary = _run(
        folder, tmp_path / "out", filter=Filter(0.6), only=["person"], formats=["labelme"]
    )
    assert (summary.images, summary.done, summary.failed) == (10, 10, 0)
    assert summary.is_complete
    # Of the four ellipses, the person scores 0.99, and the classes of the others are left out.
    assert summary.objects == {"person": 10}
    assert repr(summary).startswith("10 of 10 images, 10 objects, ")
    files = _files(tmp_path / "out")
    assert [name for name in files if name.startswith("table/")] == [
        f"table/{kind}/part-0000000{number}.parquet"
        for kind in ("images", "instances")
        for number in range(3)
    ]
    table = read_table(tmp_path / "out" / "table")
    assert table.info.model == "stub"
    assert table.info.settings["only"] == ["person"]
    assert [image.file_name for image in table.images()] == [f"{i}.jpg" for i in range(10)]
    assert len([name for name in files if name.startswith("labelme/")]) == 10
    assert files["failures.csv"] == b"file,name,error,reason\n"


def test_formats_of_all_images_are_made_of_the_table(folder: Path, tmp_path: Path) -> None:
    _run(folder, tmp_path / "out", formats=["coco", "png"])
    data = json.loads((tmp_path / "out" / "images-coco.json").read_text())
    assert [image["file_name"] for image in data["images"]] == [f"{i}.jpg" for i in range(10)]
    # Of the four ellipses of each image, the one that scores 0.4 is not shown, and 0.1 neither.
    assert len(data["annotations"]) == 20
    assert len(list((tmp_path / "out" / "png").iterdir())) == 10
    with pytest.raises(SettingError, match="coco is one file of all images"):
        _run(folder, "memory://joint", formats=["coco"])


def test_a_choice_of_classes_that_leaves_nothing_says_what_it_left_out(
    folder: Path, tmp_path: Path
) -> None:
    class Cats(Stub):
        def __init__(self) -> None:
            super().__init__(4, ("person", "cat", "sheep"))

    given = {"images_per_part": 4, "only": ["sheep"]}
    summary = _run(folder, tmp_path / "out", Cats(), **given)
    # Each image has a person of 0.99 and a cat of 0.69; the sheep scores 0.4.
    said = "0 objects: the choice of classes left out 20 (cat 10, person 10)"
    assert summary.only_left_out == said and said in repr(summary).splitlines()
    again = _run(folder, tmp_path / "out", Cats(), **given)
    assert (again.done_before, again.only_left_out) == (10, said)
    hidden = _run(folder, tmp_path / "hide", Cats(), filter=Filter(0.5, ("person", "cat")))
    assert (
        hidden.only_left_out == "0 objects: the choice of classes left out 20 (cat 10, person 10)"
    )
    some = _run(folder, tmp_path / "some", Cats(), only=["cat"])
    low = _run(folder, tmp_path / "low", Cats(), filter=Filter(1.0), only=["sheep"])
    assert some.only_left_out == low.only_left_out == ""


def test_a_page_begins_with_the_filter(folder: Path, tmp_path: Path) -> None:
    chosen = Filter(0.3, class_thresholds={"person": 0.2})
    _run(folder, tmp_path / "out", filter=chosen, formats=["html"])
    page = (tmp_path / "out" / "html" / "0.html").read_text("utf-8")
    assert '"threshold": 0.3,' in page and '"class_thresholds": {"person": 0.2}' in page


def test_images_and_results_in_an_object_store(folder: Path, tmp_path: Path) -> None:
    """By fsspec's own store in memory, which opens as others do."""
    system = fsspec.filesystem("memory")
    for path in sorted(folder.iterdir()):
        system.pipe_file(f"/photos/{path.name}", path.read_bytes())
    system.pipe_file("/photos/notes.txt", b"no image")
    system.pipe_file("/photos/7.jpg", b"damaged")
    summary = _run("memory://photos", "memory://found", formats=["labelme"])
    assert (summary.images, summary.failed, summary.done_before) == (10, 1, 0)
    assert len(system.ls("/found/labelme")) == 9
    stub = Stub(4)
    assert _run("memory://photos", "memory://found", stub, formats=["labelme"]).done_before == 10
    assert stub.calls == 0
    # The table is that of the same images in a folder.
    for path in sorted(folder.iterdir()):
        path.write_bytes(system.cat_file(f"/photos/{path.name}"))
    _run(folder, tmp_path / "out")
    for path in sorted((tmp_path / "out" / "table").rglob("*.parquet")):
        name = path.relative_to(tmp_path / "out").as_posix()
        assert system.cat_file(f"/found/{name}") == path.read_bytes()
    assert _run("memory://photos/[0-4].jpg", tmp_path / "some").images == 5
    missing = _run(["memory://photos/gone.jpg", "memory://photos/1.jpg"], tmp_path / "gone")
    assert missing.failed == 1
    with pytest.raises(SettingError, match="Protocol not known: nowhere"):
        _run("nowhere://photos", tmp_path / "nowhere")


class Stopping(Stub):
    """Sets an event, or raises, when it has been called some times."""

    def __init__(self, after: int, cancel: threading.Event | None) -> None:
        super().__init__(4)
        self.after, self.cancel = after, cancel

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        if self.calls == self.after:
            if self.cancel is None:
                raise KeyboardInterrupt
            self.cancel.set()
        return super().__call__(image)


def test_a_run_that_is_stopped_many_times_gives_the_same_bytes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    (folder / "3.jpg").write_bytes(b"no image")
    assert _run(folder, whole, formats=["labelme"]).failed == 1
    calls = 0
    for cancel in (threading.Event(), None, threading.Event()):
        stopping = Stopping(2, cancel)
        if cancel is None:
            with pytest.raises(KeyboardInterrupt):
                _run(folder, out, stopping, formats=["labelme"])
        else:
            summary = _run(folder, out, stopping, formats=["labelme"], cancel=cancel)
            assert not summary.is_complete
            assert "the same call does them" in repr(summary)
        calls += stopping.calls
    last = Stub(4)
    _run(folder, out, last, formats=["labelme"])
    assert calls + last.calls == 9
    assert _files(out) == _files(whole)
    # Nothing is left to do.
    last = Stub(4)
    monkeypatch.chdir(folder.parent)
    assert _run("in", "out", last, formats=["labelme"]).done_before == 10
    assert last.calls == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_run_that_is_killed_goes_on(folder: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    _run(folder, whole, formats=["labelme"])
    command = [sys.executable, "-c", _PROGRAM, str(folder), str(out)]
    assert subprocess.run(command, timeout=120).returncode == -signal.SIGKILL
    assert [name for name in _files(out) if name.startswith("table/")] == [
        "table/images/part-00000000.parquet",
        "table/instances/part-00000000.parquet",
    ]
    # Whatever was being written when it was killed.
    for subfolder in ("", "run", "table/images", "labelme"):
        (out / subfolder / ".seg-widgets-half").write_bytes(b"half of a file")
    stub = Stub(4)
    _run(folder, out, stub, formats=["labelme"])
    # Of the five that were done, the last may have been lost on its way to the disk.
    assert 5 <= stub.calls <= 6
    assert _files(out) == _files(whole)


def test_images_that_come_later_are_added_and_changed_ones_done_again(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    _run(folder, out)
    before = _files(out)
    (folder / "0-new.jpg").write_bytes(make_jpeg())
    stub = Stub(4)
    summary = _run(folder, out, stub)
    assert (summary.done, summary.done_before, stub.calls) == (11, 10, 1)
    assert _files(out).items() > before.items()
    # Its part is done again, which has four images.
    (folder / "1.jpg").write_bytes(make_jpeg(99, 48))
    stub = Stub(4)
    assert _run(folder, out, stub).done_before == 7
    assert stub.calls == 4


def test_what_failed_is_listed_and_tried_again_on_request(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (folder / "2.jpg").write_bytes(b"")
    (folder / "5.jpg").write_bytes(make_jpeg()[:300])
    (folder / "=cmd.jpg").write_bytes(b"GIF89a")
    summary = _run([folder, tmp_path / "gone"], out)
    assert (summary.failed, summary.done) == (4, 12)
    rows = list(csv.DictReader((out / "failures.csv").read_text("utf-8").splitlines()))
    assert [row["name"] for row in rows] == ["2.jpg", "5.jpg", "'=cmd.jpg", "gone"]
    assert rows[0]["error"] == "ImageFormatError"
    assert rows[3]["error"] == "ImageNotFoundError"
    assert all(row["reason"] for row in rows)
    (folder / "2.jpg").write_bytes(make_jpeg())
    (folder / "=cmd.jpg").unlink()
    assert _run([folder, tmp_path / "gone"], out, retry_failed=True).failed == 3


def test_a_model_that_fails_costs_its_images_only(folder: Path, tmp_path: Path) -> None:
    stub = Stub(4)
    stub.error = KeyError("proposals")
    summary = _run(folder, tmp_path / "out", stub)
    assert (summary.failed, summary.objects) == (10, {})
    assert "KeyError: 'proposals'" in (tmp_path / "out" / "failures.csv").read_text()


def test_a_folder_of_another_run_is_refused_with_both(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _run(folder, out)

    class Other(StubPredictor):
        name = "other"

    with pytest.raises(SettingError, match="holds another run: model was stub, and is other"):
        _run(folder, out, Other(4))
    with pytest.raises(SettingError, match=r"threshold was 0\.5, and is 0\.7\. Give another"):
        _run(folder, out, filter=Filter(0.7))
    with pytest.raises(SettingError, match=r"source was \S+in, and is \S+elsewhere"):
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "a.jpg").write_bytes(make_jpeg())
        _run(tmp_path / "elsewhere", out)
    assert _run(folder, out, Other(4), fresh=True).done_before == 0
    (out / "run" / "settings.json").unlink()
    with pytest.raises(SettingError, match="has a folder 'table' that is of no run"):
        _run(folder, out)
    (out / "run" / "settings.json").write_text("[")
    for content in ("[", "[]", ""):
        (out / "run" / "settings.json").write_text(content)
        with pytest.raises(
            SettingError, match=r"run/settings\.json is damaged: .* or begin the run"
        ):
            _run(folder, out)
    (out / "run" / "settings.json").write_text('{"version": 0}')
    with pytest.raises(SettingError, match="is of another version of seg-widgets"):
        _run(folder, out)
    assert _run(folder, out, fresh=True).done_before == 0
    for content in ("[1, 2, 3, 4]", "{", "[7]"):
        (out / "run" / "00001.images").write_text(content)
        with pytest.raises(SettingError, match=r"00001\.images is damaged; begin the run anew"):
            _run(folder, out)
    (out / "run" / "00001.images").unlink()
    with pytest.raises(SettingError, match=r"00001\.images is missing; begin the run anew"):
        _run(folder, out)
    assert _run(folder, out, fresh=True).done_before == 0


@pytest.mark.parametrize("settings", ["whole", "damaged", "gone"])
def test_beginning_anew_removes_what_the_run_wrote_and_nothing_else(
    folder: Path, tmp_path: Path, settings: str
) -> None:
    """Its images are others now, and its formats: none of the old ones may be left."""
    out, alone = tmp_path / "out", tmp_path / "alone"
    _run(folder, out, formats=["labelme", "png", "coco", "masks"], images_per_part=3)
    own = {
        "notes.txt": b"mine",
        "png/best.png": b"mine",
        "png/0-overlay.png.bak": b"mine",
        "labelme/0-labelme.jsonl": b"mine",
        "table/images/README": b"mine",
        "run/plan.txt": b"mine",
        "coco/0-coco.json": b"mine",
    }
    for name, content in own.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(content)
    if settings == "damaged":
        (out / "run" / "settings.json").write_bytes(b"{")
    elif settings == "gone":
        (out / "run" / "settings.json").unlink()
    for number in range(1, 10):
        (folder / f"{number}.jpg").unlink()
    _run(folder, out, formats=["csv"], fresh=True)
    _run(folder, alone, formats=["csv"])
    assert _files(out) == {**_files(alone), **own}
    assert not (out / "masks").exists()


def test_beginning_anew_after_a_format_that_is_not_registered_any_more(
    folder: Path, tmp_path: Path
) -> None:
    """Or is registered as another one now: what the former run wrote is known from its notes."""
    out, alone = tmp_path / "out", tmp_path / "alone"
    mine = ExportFormat("mine", "", "", "", "-my.txt", "text/plain", make=lambda _: b"1")
    joint = replace(mine, name="ours", suffix="-our.txt", make_together=lambda _: b"2")
    for each in (mine, joint):
        register(each)
    try:
        _run(folder, out, formats=["mine", "ours"])
        unregister("mine")
        register(replace(mine, suffix="-other.txt"))
    finally:
        unregister("mine")
        unregister("ours")
    own = {
        "mine/0-my.text": b"",
        "mine/best-my.txt": b"",
        "mine/0-other.txt": b"",
        "a-our.txt": b"",
    }
    for name, content in own.items():
        (out / name).write_bytes(content)
    assert (out / "images-our.txt").exists()
    assert len([*(out / "mine").iterdir()]) == 13
    _run(folder, out, fresh=True)
    _run(folder, alone)
    assert _files(out) == {**_files(alone), **own}

    # Notes that were changed lead nowhere else.
    outside = tmp_path / "0-my.txt"
    outside.write_bytes(b"")
    for name, suffix in (("..", "-my.txt"), ("mine", "/../../../0-my.txt")):
        note = out / "run" / "settings.json"
        settings = json.loads(note.read_text())
        note.write_text(json.dumps({**settings, "formats": [name], "files": {name: [suffix, 0]}}))
        with pytest.raises(SettingError, match="and its notes don't say which files"):
            _run(folder, out, fresh=True)
    assert outside.exists()


def test_a_table_of_somebody_else_is_not_mixed_with_that_of_a_run(
    folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "out" / "table" / "images" / "mine.parquet"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"PAR1")
    for fresh in (False, True):
        with pytest.raises(
            SettingError, match=r"has 'mine\.parquet', which no run wrote\. Move it"
        ):
            _run(folder, tmp_path / "out", fresh=fresh)
    assert other.read_bytes() == b"PAR1"


def test_what_is_empty_is_not_the_folder_of_the_program(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a variable that is empty, or None."""
    monkeypatch.chdir(folder)
    for out in ("", " ", None):
        with pytest.raises(
            SettingError, match=r"out is the folder of the results, not .* give '\.'"
        ):
            _run(folder, out)
    for source in ("", [" "]):
        with pytest.raises(ImageNotFoundError, match="An empty text was given for images"):
            _run(source, tmp_path / "out")
    for wrong, kind in ((None, "NoneType"), ([np.zeros((4, 4, 3))], "ndarray"), ({3}, "int")):
        with pytest.raises(SettingError, match=f"The source is a folder, .*, not a {kind}"):
            _run(wrong, tmp_path / "out")
    with pytest.raises(SettingError, match=r"predictor is a model's name .*, not a int"):
        segment_folder(folder, tmp_path / "out", 3, progress=False)
    assert not (folder / "run").exists()


def test_a_list_of_the_images_is_not_replaced_by_their_results(folder: Path) -> None:
    """Its name is the one that a file of all images gets."""
    path = folder / "images-coco.json"
    content = json.dumps({"images": [{"id": 5, "file_name": "1.jpg"}]})
    path.write_text(content)
    with pytest.raises(SettingError, match=r"would replace .*images-coco\.json, which lists the"):
        _run(path, folder, formats=["coco"])
    assert path.read_text() == content
    assert _run(path, folder, formats=["results"]).images == 1


def test_beginning_anew_in_an_object_store(folder: Path) -> None:
    system = fsspec.filesystem("memory")
    _run(folder, "memory://anew", formats=["labelme"])
    system.pipe_file("/anew/labelme/mine.json", b"mine")
    (folder / "0.jpg").rename(folder / "zero.jpg")
    _run(folder, "memory://anew", formats=["png"], fresh=True)
    assert [each.rpartition("/")[2] for each in system.ls("/anew/labelme", detail=False)] == [
        "mine.json"
    ]
    assert len(system.ls("/anew/png")) == 10


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"only": [""]}, "A class name is empty"),
        ({"only": [" "]}, "A class name is empty"),
        ({"filter": Filter(0.5, ("",))}, "A class name is empty"),
        ({"only": "person"}, r"only is a list of class names, such as \['person'\]"),
        ({"only": [3]}, "only is a list of class names"),
        ({"formats": [""]}, "There is no format ''"),
        ({"filter": 0.5}, r"filter is a Filter, such as Filter\(0\.5\), not 0\.5"),
        ({"contrast": "x"}, 'contrast is "auto", "full", "none" or a pair'),
        ({"channels": (1, 2)}, "channels is one index, or three"),
        ({"page": -1}, "page is the index of a page"),
    ],
)
def test_names_that_are_none_are_refused_before_the_model_runs(
    folder: Path, tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    stub = Stub(4)
    with pytest.raises(SettingError, match=words):
        _run(folder, tmp_path / "out", stub, **settings)
    assert stub.calls == 0
    assert not (tmp_path / "out").exists()


def test_a_disk_that_is_full_stops_the_run_and_it_goes_on_later(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    _run(folder, whole)
    replace, left = Path.replace, [8]

    def full(path: Path, target: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(path, target)

    for room in (3, 2, 1, 2, 3):
        left[0] = room
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", full)
            with pytest.raises(ExportError, match=r"disk is full|Free some space"):
                _run(folder, out)
    _run(folder, out)
    assert _files(out) == _files(whole)


def test_a_folder_that_can_not_be_written(folder: Path, tmp_path: Path) -> None:
    """Not even by root, whom no permission stops."""
    (tmp_path / "file").touch()
    stub = Stub(4)
    with pytest.raises(ExportError, match="a part of its path is a file"):
        _run(folder, tmp_path / "file" / "out", stub)
    assert stub.calls == 0


def test_names_of_all_kinds(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    (folder / "b" / "loop").symlink_to(folder)
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "empty.jpg").touch()
    (folder / ("x" * 251 + ".jpg")).write_bytes(make_jpeg())
    names = ["a/photo.jpg", "b/photo.jpg", "b/\udcff.jpg"]
    for name in names:
        Path(folder / name).write_bytes(make_jpeg())
    too_long = str(folder / ("y" * 300 + ".jpg"))
    summary = _run([str(folder / "**" / "*.jpg"), too_long], tmp_path / "out", formats=["labelme"])
    assert (summary.images, summary.failed) == (8, 4)
    text = (tmp_path / "out" / "failures.csv").read_text("utf-8")
    assert [row["name"][:8] for row in csv.DictReader(text.splitlines())] == [
        *("empty.jp", "loop.jpg", "pipe.jpg", "yyyyyyyy")
    ]
    written = sorted(path.name for path in (tmp_path / "out" / "labelme").iterdir())
    assert len(written) == 4
    assert {"photo-labelme.json", "photo-2-labelme.json"} < set(written)


def test_what_was_chosen_on_opening_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.fromarray(np.tile(np.arange(64, dtype=np.uint16) * 60, (48, 1))).save(path)
    _run(path, tmp_path / "out")
    (image,) = read_table(tmp_path / "out" / "table").images()
    assert image.notes[0].startswith("Contrast: of uint16 values from 0 to 3780")


def test_nothing_to_do_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError, match="is empty"):
        _run(tmp_path, tmp_path / "out")
    with pytest.raises(ImageNotFoundError, match="No image was given"):
        _run([], tmp_path / "out")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"only": ["persn"]}, "The model stub has no class 'persn'. Did you mean 'person'?"),
        ({"formats": ["cocoo"]}, "There is no format 'cocoo'"),
        ({"images_per_part": 0}, "images_per_part is a whole number from 1 on"),
        ({"filter": Filter(hidden_instances=(1,))}, "can't have hidden_instances"),
    ],
)
def test_wrong_settings_are_refused_before_the_model_runs(
    folder: Path, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    stub = Stub(4)
    with pytest.raises(SettingError, match=message):
        _run(folder, tmp_path / "out", stub, **settings)
    assert stub.calls == 0
    assert not (tmp_path / "out").exists()


class Batching(Stub):
    """Takes three images at once, and says in the results which ones were together."""

    max_batch = 3

    def __init__(self) -> None:
        super().__init__(4)
        self.groups: list[int] = []

    def predict_batch(self, images: Sequence[npt.NDArray[np.uint8]], /) -> list[Prediction]:
        self.groups.append(len(images))
        if len(self.groups) == 2:
            raise MemoryError
        return [self(image) for image in images]


def test_batches_have_their_places_and_one_that_fails_is_done_one_by_one(
    folder: Path, tmp_path: Path
) -> None:
    batching = Batching()
    assert _run(folder, tmp_path / "out", batching, images_per_part=8).objects["person"] == 10
    # A part has 8 images: 3, 3 and 2; the second has 2.
    assert batching.groups == [3, 3, 2, 2]
    assert batching.calls == 10


@pytest.mark.parametrize("out", ["folder", "memory://mended"])
def test_exported_files_that_were_deleted_are_made_anew(
    folder: Path, tmp_path: Path, out: str
) -> None:
    """With the neighbours that their images had in the model, and nothing else is touched."""
    (folder / "1.jpg").write_bytes(b"no image")
    place = str(tmp_path / out) if out == "folder" else out
    system, path = fsspec.core.url_to_fs(place)
    if system.exists(path):
        system.rm(path, recursive=True)
    settings = {"formats": ["labelme", "geojson", *(["coco"] if out == "folder" else [])]}
    first = _run(folder, place, Batching(), **settings)
    assert (first.failed, first.missing) == (1, 0)

    def content() -> dict[str, bytes]:
        return {name: system.cat_file(name) for name in system.find(path)}

    before = content()
    for name in ("labelme/0-labelme.json", "geojson/9.geojson", "labelme/9-labelme.json"):
        system.rm_file(f"{path}/{name}")
    system.pipe_file(f"{path}/geojson/0.geojson", b"edited by hand")
    batching = Batching()
    again = _run(folder, place, batching, **settings)
    assert (again.images, again.done, again.failed, again.missing) == (10, 10, 1, 3)
    assert again.objects == first.objects
    assert "3 exported files were missing, and are made anew" in repr(again)
    # Of the first three images one can't be opened; the last part has two.
    assert batching.groups == [2, 2]
    assert content() == {**before, f"{path}/geojson/0.geojson": b"edited by hand"}
    once_more = _run(folder, place, batching, **settings)
    assert (once_more.done_before, once_more.missing, len(batching.groups)) == (10, 0, 2)


def test_making_files_anew_can_be_stopped_and_can_fail(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = _run(folder, out, formats=["geojson"])
    before = _files(out)
    for path in (out / "geojson").iterdir():
        path.unlink()
    cancel = threading.Event()
    cancel.set()
    summary = _run(folder, out, formats=["geojson"], cancel=cancel)
    assert not summary.is_complete
    assert summary.missing == 10

    summary = _run(folder, out, Stub(4, error=MemoryError("no luck")), formats=["geojson"])
    # One was made before the run was stopped.
    assert (summary.done, summary.failed, summary.objects) == (10, 9, first.objects)
    assert b"no luck" in (out / "failures.csv").read_bytes()
    assert _run(folder, out, formats=["geojson"]).missing == 9
    assert _files(out) == before


def test_masks_that_the_filter_drops_are_not_drawn(folder: Path, tmp_path: Path) -> None:
    drawn: list[int] = []

    class Sparing(Stub):
        def predict_kept(
            self, image: npt.NDArray[np.uint8], /, keep: Callable[..., npt.NDArray[np.bool_]]
        ) -> Prediction:
            whole = self(image)
            assert whole.masks is not None
            needed = keep(replace(whole, masks=None))
            drawn.append(int(needed.sum()))
            none = MaskCrop(0, 0, 0, 0, b"")
            pairs = zip(whole.masks, needed, strict=True)
            return replace(whole, masks=tuple(mask if kept else none for mask, kept in pairs))

    settings: dict[str, Any] = {
        "filter": Filter(0.5, class_thresholds={"food": 0.05, "person": 1.0}),
        "formats": ["labelme", "coco", "csv"],
    }
    _run(folder, tmp_path / "whole", **settings)
    _run(folder, tmp_path / "spared", Sparing(4), **settings)
    assert drawn == [2] * 10
    assert _files(tmp_path / "spared") == _files(tmp_path / "whole")


def test_the_ids_of_a_coco_file_are_kept(folder: Path, tmp_path: Path) -> None:
    entries = [{"id": 40 - number, "file_name": f"{number}.jpg"} for number in range(3)]
    (folder / "list.json").write_text(json.dumps({"images": entries}))
    _run(folder / "list.json", tmp_path / "out")
    lines = (tmp_path / "out" / "run" / "00000.images").read_text().splitlines()
    assert [json.loads(line)[1:] for line in lines] == [
        ["0.jpg", "0", 40],
        ["1.jpg", "1", 39],
        ["2.jpg", "2", 38],
    ]


def test_the_starter_finds_in_a_table_what_it_finds_alone(root: Path, tmp_path: Path) -> None:
    predictor = load_predictor("starter", device="cpu", min_size=192)
    paths = [samples()[name] for name in ("cat", "coffee")]
    summary = _run(paths, tmp_path / "out", predictor, filter=Filter(0.3))
    table = read_table(tmp_path / "out" / "table")
    weights = (root / "weights" / "starter.safetensors").read_bytes()
    assert table.info.model == "starter"
    assert table.info.weights_sha256 == hashlib.sha256(weights).hexdigest()
    for path, (image, found) in zip(paths, table, strict=True):
        assert image.file_name == path.name
        assert found == predictor(load(path)).filter(0.3)
    assert sum(summary.objects.values()) == sum(len(found) for _, found in table) > 2
