"""Numbers, ids and flags as tools write them: as numbers, as texts, or not at all."""

from __future__ import annotations

import math
import re
from typing import Any, Final, Generic, TypeAlias, TypeVar

__all__ = ["MOST_PIXELS", "IdIndex", "Identity", "as_flag", "as_id", "as_number", "as_size"]

Identity: TypeAlias = int | str
"""An id, after `as_id`."""

MOST_PIXELS: Final = 2**31 - 1
"""The pixels of the largest image that there can be: COCO's RLE counts in 32 bits."""

_T = TypeVar("_T")
_WHOLE: Final = re.compile(r"([+-]?(?:0|[1-9]\d{0,17}))(?:\.0*)?")
_DIGITS: Final = re.compile(r"\d{1,18}")
_NO: Final = ("", "0", "false", "no", "none", "null", "nan", "f", "n")


def as_number(value: Any) -> float | None:
    """Return a finite number, also from its text; None where it is something else.

    Args:
        value: what stands in a JSON file. A truth value is no number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_size(value: Any) -> int | None:
    """Return a number of pixels of 1 or more; None where there is none (0, null, NaN, a text).

    Args:
        value: what stands in a JSON file.
    """
    number = as_number(value)
    return int(number) if number is not None and number >= 1 and number == int(number) else None


def as_id(value: Any) -> Identity | None:
    """Return an id in one form: 7 for 7, 7.0, "7" and "7.0"; other texts as they are; else None.

    Args:
        value: what stands in a JSON file.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) else None
    if isinstance(value, int):
        return value
    if not isinstance(value, str) or not value:
        return None
    whole = _WHOLE.fullmatch(value.strip())
    return int(whole[1]) if whole else value


def as_flag(value: Any) -> bool:
    """Return whether a flag is set, of whatever type it is: 1, 1.0, true, "1", "true".

    Args:
        value: what stands in a JSON file; null, NaN, "0" and "false" are not set.
    """
    if isinstance(value, bool):
        return value
    number = as_number(value)
    if number is not None:
        return number != 0
    return isinstance(value, str) and value.strip().lower() not in _NO


class IdIndex(Generic[_T]):
    """Values by their id, found under any form of it.

    Zeros in front are passed over where that leaves one value: 139 finds "000000000139".
    """

    def __init__(self) -> None:
        self._values: dict[Identity, _T] = {}
        self._by_number: dict[int, set[Identity]] = {}

    def __contains__(self, identity: Identity) -> bool:
        return identity in self._values

    def add(self, identity: Identity, value: _T) -> None:
        """Keep a value.

        Args:
            identity: an id, after `as_id`.
            value: what it stands for.
        """
        self._values[identity] = value
        if (number := _number_of(identity)) is not None:
            self._by_number.setdefault(number, set()).add(identity)

    def find(self, value: Any) -> _T | None:
        """Return the value of an id; None where there is none.

        Args:
            value: the id as it stands in a JSON file.
        """
        identity = as_id(value)
        if identity is None or identity in self._values:
            return None if identity is None else self._values[identity]
        number = _number_of(identity)
        alike = self._by_number.get(number, set()) if number is not None else set()
        return self._values[next(iter(alike))] if len(alike) == 1 else None


def _number_of(identity: Identity) -> int | None:
    if isinstance(identity, int):
        return identity
    return int(identity) if _DIGITS.fullmatch(identity) else None
