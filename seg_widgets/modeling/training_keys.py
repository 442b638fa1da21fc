"""Keys of a config that this detectron2 doesn't know: those that only training reads don't matter.

An installed detectron2 is often older than the one that wrote a config, and people add keys for
their own training scripts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["TRAINING_SECTIONS", "split_unknown"]

TRAINING_SECTIONS: Final = ("SOLVER", "DATALOADER")
"""Sections that nothing but training reads."""

# Sections that decide how a model is built and called; in all others any key may be new.
_AT_INFERENCE: Final = ("MODEL", "INPUT", "TEST")
_TRAINING: Final = re.compile(
    r"LOSS|_TRAIN$|^VIS_PERIOD$"
    r"|^INPUT\..*(AUG|CROP|FLIP|JITTER|RANDOM)"
    r"|^TEST\..*(EVAL|PRECISE_BN|EXPECTED)"
)
# A newer detectron2 has this key; so set, a model is built as by one that doesn't know it.
_NO_CHANGE: Final = {"MODEL.ROI_BOX_HEAD.USE_SIGMOID_CE": False}


def split_unknown(
    data: Mapping[str, Any], reference: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str], list[str]]:
    """Take the keys out of a config that detectron2 doesn't know.

    Args:
        data: the config's keys and values.
        reference: those that detectron2 knows.

    Returns:
        The known ones; the names of unknown keys that only training reads, such as
        "SOLVER.NUM_DECAYS"; and the names of unknown keys that may change what a model answers.
    """
    known: dict[str, Any] = {}
    unknown = dict(_walk(data, reference, known, ""))
    passed = [name for name, value in unknown.items() if _is_for_training(name, value)]
    return known, passed, [name for name in unknown if name not in passed]


def _walk(
    data: Mapping[str, Any], reference: Mapping[str, Any], known: dict[str, Any], prefix: str
) -> Iterator[tuple[str, Any]]:
    """Fill `known`, and yield name and value of what is unknown."""
    for key, value in data.items():
        name = f"{prefix}{key}"
        if key not in reference:
            yield name, value
        elif isinstance(value, dict) and isinstance(reference[key], dict):
            known[key] = {}
            yield from _walk(value, reference[key], known[key], f"{name}.")
        else:
            known[key] = value


def _is_for_training(name: str, value: Any) -> bool:
    if name in _NO_CHANGE:
        return bool(value == _NO_CHANGE[name])
    section, _, key = name.rpartition(".")
    if section.partition(".")[0] not in _AT_INFERENCE and name not in _AT_INFERENCE:
        return True
    return any(_TRAINING.search(text) for text in (name, key))
