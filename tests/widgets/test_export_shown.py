"""What a panel shows as a file, and all images of the session as one."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from seg_widgets import SegmentationPanel
from seg_widgets.errors import SegWidgetsError
from seg_widgets.export import ExportFormat, Result, register, unregister
from seg_widgets.testing import StubPredictor, make_jpeg, make_picture
from seg_widgets.widgets.all_images import AllImages


@pytest.fixture
def panel() -> Iterator[SegmentationPanel]:
    panel = SegmentationPanel(StubPredictor(5), samples={})
    yield panel
    panel.close()


def _made(panel: SegmentationPanel, name: str) -> tuple[str, str, bytes]:
    on_export = panel.canvas.on_export
    assert on_export is not None
    file = on_export(name)
    assert isinstance(file, Future), "the kernel does not wait for it"
    return file.result(60)


def test_all_images_are_offered_when_there_are_several(panel: SegmentationPanel) -> None:
    with pytest.raises(SegWidgetsError, match="no image to save"):
        AllImages.of(panel, panel.canvas)
    panel.segment(make_picture(80, 60), name="a.jpg")
    panel.wait(60)
    assert not [name for name in panel.canvas.exports if name.startswith("all:")]
    panel.segment(make_picture(60, 80), name="a.jpg")
    panel.wait(60)
    assert {"all:csv", "all:png", "all:masks"} < set(panel.canvas.exports)
    assert "all:python" not in panel.canvas.exports

    name, media_type, content = _made(panel, "all:csv")
    assert (name, media_type) == ("images.csv", "text/csv")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [(row["file_name"], row["image_id"]) for row in rows] == [
        *[("a.jpg", "1")] * 3,
        *[("a (2).jpg", "2")] * 3,
    ]


def test_formats_of_single_images_are_one_zip_with_what_is_shown(panel: SegmentationPanel) -> None:
    for width in (80, 60):
        panel.segment(make_picture(width, 60), name="a.jpg")
        panel.wait(60)
    panel.hidden_instances = (0,)
    name, media_type, content = _made(panel, "all:labelme")
    assert (name, media_type) == ("images-labelme.zip", "application/zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["a-labelme.json", "a (2)-labelme.json"]
        shapes = [len(json.loads(archive.read(each))["shapes"]) for each in archive.namelist()]
    # What is hidden alone is hidden on screen only, in the second image.
    assert shapes == [3, 2]
    with zipfile.ZipFile(io.BytesIO(_made(panel, "all:masks")[2])) as archive:
        folders = [each.partition("/")[0] for each in archive.namelist()]
    assert folders == ["a"] * 3 + ["a (2)"] * 2
    assert _made(panel, "all:png")[0] == "images-overlay.zip"


class _Renamed(StubPredictor):
    """A model whose name can't be a part of a file's as it is."""

    name = "cells/v1.5"


def test_each_model_of_an_image_has_files_of_its_own(
    panel: SegmentationPanel, tmp_path: Path
) -> None:
    """With the names that the images have, and the same ids."""
    paths = []
    for folder in "xy":
        path = tmp_path / folder / "a.jpg"
        path.parent.mkdir()
        path.write_bytes(make_jpeg(80, 60))
        paths.append(str(path))
    for source in (paths[0], paths[1], paths[0]):
        panel.segment(source)
        panel.wait(60)
    panel.use(_Renamed(5, ("cell", "debris")))
    panel.wait(60)
    assert len(panel.history) == 4

    name, media_type, content = _made(panel, "all:coco")
    assert (name, media_type) == ("images-coco.zip", "application/zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {each: json.loads(archive.read(each)) for each in archive.namelist()}
    named = {
        each: [(image["id"], image["file_name"]) for image in data["images"]]
        for each, data in files.items()
    }
    # The first was looked at twice, and its file may have changed between.
    again = paths[0].replace("a.jpg", "a (2).jpg")
    assert named == {
        "images-StubPredictor-coco.json": [(1, paths[0]), (2, paths[1]), (3, again)],
        "images-cells_v1.5-coco.json": [(1, paths[0])],
    }
    categories = files["images-cells_v1.5-coco.json"]["categories"]
    assert [each["name"] for each in categories] == ["cell", "debris"]

    with zipfile.ZipFile(io.BytesIO(_made(panel, "all:labelme")[2])) as archive:
        assert archive.namelist() == [
            "a-StubPredictor-labelme.json",
            "a-2-StubPredictor-labelme.json",
            "a (2)-StubPredictor-labelme.json",
            "a-cells_v1.5-labelme.json",
        ]
        shown = [json.loads(archive.read(each))["imagePath"] for each in archive.namelist()]
    assert shown == [paths[0], paths[1], again, paths[0]]


@pytest.fixture
def waiting() -> Iterator[tuple[Event, Event]]:
    """A format that waits at its second image: (it has come there, it may go on)."""
    came, go_on = Event(), Event()

    def make(result: Result) -> bytes:
        if result.name == "b.jpg":
            came.set()
            assert go_on.wait(60)
            raise ValueError("a mistake of its author's")
        return b"made"

    register(ExportFormat("waiting", "Waiting", "waits", "All of it.", ".wait", "text/plain", make))
    yield came, go_on
    go_on.set()
    unregister("waiting")


def test_all_images_are_saved_with_progress_and_can_be_cancelled(
    panel: SegmentationPanel, waiting: tuple[Event, Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    came, go_on = waiting
    for name in ("a.jpg", "b.jpg"):
        panel.segment(make_picture(80, 60), name=name)
        panel.wait(60)
    canvas, before = panel.canvas, panel.history
    replies: list[Any] = []
    replied = Event()

    def send(content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if "reply" in content:
            replies.append((content, buffers))
            replied.set()

    monkeypatch.setattr(canvas, "send", send)
    canvas._handle_custom_msg({"action": "export", "format": "all:waiting", "id": 1}, [])
    assert came.wait(60)
    assert (canvas.busy, canvas.status) == (True, "Saving image 2 of 2")
    assert "cancel" in canvas.actions
    assert not panel.busy, "the session has nothing to do"
    assert replies == []
    canvas._handle_custom_msg({"action": "export", "format": "all:csv", "id": 2}, [])
    assert replies.pop() == ({"reply": 2, "failed": True}, [])
    assert "still being made" in canvas.error

    canvas.error = ""
    canvas._handle_custom_msg({"action": "cancel", "id": 3}, [])
    assert replies == [({"reply": 1, "failed": True}, []), ({"reply": 3}, [])]
    assert (canvas.busy, canvas.status, canvas.error) == (False, "", "")
    assert "cancel" not in canvas.actions

    # What a format raises is shown, nothing is lost, and another file can be made.
    go_on.set()
    replied.clear()
    canvas._handle_custom_msg({"action": "export", "format": "all:waiting", "id": 4}, [])
    assert replied.wait(60)
    assert replies[-1] == ({"reply": 4, "failed": True}, [])
    assert canvas.error == (
        "The format 'waiting' failed, so there is no file (ValueError: a mistake of its author's)."
    )
    assert not canvas.busy
    assert panel.history == before
    assert _made(panel, "all:csv")[0] == "images.csv"
