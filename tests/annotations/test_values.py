"""Ids, numbers and flags in any type."""

from __future__ import annotations

import math
from typing import Any

import pytest

from seg_widgets.annotations.values import IdIndex, as_flag, as_id, as_number, as_size


@pytest.mark.parametrize(
    ("value", "identity"),
    [
        (7, 7),
        (7.0, 7),
        ("7", 7),
        (" 7 ", 7),
        ("7.0", 7),
        ("-1", -1),
        ("007", "007"),
        ("a7", "a7"),
        (7.5, None),
        (math.nan, None),
        (math.inf, None),
        (True, None),
        (None, None),
        ("", None),
        ([1], None),
    ],
)
def test_an_id_has_one_form(value: Any, identity: Any) -> None:
    assert as_id(value) == identity


def test_zeros_in_front_are_passed_over_where_that_is_clear() -> None:
    index: IdIndex[str] = IdIndex()
    index.add("007", "seven")
    assert [index.find(value) for value in (7, "7", "007", "07", 8, None)] == [
        *["seven"] * 4,
        None,
        None,
    ]
    index.add(7, "another")
    assert [index.find(value) for value in (7, "007", "07")] == ["another", "seven", None]


@pytest.mark.parametrize("value", [1, True, 1.0, "1", "true", "True", "yes", "1.0"])
def test_a_flag_that_is_set(value: Any) -> None:
    assert as_flag(value)


@pytest.mark.parametrize(
    "value", [0, False, 0.0, "0", "false", "no", "", None, math.nan, "0.0", []]
)
def test_a_flag_that_is_not_set(value: Any) -> None:
    assert not as_flag(value)


def test_numbers_are_finite() -> None:
    assert [as_number(value) for value in (1, "1.5", "nan", math.inf, True, None, "x")] == [
        1.0,
        1.5,
        *[None] * 5,
    ]
    assert [as_size(value) for value in (640, "480", 640.0, 0, -3, 1.5, None)] == [
        640,
        480,
        640,
        *[None] * 4,
    ]
