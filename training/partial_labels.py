"""Losses for labels that leave something open: sets of names, unsure boxes, boxes without masks.

Importing this module registers `PartialRCNN`, `PartialRPN` and `PartialROIHeads` with detectron2.
They have the weights of the networks that they extend, so what they learn runs without them. What
differs is training alone:

- An object's target is a set of names (see `training.names`).
- A label's weight scales the loss of its name and box.
- Where only a box is known, the mask head learns nothing; of an outline that a network drew in it,
  less than of one by people.
- Regions to ignore are neither objects nor background.
- Where a photograph isn't labelled whole, a region without a label is background or something
  unlabelled. So a share `w` of the usual loss remains, and the rest of it is
  −log P(background or a name that isn't labelled there).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from detectron2.modeling import META_ARCH_REGISTRY, PROPOSAL_GENERATOR_REGISTRY, ROI_HEADS_REGISTRY
from detectron2.modeling.proposal_generator import RPN
from detectron2.structures import Boxes, Instances, pairwise_iou
from torch import Tensor
from torch.nn import functional

from seg_widgets.finetuning.augmentation import Sample, box_of
from seg_widgets.finetuning.ignoring import ignored_boxes, is_ignored
from seg_widgets.finetuning.loop import as_input
from seg_widgets.modeling.grouped_names import GroupedROIHeads
from seg_widgets.modeling.starter_network import TwoScaleRCNN
from training.names import BACKGROUND, NAMES, Label, group_of_target, target_sets

NEAR = 0.1  # IoU with an object: what is known there is known better than elsewhere
NEAR_BACKGROUND = 0.7
SELF_MADE_SHARE = 0.5  # of their regions, the mask head learns from outlines by a network


@dataclass
class PartialSample(Sample):
    """A training image whose class ids are packed labels.

    Attributes:
        background: how much of the loss counts where nothing is labelled, 0 to 1.
        labelled: the names whose objects are all labelled.
    """

    background: float = 1.0
    labelled: frozenset[int] = frozenset(range(len(NAMES)))


@dataclass(frozen=True, eq=False)
class Context:
    """What holds for a whole training image.

    Attributes:
        ignored: regions, XYXY in pixels, N×4.
        background: see `PartialSample`.
        not_there: which classes a region without a label may have, bool, names and background.
    """

    ignored: Tensor
    background: float
    not_there: Tensor

    def to(self, device: torch.device) -> Context:
        """Return it with its tensors on a device."""
        return replace(self, ignored=self.ignored.to(device), not_there=self.not_there.to(device))


def as_partial_input(sample: PartialSample) -> dict[str, Any]:
    """Turn a sample into detectron2's input dictionary, with its `context`."""
    labels = [Label.unpack(packed) for packed in sample.class_ids]
    known = [index for index, label in enumerate(labels) if not label.is_ignored]
    targets = [labels[index].target for index in known]
    result = as_input(Sample(sample.image, targets, [sample.masks[index] for index in known]))
    instances = result["instances"]
    instances.gt_weights = torch.tensor([labels[index].weight for index in known])
    instances.gt_mask_shares = torch.tensor([_mask_share(labels[index]) for index in known])
    ignored = [
        box_of(mask) for mask, label in zip(sample.masks, labels, strict=True) if label.is_ignored
    ]
    not_there = torch.ones(len(NAMES) + 1, dtype=torch.bool)
    not_there[sorted(sample.labelled)] = False
    if sample.crowd is not None and sample.crowd.any():
        ignored.append(box_of(sample.crowd))
    regions = torch.cat([torch.tensor(ignored).reshape(-1, 4), ignored_boxes(sample)])
    context = Context(regions, sample.background, not_there)
    return result | {"context": context}


def _mask_share(label: Label) -> float:
    if label.is_drawn:
        return 1.0
    return SELF_MADE_SHARE if label.has_mask else 0.0


@META_ARCH_REGISTRY.register()
class PartialRCNN(TwoScaleRCNN):
    """Hands each image's context to its heads."""

    def forward(self, batched_inputs: list[dict[str, Any]]) -> Any:
        """Return the losses in training, else what is found, as the parent class does."""
        if self.training:
            contexts = [one["context"].to(self.device) for one in batched_inputs]
            self.proposal_generator.contexts = self.roi_heads.contexts = contexts
        return super().forward(batched_inputs)


@PROPOSAL_GENERATOR_REGISTRY.register()
class PartialRPN(RPN):  # type: ignore[misc]  # detectron2 has no types
    """An RPN whose negative anchors are fewer where background isn't sure."""

    contexts: list[Context]

    @torch.no_grad()
    def label_and_sample_anchors(
        self, anchors: list[Boxes], gt_instances: list[Instances]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return each image's labels (1: object, 0: none, -1: not used) and matched boxes."""
        every = Boxes.cat(anchors)
        labels, matched = [], []
        for truth, context in zip(gt_instances, self.contexts, strict=True):
            overlaps = pairwise_iou(truth.gt_boxes, every)
            indices, label = self.anchor_matcher(overlaps)
            best = overlaps.max(0).values if len(truth) else torch.zeros_like(every.tensor[:, 0])
            label[(label == 0) & is_ignored(every, context.ignored)] = -1
            label = self._subsample_labels(label)
            is_doubtful = (label == 0) & (best < NEAR)
            label[is_doubtful & (torch.rand_like(best) > context.background)] = -1
            labels.append(label)
            boxes = truth.gt_boxes.tensor
            matched.append(boxes[indices] if len(truth) else torch.zeros_like(every.tensor))
        return labels, matched


@dataclass(frozen=True, eq=False)
class Targets:
    """What one image's regions should become: targets, weights and shares of background's loss."""

    classes: Tensor
    weights: Tensor
    background: Tensor
    not_there: Tensor


def targets_of(regions: Instances, truth: Instances, context: Context) -> Targets:
    """Return what an image's labelled regions should become.

    Args:
        regions: with `proposal_boxes` and `gt_classes`.
        truth: the objects.
        context: what holds for the image.
    """
    classes = regions.gt_classes
    is_background = classes == BACKGROUND
    best = torch.zeros(len(classes), device=classes.device)
    weights = torch.ones_like(best)
    if len(truth) and len(classes):
        best, index = pairwise_iou(truth.gt_boxes, regions.proposal_boxes).max(0)
        weights = truth.gt_weights[index]
    weights = torch.where(is_background & (best < NEAR), torch.ones_like(weights), weights)
    ignored = is_background & is_ignored(regions.proposal_boxes, context.ignored)
    share = torch.full_like(best, context.background)
    share[best >= NEAR] = max(context.background, NEAR_BACKGROUND)
    not_there = context.not_there.expand(len(classes), -1)
    return Targets(classes, weights * ~ignored, share, not_there)


def name_loss(logits: Tensor, targets: Targets, sets: Tensor, group_weight: float) -> Tensor:
    """Return each region's loss of names, R.

    Args:
        logits: R × (names and background).
        targets: what the regions should become.
        sets: what each target allows, bool, targets × (names and background).
        group_weight: what saying a name's group counts beside saying the name.
    """
    logs = functional.log_softmax(logits, 1)
    allowed = sets[targets.classes]
    loss = -_log_of_any(logs, allowed)
    is_background = targets.classes == BACKGROUND
    unlabelled = -_log_of_any(logs, targets.not_there)
    loss = torch.where(
        is_background, targets.background * loss + (1 - targets.background) * unlabelled, loss
    )
    if group_weight:
        is_name = targets.classes < BACKGROUND
        groups = torch.tensor(
            [group_of_target(int(one)) for one in targets.classes[is_name]],
            dtype=torch.int64,
            device=logits.device,
        )
        wide = sets[BACKGROUND + 1 + groups]
        loss = loss.index_add(
            0, is_name.nonzero()[:, 0], -group_weight * _log_of_any(logs[is_name], wide)
        )
    return loss * targets.weights


def _log_of_any(logs: Tensor, allowed: Tensor) -> Tensor:
    return logs.masked_fill(~allowed, -1e4).logsumexp(1)


@ROI_HEADS_REGISTRY.register()
class PartialROIHeads(GroupedROIHeads):
    """A cascade that learns from labels that leave something open.

    Attributes:
        contexts: of the images at hand.
        group_weight: see `name_loss`.
    """

    contexts: list[Context]
    group_weight: float = 0.0

    def _forward_box(
        self,
        features: dict[str, Tensor],
        proposals: list[Instances],
        targets: list[Instances] | None = None,
    ) -> Any:
        if not self.training or targets is None:
            return super()._forward_box(features, proposals)
        maps = [features[name] for name in self.box_in_features]
        sizes = [one.image_size for one in proposals]
        losses: dict[str, Tensor] = {}
        boxes: list[Tensor] = []
        for stage in range(self.num_cascade_stages):
            if stage:
                proposals = self._create_proposals_from_boxes(boxes, sizes)
                proposals = self._match_and_label_boxes(proposals, stage, targets)
            predictions = self._run_stage(maps, proposals, stage)
            boxes = self.box_predictor[stage].predict_boxes(predictions, proposals)
            found = self._box_losses(self.box_predictor[stage], predictions, proposals, targets)
            losses |= {f"{name}_stage{stage}": value for name, value in found.items()}
        return losses

    def _box_losses(
        self,
        predictor: Any,
        predictions: tuple[Tensor, Tensor],
        proposals: list[Instances],
        truths: list[Instances],
    ) -> dict[str, Tensor]:
        logits, deltas = predictions
        parts = [targets_of(*one) for one in zip(proposals, truths, self.contexts, strict=True)]
        targets = Targets(
            *(
                torch.cat([getattr(part, name) for part in parts])
                for name in ("classes", "weights", "background", "not_there")
            )
        )
        count = max(len(logits), 1)
        sets = torch.from_numpy(target_sets()).to(logits.device)
        names = name_loss(logits, targets, sets, self.group_weight).sum() / count
        is_object = targets.classes != BACKGROUND
        at = torch.cat([one.proposal_boxes.tensor for one in proposals])[is_object]
        wanted = [
            one.gt_boxes.tensor
            if one.has("gt_boxes")
            else torch.zeros_like(one.proposal_boxes.tensor)
            for one in proposals
        ]
        true_deltas = predictor.box2box_transform.get_deltas(at, torch.cat(wanted)[is_object])
        errors = (deltas[is_object] - true_deltas).abs().sum(1) * targets.weights[is_object]
        return {"loss_cls": names, "loss_box_reg": errors.sum() / count}

    def _forward_mask(self, features: dict[str, Tensor], instances: list[Instances]) -> Any:
        if self.training:
            # The loss is a mean, so a share of the regions counts as that weight does.
            instances = [
                one[
                    (one.gt_classes != BACKGROUND)
                    & (torch.rand_like(one.gt_mask_shares) < one.gt_mask_shares)
                ]
                if one.has("gt_mask_shares")
                else one[torch.zeros_like(one.gt_classes, dtype=torch.bool)]
                for one in instances
            ]
        return super()._forward_mask(features, instances)
