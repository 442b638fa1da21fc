"""supervision's Detections: dense masks and its CompactMask."""

from __future__ import annotations

import subprocess
import sys
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


@pytest.mark.parametrize("compact", [None, True, False])
def test_there_and_back(blobs: Blobs, compact: bool | None) -> None:
    masks = blobs(7, 60, 90)
    masks[3] = False
    prediction = Prediction.from_dense(masks, np.linspace(0.1, 0.9, 7), [0, 1, 2] * 2 + [0], "abc")
    result = prediction.to_supervision(compact=compact)
    assert isinstance(result.mask, sv.CompactMask) == (compact is not False)
    np.testing.assert_array_equal(np.asarray(result.mask), masks)
    np.testing.assert_array_equal(result.area, masks.sum((1, 2)))
    back = Prediction.of(result, class_names=["a", "b", "c"])
    # The empty mask has no box, but stays an instance without pixels where it was.
    kept = [index for index in range(7) if index != 3]
    assert back[[instance.area > 0 for instance in back]] == prediction[kept]
    image = np.zeros((60, 90, 3), np.uint8)
    assert sv.MaskAnnotator().annotate(image, result).any()


def test_boxes_and_nothing_there() -> None:
    boxes = Prediction((60, 90), [[1, 2, 3, 4]], [0.5], [0], ("a",))  # type: ignore[arg-type]
    assert boxes.to_supervision().mask is None
    assert len(Prediction.empty((60, 90), "a").to_supervision()) == 0


_PEAK = """
import re, sys
from pathlib import Path
import numpy as np
import supervision
from seg_widgets.prediction import MaskCrop, Prediction

def peak_mib():
    # Of this program alone; getrusage also counts what it was forked from.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s*(\\d+)", status)[1]) // 1024

bits = np.packbits(np.ones((300, 400), bool)).tobytes()
crops = tuple(MaskCrop(30 * index, 20 * index, 400, 300, bits) for index in range(100))
boxes = [(crop.x, crop.y, crop.x + 400, crop.y + 300) for crop in crops]
prediction = Prediction((3000, 4000), boxes, [0.5] * 100, [0] * 100, ("a",), crops)
before = peak_mib()
found = prediction.to_supervision(compact=sys.argv[1] == "compact")
assert found.area.tolist() == [120_000] * 100
print(peak_mib() - before)
"""


def test_a_hundred_masks_at_12_mp_take_few_mib() -> None:
    """The peak of a process of its own is measured, for both kinds of masks."""
    peaks = {
        kind: int(subprocess.check_output([sys.executable, "-c", _PEAK, kind]))
        for kind in ("compact", "dense")
    }
    assert peaks["dense"] > 200  # of its 1200 MB, what was written to
    assert peaks["compact"] < 60, peaks
