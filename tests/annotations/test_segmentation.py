"""COCO's polygons and RLE: one form, faults and masks."""

from __future__ import annotations

import resource
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from seg_widgets.annotations.segmentation import (
    REACHES_OVER,
    decode,
    find_fault,
    normalize,
    run_total,
)

RING = [2.0, 1.0, 8.0, 1.0, 8.0, 6.0, 2.0, 6.0]
OTHER = [10.0, 2.0, 14.0, 2.0, 14.0, 9.0]
HEIGHT, WIDTH = 12, 20


@pytest.mark.parametrize(
    ("ring", "pixels"),
    [
        ([-3, 11, 10, 11, 10, 20, -3, 20], 90),
        ([-3, 10, 10, 10, 10, 20, -3, 20], 100),
        ([-8, -8, 4, -8, 4, 4, -8, 4], 16),
        ([90, 90, 130, 90, 130, 130, 90, 130], 100),
        ([-1e9, -1e9, 1e9, -1e9, 1e9, 1e9, -1e9, 1e9], 10_000),
    ],
)
def test_what_lies_over_the_edge_is_cut_and_the_rest_as_it_was(
    ring: list[float], pixels: int
) -> None:
    assert find_fault([ring], 100, 100) == REACHES_OVER
    mask = decode([ring], 100, 100)
    assert mask.sum() == pixels
    if max(map(abs, ring)) < 1e6:
        theirs = coco_mask.merge(coco_mask.frPyObjects([ring], 100, 100))
        assert np.array_equal(mask, coco_mask.decode(theirs))


def test_an_outline_that_runs_to_and_fro_far_outside_takes_no_memory() -> None:
    ring = [value for step in range(4000) for value in (16_000 * (-1) ** step, step % 100)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert decode([ring], 100, 100).shape == (100, 100)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60))
def test_the_runs_of_a_compressed_rle_add_up_to_its_image(
    seed: int, height: int, width: int
) -> None:
    mask = (np.random.default_rng(seed).random((height, width)) < 0.4).astype(np.uint8)
    counts = coco_mask.encode(np.asfortranarray(mask))["counts"].decode()
    assert run_total(counts) == height * width


@pytest.mark.parametrize(
    ("given_form", "expected", "dropped"),
    [
        ([RING], [RING], 0),
        (RING, [RING], 0),
        ([str(number) for number in RING], [RING], 0),
        ([[2, 1], [8, 1], [8, 6], [2, 6]], [RING], 0),
        ([[[2, 1], [8, 1], [8, 6], [2, 6]], OTHER], [RING, OTHER], 0),
        ((tuple(RING),), [RING], 0),
        ([RING, [1, 2, 3, 4], []], [RING], 2),
        (str([RING, OTHER]), [RING, OTHER], 0),
        ([[1, 2, 3, 4]], [[1, 2, 3, 4]], 0),  # nothing would be left
    ],
)
def test_polygons_come_to_one_form(given_form: Any, expected: Any, dropped: int) -> None:
    assert normalize(given_form, HEIGHT, WIDTH) == (expected, dropped)


@pytest.mark.parametrize("value", [None, "everything", 5, [None], [["x", 1]], {"size": None}, [[]]])
def test_what_has_no_meaning_stays_a_fault(value: Any) -> None:
    segmentation, _ = normalize(value, HEIGHT, WIDTH)
    assert find_fault(segmentation, HEIGHT, WIDTH)


def _forms(mask: np.ndarray[Any, Any]) -> list[Any]:
    compressed = coco_mask.encode(np.asfortranarray(mask))["counts"]
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [1 - flat[-1]]])))
    runs = np.diff(np.concatenate([[0], edges])).tolist()
    size = list(mask.shape)
    return [
        {"size": size, "counts": compressed},
        {"size": size, "counts": compressed.decode()},
        {"size": [str(side) for side in size], "counts": str(compressed)},
        {"size": [float(side) for side in size], "counts": [float(run) for run in runs]},
        {"size": size, "counts": [str(run) for run in runs]},
        {"size": size, "counts": " ".join(map(str, runs))},
        {"size": size, "counts": str(runs)},
        {"size": None, "counts": runs},
        {"counts": runs},
        [{"size": size, "counts": runs}],
    ]


@pytest.mark.parametrize("number", range(10))
def test_an_rle_of_any_form_is_the_same_mask(number: int) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[3:9, 4:11] = 1
    segmentation, _ = normalize(_forms(mask)[number], HEIGHT, WIDTH)
    assert find_fault(segmentation, HEIGHT, WIDTH) == ""
    assert (decode(segmentation, HEIGHT, WIDTH) == mask).all()
