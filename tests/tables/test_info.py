"""What is the same for all of a table, in each file's metadata."""

from __future__ import annotations

import json

import pytest

from seg_widgets.errors import PredictionError
from seg_widgets.tables import SCHEMA_VERSION, TableInfo
from seg_widgets.tables.info import METADATA_KEY

from .results import INFO


def test_metadata_is_one_text_that_comes_back() -> None:
    metadata = INFO.to_metadata("instances", images=[1])
    assert list(metadata) == [METADATA_KEY]
    content = json.loads(metadata[METADATA_KEY])
    assert content["images"] == [1]
    assert TableInfo.from_content(content) == INFO
    assert metadata == INFO.to_metadata("instances", images=[1])


@pytest.mark.parametrize("version", [None, "1", SCHEMA_VERSION + 1])
def test_a_later_version_is_refused(version: object) -> None:
    with pytest.raises(PredictionError, match="Update seg-widgets"):
        TableInfo.from_content({"schema_version": version})


def test_damaged_metadata_is_refused() -> None:
    with pytest.raises(PredictionError, match="metadata is damaged"):
        TableInfo.from_content({"schema_version": 1, "class_names": 3})
