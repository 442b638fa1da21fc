"""MaskCrop: bits, RLE and outlines against dense arrays and pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from seg_widgets.errors import PredictionError
from seg_widgets.prediction import (
    MaskCrop,
    outlines,
    paste,
    unpacked,
)

from ..polygons import fill
from .stacks import BoolArray, blobs


@given(blobs, st.integers(0, 5), st.integers(0, 5))
@settings(deadline=None)
def test_a_crop_holds_the_whole_mask(plane: BoolArray, x: int, y: int) -> None:
    crop = MaskCrop.from_array(plane, x, y)
    back = np.zeros((plane.shape[0] + y, plane.shape[1] + x), bool)
    back[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width] = crop.to_array()
    np.testing.assert_array_equal(back[y:, x:], plane)
    assert not back[:y].any() and not back[:, :x].any()
    assert crop.area == plane.sum()
    if plane.any():
        inside = crop.to_array()
        assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()
    else:
        assert (crop.width, crop.height, crop.bits) == (0, 0, b"")


@given(blobs)
@settings(deadline=None)
def test_rle_is_pycocotools_own(plane: BoolArray) -> None:
    ours = MaskCrop.from_array(plane).rle((plane.shape[0], plane.shape[1]))
    theirs = coco_mask.encode(np.asfortranarray(plane.astype(np.uint8)))
    assert ours == {"size": list(theirs["size"]), "counts": theirs["counts"].decode()}
    np.testing.assert_array_equal(coco_mask.decode(ours).astype(bool), plane)
    assert coco_mask.area(ours) == plane.sum()


@pytest.mark.parametrize(
    "plane",
    [
        np.ones((4, 5), bool),
        np.zeros((4, 5), bool),
        np.eye(5, dtype=bool),
        np.tile([True, False], (4, 3)),
        np.tile([[True], [False]], (3, 4)),
        np.pad(np.ones((2, 2), bool), 2),
        np.pad(np.ones((4, 2), bool), ((0, 0), (1, 1))),
        np.ones((1, 1), bool),
    ],
    ids=["full", "empty", "diagonal", "columns", "rows", "middle", "full columns", "one pixel"],
)
def test_rle_at_the_edges(plane: BoolArray) -> None:
    theirs = coco_mask.encode(np.asfortranarray(plane.astype(np.uint8)))
    assert (
        MaskCrop.from_array(plane).rle((plane.shape[0], plane.shape[1]))["counts"]
        == theirs["counts"].decode()
    )


def test_any_non_zero_is_inside() -> None:
    values = np.array([[0.0, 0.2], [-3.0, 0.0]])
    np.testing.assert_array_equal(MaskCrop.from_array(values).to_array(), values != 0)


def test_crops_that_are_none() -> None:
    with pytest.raises(PredictionError, match=r"needs 2 bytes of bits, but has 1"):
        MaskCrop(0, 0, 3, 3, b"\xff")
    with pytest.raises(PredictionError, match="negative part"):
        MaskCrop(-1, 0, 1, 1, b"\x80")
    with pytest.raises(PredictionError, match=r"shape \(2, 2, 2\)"):
        MaskCrop.from_array(np.ones((2, 2, 2)))


def test_bits_behind_the_last_pixel_do_not_count() -> None:
    crop = MaskCrop(0, 0, 3, 1, b"\xff")
    assert crop.area == 3
    assert crop.to_array().tolist() == [[True, True, True]]
    assert coco_mask.area(crop.rle((1, 3))) == 3


@pytest.mark.parametrize("size", [(5, 0), (0, 5), (3, 4), (0, 0)])
def test_there_is_one_empty_mask(size: tuple[int, int]) -> None:
    width, height = size
    crop = MaskCrop(2, 1, width, height, bytes((width * height + 7) // 8))
    assert crop == MaskCrop(0, 0, 0, 0, b"")
    assert crop.area == 0


def test_a_crop_prints_without_its_bits() -> None:
    assert (
        repr(MaskCrop.from_array(np.ones((2, 2)), 3, 4)) == "MaskCrop(x=3, y=4, width=2, height=2)"
    )


@given(
    hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.booleans())
)
@settings(max_examples=80, deadline=None)
def test_polygons_hold_exactly_the_mask_but_its_holes(plane: BoolArray) -> None:
    filled = fill(outlines(MaskCrop.from_array(plane)), *plane.shape)
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


@given(
    hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.booleans()),
    st.integers(0, 5),
    st.integers(0, 5),
)
@settings(max_examples=80, deadline=None)
def test_outlines_with_cut_corners_part_the_middles_of_pixels(
    plane: BoolArray, x: int, y: int
) -> None:
    rings = outlines(MaskCrop.from_array(plane, x, y), holes=True, cut_corners=True)
    # Each ring crosses from one side to the other: an odd number of them is inside.
    wide = np.pad(plane, ((y, 0), (x, 0)))
    crossed = np.zeros(wide.shape, int)
    for ring in rings:
        crossed += fill([ring.tolist()], *wide.shape)
    np.testing.assert_array_equal(crossed % 2 == 1, wide)
    for ring in rings:
        doubled = np.rint(ring * 2).astype(int)
        assert (doubled.sum(axis=1) % 2 == 1).all(), "each point is the middle of a pixel's edge"


def test_an_empty_mask_has_no_outline() -> None:
    assert outlines(MaskCrop.from_array(np.zeros((4, 4)))) == []


def test_a_mask_is_pasted_into_an_array_of_its_type() -> None:
    plane = np.zeros((4, 5), np.uint8)
    paste(MaskCrop.from_array(np.ones((2, 2)), 1, 1), plane, 255)
    assert plane.sum() == 4 * 255
    flags = np.zeros((4, 5), bool)
    paste(MaskCrop.from_array(np.ones((2, 2)), 1, 1), flags)
    np.testing.assert_array_equal(flags, plane == 255)


def test_bits_written_one_behind_the_other_are_read_again() -> None:
    first = MaskCrop.from_array(np.eye(5, dtype=bool))
    second = MaskCrop.from_array(np.ones((3, 4), bool))
    crops = [(crop.x, crop.y, crop.width, crop.height) for crop in (first, second)]
    bits = first.bits + second.bits
    assert unpacked(crops, bits) == (first, second)
    assert unpacked([], b"") == ()
    with pytest.raises(ValueError, match="1 bytes belong to no mask"):
        unpacked(crops, bits + b"\0")
