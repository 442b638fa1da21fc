"""All images of a session as one table: what is shown, or everything."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from seg_widgets.prediction import Filter
from seg_widgets.session import HistoryEntry, history_table, shown_in
from seg_widgets.testing import StubPredictor, make_picture

FOUND = StubPredictor(5)(make_picture(80, 60))
HISTORY = [
    HistoryEntry(1, "a.jpg", "in/a.jpg", prediction=FOUND, model="one"),
    HistoryEntry(2, "b.jpg", state="failed"),
    HistoryEntry(4, "c.jpg", prediction=FOUND[:3], model="two"),
]


class _Frame:
    def __init__(self, values: dict[str, list[Any]]) -> None:
        self.values = values

    def astype(self, _kinds: dict[str, str]) -> _Frame:
        return self


def test_the_filter_counts_and_hidden_instances_are_of_one_image() -> None:
    chosen = Filter(0.3, ("animal",), {}, (0,))
    shown = dict(shown_in(HISTORY, chosen, 4))
    assert {entry.number: prediction.scores.tolist() for entry, prediction in shown.items()} == {
        1: FOUND.select([0, 2, 3]).scores.tolist(),
        4: FOUND.select([2]).scores.tolist(),
    }


def test_one_table_of_all_images(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = ModuleType("pandas")
    pandas.DataFrame = _Frame  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    values = history_table(HISTORY, None, None, "pandas").values
    assert values["image_id"] == [1] * 5 + [4] * 3
    assert values["file_name"] == ["in/a.jpg"] * 5 + ["c.jpg"] * 3
    assert values["model"] == ["one"] * 5 + ["two"] * 3
    shown = history_table(HISTORY, Filter(0.3, ("animal",)), 4, "pandas").values
    assert shown["instance"] == [0, 2, 3, 0, 2]
