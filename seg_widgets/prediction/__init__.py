"""What a model found in one image, what of it is shown, and what a predictor is; knows no model."""

from __future__ import annotations

from .adapters import Conversion, convert
from .answering import (
    AnsweringPredictor,
    InputFormat,
    is_known_model,
    predictor_of,
    taken,
)
from .checks import require_masks
from .filter import (
    DEFAULT_FILTER,
    DEFAULT_THRESHOLD,
    Filter,
    check_class_names,
    check_class_thresholds,
    check_indices,
    check_threshold,
)
from .masks import RLE, MaskCrop, outlines, paste, unpacked
from .plotting import plot
from .prediction import Instance, Prediction
from .predictor import SCORE_FLOOR, BatchPredictor, Predictor, QueuedPredictor
from .selection import Chosen, SortKey
from .supervision import to_supervision

__all__ = [
    "DEFAULT_FILTER",
    "DEFAULT_THRESHOLD",
    "RLE",
    "SCORE_FLOOR",
    "AnsweringPredictor",
    "BatchPredictor",
    "Chosen",
    "Conversion",
    "Filter",
    "InputFormat",
    "Instance",
    "MaskCrop",
    "Prediction",
    "Predictor",
    "QueuedPredictor",
    "SortKey",
    "check_class_names",
    "check_class_thresholds",
    "check_indices",
    "check_threshold",
    "convert",
    "is_known_model",
    "outlines",
    "paste",
    "plot",
    "predictor_of",
    "require_masks",
    "taken",
    "to_supervision",
    "unpacked",
]
