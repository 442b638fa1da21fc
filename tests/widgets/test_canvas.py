from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import cv2
import ipywidgets
import numpy as np
import pytest
from PIL import Image

from seg_widgets.errors import PredictionError, SettingError
from seg_widgets.prediction import Filter, PartialPrediction
from seg_widgets.prediction.prediction import Prediction
from seg_widgets.style import Style
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.viewer import decode_content, encode_content, script, stylesheet
from seg_widgets.widgets.canvas import PREVIEW_SIDE, SegmentationCanvas


def test_a_prediction_of_another_image_is_refused() -> None:
    with pytest.raises(PredictionError, match=r"10×10.*60×40"):
        encode_content(make_picture(60, 40), Prediction.empty((10, 10)))
    canvas = SegmentationCanvas()
    with pytest.raises(PredictionError):
        canvas.set_result(make_picture(60, 40), Prediction.empty((10, 10)))
    assert canvas.content == b""


def test_the_canvas_shows_and_forgets() -> None:
    image = make_picture(60, 40)
    prediction = StubPredictor()(image)
    canvas = SegmentationCanvas(image, prediction, name="a.jpg", hidden_classes=["person"])
    assert (
        repr(canvas)
        == "SegmentationCanvas('a.jpg' 60×40, 5 of 12 instances shown at threshold 0.50)"
    )
    canvas.hidden_instances = [1]
    canvas.selected = [2]
    assert "4 of 12" in repr(canvas)
    canvas.set_result(image, prediction)
    assert canvas.selected == canvas.hidden_instances == ()
    assert canvas.hidden_classes == ("person",)
    canvas.clear()
    assert canvas.content == b""
    assert repr(canvas) == "SegmentationCanvas(no image yet, threshold 0.50)"
    canvas.close()


def test_what_goes_to_the_browser_is_binary_and_plain() -> None:
    image = make_picture(60, 40)
    canvas = SegmentationCanvas(
        image, StubPredictor(2)(image), hidden_classes=["person"], selected=[1]
    )
    state = canvas.get_state()
    assert isinstance(state["content"], bytes)
    assert canvas.trait_metadata("content", "echo_update") is False
    assert state["hidden_classes"] == ["person"]
    assert state["selected"] == [1]
    assert state["show"] == ["masks", "outlines", "labels"]
    binary = ("content", "preview", "layout")
    json.dumps({name: value for name, value in state.items() if name not in binary})
    canvas.close()


def test_what_the_browser_writes_arrives() -> None:
    canvas = SegmentationCanvas()
    heard: list[object] = []
    canvas.observe(lambda change: heard.append(change["new"]), "threshold")
    canvas.set_state({"threshold": 0.25, "hidden_classes": ["food"], "hovered": 3})
    assert (canvas.threshold, canvas.hidden_classes, canvas.hovered) == (0.25, ("food",), 3)
    assert heard == [0.25]
    canvas.close()


@pytest.mark.parametrize(
    "setting",
    [
        {"threshold": float("nan")},
        {"threshold": 2},
        {"opacity": -0.1},
        {"opacity": "half"},
        {"color_by": "name"},
        {"zoom": 0.5},
        {"zoom": float("inf")},
        {"pan": (0.5, 2)},
        {"pan": 3},
        {"class_thresholds": {"person": 2}},
        {"class_thresholds": [0.5]},
        {"exports": ["pdf"]},
        {"image_format": "gif"},
        {"show": ["masks", "mask"]},
        {"hidden_classes": "person"},
        {"selected": [-1]},
        {"image": make_picture(8, 8)},
    ],
)
def test_a_wrong_setting_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        SegmentationCanvas(**setting)


def test_filter_and_style_are_what_is_shown() -> None:
    canvas = SegmentationCanvas(
        threshold=0.3,
        hidden_classes=["food"],
        class_thresholds={"person": 0.7},
        hidden_instances=[1],
        color_by="score",
        opacity=0.2,
        show=["boxes"],
    )
    assert canvas.filter == Filter(0.3, ("food",), {"person": 0.7}, (1,))
    assert canvas.style_shown == Style.from_traits("score", 0.2, ["boxes"])
    canvas.close()


def test_another_image_is_shown_whole_and_the_same_one_keeps_its_zoom() -> None:
    image = make_picture(60, 40)
    canvas = SegmentationCanvas(
        image, StubPredictor(3)(image), name="a.jpg", zoom=3, pan=(0.2, 0.8)
    )
    assert (canvas.zoom, canvas.pan) == (3.0, (0.2, 0.8))
    canvas.set_result(image, StubPredictor(5)(image), "a.jpg")
    assert (canvas.zoom, canvas.pan) == (3.0, (0.2, 0.8))
    canvas.set_result(image, StubPredictor(5)(image), "b.jpg")
    assert (canvas.zoom, canvas.pan) == (1.0, (0.5, 0.5))
    canvas.close()


def test_two_images_with_the_same_prediction_are_both_shown() -> None:
    prediction = Prediction.empty((20, 30))
    canvas = SegmentationCanvas()
    for grey in (10, 200):
        canvas.set_result(np.full((20, 30, 3), grey, np.uint8), prediction)
        encoded = decode_content(canvas.content).image
        assert (np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB")) == grey).all()
    canvas.close()


def test_a_class_of_its_own_threshold_counts_by_it() -> None:
    image = make_picture(60, 40)
    canvas = SegmentationCanvas(
        image, StubPredictor()(image), class_thresholds={"person": 0, "food": 1}
    )
    assert "7 of 12" in repr(canvas)  # three person, two animal, two vehicle
    assert canvas.get_state("class_thresholds") == {
        "class_thresholds": {"person": 0.0, "food": 1.0}
    }
    canvas.close()


def test_an_image_travels_without_loss_on_request() -> None:
    image = make_picture(60, 40)
    canvas = SegmentationCanvas(image_format="png")
    canvas.set_result(image, StubPredictor(1)(image))
    content = decode_content(canvas.content)
    assert content.header["mediaType"] == "image/png"
    assert (np.asarray(Image.open(io.BytesIO(content.image))) == image).all()
    canvas.close()


def test_the_upload_button_is_named_to_the_browser() -> None:
    button = ipywidgets.FileUpload()
    canvas = SegmentationCanvas(upload=button)
    assert canvas.get_state("upload") == {"upload": f"IPY_MODEL_{button.model_id}"}
    canvas.close()
    button.close()


def test_the_browser_side_needs_nothing_from_elsewhere() -> None:
    canvas = SegmentationCanvas()
    texts = [str(canvas._esm), str(canvas._css), script("filmstrip"), stylesheet("filmstrip")]
    texts += [script("webpage"), stylesheet("webpage")]
    for text in texts:
        own = text.replace("http://www.w3.org/2000/svg", "")
        for forbidden in ("import ", "import(", "://", "innerHTML", "@import", "fetch("):
            assert forbidden not in own
    canvas.close()


def test_a_preview_is_an_image_without_instances_and_a_result_ends_it() -> None:
    canvas = SegmentationCanvas()
    image = make_picture(320, 240)
    canvas.set_preview(image, "a.jpg")
    preview = decode_content(canvas.preview)
    assert (preview.name, preview.header["width"], preview.header["scores"]) == ("a.jpg", 320, [])
    assert canvas.content == b""
    sent: list[str] = []
    canvas.observe(lambda change: sent.append(change["name"]), ["content", "preview"])
    canvas.set_result(image, StubPredictor(3)(image), "a.jpg")
    assert sent == ["content", "preview"], "the last result is not seen again in between"
    assert canvas.preview == b""
    # The browser knows the image by its bytes, and does not decode it again.
    assert decode_content(canvas.content).image == preview.image

    other = make_picture(320, 240, seed=1)
    canvas.set_preview(image)
    canvas.set_result(other, StubPredictor(3)(other))
    assert decode_content(canvas.content).image != preview.image
    canvas.set_preview(image)
    canvas.set_preview(None)
    assert canvas.preview == b""
    canvas.close()


def _part(whole: Prediction, count: int) -> PartialPrediction:
    assert whole.masks is not None
    return PartialPrediction(replace(whole, masks=None), dict(enumerate(whole.masks[:count])))


@pytest.mark.parametrize("is_soft", [False, True])
def test_a_part_of_a_result_is_shown_until_the_whole_is_there(is_soft: bool) -> None:
    canvas = SegmentationCanvas()
    image = make_picture(320, 240)
    whole = StubPredictor(5)(image)
    if is_soft:
        whole = replace(whole, soft_masks=np.full((5, 28, 28), 200, np.uint8))
    canvas.set_preview(image, "a.jpg")
    preview = decode_content(canvas.preview)
    sent: list[str] = []
    canvas.observe(lambda change: sent.append(change["name"]), ["content", "preview"])
    canvas.set_partial(image, _part(whole, 2), "a.jpg")
    assert sent == ["content", "preview"]
    assert canvas.is_partial
    part = decode_content(canvas.content)
    assert part.image == preview.image
    assert [crop is None for crop in part.header["crops"]] == [False, False, True, True, True]
    canvas.selected, canvas.hidden_instances, canvas.zoom = (1,), (4,), 2.0
    canvas.set_result(image, whole, "a.jpg")
    assert not canvas.is_partial
    assert decode_content(canvas.content).masks == whole.masks
    assert decode_content(canvas.content).image == preview.image
    # What was chosen in the part holds for the whole.
    assert (canvas.selected, canvas.hidden_instances, canvas.zoom) == ((1,), (4,), 2.0)

    # Without a whole, what was there before comes back.
    before = canvas.content
    other = make_picture(120, 80)
    canvas.set_partial(other, _part(StubPredictor(3)(other), 1))
    canvas.set_partial(other, _part(StubPredictor(4)(other), 1))
    assert canvas.selected == ()
    canvas.set_preview(None)
    assert (canvas.content, canvas.is_partial) == (before, False)
    assert "320×240" in repr(canvas)

    # A whole with other instances (an image at half the size) begins anew.
    canvas.set_partial(image, _part(whole, 2), "a.jpg")
    canvas.selected = (1,)
    canvas.set_result(image, StubPredictor(3)(image), "a.jpg")
    assert canvas.selected == ()

    canvas.clear()
    canvas.set_partial(image, _part(whole, 2), "a.jpg")
    canvas.set_preview(None)
    assert (canvas.content, canvas.is_partial) == (b"", False)
    canvas.close()


def test_a_large_preview_travels_small() -> None:
    canvas = SegmentationCanvas()
    image = make_picture(4000, 1000)
    canvas.set_preview(image)
    preview = decode_content(canvas.preview)
    decoded = cv2.imdecode(np.frombuffer(preview.image, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (400, PREVIEW_SIDE, 3)
    assert (preview.header["width"], preview.header["height"]) == (4000, 1000)
    canvas.set_result(image, StubPredictor(3)(image))
    assert decode_content(canvas.content).image != preview.image
    canvas.close()
