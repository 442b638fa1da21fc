"""A network for new classes that takes over what a trained one has learned."""

from __future__ import annotations

import pytest
import torch

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["mask_rcnn_R_50_FPN_1x", "cascade"])
def test_boxes_and_masks_of_a_zoos_model_start_from_its_classes(name: str) -> None:
    from detectron2.model_zoo import get_config
    from detectron2.modeling import build_model

    from seg_widgets import wrap
    from seg_widgets.finetuning.transfer import transfer_network

    folder = (
        "Misc/cascade_mask_rcnn_R_50_FPN_1x"
        if name == "cascade"
        else f"COCO-InstanceSegmentation/{name}"
    )
    cfg = get_config(f"{folder}.yaml")
    cfg.MODEL.DEVICE = "cpu"
    cfg.MODEL.ROI_HEADS.NUM_CLASSES = 3
    base = wrap(build_model(cfg), ["cat", "dog", "cow"], config=cfg, name="zoo")
    new = cfg.clone()
    new.MODEL.ROI_HEADS.NUM_CLASSES = 2
    network, words = transfer_network(base, new, ("cow", "tree"), "cpu", 0)  # type: ignore[arg-type]
    assert words == "classes that it knows already: cow"
    theirs, ours = base.model.state_dict(), network.state_dict()  # type: ignore[attr-defined]
    masks = "roi_heads.mask_head.predictor.weight"
    assert torch.equal(ours[masks][0], theirs[masks][2])
    assert torch.allclose(ours[masks][1], theirs[masks].mean(0))
    first = "roi_heads.box_predictor.0" if name == "cascade" else "roi_heads.box_predictor"
    assert torch.equal(ours[f"{first}.cls_score.weight"][0], theirs[f"{first}.cls_score.weight"][2])
    boxes = f"{first}.bbox_pred.weight"
    if name == "cascade":
        assert torch.equal(ours[boxes], theirs[boxes])  # one box for all classes
    else:
        assert torch.equal(ours[boxes][:4], theirs[boxes][8:])
        assert torch.allclose(ours[boxes][4:], theirs[boxes].reshape(3, 4, -1).mean(0))
