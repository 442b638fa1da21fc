"""A model for classes of your own: data set, training, evaluation.

Importing this folder doesn't load torch, which is loaded when a training begins. The training loop
is the one module that imports it at its top, so it is not exported here: `training/` imports
`seg_widgets.finetuning.loop`.
"""

from __future__ import annotations

from ..annotations import Problem
from .coco import find_parts, read_dataset
from .config import TrainingConfig
from .dataset import Dataset, ImageLimits, LabelledImage, LabelledObject
from .run import FinetuneResult, check_settings, finetune
from .split import check_share

__all__ = [
    "Dataset",
    "FinetuneResult",
    "ImageLimits",
    "LabelledImage",
    "LabelledObject",
    "Problem",
    "TrainingConfig",
    "check_settings",
    "check_share",
    "find_parts",
    "finetune",
    "read_dataset",
]
