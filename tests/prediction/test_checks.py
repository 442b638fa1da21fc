"""What a prediction refuses: parts that do not fit together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seg_widgets.errors import PredictionError, SegWidgetsError
from seg_widgets.prediction import MaskCrop, Prediction

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
