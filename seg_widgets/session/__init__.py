"""The state behind a panel, and the threads that work for it; knows no widget."""

from __future__ import annotations

from .history import EntryState, History, HistoryEntry
from .session import PANEL_MAX_PIXELS, SegmentationSession, SegmentationState
from .traits import (
    ByIdentity,
    ClassNames,
    ClassThresholds,
    Indices,
    Picture,
    ThreadSafeTraits,
    Threshold,
    own_writes,
)

__all__ = [
    "PANEL_MAX_PIXELS",
    "ByIdentity",
    "ClassNames",
    "ClassThresholds",
    "EntryState",
    "History",
    "HistoryEntry",
    "Indices",
    "Picture",
    "SegmentationSession",
    "SegmentationState",
    "ThreadSafeTraits",
    "Threshold",
    "own_writes",
]
