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
from .arrow import data_frame, instance_batch, record_batch, require_arro3
from .categories import category_ids, category_ids_source
from .checks import check_image, check_rgb, require_masks
from .columns import (
    IMAGE_COLUMNS,
    INSTANCE_COLUMNS,
    SCHEMA_VERSION,
    Column,
    columns_table,
    instance_columns,
)
from .csv_table import CSV_COLUMNS, harmless, short, to_csv
from .filter import (
    DEFAULT_FILTER,
    DEFAULT_THRESHOLD,
    Filter,
    check_class_names,
    check_class_thresholds,
    check_indices,
    check_threshold,
)
from .limit_notes import kept_note, notes_from, reached_note
from .masks import RLE, MaskCrop, Points, outlines, paste, unpacked
from .matches import MATCH_COLUMNS, Match, Matches
from .matching import DEFAULT_IOU, Assignment, assign, check_iou, match
from .overlap import LEAST_IOU, Overlaps, overlaps
from .own_overlaps import OwnOverlaps
from .partial import PartialPrediction
from .plotting import plot
from .polygons import Polygon, closed_polygons, polygons
from .prediction import Instance, Prediction
from .predictor import (
    SCORE_FLOOR,
    BatchPredictor,
    Keep,
    Predictor,
    QueuedPredictor,
    SparingPredictor,
    StepwisePredictor,
)
from .readers import TrueObjects, any_masks, image_index, read_true_objects, swapped_sides
from .selection import Chosen, SortKey
from .soft_masks import MASK_THRESHOLD, between_cells, quantized
from .supervision import to_supervision
from .tidy import NO_TIDY, OverlapBy, Tidy, check_tidy
from .truth import GroundTruth
from .truth_classes import (
    IGNORE,
    ClassMapping,
    are_ignored,
    called_by_model,
    check_by_name,
    lacking_note,
)
from .truth_source import TruthSource
from .unknown_class import no_such_class

__all__ = [
    "CSV_COLUMNS",
    "DEFAULT_FILTER",
    "DEFAULT_IOU",
    "DEFAULT_THRESHOLD",
    "IGNORE",
    "IMAGE_COLUMNS",
    "INSTANCE_COLUMNS",
    "LEAST_IOU",
    "MASK_THRESHOLD",
    "MATCH_COLUMNS",
    "NO_TIDY",
    "RLE",
    "SCHEMA_VERSION",
    "SCORE_FLOOR",
    "AnsweringPredictor",
    "Assignment",
    "BatchPredictor",
    "Chosen",
    "ClassMapping",
    "Column",
    "Conversion",
    "Filter",
    "GroundTruth",
    "InputFormat",
    "Instance",
    "Keep",
    "MaskCrop",
    "Match",
    "Matches",
    "OverlapBy",
    "Overlaps",
    "OwnOverlaps",
    "PartialPrediction",
    "Points",
    "Polygon",
    "Prediction",
    "Predictor",
    "QueuedPredictor",
    "SortKey",
    "SparingPredictor",
    "StepwisePredictor",
    "Tidy",
    "TrueObjects",
    "TruthSource",
    "any_masks",
    "are_ignored",
    "assign",
    "between_cells",
    "called_by_model",
    "category_ids",
    "category_ids_source",
    "check_by_name",
    "check_class_names",
    "check_class_thresholds",
    "check_image",
    "check_indices",
    "check_iou",
    "check_rgb",
    "check_threshold",
    "check_tidy",
    "closed_polygons",
    "columns_table",
    "convert",
    "crop_of_rle",
    "data_frame",
    "harmless",
    "image_index",
    "instance_batch",
    "instance_columns",
    "is_known_model",
    "kept_note",
    "lacking_note",
    "match",
    "no_such_class",
    "notes_from",
    "outlines",
    "overlaps",
    "paste",
    "plot",
    "polygons",
    "predictor_of",
    "quantized",
    "reached_note",
    "read_true_objects",
    "record_batch",
    "require_arro3",
    "require_masks",
    "short",
    "swapped_sides",
    "taken",
    "to_csv",
    "to_supervision",
    "unpacked",
]
