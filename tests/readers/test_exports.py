"""Round trips: what we export, read by the program that it is for, against the masks.

`docs/formats.md` has the figures.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from seg_widgets import tables

from ..shapes_to_export import HEIGHT, PLANES, SHAPES, WIDTH
from .conftest import IMAGE, iou

Masks = npt.NDArray[np.bool_]
NAMES = [instance.class_name for instance in SHAPES]


def assert_same(found: list[Masks], masks: Masks) -> None:
    assert [iou(one, other) for one, other in zip(found, masks, strict=True)] == [1.0] * len(masks)


# ── tables ────────────────────────────────────────────────────────────────────────────────────────


def _decoded(counts: list[str]) -> list[Masks]:
    from pycocotools import mask as coco_mask

    return [
        coco_mask.decode({"size": [HEIGHT, WIDTH], "counts": each}).astype(bool) for each in counts
    ]


def _rows_of_pandas(path: Path) -> list[dict[str, Any]]:
    import pandas

    rows: list[dict[str, Any]] = pandas.read_parquet(path).to_dict("records")
    return rows


def _rows_of_polars(path: Path) -> list[dict[str, Any]]:
    import polars

    rows: list[dict[str, Any]] = polars.read_parquet(path).to_dicts()
    return rows


def _rows_of_duckdb(path: Path) -> list[dict[str, Any]]:
    import duckdb

    rows: list[dict[str, Any]] = duckdb.sql(f"SELECT * FROM '{path}'").to_arrow_table().to_pylist()
    return rows


TABLE_READERS = [_rows_of_pandas, _rows_of_polars, _rows_of_duckdb]


@pytest.mark.parametrize("read", TABLE_READERS, ids=["pandas", "polars", "duckdb"])
def test_parquet(
    read: Callable[[Path], list[dict[str, Any]]], exported: dict[str, Path], masks: Masks
) -> None:
    rows = read(exported["parquet"])
    assert list(rows[0]) == [each.name for each in tables.INSTANCE_COLUMNS]
    assert_same(_decoded([row["rle"] for row in rows]), masks)
    assert [row["class_name"] for row in rows] == NAMES
    np.testing.assert_array_equal([np.float32(row["score"]) for row in rows], SHAPES.scores)
    boxes = [[np.float32(row[side]) for side in ("x1", "y1", "x2", "y2")] for row in rows]
    np.testing.assert_array_equal(boxes, SHAPES.boxes)


def test_a_table_of_parts_and_frames(tmp_path: Path) -> None:
    import duckdb
    import pandas
    import polars

    info = tables.TableInfo.of(SHAPES, model="stub")
    for number in range(3):
        image = tables.TableImage(f"{number}.jpg", number, SHAPES)
        failed = tables.TableImage(f"{number}.txt", 10 + number, error="no image")
        tables.append_part(tmp_path, [image, failed], info)
    instances, images = f"{tmp_path}/instances/*.parquet", f"{tmp_path}/images/*.parquet"
    assert len(pandas.read_parquet(tmp_path / "instances")) == 3 * len(SHAPES)
    assert polars.read_parquet(images)["error"].null_count() == 3
    counted = duckdb.sql(
        f"SELECT count(*) FROM '{instances}' WHERE class_name = 'person' AND score > 0.6"
    ).fetchall()
    expected = sum(each.class_name == "person" and each.score > 0.6 for each in SHAPES)
    assert counted == [(3 * expected,)]
    for frame in (polars.DataFrame(SHAPES), SHAPES.to_df("polars"), SHAPES.to_df("pandas")):
        assert len(frame) == len(SHAPES)
        assert frame["rle"].to_list() == [each["counts"] for each in SHAPES.rle()]
    assert SHAPES.to_df("polars").schema == polars.DataFrame(SHAPES).schema
    assert len(polars.DataFrame(tables.read_table(tmp_path))) == 3 * len(SHAPES)


def test_csv(exported: dict[str, Path]) -> None:
    import pandas

    frame = pandas.read_csv(exported["csv"])
    assert frame["class_name"].tolist() == NAMES
    assert frame["area"].tolist() == SHAPES.areas.tolist()


# ── data sets and annotation tools ────────────────────────────────────────────────────────────────


def test_coco(exported: dict[str, Path], masks: Masks) -> None:
    from pycocotools.coco import COCO

    data_set = COCO(str(exported["coco"]))
    annotations = data_set.loadAnns(data_set.getAnnIds())
    assert_same([data_set.annToMask(each).astype(bool) for each in annotations], masks)
    results = data_set.loadRes(str(exported["results"]))
    found = results.loadAnns(results.getAnnIds())
    assert_same([results.annToMask(each).astype(bool) for each in found], masks)
    assert [each["score"] for each in found] == pytest.approx(SHAPES.scores.tolist(), abs=1e-6)


@pytest.mark.parametrize("name", ["coco", "cvat"])
def test_coco_by_datumaro_which_cvat_imports_with(
    name: str, exported: dict[str, Path], masks: Masks, tmp_path: Path
) -> None:
    from datumaro.components.dataset import Dataset

    folder = tmp_path / "annotations"
    folder.mkdir()
    (tmp_path / "images").mkdir()
    _write_image(tmp_path / "images" / "photo.png")
    content = exported[name].read_bytes()
    if name == "cvat":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read("annotations/instances_default.json")
            labels = json.loads(archive.read("labels.json"))
            assert [label["name"] for label in labels] == list(SHAPES.class_names)
    (folder / "instances_default.json").write_bytes(content)
    data_set = Dataset.import_from(str(tmp_path), "coco_instances")
    (item,) = list(data_set)
    masks_only = [each for each in item.annotations if each.type.name == "mask"]
    found = sorted(masks_only, key=lambda each: each.id)
    assert_same([each.image.astype(bool) for each in found], masks)
    if name == "cvat":
        scores = [float(each.attributes["score"]) for each in found]
        assert scores == pytest.approx(SHAPES.scores.tolist(), abs=1e-6)


def test_coco_by_supervision(exported: dict[str, Path], masks: Masks, tmp_path: Path) -> None:
    import supervision

    images = tmp_path / "images"
    images.mkdir()
    _write_image(images / "photo.png")
    data_set = supervision.DetectionDataset.from_coco(
        str(images), str(exported["coco"]), force_masks=True
    )
    ((_, _, detections),) = list(data_set)
    assert_same(list(detections.mask), masks)


def test_label_studio(exported: dict[str, Path], masks: Masks) -> None:
    from label_studio_sdk._extensions.label_studio_tools.core.label_config import parse_config
    from label_studio_sdk.converter.brush import decode_rle

    (task,) = json.loads(exported["labelstudio"].read_bytes())
    regions = task["predictions"][0]["result"]
    planes = [decode_rle(each["value"]["rle"]).reshape(HEIGHT, WIDTH, 4) for each in regions]
    assert all((plane == plane[:, :, :1]).all() for plane in planes)
    assert_same([plane[:, :, 3] > 127 for plane in planes], masks)
    assert [each["value"]["brushlabels"] for each in regions] == [[name] for name in NAMES]
    config = parse_config(task["meta"]["labeling_config"])
    assert config["label"]["type"] == "BrushLabels"
    assert config["label"]["labels"] == list(SHAPES.class_names)


def test_labelme(exported: dict[str, Path], masks: Masks) -> None:
    from labelme import utils
    from labelme._label_file import LabelFile

    file = LabelFile(str(exported["labelme"]))
    found = []
    for index, shape in enumerate(file.shapes):
        assert shape["label"] == NAMES[index]
        _, instances = utils.shapes_to_label(
            (HEIGHT, WIDTH, 3), [shape], dict.fromkeys(SHAPES.class_names, 1)
        )
        found.append(instances > 0)
    assert_same(found, masks)
    pixels = utils.img_data_to_arr(file.imageData)
    np.testing.assert_array_equal(pixels[..., :3], IMAGE)


def test_yolo_by_supervision(exported: dict[str, Path], masks: Masks, tmp_path: Path) -> None:
    import supervision

    with zipfile.ZipFile(exported["yolo"]) as archive:
        archive.extractall(tmp_path)
    data_set = supervision.DetectionDataset.from_yolo(
        str(tmp_path / "images"),
        str(tmp_path / "labels"),
        str(tmp_path / "data.yaml"),
        force_masks=True,
    )
    ((_, _, detections),) = list(data_set)
    assert [data_set.classes[each] for each in detections.class_id] == NAMES
    found = {
        name: iou(mask, other)
        for name, mask, other in zip(PLANES, detections.mask, masks, strict=True)
    }
    print("YOLO:", {name: round(value, 3) for name, value in found.items()})
    lossy = {"hole", "two holes", "island in a hole", "pieces", "ring touching itself"}
    assert {name for name, value in found.items() if value < 1} <= lossy


# ── masks for other programs ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["labels", "labels-png"])
def test_label_image(name: str, exported: dict[str, Path], masks: Masks) -> None:
    import tifffile

    if name == "labels":
        labels = tifffile.imread(exported[name])
    else:
        import cv2

        labels = cv2.imread(str(exported[name]), cv2.IMREAD_UNCHANGED)
    assert labels.dtype == np.uint16
    ranks = [(mask.sum(), index) for index, mask in enumerate(masks)]
    for index, mask in enumerate(masks):
        above = [other for other, rank in zip(masks, ranks, strict=True) if rank < ranks[index]]
        visible = mask & ~np.any(above, axis=0) if above else mask
        np.testing.assert_array_equal(labels == index + 1, visible)


def test_imagej(exported: dict[str, Path], masks: Masks) -> None:
    import roifile
    import shapely

    found = roifile.roiread(exported["imagej"])
    assert [each.name for each in found] == [
        f"{each.index:03}-{each.class_name}-{each.score:.2f}" for each in SHAPES
    ]
    for roi, mask in zip(found, masks, strict=True):
        rings = [np.asarray(ring) for ring in roi.coordinates(multi=True)]
        shape = shapely.Polygon()
        for ring in rings:
            shape = shape.symmetric_difference(shapely.Polygon(ring))
        assert math.isclose(shape.area, mask.sum()), roi.name
        assert iou(_rasterised(shape), mask) == 1


def test_geojson(exported: dict[str, Path], masks: Masks) -> None:
    import geopandas

    frame = geopandas.read_file(exported["geojson"])
    assert frame.geometry.is_valid.all()
    assert frame["name"].tolist() == NAMES
    assert frame["score"].tolist() == pytest.approx(SHAPES.scores.tolist(), abs=1e-6)
    assert frame.geometry.area.tolist() == SHAPES.areas.tolist()
    assert_same([_rasterised(shape) for shape in frame.geometry], masks)


def _rasterised(shape: Any) -> Masks:
    """The pixels whose middles are inside of a shapely geometry."""
    import shapely

    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    inside: Masks = shapely.contains_xy(shape, columns + 0.5, rows + 0.5)
    return inside


def _write_image(path: Path) -> None:
    import cv2

    assert cv2.imwrite(str(path), IMAGE[..., ::-1])
