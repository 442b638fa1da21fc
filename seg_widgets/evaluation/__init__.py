"""How good a model is: COCO's figures, curves, confusion, kinds of errors, and two models beside
each other; knows no model."""

from __future__ import annotations

from .averages import FIGURES, MAX_DETECTIONS, Averages
from .coco_matching import IOU_THRESHOLDS, SIZES
from .comparison import Comparison, Difference, ImageDifference, compare
from .curves import Curve, OperatingPoint
from .error_kinds import ERROR_KINDS, ErrorKinds
from .evaluation import Evaluation, evaluate
from .outcomes import Confusion, ImageScore, Outcomes
from .pool import KINDS
from .scenes import Scene, is_table
from .scores import Scores
from .true_images import TrueImage

__all__ = [
    "ERROR_KINDS",
    "FIGURES",
    "IOU_THRESHOLDS",
    "KINDS",
    "MAX_DETECTIONS",
    "SIZES",
    "Averages",
    "Comparison",
    "Confusion",
    "Curve",
    "Difference",
    "ErrorKinds",
    "Evaluation",
    "ImageDifference",
    "ImageScore",
    "OperatingPoint",
    "Outcomes",
    "Scene",
    "Scores",
    "TrueImage",
    "compare",
    "evaluate",
    "is_table",
]
