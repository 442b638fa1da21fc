"""Anchors, box transforms, matching, pooling, proposals, heads, backbones and whole models."""

from __future__ import annotations

import math
from typing import Any

import detectron2.model_zoo as model_zoo
import numpy as np
import pytest
import torch
from detectron2.config import get_cfg
from detectron2.layers import ShapeSpec
from detectron2.modeling import build_backbone, build_model
from detectron2.modeling.anchor_generator import DefaultAnchorGenerator, RotatedAnchorGenerator
from detectron2.modeling.box_regression import (
    Box2BoxTransform,
    Box2BoxTransformLinear,
    Box2BoxTransformRotated,
)
from detectron2.modeling.matcher import Matcher
from detectron2.modeling.poolers import ROIPooler, assign_boxes_to_levels
from detectron2.modeling.postprocessing import detector_postprocess, sem_seg_postprocess
from detectron2.modeling.proposal_generator.proposal_utils import (
    add_ground_truth_to_proposals,
    find_top_rpn_proposals,
)
from detectron2.modeling.roi_heads.fast_rcnn import FastRCNNOutputLayers, fast_rcnn_inference
from detectron2.modeling.sampling import subsample_labels
from detectron2.modeling.test_time_augmentation import GeneralizedRCNNWithTTA
from detectron2.projects import point_rend
from detectron2.structures import BitMasks, Boxes, Instances
from detectron2.utils.events import EventStorage
from torchvision.ops import roi_align

MASK_RCNN = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
DEFORMABLE = "Misc/mask_rcnn_R_50_FPN_3x_dconv_c3-c5.yaml"


def small(config: str) -> Any:
    """A model of the zoo on the CPU, with little to do and no weights."""
    cfg = get_cfg()
    if "rend" in config:
        point_rend.add_pointrend_config(cfg)
    cfg.merge_from_file(model_zoo.get_config_file(config))
    cfg.MODEL.DEVICE = "cpu"
    cfg.MODEL.WEIGHTS = ""
    cfg.MODEL.RPN.PRE_NMS_TOPK_TEST = cfg.MODEL.RPN.PRE_NMS_TOPK_TRAIN = 50
    cfg.MODEL.RPN.POST_NMS_TOPK_TEST = cfg.MODEL.RPN.POST_NMS_TOPK_TRAIN = 20
    cfg.MODEL.ROI_HEADS.BATCH_SIZE_PER_IMAGE = 16
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = 0.0
    cfg.MODEL.RETINANET.SCORE_THRESH_TEST = 0.0
    cfg.TEST.DETECTIONS_PER_IMAGE = 4
    return cfg


def made(cfg: Any) -> Any:
    """The model. Frozen norms of random weights let values grow without bounds; this keeps them."""
    model = build_model(cfg)
    with torch.no_grad():
        for name, buffer in model.backbone.named_buffers():
            if name.endswith("conv3.norm.weight"):
                buffer.fill_(0.1)
    return model


def labelled(size: int = 64) -> dict[str, Any]:
    """An image with two objects, as the training loader gives it."""
    objects = Instances((size, size))
    objects.gt_boxes = Boxes(torch.tensor([[4.0, 4, 40, 40], [20, 10, 60, 50]]))
    objects.gt_classes = torch.tensor([1, 2])
    masks = torch.zeros(2, size, size, dtype=torch.bool)
    masks[0, 4:40, 4:40] = masks[1, 10:50, 20:60] = True
    objects.gt_masks = BitMasks(masks)
    image = torch.randint(0, 256, (3, size, size), dtype=torch.uint8)
    return {"image": image, "height": 96, "width": 80, "instances": objects}


# ── Anchors ───────────────────────────────────────────────────────────────────────────────────────


def test_anchors_lie_around_the_cells() -> None:
    anchors = DefaultAnchorGenerator(
        sizes=[[4.0, 8.0]], aspect_ratios=[[1.0, 4.0]], strides=[16], offset=0.0
    )
    assert anchors.num_anchors == [4]
    (found,) = anchors([torch.zeros(1, 3, 1, 2)])
    first = [[-2, -2, 2, 2], [-1, -4, 1, 4], [-4, -4, 4, 4], [-2, -8, 2, 8]]
    second = [[left + 16, top, right + 16, bottom] for left, top, right, bottom in first]
    assert found.tensor.tolist() == [*first, *second]


def test_anchors_may_lie_around_the_centres_of_the_cells() -> None:
    anchors = DefaultAnchorGenerator(sizes=[[4.0]], aspect_ratios=[[1.0]], strides=[16], offset=0.5)
    assert anchors([torch.zeros(1, 3, 1, 1)])[0].tensor.tolist() == [[6, 6, 10, 10]]


def test_rotated_anchors() -> None:
    anchors = RotatedAnchorGenerator(
        sizes=[[4.0]], aspect_ratios=[[1.0]], strides=[16], angles=[[0.0, 45.0]], offset=0.0
    )
    (found,) = anchors([torch.zeros(1, 3, 1, 1)])
    assert found.tensor.tolist() == [[0, 0, 4, 4, 0], [0, 0, 4, 4, 45]]


# ── Transforms of boxes, matching, sampling ───────────────────────────────────────────────────────


def some_boxes(count: int, angles: bool = False) -> torch.Tensor:
    rows = torch.rand(count, 4) * 20 + 1
    if angles:
        return torch.cat([rows, torch.rand(count, 1) * 170 - 85], dim=1)
    rows[:, 2:] += rows[:, :2]
    return rows


@pytest.mark.parametrize(
    ("transform", "angles"),
    [
        (Box2BoxTransform((5, 5, 10, 10)), False),
        (Box2BoxTransformRotated((5, 5, 10, 10, 1)), True),
        (Box2BoxTransformLinear(), False),
    ],
    ids=["upright", "rotated", "linear"],
)
def test_deltas_lead_from_one_box_to_the_other(transform: Any, angles: bool) -> None:
    source, target = some_boxes(9, angles), some_boxes(9, angles)
    if isinstance(transform, Box2BoxTransformLinear):
        # Distances to the sides are never negative: the centre lies in the target.
        middle = (target[:, :2] + target[:, 2:]) / 2
        source = torch.cat([middle - 1, middle + 1], dim=1)
    deltas = transform.get_deltas(source, target)
    torch.testing.assert_close(transform.apply_deltas(deltas, source), target, atol=1e-3, rtol=1e-3)


def test_a_delta_cannot_make_a_box_endless() -> None:
    transform = Box2BoxTransform((1, 1, 1, 1))
    endless = torch.tensor([[0.0, 0, 1e9, 1e9]])
    found = transform.apply_deltas(endless, torch.tensor([[0.0, 0, 2, 2]]))
    assert (found[:, 2] - found[:, 0]).item() == pytest.approx(2 * 1000 / 16, rel=1e-3)


def test_anchors_are_matched_by_their_overlap() -> None:
    quality = torch.tensor([[0.15, 0.45, 0.2, 0.6], [0.3, 0.65, 0.05, 0.1], [0.05, 0.4, 0.25, 0.4]])
    plain = Matcher([0.3, 0.7], [0, -1, 1])
    assert plain(quality)[0].tolist() == [1, 1, 2, 0]
    assert plain(quality)[1].tolist() == [-1, -1, 0, -1]
    kind = Matcher([0.3, 0.7], [0, -1, 1], allow_low_quality_matches=True)
    # Each object's best anchor counts, however small the overlap is.
    assert kind(quality)[1].tolist() == [-1, 1, 0, 1]
    assert plain(torch.zeros(0, 2))[1].tolist() == [0, 0]


def test_labels_are_drawn_in_the_proportion_asked_for() -> None:
    labels = torch.tensor([1] * 5 + [0] * 30 + [-1] * 5)
    positive, negative = subsample_labels(labels, 20, 0.5, bg_label=0)
    assert (len(positive), len(negative)) == (5, 15)
    assert (labels[positive] == 1).all()
    assert (labels[negative] == 0).all()


# ── Pooling and proposals ─────────────────────────────────────────────────────────────────────────


def test_boxes_go_to_the_level_of_their_size() -> None:
    sides = [10.0, 111, 112, 223, 224, 448, 5000]
    rows = torch.tensor([[0, 0, side, side] for side in sides])
    levels = assign_boxes_to_levels([Boxes(rows)], 2, 5, 224, 4)
    assert (levels + 2).tolist() == [2, 2, 3, 3, 4, 5, 5]


def test_a_pooler_takes_each_box_from_its_level() -> None:
    features = [torch.randn(2, 3, 64, 64), torch.randn(2, 3, 32, 32)]
    pool = ROIPooler(7, scales=(1 / 4, 1 / 8), sampling_ratio=2, pooler_type="ROIAlignV2")
    little, large = [10.0, 10, 60, 60], [0.0, 0, 200, 200]
    found = pool(features, [Boxes(torch.tensor([large])), Boxes(torch.tensor([little]))])
    rois = torch.tensor([[0.0, *large], [1, *little]])
    expected = [
        roi_align(features[level], rois[row : row + 1], 7, 1 / stride, 2, aligned=True)
        for row, level, stride in ((0, 1, 8), (1, 0, 4))
    ]
    torch.testing.assert_close(found, torch.cat(expected))
    assert pool(features, [Boxes(torch.zeros(0, 4))] * 2).shape == (0, 3, 7, 7)


def test_the_best_proposals_are_kept_small_and_endless_ones_are_not() -> None:
    rows = torch.tensor([[[0.0, 0, 10, 10], [0, 0, 10, 9], [5, 5, 5, 30], [20, 20, 999, 30]]])
    scores = torch.tensor([[0.5, 0.9, 0.8, 0.7]])
    (found,) = find_top_rpn_proposals([rows], [scores], [(40, 40)], 0.5, 10, 10, 0.0, False)
    assert found.proposal_boxes.tensor.tolist() == [[0, 0, 10, 9], [20, 20, 40, 30]]
    assert found.objectness_logits.tolist() == pytest.approx([0.9, 0.7])
    (one,) = find_top_rpn_proposals([rows], [scores], [(40, 40)], 0.5, 10, 1, 0.0, False)
    assert len(one) == 1
    broken = torch.tensor([[math.inf, 0.9, 0.8, 0.7]])
    with pytest.raises(FloatingPointError, match="contain Inf/NaN"):
        find_top_rpn_proposals([rows], [broken], [(40, 40)], 0.5, 10, 10, 0.0, True)


def test_the_objects_themselves_are_proposed_too() -> None:
    proposals = Instances((64, 64))
    proposals.proposal_boxes = Boxes(torch.tensor([[0.0, 0, 5, 5]]))
    proposals.objectness_logits = torch.zeros(1)
    (found,) = add_ground_truth_to_proposals([labelled()["instances"]], [proposals])
    assert len(found) == 3
    assert found.objectness_logits[1].item() == pytest.approx(math.log(1e10), rel=0.01)


# ── Heads ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_box_head_has_losses_and_detections() -> None:
    head = FastRCNNOutputLayers(
        8, box2box_transform=Box2BoxTransform((10, 10, 5, 5)), num_classes=5
    )
    proposals = labelled()["instances"]
    proposals.proposal_boxes = proposals.gt_boxes
    predictions = head(torch.rand(2, 8))
    with EventStorage():
        losses = head.losses(predictions, [proposals])
        empty = head.losses(head(torch.rand(0, 8)), [proposals[:0]])
    assert set(losses) == {"loss_cls", "loss_box_reg"}
    assert losses["loss_cls"].item() == pytest.approx(math.log(6), rel=0.1)
    assert all(loss == 0 for loss in empty.values())


def test_detections_are_thresholded_suppressed_and_limited() -> None:
    rows = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]])
    scores = torch.tensor([[0.8, 0.0, 0.2], [0.7, 0.0, 0.3], [0.1, 0.6, 0.3]])
    (found,), (kept,) = fast_rcnn_inference([rows], [scores], [(40, 40)], 0.3, 0.5, 10)
    assert found.pred_classes.tolist() == [0, 1]
    assert found.scores.tolist() == pytest.approx([0.8, 0.6])
    assert kept.tolist() == [0, 2]
    (one,), _ = fast_rcnn_inference([rows], [scores], [(40, 40)], 0.3, 0.5, 1)
    assert len(one) == 1
    broken = torch.full((3, 3), math.nan)
    (none,), _ = fast_rcnn_inference([rows], [broken], [(40, 40)], 0.3, 0.5, 10)
    assert len(none) == 0


def test_detections_are_brought_to_the_size_of_the_image() -> None:
    found = Instances((50, 50), pred_boxes=Boxes(torch.tensor([[5.0, 5, 25, 25], [0, 0, 0, 9]])))
    found.pred_masks = torch.ones(2, 1, 28, 28)
    larger = detector_postprocess(found, 100, 200)
    assert larger.image_size == (100, 200)
    assert larger.pred_boxes.tensor.tolist() == [[20, 10, 100, 50]]
    assert larger.pred_masks[0, 10:50, 20:100].all()
    assert larger.pred_masks.sum() == 40 * 80
    parts = torch.zeros(2, 8, 8)
    assert sem_seg_postprocess(parts, (6, 4), 12, 8).shape == (2, 12, 8)


# ── Backbones ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "strides"),
    [
        ({"MODEL.RESNETS.DEPTH": 18, "MODEL.RESNETS.RES2_OUT_CHANNELS": 64}, (4, 8, 16, 32, 64)),
        ({"MODEL.RESNETS.NORM": "GN", "MODEL.RESNETS.STRIDE_IN_1X1": False}, (4, 8, 16, 32, 64)),
        (
            {
                "MODEL.RESNETS.DEFORM_ON_PER_STAGE": [False, True, True, True],
                "MODEL.RESNETS.DEFORM_MODULATED": True,
            },
            (4, 8, 16, 32, 64),
        ),
    ],
    ids=["ResNet-18", "group norm", "modulated deformable"],
)
def test_a_pyramid_has_features_of_each_stride(
    changes: dict[str, Any], strides: tuple[int, ...]
) -> None:
    cfg = small(MASK_RCNN)
    for key, value in changes.items():
        cfg.merge_from_list([key, value])
    backbone = build_backbone(cfg)
    shapes = backbone.output_shape()
    assert tuple(shape.stride for shape in shapes.values()) == strides
    features = backbone(torch.randn(1, 3, 64, 64))
    for name, shape in shapes.items():
        side = 64 // shape.stride
        assert features[name].shape == (1, 256, side, side)


def test_the_first_stages_may_be_frozen() -> None:
    cfg = small("COCO-Detection/faster_rcnn_R_50_C4_1x.yaml")
    cfg.MODEL.BACKBONE.FREEZE_AT = 2
    backbone = build_backbone(cfg)
    learning = {
        name.split(".")[0] for name, weight in backbone.named_parameters() if weight.requires_grad
    }
    assert learning == {"res3", "res4"}
    assert build_backbone(cfg, ShapeSpec(channels=3)).output_shape()["res4"].channels == 1024


# ── Whole models ──────────────────────────────────────────────────────────────────────────────────

BOXES = {"loss_cls", "loss_box_reg"}
PROPOSALS = {"loss_rpn_cls", "loss_rpn_loc"}
MODELS = {
    MASK_RCNN: {*BOXES, *PROPOSALS, "loss_mask"},
    "COCO-InstanceSegmentation/mask_rcnn_R_50_C4_3x.yaml": {*BOXES, *PROPOSALS, "loss_mask"},
    DEFORMABLE: {*BOXES, *PROPOSALS, "loss_mask"},
    "COCO-Detection/retinanet_R_50_FPN_3x.yaml": BOXES,
    "COCO-Detection/faster_rcnn_R_50_DC5_3x.yaml": {*BOXES, *PROPOSALS},
}


@pytest.mark.parametrize("config", MODELS, ids=lambda config: config.split("/")[1][:-5])
def test_a_model_learns_and_predicts(config: str) -> None:
    model = made(small(config))
    image = labelled()
    losses = model_losses(model, [image])
    assert losses.keys() == MODELS[config]
    total = torch.stack(list(losses.values())).sum()
    assert math.isfinite(total.item())
    total.backward()  # type: ignore[no-untyped-call]
    found = predicted(model, image)
    assert 0 < len(found) <= 4
    assert found.image_size == (96, 80)
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
    if "mask" in config:
        assert found.pred_masks.shape == (len(found), 96, 80)
        assert found.pred_masks.dtype == torch.bool


def model_losses(model: Any, images: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    with EventStorage():
        losses: dict[str, torch.Tensor] = model.train()(images)
    return losses


def predicted(model: Any, image: dict[str, Any]) -> Any:
    with torch.inference_mode():
        return model.eval()([{key: image[key] for key in ("image", "height", "width")}])[0][
            "instances"
        ]


def test_cascades_and_key_points_predict() -> None:
    cascade = made(small("Misc/cascade_mask_rcnn_R_50_FPN_1x.yaml"))
    assert predicted(cascade, labelled()).pred_masks.shape[1:] == (96, 80)
    points = made(small("COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x.yaml"))
    assert predicted(points, labelled()).pred_keypoints.shape[1:] == (17, 3)


def test_panoptic_models_predict_things_and_stuff() -> None:
    model = made(small("COCO-PanopticSegmentation/panoptic_fpn_R_50_1x.yaml")).eval()
    image = labelled()
    with torch.inference_mode():
        found = model([{key: image[key] for key in ("image", "height", "width")}])[0]
    assert found["sem_seg"].shape == (54, 96, 80)
    assert found["panoptic_seg"][0].shape == (96, 80)


def test_an_image_without_objects_can_be_learned_from() -> None:
    image = labelled()
    image["instances"] = image["instances"][:0]
    losses = model_losses(made(small(MASK_RCNN)), [image])
    assert losses["loss_mask"] == losses["loss_box_reg"] == 0


def test_test_time_augmentation_predicts() -> None:
    cfg = small(MASK_RCNN)
    cfg.TEST.AUG.MIN_SIZES, cfg.TEST.AUG.MAX_SIZE = (48, 64), 64
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = 1e-4
    model = GeneralizedRCNNWithTTA(cfg, made(cfg).eval())
    image = np.random.default_rng(0).integers(0, 256, (3, 64, 64), dtype=np.uint8)
    with torch.inference_mode():
        found = model([{"image": torch.from_numpy(image), "height": 64, "width": 64}])[0]
    assert found["instances"].pred_masks.shape[1:] == (64, 64)
