"""PNG files: the image, cut-outs, masks."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from seg_widgets import export
from seg_widgets.drawing import cutout, overlay
from seg_widgets.errors import ExportError, PredictionError
from seg_widgets.images import load
from seg_widgets.prediction import MaskCrop, Prediction
from seg_widgets.style import Style

from .results import BOXES_ONLY, FOUND, IMAGE, NOTHING


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_png_keeps_every_pixel(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with Image.open(io.BytesIO(export.png_bytes(array))) as read:
        np.testing.assert_array_equal(np.asarray(read), array)


def test_what_is_no_png() -> None:
    for array in (np.zeros((0, 0), np.uint8), np.zeros((2, 2, 5), np.uint8)):
        with pytest.raises(ExportError, match="can't become a PNG"):
            export.png_bytes(array)


def test_overlay_png(tmp_path: Path) -> None:
    path = export.save_overlay_png(FOUND, IMAGE, tmp_path / "o.png", Style(boxes=True))
    np.testing.assert_array_equal(load(path), overlay(IMAGE, FOUND, Style(boxes=True)))


def test_masks_and_cutouts(tmp_path: Path) -> None:
    masks = export.save_masks(FOUND, tmp_path, "a")
    assert [path.name for path in masks[:2]] == ["a-mask-000-person.png", "a-mask-001-animal.png"]
    for path, plane in zip(masks, FOUND.masks_dense(), strict=True):
        with Image.open(path) as read:
            assert read.mode == "L"
            np.testing.assert_array_equal(np.asarray(read), plane * 255)
    for index, path in enumerate(export.save_cutouts(FOUND, IMAGE, tmp_path, "a")):
        with Image.open(path) as read:
            np.testing.assert_array_equal(np.asarray(read), cutout(IMAGE, FOUND, index))
    with pytest.raises(PredictionError, match="boxes only"):
        export.save_masks(BOXES_ONLY, tmp_path)
    assert export.save_masks(NOTHING, tmp_path) == []


def test_a_zip_of_cutouts_is_what_is_saved_one_by_one(tmp_path: Path) -> None:
    saved = {
        path.name: path.read_bytes() for path in export.save_cutouts(FOUND, IMAGE, tmp_path, "a")
    }
    with zipfile.ZipFile(io.BytesIO(export.cutouts_zip(FOUND, IMAGE, "a"))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == saved
    some = export.cutouts_zip(FOUND, IMAGE, "a", only=[3, 1])
    with zipfile.ZipFile(io.BytesIO(some)) as archive:
        assert archive.namelist() == [sorted(saved)[3], sorted(saved)[1]]
        assert all(archive.read(name) == saved[name] for name in archive.namelist())
    assert export.cutouts_zip(FOUND, IMAGE, "a", only=[3, 1]) == some, (
        "the same content, byte for byte"
    )
    with zipfile.ZipFile(io.BytesIO(export.cutouts_zip(NOTHING, IMAGE))) as archive:
        assert archive.namelist() == []
    evil = dataclasses.replace(FOUND, class_names=("../../evil", "a/b\\c:d", "..", "x" * 300))
    with zipfile.ZipFile(io.BytesIO(export.cutouts_zip(evil, IMAGE, "../up"))) as archive:
        assert not any("/" in name or "\\" in name or ":" in name for name in archive.namelist())


def test_class_names_are_no_paths(tmp_path: Path) -> None:
    prediction = dataclasses.replace(FOUND, class_names=("../../evil", "a/b\\c:d", "..", "x" * 300))
    for path in export.save_masks(prediction, tmp_path / "in", "../up"):
        assert path.parent == tmp_path / "in" and path.is_file()
        assert len(path.name) < 150
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_long_class_name_is_cut_in_the_files_name() -> None:
    named = dataclasses.replace(FOUND, class_names=("x" * 300, "b", "c", "d"))
    with zipfile.ZipFile(io.BytesIO(export.cutouts_zip(named, IMAGE, only=[0]))) as archive:
        assert archive.namelist() == [f"image-cutout-000-{'x' * 40}.png"]
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED


def test_large_images_keep_every_pixel() -> None:
    random = np.random.default_rng(0)
    for shape, kind in (((1300, 1100, 3), np.uint8), ((1500, 1100), np.uint16)):
        array = random.integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)
        content = export.png_bytes(array)
        assert content == export.png_bytes(array)
        with Image.open(io.BytesIO(content)) as read:
            np.testing.assert_array_equal(np.asarray(read).astype(kind), array)
        swapped = array if kind is np.uint8 else _read(content)
        np.testing.assert_array_equal(swapped, array)


@pytest.mark.parametrize("place", [(0, 0), (17, 31), (3990, 2994)])
def test_a_mask_of_a_large_image(place: tuple[int, int]) -> None:
    x, y = place
    inside = np.ones((6, 10), bool)
    inside[2, 3] = False
    size = (3000, 4000)
    masked = Prediction(
        size,
        np.zeros((2, 4), np.float32),
        np.ones(2, np.float32),
        np.zeros(2, np.int64),
        ("cell",),
        (MaskCrop.from_array(inside, x, y), MaskCrop.from_array(np.zeros((1, 1), bool))),
    )
    (_, content), (_, empty) = export.FORMATS["masks"].make_files(  # type: ignore[misc]
        export.Result(np.zeros((*size, 3), np.uint8), masked)
    )
    assert len(content) < 30_000
    plane = np.zeros(size, np.uint8)
    assert np.array_equal(_read(empty), plane)
    plane[y : y + 6, x : x + 10] = inside * 255
    assert np.array_equal(_read(content), plane)
    with Image.open(io.BytesIO(content)) as read:
        assert read.mode == "L" and np.array_equal(np.asarray(read), plane)


def _read(content: bytes) -> npt.NDArray[Any]:
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED))
