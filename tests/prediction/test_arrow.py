"""Predictions as Arrow data and data frames."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from seg_widgets.errors import DependencyError, SettingError
from seg_widgets.prediction import INSTANCE_COLUMNS, instance_batch
from seg_widgets.testing import StubPredictor, make_picture

FOUND = StubPredictor(5)(make_picture(80, 60))


def test_a_prediction_is_an_arrow_stream() -> None:
    table = pytest.importorskip("arro3.core").Table(FOUND)
    assert table.column_names == [each.name for each in INSTANCE_COLUMNS]
    assert table["class_name"].to_pylist() == [each.class_name for each in FOUND]
    assert table["rle"].to_pylist() == [each["counts"] for each in FOUND.rle()]
    np.testing.assert_array_equal(table["x2"].to_numpy(), FOUND.boxes[:, 2])
    assert table["area"].to_pylist() == FOUND.areas.tolist()


def test_some_instances_keep_their_numbers() -> None:
    pytest.importorskip("arro3.core")
    batch = instance_batch(FOUND, "a.jpg", 7, only=[3, 1])
    assert batch.column("instance").to_pylist() == [3, 1]
    assert set(batch.column("file_name").to_pylist()) == {"a.jpg"}
    assert set(batch.column("image_id").to_pylist()) == {7}


def test_without_arro3_there_are_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "arro3", None)
    monkeypatch.setitem(sys.modules, "arro3.core", None)
    with pytest.raises(DependencyError, match=r"pip install 'seg-widgets\[table\]'"):
        instance_batch(FOUND)


class _Frame:
    """What pandas and polars have in common here."""

    def __init__(self, values: dict[str, Any], schema: dict[str, Any] | None = None) -> None:
        self.values, self.kinds = values, schema

    def astype(self, kinds: dict[str, str]) -> _Frame:
        self.kinds = kinds
        return self


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both libraries as doubles; `make readers-test` has the real ones."""
    for name in ("pandas", "polars"):
        double = ModuleType(name)
        for kind in ("Int32", "Int64", "Float32", "String"):
            setattr(double, kind, kind)
        double.DataFrame = _Frame  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, double)


@pytest.mark.usefixtures("libraries")
def test_a_data_frame_is_of_the_library_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = FOUND.to_df(file_name="a.jpg")
    assert frame.kinds["score"] == "float32"
    assert list(frame.values) == [each.name for each in INSTANCE_COLUMNS]
    assert FOUND.to_df("polars").kinds["score"] == "Float32"
    monkeypatch.delitem(sys.modules, "pandas")
    assert FOUND.to_df().kinds["rle"] == "String"
    with pytest.raises(SettingError, match='"pandas" or "polars", not of \'numpy\''):
        FOUND.to_df("numpy")  # type: ignore[arg-type]


def test_no_library_for_data_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pandas", "polars"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="needs pandas or polars, which is not installed"):
        FOUND.to_df()
