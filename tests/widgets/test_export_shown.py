"""What a panel shows as a file, and all images of the session as one."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator

import pytest

from seg_widgets import SegmentationPanel
from seg_widgets.errors import SegWidgetsError
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.widgets.export_shown import export_all


@pytest.fixture
def panel() -> Iterator[SegmentationPanel]:
    panel = SegmentationPanel(StubPredictor(5), samples={})
    yield panel
    panel.close()


def test_all_images_are_offered_when_there_are_several(panel: SegmentationPanel) -> None:
    with pytest.raises(SegWidgetsError, match="no image to save"):
        export_all("csv", panel, panel.canvas)
    panel.segment(make_picture(80, 60), name="a.jpg")
    panel.wait(60)
    assert not [name for name in panel.canvas.exports if name.startswith("all:")]
    panel.segment(make_picture(60, 80), name="a.jpg")
    panel.wait(60)
    assert {"all:csv", "all:png", "all:masks"} < set(panel.canvas.exports)
    assert "all:python" not in panel.canvas.exports

    assert panel.canvas.on_export is not None
    name, media_type, content = panel.canvas.on_export("all:csv")
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
    on_export = panel.canvas.on_export
    assert on_export is not None
    name, media_type, content = on_export("all:labelme")
    assert (name, media_type) == ("images-labelme.zip", "application/zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["a-labelme.json", "a (2)-labelme.json"]
        shapes = [len(json.loads(archive.read(each))["shapes"]) for each in archive.namelist()]
    # What is hidden alone is hidden on screen only, in the second image.
    assert shapes == [3, 2]
    with zipfile.ZipFile(io.BytesIO(on_export("all:masks")[2])) as archive:
        folders = [each.partition("/")[0] for each in archive.namelist()]
    assert folders == ["a"] * 3 + ["a (2)"] * 2
    assert on_export("all:png")[0] == "images-overlay.zip"
