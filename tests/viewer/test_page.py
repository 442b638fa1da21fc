"""The web page in one file: that it carries everything, asks for nothing, and that no name can
change it."""

from __future__ import annotations

import base64
import html.parser
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.errors import PredictionError, SettingError
from seg_widgets.export import coco_dataset, save
from seg_widgets.prediction import Filter, GroundTruth, Prediction
from seg_widgets.style import Style
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.viewer import encode_content, script, stylesheet, to_html
from seg_widgets.widgets import SegmentationCanvas

IMAGE = make_picture(80, 60)
FOUND = StubPredictor(5)(IMAGE)


class Page(html.parser.HTMLParser):
    """A page's elements: their tags, and the texts of title, h1 and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = dict(attrs).get("id") or dict(attrs).get("type") or tag

    def handle_data(self, data: str) -> None:
        self.texts[self._open] = self.texts.get(self._open, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


@given(
    st.text(st.characters(exclude_characters="\r\0"), max_size=30)
    | st.sampled_from(["</script><b>", "<!--", "&lt;"])
)
@settings(deadline=None)
def test_a_name_is_only_a_name(name: str) -> None:
    usual = Page(to_html(FOUND, IMAGE, "usual"))
    page = Page(to_html(FOUND, IMAGE, name, filter=Filter(0.5, (name,), {name: 0.5})))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in usual.tags]
    written = name.encode("utf-8", "replace").decode()
    assert page.texts["title"] == page.texts["h1"] == (written or "Segmented image")
    traits = json.loads(page.texts["traits"])
    assert traits["hidden_classes"] == [name]
    assert traits["class_thresholds"] == {name: 0.5}
    assert base64.b64decode(page.texts["content"]) == encode_content(IMAGE, FOUND, name)


def test_it_begins_as_it_was_shown() -> None:
    shown: dict[str, Any] = {
        "threshold": 0.25,
        "class_thresholds": {"person": 0.75},
        "hidden_classes": ["animal"],
        "hidden_instances": [2],
        "color_by": "score",
        "opacity": 0.5,
        "show": ["boxes"],
    }
    chosen = Filter(0.25, ("animal",), {"person": 0.75}, (2,))
    style = Style.from_traits("score", 0.5, ["boxes"])
    page = Page(to_html(FOUND, IMAGE, "a.jpg", filter=chosen, style=style))
    traits = json.loads(page.texts["traits"])
    assert {name: traits[name] for name in shown} == shown


def test_it_has_every_trait_that_the_canvas_reads() -> None:
    canvas = SegmentationCanvas()
    synced = {
        name
        for name, trait in canvas.traits(sync=True).items()
        if name in SegmentationCanvas.class_own_traits()
    }
    traits = json.loads(Page(to_html(FOUND, IMAGE)).texts["traits"])
    assert set(traits) | {"content", "preview"} == synced
    # The last three need a kernel.
    without_use = {"content", "preview", "hint", "max_file_bytes"}
    # A page has the soft masks of its prediction, because there is nobody to ask for them.
    assert traits["soft_masks"]
    defaults = canvas.get_state(synced - without_use - {"soft_masks"})
    assert {name: traits[name] for name in defaults} == json.loads(json.dumps(defaults))
    canvas.close()


def test_it_asks_for_nothing() -> None:
    text = to_html(FOUND, IMAGE)
    page = Page(text)
    policy = next(
        attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "http" not in policy
    assert not any(
        name in attributes for _, attributes in page.tags for name in ("src", "href", "action")
    )
    # Either would end the script that it is put into.
    assert "</script" not in script("webpage").lower()
    assert "<!--" not in script("webpage")
    assert script("webpage") in text
    assert stylesheet("webpage") in text


def test_it_is_a_format_to_save(tmp_path: Path) -> None:
    written = save(FOUND, IMAGE, tmp_path, "a", ["html"], file_name="a.jpg")
    assert written == {"html": tmp_path / "a.html"}
    least = float(FOUND.scores.min())
    at_first = Filter(int(least * 100) / 100)
    assert at_first.threshold <= least < at_first.threshold + 0.01
    page = (tmp_path / "a.html").read_text("utf-8")
    assert page == to_html(FOUND, IMAGE, "a.jpg", filter=at_first)


@pytest.mark.parametrize("iou", [7, "x", None, 0, float("nan"), True, "0.5"])
def test_an_iou_threshold_that_is_none_is_no_page(iou: Any) -> None:
    with pytest.raises(SettingError, match="An IoU threshold lies between"):
        to_html(FOUND, IMAGE, iou_threshold=iou)


def test_numbers_of_libraries_are_numbers_of_the_page() -> None:
    half: Any = np.float32(0.5)
    two: Any = np.int64(2)
    chosen = Filter(half, class_thresholds={"a": half}, hidden_instances=(two,))
    style = Style(opacity=half, line_width=half)
    page = Page(to_html(FOUND, IMAGE, filter=chosen, style=style, iou_threshold=half))
    traits = json.loads(page.texts["traits"])
    assert traits["threshold"] == traits["opacity"] == traits["iou_threshold"] == 0.5


def test_it_takes_every_truth_that_the_canvas_takes(tmp_path: Path) -> None:
    labels = np.zeros((60, 80), np.uint8)
    labels[5:20, 5:30] = 1
    name = FOUND.class_names[0]
    truth = GroundTruth.of(labels, size=(60, 80), classes=name)
    coco = coco_dataset(truth.prediction, "a.jpg")
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(coco))
    page = to_html(FOUND, IMAGE, "a.jpg", truth=truth)
    source: Any
    for source in (coco, file, str(file), truth.prediction, {"a": truth, "b": labels}):
        assert to_html(FOUND, IMAGE, "a.jpg", truth=source) == page
    for source in (labels, {"b": truth, "a.jpg": labels}):
        assert to_html(FOUND, IMAGE, "a.jpg", truth=source, classes=name) == page
    with pytest.raises(PredictionError, match=r"no image 'c\.jpg'; it has a\.jpg"):
        to_html(FOUND, IMAGE, "c.jpg", truth=coco)
    stack = labels[None] > 0
    second = to_html(FOUND, IMAGE, versus=Prediction.of(stack, (60, 80)))
    assert to_html(FOUND, IMAGE, versus=stack) == second


def test_the_image_must_be_the_predictions() -> None:
    with pytest.raises(PredictionError, match="80×60"):
        to_html(FOUND, make_picture(60, 80))
