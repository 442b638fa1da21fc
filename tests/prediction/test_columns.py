"""The columns of tables: as the docs say, and the same wherever there is a table."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from seg_widgets.prediction import (
    CSV_COLUMNS,
    IMAGE_COLUMNS,
    INSTANCE_COLUMNS,
    columns_table,
    instance_columns,
)

from ..export.results import BOXES_ONLY, FOUND


def test_the_docs_have_every_column(root: Path) -> None:
    page = (root / "docs" / "formats.md").read_text("utf-8")
    for columns in (INSTANCE_COLUMNS, IMAGE_COLUMNS):
        assert columns_table(columns) in page, "put what columns_table returns into the page"


def test_values_are_of_their_columns_types() -> None:
    values = instance_columns(FOUND, "a\udcff.jpg", 7, only=[4, 0])
    assert list(values) == [each.name for each in INSTANCE_COLUMNS]
    for column in INSTANCE_COLUMNS:
        found = values[column.name]
        assert len(found) == 2
        if column.kind == "string":
            assert all(isinstance(value, str) for value in found)
        else:
            assert found.dtype == np.dtype(column.kind), column.name
    assert values["file_name"] == ["a_.jpg"] * 2
    assert values["instance"].tolist() == [4, 0]
    assert (*CSV_COLUMNS, "rle") == tuple(values)


def test_boxes_have_no_masks_and_a_data_set_has_its_ids() -> None:
    own = dataclasses.replace(BOXES_ONLY, category_ids=(9, 7, 5, 3))
    values = instance_columns(own)
    assert values["rle"] == [None] * len(own)
    assert values["category_id"].tolist() == [(9, 7, 5, 3)[each.class_id] for each in own]
