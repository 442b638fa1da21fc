"""A cascade that says a name where it is sure of one, and else the name's group.

An animal that might be a dog or a cat has two low scores and no good name, but it is surely an
animal. `GroupedROIHeads` adds the scores of a group's names: that is the score of its objects, and
one non-maximum suppression a group leaves one outline of each. Which name is in which group is part
of the weights.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from detectron2.layers import batched_nms
from detectron2.modeling.roi_heads import ROI_HEADS_REGISTRY, CascadeROIHeads
from detectron2.structures import Boxes, Instances
from torch import Tensor

__all__ = ["NAME_SHARE", "GroupedROIHeads", "grouped"]

NAME_SHARE: Final = 0.5
"""A name is said where it has at least this share of its group's score."""


@ROI_HEADS_REGISTRY.register()
class GroupedROIHeads(CascadeROIHeads):  # type: ignore[misc]  # detectron2 has no types
    """A `CascadeROIHeads` whose class names have groups.

    Its instances have, beside detectron2's fields, `pred_groups` (index of the group),
    `group_scores` and `name_scores` (of the group, and of its best name), and `pred_names` (that
    name's class index, whether it is said or not). `scores` are the groups', and `pred_classes`
    what is said.

    Attributes:
        group_of: buffer, the group's index of each class; int64.
        stands_for: buffer, the class of each group that is said where no name is sure; int64, as
            many as there are classes, of which the first ones count.
    """

    group_of: Tensor
    stands_for: Tensor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Without other weights, each class is a group of its own.
        self.register_buffer("group_of", torch.arange(self.num_classes))
        self.register_buffer("stands_for", torch.arange(self.num_classes))

    def _forward_box(
        self,
        features: dict[str, Tensor],
        proposals: list[Instances],
        targets: list[Instances] | None = None,
    ) -> Any:
        if self.training:
            return super()._forward_box(features, proposals, targets)
        maps = [features[name] for name in self.box_in_features]
        sizes = [one.image_size for one in proposals]
        counts = [len(one) for one in proposals]
        total: Tensor | float = 0.0
        boxes: tuple[Tensor, ...] = ()
        for stage in range(self.num_cascade_stages):
            if stage:
                proposals = self._create_proposals_from_boxes(boxes, sizes)
            predictions = self._run_stage(maps, proposals, stage)
            boxes = self.box_predictor[stage].predict_boxes(predictions, proposals)
            total = total + predictions[0].softmax(1)
        scores = (total / self.num_cascade_stages).split(counts)
        last = self.box_predictor[-1]
        return [
            grouped(*one, self.group_of, self.stands_for, last)
            for one in zip(boxes, scores, sizes, strict=True)
        ]


def grouped(
    boxes: Tensor,
    scores: Tensor,
    size: tuple[int, int],
    group_of: Tensor,
    stands_for: Tensor,
    settings: Any,
) -> Instances:
    """Return one image's instances by groups.

    Args:
        boxes: R×4, XYXY in pixels.
        scores: R × (classes and background), each row's sum is 1.
        size: height and width of the image.
        group_of: the group's index of each class.
        stands_for: the class that stands for each group.
        settings: has `test_score_thresh`, `test_nms_thresh` and `test_topk_per_image`.
    """
    is_finite = boxes.isfinite().all(1) & scores.isfinite().all(1)
    boxes, scores = boxes[is_finite], scores[is_finite, :-1]
    places = Boxes(boxes)
    places.clip(size)

    # Of each region and group: the sum of the names' scores, and the best name.
    groups = scores.new_zeros(len(scores), int(group_of.max()) + 1)
    sums = groups.index_add(1, group_of, scores)
    regions, group = (sums > settings.test_score_thresh).nonzero(as_tuple=True)
    own = scores[regions].masked_fill(group_of != group[:, None], -1.0)
    best, name = own.max(1)
    score = sums[regions, group]

    kept = batched_nms(places.tensor[regions], score, group, settings.test_nms_thresh)
    if settings.test_topk_per_image >= 0:
        kept = kept[: settings.test_topk_per_image]
    found = Instances(size)
    found.pred_boxes = places[regions[kept]]
    found.scores = found.group_scores = score[kept]
    found.name_scores, found.pred_names = best[kept], name[kept]
    found.pred_groups = group[kept]
    is_sure = found.name_scores >= NAME_SHARE * found.group_scores
    found.pred_classes = torch.where(is_sure, found.pred_names, stands_for[found.pred_groups])
    return found
