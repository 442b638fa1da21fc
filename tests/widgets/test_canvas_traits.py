from __future__ import annotations

import pytest

from seg_widgets.errors import SettingError
from seg_widgets.export import FORMATS, ExportFormat, register, unregister
from seg_widgets.widgets.canvas import SegmentationCanvas


def test_a_registered_format_reaches_the_browsers_menu() -> None:
    tsv = ExportFormat("tsv", "TSV", "tabs", "the image", ".tsv", "text/plain", lambda _: b"")
    register(tsv)
    try:
        canvas = SegmentationCanvas(exports=["tsv", "csv"])
        assert canvas.exports == ("csv", "tsv")
        csv = {"name": "csv", "label": "CSV", "description": "a table for spreadsheets"}
        csv |= {"group": "Tables", "loses": FORMATS["csv"].loses}
        tsv_item = {"name": "tsv", "label": "TSV", "description": "tabs"}
        menu = [csv, {**tsv_item, "group": "More", "loses": "the image"}]
        assert canvas.get_state("exports") == {"exports": menu}
    finally:
        unregister("tsv")
    # What can't be made any more is not offered.
    assert canvas.get_state("exports") == {"exports": menu[:1]}
    canvas.close()


def test_a_format_of_all_images_stands_behind_the_others() -> None:
    canvas = SegmentationCanvas(exports=["all:csv", "png"])
    assert canvas.exports == ("png", "all:csv")
    item = canvas.get_state("exports")["exports"][1]
    assert (item["group"], item["label"]) == ("All images", "CSV of all images")
    with pytest.raises(SettingError, match="not 'all:python'"):
        canvas.exports = ["all:python"]
    canvas.close()


def test_parts_are_kept_in_their_own_order() -> None:
    canvas = SegmentationCanvas(show=["labels", "masks", "labels"])
    assert canvas.show == ("masks", "labels")
    canvas.show = "boxes"
    assert canvas.show == ("boxes",)
    canvas.close()
