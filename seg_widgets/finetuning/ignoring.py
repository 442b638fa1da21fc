"""Regions to ignore: what is seen in a training image, but not learned from, is no background.

detectron2's R-CNNs take every region without a label for background. Here regions that lie for the
most part in a crowd, or in an object that is too small or too much cut off, are neither objects nor
background.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import torch
from detectron2.structures import Boxes, Instances, pairwise_ioa, pairwise_iou
from torch import Tensor, nn
from torch.nn import functional

from .augmentation import Sample

__all__ = ["ignored_boxes", "is_ignored", "regions_ignored", "share_inside"]

Method: TypeAlias = Callable[..., Any]

IGNORED_SHARE: Final = 0.5
"""A box is ignored where more than this share of it lies in a region to ignore."""
MARGIN: Final = 4.0
"""Pixels about an object that is too small to learn from."""
_IS_OBJECT: Final = 0.5  # IoU with an object from which on a region may be taken for it
_AT_A_TIME: Final = 16  # regions that are compared with all boxes at once, to save memory


def ignored_boxes(sample: Sample) -> Tensor:
    """Return the regions of a training image that are to be ignored, crowds not among them.

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
    # An image of cells can have hundreds of regions, and a pyramid has some 200,000 anchors.
    for start in range(0, len(ignored), _AT_A_TIME):
        part = Boxes(ignored[start : start + _AT_A_TIME])
        inside |= (pairwise_ioa(part, boxes) > IGNORED_SHARE).any(0)
    return inside


def share_inside(boxes: Boxes, mask: Tensor) -> Tensor:
    """Return how much of each box a mask fills.

    Args:
        boxes: N boxes.
        mask: H×W bool.

    Returns:
        N, float32, 0 to 1.
    """
    height, width = mask.shape
    sums = functional.pad(mask.to(torch.int32).cumsum(0).cumsum(1), (1, 0, 1, 0))
    left, top, right, bottom = boxes.tensor.round().long().unbind(1)
    left, right = left.clamp(0, width), right.clamp(0, width)
    top, bottom = top.clamp(0, height), bottom.clamp(0, height)
    count = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    share: Tensor = count / boxes.area().clamp(min=1)
    return share


@dataclass(frozen=True, eq=False)
class Regions:
    """What of a training image is to be ignored.

    Attributes:
        boxes: N×4, XYXY in pixels.
        crowd: H×W bool; None: there is no crowd.
    """

    boxes: Tensor
    crowd: Tensor | None

    def __bool__(self) -> bool:
        return bool(len(self.boxes)) or self.crowd is not None

    def contain(self, boxes: Boxes) -> Tensor:
        """Return which boxes lie in them for the most part: N, bool."""
        inside = is_ignored(boxes, self.boxes.to(boxes.device))
        if self.crowd is not None:
            inside |= share_inside(boxes, self.crowd.to(boxes.device)) > IGNORED_SHARE
        return inside


@contextmanager
def regions_ignored(model: Any) -> Iterator[None]:
    """Train one of detectron2's R-CNNs without taking regions to ignore for background.

    Anchors in them count neither way in the loss of the RPN, and the heads are given no proposals
    in them, except those that may be an object; nor does a later stage of a cascade take them for
    background. A part of the model that has no such step, as a proposal generator of another kind,
    is left as it is. Don't copy the model inside.

    Args:
        model: a `GeneralizedRCNN`; its training inputs have `ignored` and `crowd`, as `as_input`
            makes them.
    """
    regions: list[Regions] = []

    def remember(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        given = inputs[0] if module.training else []
        regions[:] = [Regions(one["ignored"], one["crowd"]) for one in given]

    def anchors_with(label_anchors: Method) -> Method:
        def label_and_sample_anchors(anchors: list[Boxes], truths: list[Instances]) -> Any:
            labels, matched = label_anchors(anchors, truths)
            every = Boxes.cat(anchors)
            for label, region in zip(labels, regions, strict=True):
                # Those few that were drawn for the loss, of some 200,000.
                drawn = (label == 0).nonzero()[:, 0]
                if region:
                    label[drawn[region.contain(every[drawn])]] = -1
            return labels, matched

        return label_and_sample_anchors

    def proposals_with(label_proposals: Method) -> Method:
        def label_and_sample_proposals(proposals: list[Instances], targets: list[Instances]) -> Any:
            parts = zip(proposals, targets, regions, strict=True)
            return label_proposals([_without_ignored(*one) for one in parts], targets)

        return label_and_sample_proposals

    def boxes_with(label_boxes: Method) -> Method:
        def match_and_label_boxes(proposals: Any, stage: int, targets: Any) -> Any:
            labelled = label_boxes(proposals, stage, targets)
            parts = zip(labelled, regions, strict=True)
            return [_without_background(*one, heads.num_classes) for one in parts]

        return match_and_label_boxes

    generator, heads = model.proposal_generator, model.roi_heads
    hook = model.register_forward_pre_hook(remember)
    with ExitStack() as stack:
        stack.callback(hook.remove)
        for part, name, wrap in (
            (generator, "label_and_sample_anchors", anchors_with),
            (heads, "label_and_sample_proposals", proposals_with),
            (heads, "_match_and_label_boxes", boxes_with),
        ):
            if hasattr(part, name):
                # It hides the method of the class until then.
                setattr(part, name, wrap(getattr(part, name)))
                stack.callback(delattr, part, name)
        yield


def _without_ignored(proposals: Instances, truth: Instances, regions: Regions) -> Instances:
    boxes = proposals.proposal_boxes
    if not regions or not len(boxes):
        return proposals
    kept = ~regions.contain(boxes)
    if len(truth):
        kept |= pairwise_iou(truth.gt_boxes, boxes).max(0).values >= _IS_OBJECT
    return proposals[kept]


def _without_background(labelled: Instances, regions: Regions, background: int) -> Instances:
    if not regions or not len(labelled):
        return labelled
    return labelled[(labelled.gt_classes != background) | ~regions.contain(labelled.proposal_boxes)]
