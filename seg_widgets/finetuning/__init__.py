"""A model for classes of your own: data set, training, evaluation; loads torch at first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy_exports

if TYPE_CHECKING:
    from .augmentation import (
        Photo,
        PhotoObject,
        Sample,
        affine,
        degrade,
        is_prominent,
        jitter_colour,
        random_view,
        render,
        without_slivers,
    )
    from .calibration import (
        Bin,
        Matches,
        best_threshold,
        classifier_biases,
        match,
        reliability,
        shift_scores,
    )
    from .dataset import Dataset, LabelledImage, LabelledObject, Problem, find_parts, read_dataset
    from .evaluation import FoundInstance, Truth, coco_figures, encode, evaluate
    from .loop import Plan, SampleDataset, Sampler, Training, as_input, bottom_up
    from .run import FinetuneResult, finetune

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "augmentation": [
            "Photo",
            "PhotoObject",
            "Sample",
            "affine",
            "degrade",
            "is_prominent",
            "jitter_colour",
            "random_view",
            "render",
            "without_slivers",
        ],
        "calibration": [
            "Bin",
            "Matches",
            "best_threshold",
            "classifier_biases",
            "match",
            "reliability",
            "shift_scores",
        ],
        "dataset": [
            "Dataset",
            "LabelledImage",
            "LabelledObject",
            "Problem",
            "find_parts",
            "read_dataset",
        ],
        "evaluation": ["FoundInstance", "Truth", "coco_figures", "encode", "evaluate"],
        "loop": ["Plan", "SampleDataset", "Sampler", "Training", "as_input", "bottom_up"],
        "run": ["FinetuneResult", "finetune"],
    },
)

__all__ = [
    "Bin",
    "Dataset",
    "FinetuneResult",
    "FoundInstance",
    "LabelledImage",
    "LabelledObject",
    "Matches",
    "Photo",
    "PhotoObject",
    "Plan",
    "Problem",
    "Sample",
    "SampleDataset",
    "Sampler",
    "Training",
    "Truth",
    "affine",
    "as_input",
    "best_threshold",
    "bottom_up",
    "classifier_biases",
    "coco_figures",
    "degrade",
    "encode",
    "evaluate",
    "find_parts",
    "finetune",
    "is_prominent",
    "jitter_colour",
    "match",
    "random_view",
    "read_dataset",
    "reliability",
    "render",
    "shift_scores",
    "without_slivers",
]
