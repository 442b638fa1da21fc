"""A mask as polygons: exact, valid, with its holes where they belong."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from seg_widgets.prediction import MaskCrop, Polygon, polygons

from ..shapes_to_export import PLANES


def _filled(pieces: list[Polygon], height: int, width: int) -> npt.NDArray[np.bool_]:
    """The pixels inside: to the right of an odd number of the rings' edges."""
    plane = np.zeros((height, width), bool)
    for piece in pieces:
        for ring in (piece.shell, *piece.holes):
            for (x, y), (other_x, other_y) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                assert (x == other_x) != (y == other_y), "an edge runs along pixels"
                if x == other_x:
                    plane[min(y, other_y) : max(y, other_y), x:] ^= True
    return plane


def _check(mask: npt.NDArray[np.bool_]) -> list[Polygon]:
    pieces = polygons(MaskCrop.from_array(mask))
    np.testing.assert_array_equal(_filled(pieces, *mask.shape), mask)
    for piece in pieces:
        for ring in (piece.shell, *piece.holes):
            assert len(np.unique(ring, axis=0)) == len(ring), "a ring passes each corner once"
    return pieces


@pytest.mark.parametrize("name", PLANES)
def test_each_shape(name: str) -> None:
    _check(PLANES[name])


def test_pieces_and_holes_are_counted() -> None:
    counts = {
        name: [len(piece.holes) for piece in polygons(MaskCrop.from_array(plane))]
        for name, plane in PLANES.items()
    }
    assert counts["hole"] == [1]
    assert counts["two holes"] == [2]
    assert counts["island in a hole"] == [1, 0]
    assert counts["pieces"] == [0, 0, 0]
    assert counts["diagonal"] == [0, 0]
    assert counts["ring touching itself"] == [1]
    assert polygons(MaskCrop(0, 0, 0, 0, b"")) == []


def test_every_mask_of_four_by_three() -> None:
    for bits in itertools.product((False, True), repeat=12):
        _check(np.array(bits).reshape(3, 4))


def test_noise() -> None:
    random = np.random.default_rng(0)
    for share in (0.2, 0.5, 0.8):
        _check(random.random((24, 31)) < share)
