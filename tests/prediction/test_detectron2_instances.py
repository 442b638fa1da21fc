"""Results of the detectron2 that is installed, not hand-made ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seg_widgets.errors import PredictionError
from seg_widgets.prediction import Prediction

torch = pytest.importorskip("torch")
structures = pytest.importorskip("detectron2.structures")

SIZE = (6, 8)
MASKS = np.zeros((2, *SIZE), bool)
MASKS[0, 1:4, 2:5] = MASKS[1, 0:2, 0:8] = True
BOXES = [[2.0, 1.0, 5.0, 4.0], [0.0, 0.0, 8.0, 2.0]]


def instances(**fields: Any) -> Any:
    found = {
        "pred_boxes": structures.Boxes(torch.tensor(BOXES)),
        "scores": torch.tensor([0.75, 0.5]),
        "pred_classes": torch.tensor([1, 0]),
        "pred_masks": torch.tensor(MASKS),
    }
    return structures.Instances(SIZE, **{**found, **fields})


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("as_bit_masks", [False, True])
def test_instances_of_detectron2(wrapped: bool, as_bit_masks: bool) -> None:
    masks = torch.tensor(MASKS)
    found = instances(pred_masks=structures.BitMasks(masks) if as_bit_masks else masks)
    answer = {"instances": found} if wrapped else found
    prediction = Prediction.of(answer, np.zeros((*SIZE, 3), np.uint8), class_names=["cat", "dog"])
    expected = Prediction.from_dense(MASKS, [0.75, 0.5], [1, 0], ["cat", "dog"], BOXES)
    assert prediction == expected
    assert len(Prediction.of(found[:0], class_names=["cat", "dog"])) == 0


def test_a_panoptic_models_answer() -> None:
    segmentation = torch.zeros(SIZE, dtype=torch.int32)
    segmentation[1:4, 2:5] = 7
    infos = [{"id": 7, "isthing": True, "score": 0.75, "category_id": 1, "instance_id": 0}]
    panoptic = {"panoptic_seg": (segmentation, infos), "sem_seg": torch.zeros(54, *SIZE)}
    prediction = Prediction.of(panoptic, class_names=["cat", "dog"])
    np.testing.assert_array_equal(prediction.masks_dense(), MASKS[:1])
    assert [instance.class_name for instance in prediction] == ["dog"]
    whole = {**panoptic, "instances": instances()}
    assert len(Prediction.of(whole, class_names=["cat", "dog"])) == 2


def test_what_a_data_set_has_is_no_answer() -> None:
    truth = structures.Instances(SIZE, gt_boxes=structures.Boxes(torch.tensor(BOXES)))
    with pytest.raises(PredictionError, match="have gt_boxes, but pred_boxes or pred_masks"):
        Prediction.of(truth)
    with pytest.raises(PredictionError, match="Rotated boxes"):
        Prediction.of(instances(pred_boxes=structures.RotatedBoxes(torch.ones(2, 5))))
