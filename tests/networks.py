"""Networks of detectron2 with random weights that nevertheless find something."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from seg_widgets.prediction import Prediction


def spread_scores(model: Any) -> Any:
    """Make a Mask R-CNN with random weights find many instances with all kinds of scores and masks;
    returns it."""
    for name, buffer in model.named_buffers():
        # Random residual blocks would double the activations sixteen times over.
        if name.endswith("conv3.norm.weight"):
            buffer.fill_(0.25)
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.weight.mul_(5)
        model.roi_heads.box_predictor.cls_score.bias[-1] = -50  # hardly ever background
        model.roi_heads.box_predictor.bbox_pred.weight.mul_(10)
        model.roi_heads.mask_head.predictor.weight.mul_(300)
    return model


def zoo_config(name: str, classes: int = 80, **changes: Any) -> Any:
    """A config of detectron2's model zoo, on the CPU and at a small size; `A__B=…` sets A.B."""
    from detectron2.model_zoo import get_config

    cfg = get_config(name)
    cfg.MODEL.DEVICE = "cpu"
    cfg.MODEL.ROI_HEADS.NUM_CLASSES = classes
    cfg.INPUT.MIN_SIZE_TEST = 128
    cfg.merge_from_list(
        [part for key, value in changes.items() for part in (key.replace("__", "."), value)]
    )
    return cfg


def built(cfg: Any) -> Any:
    """The model of a config, with the same random weights each time."""
    from detectron2.modeling import build_model

    torch.manual_seed(1)
    return build_model(cfg)


def assert_same(ours: Prediction, theirs: Prediction) -> None:
    """Check that two predictions hold the same, bit by bit."""
    np.testing.assert_array_equal(ours.boxes, theirs.boxes)
    np.testing.assert_array_equal(ours.scores, theirs.scores)
    np.testing.assert_array_equal(ours.class_ids, theirs.class_ids)
    assert ours.masks == theirs.masks
    assert ours.class_names == theirs.class_names


def lined_up(ours: Prediction, theirs: Prediction) -> npt.NDArray[np.intp]:
    """Return the index in `ours` of each instance of `theirs`.

    Instances whose scores are the same up to rounding may come in another order on another
    processor.
    """
    left = list(range(len(ours)))
    order = []
    for class_id, score, box in zip(theirs.class_ids, theirs.scores, theirs.boxes, strict=True):
        same = [
            index
            for index in left
            if ours.class_ids[index] == class_id and abs(ours.scores[index] - score) <= 1e-3
        ]
        assert same, f"no instance of class {class_id} with score {score}"
        order.append(min(same, key=lambda index: float(np.abs(ours.boxes[index] - box).max())))
        left.remove(order[-1])
    return np.array(order, np.intp)


def assert_alike(ours: Prediction, theirs: Prediction) -> None:
    """Check that two predictions hold the same instances up to rounding, as `load_predictor`'s and
    `wrap`'s of one network do."""
    assert len(ours) == len(theirs)
    assert ours.class_ids.tolist() == theirs.class_ids.tolist()
    assert ours.class_names == theirs.class_names
    # `spread_scores` makes boxes ten times as sensitive as trained weights do.
    np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-2)
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-3)
    mine, others = ours.masks_dense(), theirs.masks_dense()
    differing, union = (mine ^ others).sum((1, 2)), (mine | others).sum((1, 2))
    assert (differing <= np.maximum(0.01 * union, 2)).all()
