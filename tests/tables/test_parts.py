"""Writing the table: parts, whole or not at all, the same bytes for the same images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from arro3.io import read_parquet

from seg_widgets import tables
from seg_widgets.errors import ExportError, PredictionError, SettingError
from seg_widgets.tables import TableImage, TableInfo

from .results import FOUND, IMAGES, INFO


def test_a_part_is_two_files_that_any_reader_takes(tmp_path: Path) -> None:
    instances, images = tables.write_part(tmp_path, 7, IMAGES, INFO)
    assert instances == tmp_path / "instances" / "part-00000007.parquet"
    assert images == tmp_path / "images" / "part-00000007.parquet"
    rows = read_parquet(instances).read_all()
    assert rows.column_names == [each.name for each in tables.INSTANCE_COLUMNS]
    assert rows["image_id"].to_pylist() == [1] * 5 + [4] * 2
    assert rows["instance"].to_pylist() == [0, 1, 2, 3, 4, 1, 3]
    np.testing.assert_array_equal(rows["score"].to_numpy()[:5], FOUND.scores)
    listed = read_parquet(images).read_all()
    assert listed.column_names == [each.name for each in tables.IMAGE_COLUMNS]
    assert listed["instances"].to_pylist() == [5, 0, 0, 2]
    assert listed["width"].to_pylist() == [80, 80, None, 80]
    assert listed["error"].to_pylist() == [None, None, "It is broken.", None]
    assert listed["file_name"].to_pylist()[3] == "d_.jpg"


def test_the_same_images_give_the_same_bytes(tmp_path: Path) -> None:
    part = tables.encode_part(iter(IMAGES), INFO)
    assert part == tables.encode_part(IMAGES, INFO)
    for path, content in zip(tables.write_part(tmp_path, 0, IMAGES, INFO), part, strict=True):
        assert path.read_bytes() == content


def test_parts_are_appended_while_the_table_is_the_same(tmp_path: Path) -> None:
    assert tables.part_numbers(tmp_path / "new") == []
    assert [tables.append_part(tmp_path / "new", IMAGES, INFO) for _ in range(2)] == [0, 1]
    tables.write_part(tmp_path / "new", 9, IMAGES, INFO)
    assert tables.append_part(tmp_path / "new", [], INFO) == 10
    assert tables.part_numbers(tmp_path / "new") == [0, 1, 9, 10]
    other = TableInfo.of(FOUND, model="other", settings={"threshold": 0.6})
    said = 'model was "stub", and is "other"; .*; threshold was 0.5, and is 0.6'
    with pytest.raises(SettingError, match=said):
        tables.append_part(tmp_path / "new", IMAGES, other)
    with pytest.raises(SettingError, match="0 or more, not -1"):
        tables.part_paths(tmp_path, -1)


def test_a_part_without_its_images_is_not_there(tmp_path: Path) -> None:
    """As after a kill between its two files."""
    tables.write_part(tmp_path, 0, IMAGES, INFO)
    _, images = tables.write_part(tmp_path, 1, IMAGES, INFO)
    images.unlink()
    (images.parent / ".seg-widgets-half").touch()
    assert tables.part_numbers(tmp_path) == [0]
    assert len(list(tables.read_table(tmp_path).images())) == len(IMAGES)


def test_one_table_has_one_list_of_classes() -> None:
    with pytest.raises(PredictionError, match="different class names"):
        tables.encode_part([TableImage("a", 1, FOUND)], TableInfo(("cat",)))


def test_a_place_that_takes_no_files(tmp_path: Path) -> None:
    (tmp_path / "images").touch()
    assert tables.part_numbers(tmp_path) == []
    with pytest.raises(ExportError, match="is a file, not a folder"):
        tables.append_part(tmp_path, IMAGES, INFO)
