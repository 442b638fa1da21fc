"""What a prediction refuses: parts that do not fit together, and what is no image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seg_widgets.drawing import overlay
from seg_widgets.errors import PredictionError, SegWidgetsError, SettingError
from seg_widgets.modeling import wrap
from seg_widgets.prediction import MaskCrop, Prediction, predictor_of
from seg_widgets.serving import RemotePredictor
from seg_widgets.testing import StubPredictor

from .stacks import NAMES


def make(**changes: Any) -> Prediction:
    parts: dict[str, Any] = {
        "image_size": (10, 20),
        "boxes": [[0, 0, 1, 1]],
        "scores": [0.5],
        "class_ids": [0],
        "class_names": ("cat",),
    }
    return Prediction(**{**parts, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_size": (0, 20)}, "at least 1×1"),
        ({"scores": [0.5, 0.6]}, "1 boxes, 2 scores, 1 class_ids"),
        ({"masks": ()}, "0 masks"),
        ({"boxes": [[0, 0, np.nan, 1]]}, "not a finite number"),
        ({"scores": [np.inf]}, "not a finite number"),
        ({"scores": [1.5]}, r"from 1\.5 to 1\.5"),
        ({"scores": [-0.1]}, "Scores lie in 0 to 1"),
        ({"class_ids": [1]}, "index into the 1 class names, but these go from 1 to 1;"),
        ({"class_ids": [-2]}, "go from -2 to -2;"),
        ({"masks": (MaskCrop(15, 0, 8, 1, b"\xff"),)}, "leaves the image of 20×10"),
        ({"masks": (MaskCrop(0, 3, 1, 8, b"\xff"),)}, "leaves the image"),
        ({"boxes": [[0, 0, 1]]}, "N×4"),
        ({"boxes": "abc"}, "numbers"),
    ],
)
def test_parts_that_do_not_fit(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PredictionError, match=words) as caught:
        make(**changes)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, SegWidgetsError)


def test_dense_masks_of_a_wrong_shape() -> None:
    with pytest.raises(PredictionError, match=r"shape \(4, 4\)"):
        Prediction.from_dense(np.ones((4, 4)), [1], [0], NAMES)


@pytest.mark.parametrize(
    "changes",
    [
        # Each at the end of what is allowed.
        {"image_size": (1, 1)},
        {"scores": [0.0]},
        {"scores": [1.0]},
        {"boxes": [[0, 0, 1, 1]] * 2, "scores": [0.0, 1.0], "class_ids": [0, 0]},
        {"class_ids": [1], "class_names": ("cat", "dog")},
        {"masks": (MaskCrop(12, 0, 8, 1, b"\xff"),)},
        {"masks": (MaskCrop(0, 2, 1, 8, b"\xff"),)},
        {"category_ids": (7,)},
    ],
)
def test_parts_that_just_fit(changes: dict[str, Any]) -> None:
    prediction = make(**changes)
    for name, value in changes.items():
        np.testing.assert_array_equal(getattr(prediction, name), value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_size": (10, 0)}, "at least 1×1"),
        ({"masks": (MaskCrop(13, 0, 8, 1, b"\xff"),)}, "leaves the image of 20×10"),
        ({"class_ids": [0, 1], "scores": [0.5] * 2, "boxes": [[0] * 4] * 2}, "go from 0 to 1;"),
        ({"class_ids": [-1, 0], "scores": [0.5] * 2, "boxes": [[0] * 4] * 2}, "go from -1 to 0;"),
        ({"scores": [0.5, 1.1], "class_ids": [0] * 2, "boxes": [[0] * 4] * 2}, "go from 0.5 to 1"),
        ({"scores": [[0.5]]}, r"shape N, but these have the shape \(1, 1\)"),
        ({"boxes": [[[0, 0, 1, 1]]]}, r"shape N×4, but these have the shape \(1, 1, 4\)"),
        ({"boxes": [0.0]}, r"shape N×4, but these have the shape \(1,\)"),
        ({"boxes": [[0, 0, 1, 1], [0]]}, "not numbers in rows of equal length"),
        ({"boxes": [[None] * 4]}, "not a finite number|not numbers"),
        ({"scores": [{}]}, "not numbers"),
        ({"category_ids": (7, 8)}, "2 ids, 2 of them different"),
        ({"category_ids": (7, 7), "class_names": ("cat", "dog")}, "2 ids, 1 of them different"),
    ],
)
def test_parts_that_just_do_not_fit(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PredictionError, match=words):
        make(**changes)


def test_nothing_found_fits_in_any_form() -> None:
    empty = make(boxes=[], scores=[], class_ids=[], class_names=())
    assert (empty.boxes.shape, empty.scores.shape, len(empty)) == ((0, 4), (0,), 0)


def test_an_image_is_the_one_of_the_prediction() -> None:
    prediction = make()
    prediction.check_image(np.zeros((10, 20, 3), np.uint8))
    for other in ((20, 10), (10, 21), (9, 20), (11, 20)):
        with pytest.raises(PredictionError, match=f"20×10 pixels, but this one has {other[1]}×"):
            prediction.check_image(np.zeros((*other, 3), np.uint8))
    for shape in ((10, 20), (10, 20, 4), (10, 20, 1), (1, 10, 20, 3)):
        with pytest.raises(SettingError, match=r"not uint8 of shape \("):
            prediction.check_image(np.zeros(shape, np.uint8))
    with pytest.raises(SettingError, match="not float32 of shape"):
        prediction.check_image(np.zeros((10, 20, 3), np.float32))
    with pytest.raises(SettingError, match=r'not the path "cat\.jpg"'):
        prediction.check_image("cat.jpg")


@pytest.mark.parametrize("other", [{}, None, [], "result"])
def test_what_is_no_prediction_is_refused_wherever_it_is_drawn(other: Any) -> None:
    from seg_widgets import SegmentationCanvas, overlay

    image = np.zeros((10, 20, 3), np.uint8)
    with pytest.raises(SettingError, match=r"is a Prediction, not .*Prediction\.of"):
        overlay(image, other)
    with pytest.raises(SettingError, match="is a Prediction"):
        SegmentationCanvas(image, 5 if other is None else other)  # type: ignore[arg-type]


def a_function_like_default_predictor(image: Any) -> object:
    pytest.importorskip("torch", reason="an environment without torch")
    return wrap(lambda image: {}, classes=["cat"])(image)


TAKE_AN_IMAGE: dict[str, Callable[[Any], object]] = {
    "stub": StubPredictor(),
    "a model of another library": predictor_of(lambda image: []),
    "a function like DefaultPredictor": a_function_like_default_predictor,
    "a server": RemotePredictor("http://127.0.0.1:9"),
    "overlay": lambda image: overlay(image, make()),
    "check_image": lambda image: make().check_image(image),
    "plot": lambda image: make().plot(image=image),
}


@pytest.mark.parametrize("take", TAKE_AN_IMAGE.values(), ids=TAKE_AN_IMAGE)
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("my photo.jpg", 'not the path "my photo.jpg". Give seg_widgets.load("my photo.jpg").'),
        (Path("photo.jpg"), 'not the path "photo.jpg". Give seg_widgets.load("photo.jpg").'),
        ("https://example.org/a.jpg", 'not the address "https://example.org/a.jpg". Give seg_'),
        (Image.new("RGB", (2, 2)), "not a PIL image (Image). Give seg_widgets.load(image)."),
        (b"\xff\xd8", "not bytes. Give seg_widgets.load(image)."),
        (np.zeros((3, 3)), "not float64 of shape (3, 3). Give seg_widgets.load(image)."),
        ([[1, 2]], "not list. seg_widgets.load makes one of a path"),
    ],
)
def test_a_path_is_no_image(take: Callable[[Any], object], given: object, words: str) -> None:
    with pytest.raises(SettingError) as caught:
        take(given)
    assert f"The image is an H×W×3 uint8 RGB array, {words}" in str(caught.value)


def test_nothing_is_no_image() -> None:
    with pytest.raises(SettingError, match="array, not None"):
        StubPredictor()(None)  # type: ignore[arg-type]


def test_a_result_of_a_path() -> None:
    with pytest.raises(PredictionError, match=r'Give seg_widgets.load\("photo.jpg"\)\.'):
        Prediction.of([], "photo.jpg")
