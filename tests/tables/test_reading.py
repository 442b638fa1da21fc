"""Reading a table back: the same predictions, part by part, and words for what is no table."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from arro3.core import Table as ArrowTable
from arro3.io import write_parquet

from seg_widgets import tables
from seg_widgets.errors import PredictionError
from seg_widgets.tables import TableImage, TableInfo
from seg_widgets.tables.info import METADATA_KEY
from seg_widgets.tables.parts import encode_image, encode_images, encode_instances

from .results import FOUND, IMAGES, INFO


def test_predictions_come_back_as_they_were(tmp_path: Path) -> None:
    tables.append_part(tmp_path, IMAGES, INFO)
    tables.append_part(tmp_path, [TableImage("e.jpg", 5, FOUND)], INFO)
    table = tables.read_table(tmp_path)
    assert table.info == tables.read_info(tmp_path) == INFO
    images, predictions = zip(*table, strict=True)
    assert [image.image_id for image in images] == [1, 2, 4, 5]
    assert predictions[0] == predictions[3] == FOUND
    assert predictions[1] == IMAGES[1].prediction
    assert predictions[2] == FOUND.select([1, 3])
    failed = list(table.images())[2]
    assert (failed.image_size, failed.instances, failed.error) == (None, 0, "It is broken.")
    assert repr(table) == f"Table({str(tmp_path)!r}, 5 images)"


def test_a_table_is_an_arrow_stream_of_all_its_instances(tmp_path: Path) -> None:
    for _ in range(2):
        tables.append_part(tmp_path, IMAGES, INFO)
    assert ArrowTable(tables.read_table(tmp_path)).num_rows == 14


def test_boxes_categories_and_notes_come_back(tmp_path: Path) -> None:
    boxes_only = dataclasses.replace(
        FOUND, masks=None, category_ids=(7, 3, 5, 9), notes=("A limit cut it.", "Twice.")
    )
    tables.append_part(tmp_path, [TableImage("a", 1, boxes_only)], TableInfo.of(boxes_only))
    ((image, prediction),) = tables.read_table(tmp_path)
    assert prediction == boxes_only
    assert prediction.notes == image.notes == boxes_only.notes


def test_what_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(PredictionError, match=r"There is no table at .*nothing"):
        tables.read_table(tmp_path / "nothing")
    with pytest.raises(PredictionError, match=r"There is no table at .*"):
        tables.read_table("a\0b")
    text = tmp_path / "text.parquet"
    text.write_text("PAR1 it is not")
    with pytest.raises(PredictionError, match=r"text\.parquet can't be read: it is cut off, or no"):
        tables.read_table(text)
    foreign = tmp_path / "foreign.parquet"
    write_parquet(FOUND, foreign)
    with pytest.raises(PredictionError, match="was not written by seg_widgets"):
        tables.read_table(foreign)


def test_a_part_that_was_damaged_or_changed_is_named(tmp_path: Path) -> None:
    instances, images = tables.write_part(tmp_path, 0, IMAGES, INFO)
    other, _ = tables.write_part(tmp_path / "other", 0, IMAGES[:2], INFO)
    whole = instances.read_bytes()

    def said() -> str:
        with pytest.raises(PredictionError, match=r"part-00000000\.parquet can't be read") as error:
            list(tables.read_table(tmp_path))
        return str(error.value)

    instances.write_bytes(other.read_bytes())
    assert "changed after it was written, or is of another run" in said()
    instances.write_bytes(whole[:-9])
    assert "changed after it was written" in said()
    instances.unlink()
    assert "No such file" in said()
    images.write_bytes(images.read_bytes()[:-9])
    assert "cut off" in said()
    images.write_bytes(b"PAR1 and PAR1")
    assert "can't be read" in said()


def test_a_file_that_does_not_hold_what_it_lists(tmp_path: Path) -> None:
    instances, images = tables.write_part(tmp_path, 0, IMAGES, INFO)
    encoded = [encode_image(each, INFO) for each in IMAGES]
    images.write_bytes(encode_images(encoded, INFO))
    instances.write_bytes(encode_instances(encoded[:2], INFO))
    with pytest.raises(PredictionError, match=r"has 0 instances of d_\.jpg, but 2 are listed"):
        list(tables.read_table(tmp_path))
    write_parquet(ArrowTable(FOUND).drop_columns(["rle"]), instances)
    with pytest.raises(PredictionError, match="lacks the column rle"):
        list(tables.read_table(tmp_path))


@pytest.mark.parametrize(
    "said",
    [
        3,
        [3],
        [{"file_name": "a.jpg"}],
        [{"file_name": "a.jpg", "image_id": "x", "instances": 1}],
        [{"file_name": "a.jpg", "image_id": 1, "instances": 1e400}],
        [{"file_name": "a.jpg", "image_id": 1, "instances": 1, "notes": 5}],
    ],
)
def test_a_file_whose_list_of_images_is_damaged(tmp_path: Path, said: object) -> None:
    table = ArrowTable(FOUND)
    content = json.loads(INFO.to_metadata("instances")[METADATA_KEY]) | {"images": said}
    schema = table.schema.with_metadata({METADATA_KEY: json.dumps(content)})
    path = tmp_path / "one.parquet"
    write_parquet(table.with_schema(schema), path)
    with pytest.raises(PredictionError, match=r"one\.parquet can't be read: .* is damaged"):
        list(tables.read_table(path).images())
