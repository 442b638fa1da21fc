"""The state behind a panel, and the threads that work for it; knows no widget."""

from __future__ import annotations

from .comparing import CompareWith, Comparison, IouThreshold
from .history import EntryState, History, HistoryEntry
from .history_table import filter_of, history_table, shown_in
from .model_slot import (
    ModelChoice,
    ModelSlot,
    predictor_name,
    predictor_words,
    server_predictor,
)
from .problems import Problems
from .result import Result, Upcoming
from .second_model import SecondModel, is_model
from .session import PANEL_MAX_PIXELS, SegmentationSession
from .state import SegmentationState
from .traits import (
    ByIdentity,
    ClassNames,
    ClassThresholds,
    ImageTrait,
    Indices,
    ThreadSafeTraits,
    Threshold,
    TidyTrait,
)

__all__ = [
    "PANEL_MAX_PIXELS",
    "ByIdentity",
    "ClassNames",
    "ClassThresholds",
    "CompareWith",
    "Comparison",
    "EntryState",
    "History",
    "HistoryEntry",
    "ImageTrait",
    "Indices",
    "IouThreshold",
    "ModelChoice",
    "ModelSlot",
    "Problems",
    "Result",
    "SecondModel",
    "SegmentationSession",
    "SegmentationState",
    "ThreadSafeTraits",
    "Threshold",
    "TidyTrait",
    "Upcoming",
    "filter_of",
    "history_table",
    "is_model",
    "predictor_name",
    "predictor_words",
    "server_predictor",
    "shown_in",
]
