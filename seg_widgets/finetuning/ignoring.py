"""Regions to ignore: what is seen in a training image, but not learned from, is no background.

detectron2's R-CNNs take every region without a label for background. Here regions that lie in a
crowd, or in an object that is too small or too much cut off, are neither objects nor background.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from detectron2.structures import Boxes, Instances, pairwise_iou
from torch import Tensor, nn

from .augmentation import Sample

__all__ = ["ignored_boxes", "is_ignored", "regions_ignored"]

IGNORED_SHARE: Final = 0.5
"""Of a region inside of one to ignore, from which on it is ignored."""
MARGIN: Final = 4.0
"""Pixels about an object that is too small to learn from."""
_IS_OBJECT: Final = 0.5  # IoU with an object from which on a region may be taken for it
_AT_A_TIME: Final = 16  # regions that are compared with all boxes: what is in memory


def ignored_boxes(sample: Sample) -> Tensor:
    """Return the regions of a training image that are to be ignored.

    Args:
        sample: the training image.

    Returns:
        N×4 float32, XYXY in pixels.
    """
    boxes = torch.tensor(sample.left_out, dtype=torch.float32).reshape(-1, 4)
    return boxes + torch.tensor([-MARGIN, -MARGIN, MARGIN, MARGIN])


def is_ignored(boxes: Boxes, ignored: Tensor) -> Tensor:
    """Return which boxes lie, for the most part, inside of a region to ignore.

    Args:
        boxes: N boxes.
        ignored: M×4, XYXY in pixels.

    Returns:
        N, bool.
    """
    inside = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    if not len(boxes):
        return inside
    tensor, areas = boxes.tensor, boxes.area()[:, None].clamp(min=1)
    # An image of cells can have hundreds of regions, and a pyramid has some 200,000 anchors.
    for start in range(0, len(ignored), _AT_A_TIME):
        part = ignored[start : start + _AT_A_TIME]
        lower = torch.maximum(tensor[:, None, :2], part[None, :, :2])
        upper = torch.minimum(tensor[:, None, 2:], part[None, :, 2:])
        common = (upper - lower).clamp(min=0).prod(2)
        inside |= (common / areas > IGNORED_SHARE).any(1)
    return inside


@contextmanager
def regions_ignored(model: Any) -> Iterator[None]:
    """Train one of detectron2's R-CNNs without taking regions to ignore for background.

    Anchors in them count neither way in the loss of the RPN, and the heads are given no proposals
    in them, except those that may be an object.

    Args:
        model: a `GeneralizedRCNN`; its training inputs have `ignored`, as `as_input` makes them.
    """
    regions: list[Tensor] = []

    def remember(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        regions[:] = [one["ignored"] for one in inputs[0]] if module.training else []

    generator, heads = model.proposal_generator, model.roi_heads
    label_anchors, label_proposals = (
        generator.label_and_sample_anchors,
        heads.label_and_sample_proposals,
    )

    def label_and_sample_anchors(
        anchors: list[Boxes], truths: list[Instances]
    ) -> tuple[list[Tensor], list[Tensor]]:
        labels, matched = label_anchors(anchors, truths)
        every = Boxes.cat(anchors)
        for label, ignored in zip(labels, regions, strict=True):
            label[(label == 0) & is_ignored(every, ignored.to(label.device))] = -1
        return labels, matched

    def label_and_sample_proposals(proposals: list[Instances], targets: list[Instances]) -> Any:
        kept = [_not_ignored(*one) for one in zip(proposals, targets, regions, strict=True)]
        return label_proposals(kept, targets)

    hook = model.register_forward_pre_hook(remember)
    generator.label_and_sample_anchors = label_and_sample_anchors
    heads.label_and_sample_proposals = label_and_sample_proposals
    try:
        yield
    finally:
        hook.remove()
        # What was set on the objects hid the methods of their classes.
        del generator.label_and_sample_anchors, heads.label_and_sample_proposals


def _not_ignored(proposals: Instances, truth: Instances, ignored: Tensor) -> Instances:
    boxes = proposals.proposal_boxes
    if not len(ignored) or not len(boxes):
        return proposals
    kept = ~is_ignored(boxes, ignored.to(boxes.device))
    if len(truth):
        kept |= pairwise_iou(truth.gt_boxes, boxes).max(0).values >= _IS_OBJECT
    return proposals[kept]
