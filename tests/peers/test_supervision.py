"""supervision's Detections: dense masks and its CompactMask."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import supervision as sv

from seg_widgets.prediction import Prediction

Blobs = Callable[[int, int, int], npt.NDArray[np.bool_]]


def detections(masks: npt.NDArray[np.bool_], compact: bool) -> sv.Detections:
    boxes = sv.mask_to_xyxy(masks).astype(np.float32)
    kept = sv.CompactMask.from_dense(masks, boxes, masks.shape[1:]) if compact else masks
    scores = np.linspace(0.1, 0.9, len(masks)).astype(np.float32)
    ids = np.arange(len(masks)) % 3
    data = {"class_name": np.array(["cat", "dog", "cow"])[ids]}
    return sv.Detections(xyxy=boxes, mask=kept, confidence=scores, class_id=ids, data=data)


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("count", [1, 7])
def test_masks_are_what_they_were(blobs: Blobs, count: int, compact: bool) -> None:
    masks = blobs(count, 60, 90)
    result = detections(masks, compact)
    prediction = Prediction.of(result, (60, 90))
    np.testing.assert_array_equal(prediction.masks_dense(), masks)
    np.testing.assert_array_equal(prediction.masks_dense(), np.asarray(result.mask))
    assert result.confidence is not None
    np.testing.assert_array_equal(prediction.scores, result.confidence)
    assert prediction.class_ids.tolist() == [index % 3 for index in range(count)]
    assert prediction.class_names == ("cat", "dog", "cow")[:count]


def test_a_choice_of_compact_masks_and_boxes_alone(blobs: Blobs) -> None:
    masks = blobs(7, 60, 90)
    result = detections(masks, True)[[4, 1]]
    np.testing.assert_array_equal(Prediction.of(result).masks_dense(), masks[[4, 1]])
    result.mask = None
    boxes = Prediction.of(result, (60, 90))
    assert boxes.masks is None
    np.testing.assert_array_equal(boxes.boxes, result.xyxy)


def test_nothing() -> None:
    assert len(Prediction.of(sv.Detections.empty(), (60, 90))) == 0
