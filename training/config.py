"""The starter's detectron2 config: only existing keys, only what differs from detectron2's
defaults."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from training.classes import CLASSES

SETTINGS: dict[str, Any] = {
    "MODEL": {
        "META_ARCHITECTURE": "TwoScaleRCNN",
        "MASK_ON": True,
        # EfficientNet-Lite's own normalisation, RGB.
        "PIXEL_MEAN": [127.0, 127.0, 127.0],
        "PIXEL_STD": [128.0, 128.0, 128.0],
        "BACKBONE": {"NAME": "build_starter_backbone"},
        "FPN": {"IN_FEATURES": ["res3", "res4", "res5"], "OUT_CHANNELS": 96, "NORM": "GN"},
        "PROPOSAL_GENERATOR": {"NAME": "RPN"},
        # Objects from a sixteenth of the image to all of it; two sizes a level, since there are few
        # levels.
        "ANCHOR_GENERATOR": {
            "SIZES": [[20, 36], [56, 84], [120, 172], [240, 380]],
            "ASPECT_RATIOS": [[0.5, 1.0, 2.0]],
        },
        "RPN": {
            "IN_FEATURES": ["p3", "p4", "p5", "p6"],
            "BATCH_SIZE_PER_IMAGE": 128,
            "BBOX_REG_LOSS_WEIGHT": 2.0,
            "PRE_NMS_TOPK_TRAIN": 400,
            "POST_NMS_TOPK_TRAIN": 200,
            "PRE_NMS_TOPK_TEST": 400,
            "POST_NMS_TOPK_TEST": 200,
        },
        "ROI_HEADS": {
            # Two stages: the first leaves the boxes of large objects too narrow.
            "NAME": "CascadeROIHeads",
            "NUM_CLASSES": len(CLASSES),
            "IN_FEATURES": ["p3", "p4", "p5"],
            "BATCH_SIZE_PER_IMAGE": 64,
            "POSITIVE_FRACTION": 0.3,
            # Choosing begins with this and the size below, without test-time augmentation: see
            # `choices.py`.
            "NMS_THRESH_TEST": 0.3,
        },
        "ROI_BOX_HEAD": {
            "NAME": "FastRCNNConvFCHead",
            "NUM_FC": 2,
            "FC_DIM": 384,
            "POOLER_RESOLUTION": 7,
            # Two samples a bin: the adaptive default reads large objects many times over.
            "POOLER_SAMPLING_RATIO": 2,
            "CLS_AGNOSTIC_BBOX_REG": True,
            "BBOX_REG_LOSS_WEIGHT": 1.0,
        },
        # Not the usual three stages: with three a training step took half as long again as with
        # one.
        "ROI_BOX_CASCADE_HEAD": {
            "IOUS": [0.5, 0.6],
            "BBOX_REG_WEIGHTS": [[10.0, 10.0, 5.0, 5.0], [20.0, 20.0, 10.0, 10.0]],
        },
        "ROI_MASK_HEAD": {
            "NAME": "WideMaskHead",
            "NUM_CONV": 4,
            "CONV_DIM": 96,
            "POOLER_RESOLUTION": 14,
            "POOLER_SAMPLING_RATIO": 2,
            # 446 photographs are too few for a mask layer a class.
            "CLS_AGNOSTIC_MASK": True,
        },
    },
    "INPUT": {"FORMAT": "RGB", "MIN_SIZE_TEST": 384, "MAX_SIZE_TEST": 640},
    "VERSION": 2,
}


@dataclass(frozen=True)
class Inference:
    """What is chosen after training.

    Attributes:
        min_size: pixels of the image's shorter side.
        max_size: pixels that its longer side has at most.
        nms_threshold: IoU from which on the lower of two scores is dropped.
        two_scales: test-time augmentation, with a smaller mirrored copy of the image.
    """

    min_size: int = SETTINGS["INPUT"]["MIN_SIZE_TEST"]
    max_size: int = SETTINGS["INPUT"]["MAX_SIZE_TEST"]
    nms_threshold: float = SETTINGS["MODEL"]["ROI_HEADS"]["NMS_THRESH_TEST"]
    two_scales: bool = False


START = Inference()


def make_config() -> Any:
    """Return detectron2's config node for the starter, on the CPU."""
    from detectron2.config import get_cfg

    config = get_cfg()
    config.merge_from_other_cfg(type(config)(SETTINGS))
    config.MODEL.DEVICE = "cpu"
    return config


def write_config(path: Path, inference: Inference = START, names: int | None = None) -> None:
    """Write the differences from detectron2's defaults as YAML that the safe loader reads.

    Args:
        path: the file.
        inference: what was chosen.
        names: how many names a model with names in groups has; None: a model of groups alone.
    """
    settings = copy.deepcopy(SETTINGS)
    if names is not None:
        settings["MODEL"]["ROI_HEADS"] |= {"NAME": "GroupedROIHeads", "NUM_CLASSES": names}
    settings["INPUT"] |= {"MIN_SIZE_TEST": inference.min_size, "MAX_SIZE_TEST": inference.max_size}
    settings["MODEL"]["META_ARCHITECTURE"] = (
        "TwoScaleRCNN" if inference.two_scales else "GeneralizedRCNN"
    )
    settings["MODEL"]["ROI_HEADS"]["NMS_THRESH_TEST"] = inference.nms_threshold
    head = (
        "# The starter model (see starter.md). Build it after "
        "`import seg_widgets.modeling.starter_network`.\n"
    )
    path.write_text(
        head + yaml.safe_dump(settings, sort_keys=False, default_flow_style=None, width=110)
    )
