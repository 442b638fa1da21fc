"""What travels: predictions, images and frames, there and back."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.errors import ImageDamagedError, InferenceError
from seg_widgets.prediction import MaskCrop, Prediction
from seg_widgets.serving.wire import (
    FRAME_LENGTHS,
    decode_image,
    decode_prediction,
    encode_image,
    encode_prediction,
    is_raw_image,
    pack_frame,
    read_frame,
    unpack_lengths,
)
from seg_widgets.testing import StubPredictor, make_jpeg, make_picture


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    count = draw(st.integers(0, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    boxes = random.uniform(0, 1, (count, 4)).astype(np.float32)
    boxes[:, 2:] += boxes[:, :2]
    names = draw(st.lists(st.text(max_size=8), min_size=1, max_size=4))
    masks = [
        MaskCrop.from_array(random.random((height, width)) > random.random()) for _ in range(count)
    ]
    return Prediction(
        (height, width),
        boxes,
        random.random(count).astype(np.float32),
        random.integers(0, len(names), count),
        tuple(names),
        tuple(masks) if draw(st.booleans()) else None,
        tuple(draw(st.lists(st.text(max_size=8), max_size=2))),
        tuple(range(1, len(names) + 1)) if draw(st.booleans()) else (),
    )


@settings(deadline=None)
@given(predictions())
def test_a_prediction_comes_back_as_it_was(prediction: Prediction) -> None:
    back = decode_prediction(encode_prediction(prediction))
    assert back == prediction
    assert back.notes == prediction.notes
    assert back.boxes.tobytes() == prediction.boxes.tobytes()


def test_masks_travel_as_crops() -> None:
    prediction = StubPredictor(100)(make_picture(1280, 960))
    assert len(encode_prediction(prediction)) < 200_000


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_half_a_prediction_is_none(cut: int) -> None:
    content = encode_prediction(StubPredictor(3)(make_picture(64, 48)))
    with pytest.raises(InferenceError, match="same version of seg-widgets"):
        decode_prediction(content[:cut])


def test_no_pickle_is_read() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return pytest.fail, ("a pickle was loaded",)

    with pytest.raises(InferenceError, match="same version"):
        decode_prediction(pickle.dumps(Bomb()))
    buffer = io.BytesIO()
    np.savez(buffer, about=np.array([Bomb()], object))
    with pytest.raises(InferenceError, match="same version"):
        decode_prediction(buffer.getvalue())


def test_bits_that_belong_to_no_mask_are_refused() -> None:
    prediction = StubPredictor(1)(make_picture(64, 48))
    assert prediction.masks is not None
    content = encode_prediction(prediction)
    with np.load(io.BytesIO(content)) as arrays:
        parts = dict(arrays)
    parts["bits"] = np.append(parts["bits"], np.uint8(255))
    buffer = io.BytesIO()
    np.savez(buffer, **parts)
    with pytest.raises(InferenceError, match="ValueError"):
        decode_prediction(buffer.getvalue())


def test_an_image_comes_back_pixel_for_pixel() -> None:
    image = make_picture(33, 21)
    content = encode_image(image)
    assert is_raw_image(content) and not is_raw_image(make_jpeg())
    assert np.array_equal(decode_image(content), image)
    # A view with other strides, too.
    assert np.array_equal(decode_image(encode_image(image[:, ::-1])), image[:, ::-1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"P6\n2 2\n255\n",
        b"P6\n2 2\n255\n" + bytes(11),
        b"P6\n2 2\n255\n" + bytes(13),
        b"P6\n0 0\n255\n",
        b"P6\n2 2\n65535\n" + bytes(24),
        b"P6\n99999999 2\n255\n" + bytes(12),
    ],
)
def test_an_image_of_another_size_than_it_says_is_refused(content: bytes) -> None:
    with pytest.raises(ImageDamagedError, match="cut short"):
        decode_image(content)


def test_frames_follow_one_another() -> None:
    first, second = pack_frame({"name": "é\ud800"}, b"\x00\x01"), pack_frame({}, b"")
    file = io.BytesIO(first + second)
    assert read_frame(file) == ({"name": "é\ud800"}, b"\x00\x01")
    assert read_frame(file) == ({}, b"")
    with pytest.raises(EOFError, match="gone"):
        read_frame(file)
    with pytest.raises(EOFError, match="gone"):
        read_frame(io.BytesIO(first[:-1]))
    assert unpack_lengths(first[:FRAME_LENGTHS])[1] == 2


def test_predictions_that_differ_in_one_bit_differ() -> None:
    prediction = StubPredictor(2)(make_picture(64, 48))
    other = replace(prediction, scores=np.nextafter(prediction.scores, np.float32(0)))
    assert decode_prediction(encode_prediction(other)) != prediction
