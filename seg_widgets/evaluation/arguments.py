"""Checks of single numbers that a person gives."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import SettingError

__all__ = ["real_number", "whole_number"]


def real_number(name: str, value: Any, rule: str) -> float:
    """A number as a float; NaN stays what it is, for the range to refuse.

    Args:
        name: what it is, for the message.
        value: what was given.
        rule: the range in words.

    Raises:
        SettingError: it is no number; a truth value is none.
    """
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    if not is_number or isinstance(value, bool):
        raise SettingError(f"{name} {rule}, but {value!r:.80} was given.")
    return float(value)


def whole_number(name: str, value: Any, least: int = 0) -> int:
    """A whole number as an int.

    Args:
        name: what it is, for the message.
        value: what was given.
        least: the smallest that is allowed.

    Raises:
        SettingError: it is none, or smaller; a truth value is none.
    """
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        whole = operator.index(value)
    except TypeError:
        raise SettingError(f"{name} is a whole number, not {value!r:.80}.") from None
    if whole < least:
        raise SettingError(f"{name} is {least} or more, not {whole}.")
    return whole
