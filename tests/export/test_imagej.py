"""ImageJ's ROIs, byte by byte; `make readers-test` reads them with roifile."""

from __future__ import annotations

import dataclasses
import io
import struct
import zipfile

import pytest

from seg_widgets import export
from seg_widgets.errors import ExportError
from seg_widgets.export.imagej import imagej_roi
from seg_widgets.prediction import Prediction

from ..shapes_to_export import PLANES, SHAPES
from .results import BOXES_ONLY

PLACES = {name: index for index, name in enumerate(PLANES)}


def test_a_mask_of_one_piece_is_traced() -> None:
    roi = imagej_roi(SHAPES[PLACES["pixel"]], (1, 2, 3))
    magic, version, kind, top, left, bottom, right, corners = struct.unpack_from(">4shBxhhhhH", roi)
    assert (magic, version, kind) == (b"Iout", 227, 8)
    assert (top, left, bottom, right, corners) == (33, 70, 34, 71, 4)
    points = struct.unpack_from(">8h", roi, 64)
    assert sorted(zip(points[:4], points[4:], strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert struct.unpack_from(">I", roi, 40) == (0xFF010203,)


def test_holes_and_pieces_are_a_path() -> None:
    roi = imagej_roi(SHAPES[PLACES["hole"]], (1, 2, 3))
    assert roi[6] == 1
    (floats,) = struct.unpack_from(">i", roi, 36)
    path = struct.unpack_from(f">{floats}f", roi, 64)
    assert path[0] == 0 and path[-1] == 4
    assert path.count(4.0) >= 2


def test_the_archive_has_a_file_for_each() -> None:
    with zipfile.ZipFile(io.BytesIO(export.imagej_zip(SHAPES, only=[2, 0]))) as archive:
        assert archive.namelist() == ["002-Tür-0.84.roi", "000-person-0.95.roi"]
        second = struct.unpack_from(">i", archive.read("002-Tür-0.84.roi"), 60)[0]
        content = archive.read("002-Tür-0.84.roi")
        offset, length = struct.unpack_from(">ii", content, second + 16)
        assert content[offset:].decode("utf-16-be") == "002-Tür-0.84" and length == 12
    with zipfile.ZipFile(io.BytesIO(export.imagej_zip(BOXES_ONLY))) as archive:
        assert all(archive.read(name)[6] == 1 for name in archive.namelist())
    empty = dataclasses.replace(SHAPES, image_size=(40_000, 80))
    with pytest.raises(ExportError, match="Export GeoJSON instead"):
        export.imagej_zip(empty)
    assert export.imagej_zip(Prediction.empty((4, 4)))
