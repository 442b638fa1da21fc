"""The stand-ins that are shipped for other people's tests."""

from __future__ import annotations

import time

import numpy as np
import pytest

from seg_widgets.images import load
from seg_widgets.prediction.predictor import Predictor
from seg_widgets.testing import StubPredictor, make_jpeg, make_picture


def test_images_are_the_same_for_the_same_arguments() -> None:
    picture = make_picture(33, 21, seed=1)
    assert picture.shape == (21, 33, 3) and picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, make_picture(33, 21, seed=1))
    assert (picture != make_picture(33, 21, seed=2)).any()
    assert picture.std() > 5
    assert make_jpeg(33, 21) == make_jpeg(33, 21)


def test_a_jpeg_is_its_image() -> None:
    decoded = load(make_jpeg(64, 48, seed=3, quality=100))
    assert np.abs(decoded.astype(int) - make_picture(64, 48, seed=3)).mean() < 3


def test_the_stub_is_a_predictor() -> None:
    stub = StubPredictor(6, class_names=("a", "b"))
    assert isinstance(stub, Predictor)
    image = make_picture(160, 120)
    before = image.copy()
    prediction = stub(image)
    np.testing.assert_array_equal(image, before)
    assert len(prediction) == 6 and prediction.image_size == (120, 160)
    assert prediction.class_ids.tolist() == [0, 1, 0, 1, 0, 1]
    assert prediction.scores[0] == np.float32(0.99) and prediction.scores[-1] == np.float32(0.10)
    assert (np.diff(prediction.scores) < 0).all()
    assert (prediction.areas > 0).all()
    assert stub(image).rle() == prediction.rle() and stub.calls == 2
    assert StubPredictor(6, seed=1)(image).rle() != prediction.rle()


@pytest.mark.parametrize("count", [0, 1])
def test_few_instances(count: int) -> None:
    assert len(StubPredictor(count)(make_picture(8, 8))) == count


def test_delay_and_error() -> None:
    start = time.monotonic()
    StubPredictor(1, delay_s=0.05)(make_picture(8, 8))
    assert time.monotonic() - start >= 0.05
    stub = StubPredictor(error=RuntimeError("no"))
    with pytest.raises(RuntimeError, match="no"):
        stub(make_picture(8, 8))
    assert stub.calls == 1
