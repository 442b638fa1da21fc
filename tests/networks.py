"""Networks of detectron2 with random weights that nevertheless find something."""

from __future__ import annotations

from typing import Any

import torch


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
