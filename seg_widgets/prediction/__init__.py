"""What a model found in one image, and what a predictor is; knows no model."""

from __future__ import annotations

from .answering import AnsweringPredictor, InputFormat, predictor_of
from .plotting import ColorBy, Plottable, plot
from .prediction import RLE, Instance, MaskCrop, Prediction, SortKey, check_threshold
from .predictor import MAX_INSTANCES, SCORE_FLOOR, Predictor

__all__ = [
    "MAX_INSTANCES",
    "RLE",
    "SCORE_FLOOR",
    "AnsweringPredictor",
    "ColorBy",
    "InputFormat",
    "Instance",
    "MaskCrop",
    "Plottable",
    "Prediction",
    "Predictor",
    "SortKey",
    "check_threshold",
    "plot",
    "predictor_of",
]
