"""export: what leaves the toolkit can be read by the tools it is for."""

from __future__ import annotations

import ast
import base64
import csv
import dataclasses
import errno
import importlib
import io
import json
import os
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.path import Path as Polygon
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from seg_widgets import export
from seg_widgets.drawing.rendering import Style, cutout, overlay
from seg_widgets.errors import DependencyError, ExportError, PredictionError, SettingError
from seg_widgets.export import formats
from seg_widgets.images import load
from seg_widgets.prediction.prediction import MaskCrop, Prediction
from seg_widgets.testing import StubPredictor, make_picture

PICTURE = make_picture(80, 60)
FOUND = StubPredictor(5)(PICTURE)
BOXES_ONLY = dataclasses.replace(FOUND, masks=None)
NOTHING = Prediction.empty((60, 80), FOUND.class_names)


# ── COCO ──────────────────────────────────────────────────────────────────────────────────────────


def test_coco_results() -> None:
    results = export.to_coco(FOUND, 7, file_name="a.jpg")
    assert len(results) == 5
    for result, instance in zip(results, FOUND, strict=True):
        x1, y1, x2, y2 = instance.box
        assert result["bbox"] == pytest.approx([x1, y1, x2 - x1, y2 - y1])
        assert result["category_id"] == instance.class_id + 1
        assert result["score"] == pytest.approx(instance.score, abs=1e-6)
        assert (result["image_id"], result["file_name"]) == (7, "a.jpg")
        assert instance.mask is not None and result["segmentation"] == instance.mask.rle((60, 80))
    assert "segmentation" not in export.to_coco(BOXES_ONLY)[0]
    assert "file_name" not in export.to_coco(FOUND)[0]
    assert export.to_coco(NOTHING) == []
    json.dumps(results)


def test_category_ids_of_ones_own() -> None:
    ids = [1, 18, 3, 52]
    assert [result["category_id"] for result in export.to_coco(FOUND, category_ids=ids)] == [
        1,
        18,
        3,
        52,
        1,
    ]
    for wrong in ([1, 2], [1, 1, 2, 3]):
        with pytest.raises(SettingError, match="one id of its own for each of the 4 classes"):
            export.to_coco(FOUND, category_ids=wrong)


def test_pycocotools_loads_the_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "set.json"
    path.write_text(
        json.dumps(export.coco_dataset([FOUND, NOTHING, FOUND], ["a.jpg", "b.jpg", "c.jpg"]))
    )
    coco = COCO(path)
    assert sorted(coco.imgs) == [1, 2, 3]
    assert [coco.imgs[number]["file_name"] for number in (1, 2, 3)] == ["a.jpg", "b.jpg", "c.jpg"]
    assert (coco.imgs[1]["width"], coco.imgs[1]["height"]) == (80, 60)
    assert sorted(coco.anns) == list(range(1, 11))
    assert [coco.cats[number]["name"] for number in sorted(coco.cats)] == list(FOUND.class_names)
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=[3]))
    for annotation, mask, area in zip(annotations, FOUND.masks_dense(), FOUND.areas, strict=True):
        np.testing.assert_array_equal(coco.annToMask(annotation).astype(bool), mask)
        assert annotation["area"] == area and annotation["iscrowd"] == 0
    results = coco.loadRes(export.to_coco(FOUND, 1))
    assert len(results.anns) == 5
    capsys.readouterr()


def test_data_sets_of_one_and_of_boxes() -> None:
    assert len(export.coco_dataset(FOUND, "a.jpg")["images"]) == 1
    assert export.coco_dataset(BOXES_ONLY, "a.jpg")["annotations"][0]["segmentation"] == []
    assert export.coco_dataset([], [])["images"] == []
    with pytest.raises(SettingError, match="1 predictions, but 2 file names"):
        export.coco_dataset([FOUND], ["a", "b"])
    with pytest.raises(SettingError, match="different class names"):
        export.coco_dataset([FOUND, Prediction.empty((5, 5), ["x"])], ["a", "b"])


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────


def test_csv(tmp_path: Path) -> None:
    text = export.to_csv(FOUND, tmp_path / "new" / "a.csv")
    assert (tmp_path / "new" / "a.csv").read_text("utf-8") == text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == export.CSV_COLUMNS
    for row, instance in zip(rows, FOUND, strict=True):
        assert (int(row["index"]), row["class"], int(row["class_id"])) == (
            *(instance.index, instance.class_name, instance.class_id),
        )
        assert float(row["score"]) == pytest.approx(instance.score, abs=1e-6)
        assert [float(row[side]) for side in ("x1", "y1", "x2", "y2")] == pytest.approx(
            list(instance.box), abs=1e-3
        )
        assert int(row["area_px"]) == instance.area
    assert export.to_csv(NOTHING) == ",".join(export.CSV_COLUMNS) + "\n"


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", '=HYPERLINK("http://x")', "＝1"]
)
def test_class_names_are_no_formulas(name: str) -> None:
    prediction = dataclasses.replace(FOUND, class_names=(name, "a,b", 'c"d', "e\nf"))
    rows = list(csv.reader(io.StringIO(export.to_csv(prediction), newline="")))
    assert rows[1][1] == "'" + name.replace("\r", " ")
    assert [row[1] for row in rows[2:5]] == ["a,b", 'c"d', "e\nf"]


# ── images ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_png_keeps_every_pixel(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with Image.open(io.BytesIO(export.png_bytes(array))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), array)


def test_what_is_no_png() -> None:
    for array in (np.zeros((0, 0), np.uint8), np.zeros((2, 2, 5), np.uint8)):
        with pytest.raises(ExportError, match="can't become a PNG"):
            export.png_bytes(array)


def test_overlay_png(tmp_path: Path) -> None:
    path = export.save_overlay_png(FOUND, PICTURE, tmp_path / "o.png", Style(boxes=True))
    np.testing.assert_array_equal(load(path), overlay(PICTURE, FOUND, Style(boxes=True)))


def test_masks_and_cutouts(tmp_path: Path) -> None:
    masks = export.save_masks(FOUND, tmp_path, "a")
    assert [path.name for path in masks[:2]] == ["a-mask-000-person.png", "a-mask-001-animal.png"]
    for path, plane in zip(masks, FOUND.masks_dense(), strict=True):
        with Image.open(path) as picture:
            assert picture.mode == "L"
            np.testing.assert_array_equal(np.asarray(picture), plane * 255)
    for index, path in enumerate(export.save_cutouts(FOUND, PICTURE, tmp_path, "a")):
        with Image.open(path) as picture:
            np.testing.assert_array_equal(np.asarray(picture), cutout(PICTURE, FOUND, index))
    with pytest.raises(PredictionError, match="boxes only"):
        export.save_masks(BOXES_ONLY, tmp_path)
    assert export.save_masks(NOTHING, tmp_path) == []


def test_a_zip_of_cutouts_is_what_is_saved_one_by_one(tmp_path: Path) -> None:
    saved = {
        path.name: path.read_bytes() for path in export.save_cutouts(FOUND, PICTURE, tmp_path, "a")
    }
    with zipfile.ZipFile(io.BytesIO(export.cutouts_zip(FOUND, PICTURE, "a"))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == saved
    some = export.cutouts_zip(FOUND, PICTURE, "a", only=[3, 1])
    with zipfile.ZipFile(io.BytesIO(some)) as archive:
        assert archive.namelist() == [sorted(saved)[3], sorted(saved)[1]]
        assert all(archive.read(name) == saved[name] for name in archive.namelist())
    assert export.cutouts_zip(FOUND, PICTURE, "a", only=[3, 1]) == some, (
        "the same content, byte for byte"
    )
    with zipfile.ZipFile(io.BytesIO(export.cutouts_zip(NOTHING, PICTURE))) as archive:
        assert archive.namelist() == []
    evil = dataclasses.replace(FOUND, class_names=("../../evil", "a/b\\c:d", "..", "x" * 300))
    with zipfile.ZipFile(io.BytesIO(export.cutouts_zip(evil, PICTURE, "../up"))) as archive:
        assert not any("/" in name or "\\" in name or ":" in name for name in archive.namelist())


def test_csv_of_some_keeps_their_places() -> None:
    every = export.to_csv(FOUND).splitlines()
    assert export.to_csv(FOUND, only=[3, 1]).splitlines() == [every[0], every[4], every[2]]
    assert export.to_csv(FOUND, only=FOUND.keep(0, ["person"])).splitlines()[1:] == [
        line
        for line, instance in zip(every[1:], FOUND, strict=True)
        if instance.class_name != "person"
    ]
    assert export.to_csv(FOUND, only=[]).splitlines() == every[:1]


def test_class_names_are_no_paths(tmp_path: Path) -> None:
    prediction = dataclasses.replace(FOUND, class_names=("../../evil", "a/b\\c:d", "..", "x" * 300))
    for path in export.save_masks(prediction, tmp_path / "in", "../up"):
        assert path.parent == tmp_path / "in" and path.is_file()
        assert len(path.name) < 150
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


# ── Python ────────────────────────────────────────────────────────────────────────────────────────


texts = st.text(max_size=12)


@given(
    st.sets(st.sampled_from(FOUND.class_names)),
    st.dictionaries(st.sampled_from(FOUND.class_names), st.floats(0, 1)),
    st.sets(st.integers(0, 9)),
    st.floats(0, 1),
    st.builds(
        Style,
        color_by=st.sampled_from(["class", "instance", "score"]),
        masks=st.booleans(),
        opacity=st.floats(0, 1),
        boxes=st.booleans(),
        labels=st.booleans(),
        line_width=st.none() | st.floats(1, 9),
        palette=st.none() | st.just(((1, 2, 3), (4, 5, 6))),
    ),
)
@settings(deadline=None, max_examples=30)
def test_the_python_lines_make_the_same_image(
    hidden: set[str], own: dict[str, float], one_by_one: set[int], threshold: float, style: Style
) -> None:
    lines = export.to_python(
        "a.png",
        model="starter",
        threshold=threshold,
        hidden_classes=sorted(hidden),
        class_thresholds=own,
        hidden_instances=sorted(one_by_one),
        style=style,
    )
    # What the lines take from the package is here the stub's; their last line is an image to look
    # at.
    names = {"load": lambda source: PICTURE, "load_predictor": lambda model: StubPredictor(5)}
    *body, last = ast.parse(lines).body
    assert isinstance(last, ast.Expr)
    scope: dict[str, Any] = {}
    kept = [line for line in body if not isinstance(line, ast.ImportFrom)]
    for line in body:
        if isinstance(line, ast.ImportFrom):
            assert line.module in ("PIL", "seg_widgets")
            module = importlib.import_module(line.module if line.module != "PIL" else "PIL.Image")
            for name in line.names:
                scope[name.name] = (
                    module
                    if name.name == "Image"
                    else names.get(name.name) or getattr(module, name.name)
                )
    exec(compile(ast.Module(kept, []), "lines", "exec"), scope)
    made = eval(compile(ast.Expression(last.value), "last", "eval"), scope)
    keep = FOUND.keep(threshold, hidden, own, one_by_one)
    np.testing.assert_array_equal(np.asarray(made), overlay(PICTURE, FOUND, style, only=keep))
    np.testing.assert_array_equal(scope["shown"].scores, FOUND.scores[keep])


@given(texts, texts)
@settings(deadline=None)
def test_names_in_python_lines_stay_texts(source: str, name: str) -> None:
    lines = export.to_python(
        source, hidden_classes=[name], class_thresholds={name: 0.5}, uploaded=True
    )
    found = [node.value for node in ast.walk(ast.parse(lines)) if isinstance(node, ast.Constant)]
    assert source in found
    assert found.count(name) >= 2
    assert "put its path here" in lines
    assert "load_predictor" not in lines
    assert "your own predictor" in lines


# ── annotation tools ──────────────────────────────────────────────────────────────────────────────


def fill(polygons: list[list[list[float]]], height: int, width: int) -> npt.NDArray[np.bool_]:
    """The pixels whose centres lie in one of the polygons."""
    y, x = np.mgrid[:height, :width] + 0.5
    centres = np.column_stack((x.ravel(), y.ravel()))
    inside = np.zeros(height * width, bool)
    for points in polygons:
        inside |= Polygon(np.vstack((points, points[:1])), closed=True).contains_points(centres)
    return inside.reshape(height, width)


@given(
    hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.booleans())
)
@settings(max_examples=80, deadline=None)
def test_polygons_hold_exactly_the_mask_but_its_holes(plane: npt.NDArray[np.bool_]) -> None:
    filled = fill(formats._polygons(MaskCrop.from_array(plane)), *plane.shape)
    assert filled[plane].all()
    # What else they hold is enclosed by the mask: no path of free pixels leads out of it.
    free = np.pad(~plane, 1, constant_values=True)
    outside = np.zeros_like(free)
    outside[0] = True
    for _ in range(free.size):
        grown = outside.copy()
        grown[1:] |= outside[:-1]
        grown[:-1] |= outside[1:]
        grown[:, 1:] |= outside[:, :-1]
        grown[:, :-1] |= outside[:, 1:]
        grown &= free
        if (grown == outside).all():
            break
        outside = grown
    assert not (filled & outside[1:-1, 1:-1]).any()


def test_labelme() -> None:
    content = export.to_labelme(FOUND, "a.png", PICTURE)
    json.dumps(content)
    assert (content["imagePath"], content["imageHeight"], content["imageWidth"]) == (
        "a.png",
        60,
        80,
    )
    np.testing.assert_array_equal(load(base64.b64decode(content["imageData"])), PICTURE)
    for index, mask in enumerate(FOUND.masks_dense()):
        shapes = [shape for shape in content["shapes"] if shape["group_id"] == index]
        assert {shape["label"] for shape in shapes} == {FOUND[index].class_name}
        np.testing.assert_array_equal(fill([shape["points"] for shape in shapes], 60, 80), mask)
    boxes = export.to_labelme(BOXES_ONLY, "a.png")
    assert boxes["imageData"] is None
    assert {shape["shape_type"] for shape in boxes["shapes"]} == {"rectangle"}
    assert np.ravel(boxes["shapes"][0]["points"]).tolist() == pytest.approx(list(FOUND[0].box))
    empty = Prediction.from_dense(np.zeros((1, 4, 4), bool), [1], [0], ["a"])
    assert export.to_labelme(empty, "a.png")["shapes"] == []


def test_label_studio() -> None:
    task = export.to_label_studio(FOUND, "/data/a.png")
    json.dumps(task)
    assert task["data"] == {"image": "/data/a.png"}
    regions = task["predictions"][0]["result"]
    assert len({region["id"] for region in regions}) == len(regions)
    for index, mask in enumerate(FOUND.masks_dense()):
        own = [region for region in regions if region["id"].startswith(f"i{index}-")]
        polygons = [[[x * 0.8, y * 0.6] for x, y in region["value"]["points"]] for region in own]
        np.testing.assert_array_equal(fill(polygons, 60, 80), mask)
        assert own[0]["value"]["polygonlabels"] == [FOUND[index].class_name]
    box = export.to_label_studio(BOXES_ONLY, "a")["predictions"][0]["result"][0]
    x1, y1, _, y2 = FOUND[0].box
    assert box["value"]["x"] == pytest.approx(x1 / 0.8) and box["value"]["height"] == pytest.approx(
        (y2 - y1) / 0.6
    )
    assert export.to_label_studio(NOTHING, "a")["predictions"][0]["result"] == []


def test_supervision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(DependencyError, match="pip install supervision"):
        export.to_supervision(FOUND)

    def detections(**parts: Any) -> dict[str, Any]:
        return parts

    monkeypatch.setitem(sys.modules, "supervision", types.SimpleNamespace(Detections=detections))
    parts = export.to_supervision(FOUND)
    np.testing.assert_array_equal(parts["xyxy"], FOUND.boxes)
    np.testing.assert_array_equal(parts["mask"], FOUND.masks_dense())
    assert parts["data"]["class_name"].tolist() == [instance.class_name for instance in FOUND]
    assert export.to_supervision(BOXES_ONLY)["mask"] is None
    assert export.to_supervision(NOTHING)["xyxy"].shape == (0, 4)


def test_supervision_itself() -> None:
    supervision = pytest.importorskip("supervision", exc_type=ImportError)
    found = export.to_supervision(FOUND)
    assert isinstance(found, supervision.Detections) and len(found) == 5
    assert len(export.to_supervision(NOTHING)) == 0


# ── all at once ───────────────────────────────────────────────────────────────────────────────────


def test_save(tmp_path: Path) -> None:
    written = export.save(FOUND, PICTURE, tmp_path / "out", "a b", file_name="a b.jpg")
    names = [(name, path.name) for name, path in written.items() if isinstance(path, Path)]
    assert names == [("png", "a b-overlay.png"), ("coco", "a b-coco.json"), ("csv", "a b.csv")]
    content = json.loads((tmp_path / "out" / "a b-coco.json").read_text("utf-8"))
    assert content["images"][0]["file_name"] == "a b.jpg"
    assert coco_mask.area(content["annotations"][0]["segmentation"]) == FOUND.areas[0]


@pytest.mark.parametrize("prediction", [FOUND, NOTHING], ids=["found", "nothing"])
def test_save_every_format(prediction: Prediction, tmp_path: Path) -> None:
    written = export.save(prediction, PICTURE, tmp_path, "x", export.FORMATS)
    assert tuple(written) == export.FORMATS
    paths = [
        path
        for value in written.values()
        for path in (value if isinstance(value, list) else [value])
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    for path in paths:
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))


def test_formats_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no format 'gif'; there are png, coco"):
        export.save(FOUND, PICTURE, tmp_path, "x", ("png", "gif"))
    assert list(tmp_path.iterdir()) == []
    assert list(export.save(FOUND, PICTURE, tmp_path, "x", "csv")) == ["csv"]


# ── writing ───────────────────────────────────────────────────────────────────────────────────────


def test_writing_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    assert export.write_bytes(path, b"new") == path
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
    os.umask(mask := os.umask(0))
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EACCES, "you may not write there. Choose another folder"),
        (errno.EROFS, "you may not write there"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_failure_keeps_the_old_file(
    number: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*_: object) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ExportError, match=rf"a\.txt could not be written: {words}"):
        export.write_bytes(path, b"new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_for_real() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(ExportError):
        export.write_bytes("/dev/full/a", b"x")


def test_places_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ExportError, match="is a file, not a folder"):
        export.write_bytes(tmp_path / "file" / "a.txt", b"x")
    with pytest.raises(ExportError, match="there is a folder of that name"):
        export.write_bytes(tmp_path / "folder", b"x")
    with pytest.raises(ExportError, match="too long"):
        export.write_bytes(tmp_path / ("x" * 300), b"x")
    with pytest.raises(ExportError, match="can't be the name of a file"):
        export.write_bytes(tmp_path / "a\0b", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
