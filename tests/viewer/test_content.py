"""The message to the browser, and its reader in Python."""

from __future__ import annotations

import io
import json
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from seg_widgets.errors import ExportError, PredictionError
from seg_widgets.prediction import PartialPrediction, Prediction
from seg_widgets.style import class_color, hex_color
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.viewer import (
    Compared,
    compare_content,
    decode_content,
    encode_content,
    with_soft_masks,
)


def test_the_message_carries_image_masks_and_metadata() -> None:
    image = make_picture(120, 90)
    prediction = StubPredictor(5)(image)
    content = decode_content(encode_content(image, prediction, "å.jpg"))
    header = content.header
    assert content.name == "å.jpg"
    assert (header["name"], header["width"], header["height"]) == ("å.jpg", 120, 90)
    assert header["scores"] == prediction.scores.tolist()
    assert header["areas"] == prediction.areas.tolist()
    assert header["classIds"] == [0, 1, 2, 3, 0]
    assert [known["name"] for known in header["classes"]] == ["person", "animal", "vehicle", "food"]
    assert header["classes"][1]["color"] == hex_color(class_color(1))
    decoded = np.asarray(Image.open(io.BytesIO(content.image)), np.int16)
    assert header["mediaType"] == "image/jpeg"
    assert np.abs(decoded - image).mean() < 4
    assert content.masks == prediction.masks


def test_masks_that_are_still_to_come_are_left_open() -> None:
    image = make_picture(120, 90)
    whole = StubPredictor(4)(image)
    assert whole.masks is not None
    part = PartialPrediction(replace(whole, masks=None), {0: whole.masks[0], 2: whole.masks[2]})
    content = decode_content(encode_content(image, part, "a"))
    assert content.masks is None
    header = content.header
    assert header["hasMasks"] is True
    assert [crop is None for crop in header["crops"]] == [False, True, False, True]
    box = whole.boxes[1]
    assert header["areas"][0] == whole.areas[0]
    assert header["areas"][1] == round((box[2] - box[0]) * (box[3] - box[1]))
    message = encode_content(image, part, "a")
    bits = zlib.decompress(message[len(message) - header["maskBytes"] :])
    assert bits == whole.masks[0].bits + whole.masks[2].bits
    with pytest.raises(PredictionError):
        encode_content(make_picture(60, 40), part)


def test_the_message_is_laid_out_as_the_browser_reads_it() -> None:
    """The one place in which a test reads the bytes by hand."""
    image = make_picture(60, 40)
    prediction = StubPredictor(3)(image)
    message = encode_content(image, prediction, "a")
    assert message[:4] == b"SEGW"
    (length,) = struct.unpack("<I", message[4:8])
    header = json.loads(message[8 : 8 + length])
    assert len(message) == 8 + length + header["imageBytes"] + header["maskBytes"]
    assert prediction.masks is not None
    bits = zlib.decompress(message[8 + length + header["imageBytes"] :])
    assert bits == b"".join(crop.bits for crop in prediction.masks)
    assert set(header) == {
        *("name", "width", "height", "mediaType", "imageBytes", "maskBytes", "hasMasks"),
        *("classes", "classIds", "scores", "areas", "boxes", "crops", "colors", "others"),
        *("softSize", "softBytes"),
    }


def test_soft_masks_and_what_it_is_compared_with_keep_each_other() -> None:
    image = make_picture(60, 40)
    plain = StubPredictor(3)(image)
    prediction = replace(plain, soft_masks=np.full((3, 28, 28), 200, np.uint8))
    others = [Compared.of(prediction, plain[:2])]
    both = encode_content(image, prediction, "å", others=others, soft=True)
    compared = encode_content(image, prediction, "å", others=others)
    soft = encode_content(image, prediction, "å", soft=True)
    assert len({both, compared, soft}) == 3
    assert with_soft_masks(compared, prediction) == both
    assert compare_content(soft, prediction, others) == both
    assert with_soft_masks(both, prediction, False) == compared
    assert compare_content(both, prediction, []) == soft


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_masks_come_back_bit_by_bit(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 4))
    height, width = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    dense = random.random((count, height, width)) < data.draw(st.floats(0, 1))
    prediction = Prediction.from_dense(dense, np.full(count, 0.5), np.zeros(count, int), ["thing"])
    image = np.zeros((height, width, 3), np.uint8)
    content = decode_content(encode_content(image, prediction))
    assert content.masks is not None
    for crop, mask in zip(content.masks, dense, strict=True):
        back = np.zeros_like(mask)
        back[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width] = crop.to_array()
        assert (back == mask).all()


def test_few_colours_travel_as_png_without_loss() -> None:
    drawing = np.zeros((200, 300, 3), np.uint8)
    drawing[50:100, 50:200] = (255, 0, 0)
    content = decode_content(encode_content(drawing, Prediction.empty((200, 300))))
    assert content.header["mediaType"] == "image/png"
    assert (np.asarray(Image.open(io.BytesIO(content.image)).convert("RGB")) == drawing).all()


def test_a_few_odd_pixels_make_no_png_of_an_image_of_many_colours() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[-1, :300, 0] = np.arange(300) % 256
    image[-1, :300, 1] = np.arange(300) // 2
    content = decode_content(encode_content(image, Prediction.empty((400, 400))))
    assert content.header["mediaType"] == "image/jpeg"


@pytest.mark.parametrize("image_format", ["jpeg", "png"])
def test_a_format_can_be_chosen(image_format: str) -> None:
    image = make_picture(60, 40)
    content = decode_content(
        encode_content(image, StubPredictor(1)(image), image_format=image_format)
    )
    assert content.header["mediaType"] == f"image/{image_format}"


def test_a_hundred_masks_stay_small() -> None:
    image = make_picture(1280, 960)
    content = decode_content(encode_content(image, StubPredictor(100)(image)))
    assert content.header["maskBytes"] < 300_000


def test_a_prediction_without_masks_has_boxes_only() -> None:
    full = StubPredictor(3)(make_picture(60, 40))
    boxes = Prediction(full.image_size, full.boxes, full.scores, full.class_ids, full.class_names)
    content = decode_content(encode_content(make_picture(60, 40), boxes))
    assert content.header["hasMasks"] is False
    assert content.header["crops"] == []
    assert content.header["maskBytes"] == len(zlib.compress(b"", 1))
    assert content.masks is None
    assert len(content.header["boxes"]) == 3


def test_a_prediction_of_another_image_is_refused() -> None:
    with pytest.raises(PredictionError, match=r"10×10.*60×40"):
        encode_content(make_picture(60, 40), Prediction.empty((10, 10)))


def test_a_name_need_not_be_text() -> None:
    image = make_picture(60, 40)
    content = decode_content(encode_content(image, StubPredictor(1)(image), "\udcff.jpg"))
    assert content.name == "?.jpg"


def test_a_damaged_message_is_named() -> None:
    image = make_picture(60, 40)
    message = encode_content(image, StubPredictor(3)(image))
    for damaged in (
        b"",
        b"SEGW",
        b"JPEG" + message[4:],
        message[:-1],
        message + b"0",
        message[:60],
    ):
        with pytest.raises(ExportError, match="can't be read; run the notebook once more"):
            decode_content(damaged)
    for cut in range(0, len(message), 97):
        with pytest.raises(ExportError, match="can't be read"):
            decode_content(message[:cut])
