"""What a model found in one image, what of it is shown, and what a predictor is; knows no model."""

from __future__ import annotations

from .adapters import Conversion, convert, crop_of_rle
from .answering import (
    AnsweringPredictor,
    InputFormat,
    is_known_model,
    predictor_of,
    taken,
)
from .arrow import instance_batch, record_batch, require_arro3
from .categories import category_ids, category_ids_source
from .checks import require_masks
from .columns import (
    IMAGE_COLUMNS,
    INSTANCE_COLUMNS,
    SCHEMA_VERSION,
    Column,
    columns_table,
    instance_columns,
)
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
    "IMAGE_COLUMNS",
    "INSTANCE_COLUMNS",
    "RLE",
    "SCHEMA_VERSION",
    "SCORE_FLOOR",
    "AnsweringPredictor",
    "BatchPredictor",
    "Chosen",
    "Column",
    "Conversion",
    "Filter",
    "InputFormat",
    "Instance",
    "MaskCrop",
    "Prediction",
    "Predictor",
    "QueuedPredictor",
    "SortKey",
    "category_ids",
    "category_ids_source",
    "check_class_names",
    "check_class_thresholds",
    "check_indices",
    "check_threshold",
    "columns_table",
    "convert",
    "crop_of_rle",
    "instance_batch",
    "instance_columns",
    "is_known_model",
    "outlines",
    "paste",
    "plot",
    "predictor_of",
    "record_batch",
    "require_arro3",
    "require_masks",
    "taken",
    "to_supervision",
    "unpacked",
]
