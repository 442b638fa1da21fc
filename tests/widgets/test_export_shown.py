"""What a panel shows as a file, and all images of the session as one."""

from __future__ import annotations

import csv
import io
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
        export_all("csv", panel)
    panel.segment(make_picture(80, 60), name="a.jpg")
    panel.wait(60)
    assert not [name for name in panel.canvas.exports if name.startswith("all:")]
    panel.segment(make_picture(60, 80), name="a.jpg")
    panel.wait(60)
    assert "all:csv" in panel.canvas.exports and "all:png" not in panel.canvas.exports

    assert panel.canvas.on_export is not None
    name, media_type, content = panel.canvas.on_export("all:csv")
    assert (name, media_type) == ("images.csv", "text/csv")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [(row["file_name"], row["image_id"]) for row in rows] == [
        *[("a.jpg", "1")] * 3,
        *[("a (2).jpg", "2")] * 3,
    ]
