"""Boxes, masks, key points, instances and image lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from detectron2.structures import (
    BitMasks,
    Boxes,
    BoxMode,
    ImageList,
    Instances,
    Keypoints,
    PolygonMasks,
    ROIMasks,
    RotatedBoxes,
    pairwise_ioa,
    pairwise_iou,
    pairwise_iou_rotated,
    pairwise_point_box_distance,
    polygons_to_bitmask,
)
from detectron2.structures.boxes import matched_pairwise_iou
from detectron2.structures.keypoints import heatmaps_to_keypoints
from detectron2.structures.masks import polygon_area

SQUARE = np.array([2.0, 2, 8, 2, 8, 8, 2, 8])


def boxes(*rows: tuple[float, float, float, float]) -> Boxes:
    return Boxes(torch.tensor(rows).float())


# ── Boxes ─────────────────────────────────────────────────────────────────────────────────────────


def test_areas_centres_and_lengths() -> None:
    some = boxes((0, 0, 4, 3), (1, 1, 1, 5))
    assert some.area().tolist() == [12, 0]
    assert some.nonempty().tolist() == [True, False]
    assert some.get_centers().tolist() == [[2, 1.5], [1, 3]]
    assert len(Boxes(torch.zeros(0, 4))) == 0
    assert Boxes([]).tensor.shape == (0, 4)


def test_boxes_are_clipped_in_place_and_not_finite_ones_are_refused() -> None:
    some = boxes((-1, -2, 30, 5))
    some.clip((4, 10))
    assert some.tensor.tolist() == [[0, 0, 10, 4]]
    with pytest.raises(AssertionError, match="infinite or NaN"):
        boxes((0, 0, float("nan"), 1)).clip((4, 4))


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (1, [[1, 1, 2, 2]]),
        (slice(0, 1), [[0, 0, 1, 1]]),
        (torch.tensor([False, True]), [[1, 1, 2, 2]]),
        (torch.tensor([1, 0]), [[1, 1, 2, 2], [0, 0, 1, 1]]),
    ],
    ids=["number", "slice", "mask", "order"],
)
def test_boxes_are_indexed(index: Any, expected: list[list[float]]) -> None:
    assert boxes((0, 0, 1, 1), (1, 1, 2, 2))[index].tensor.tolist() == expected


def test_boxes_are_joined_scaled_and_compared_with_the_image() -> None:
    joined = Boxes.cat([boxes((0, 0, 1, 1)), boxes((1, 1, 12, 4))])
    assert joined.inside_box((5, 10)).tolist() == [True, False]
    assert joined.inside_box((5, 10), boundary_threshold=3).tolist() == [True, True]
    joined.scale(2, 3)
    assert joined.tensor.tolist() == [[0, 0, 2, 3], [2, 3, 24, 12]]
    assert [row.tolist() for row in joined] == joined.tensor.tolist()


def test_overlaps_of_boxes() -> None:
    first, second = boxes((0, 0, 2, 2), (5, 5, 6, 6)), boxes((1, 1, 3, 3), (0, 0, 1, 1))
    torch.testing.assert_close(pairwise_iou(first, second), torch.tensor([[1 / 7, 1 / 4], [0, 0]]))
    assert pairwise_ioa(first, second).tolist() == [[0.25, 1], [0, 0]]
    assert matched_pairwise_iou(first, second).tolist() == pytest.approx([1 / 7, 0])


def test_distances_of_a_point_to_the_sides() -> None:
    found = pairwise_point_box_distance(torch.tensor([[2.0, 1]]), boxes((0, 0, 5, 4)))
    assert found.tolist() == [[[2, 1, 3, 3]]]


@pytest.mark.parametrize("kind", [list, tuple])
def test_the_modes_of_one_box_are_converted_and_keep_its_type(kind: Any) -> None:
    given = kind([10.0, 20.0, 30.0, 60.0])
    there = BoxMode.convert(given, BoxMode.XYXY_ABS, BoxMode.XYWH_ABS)
    assert type(there) is kind
    assert list(there) == [10, 20, 20, 40]
    assert BoxMode.convert(there, BoxMode.XYWH_ABS, BoxMode.XYXY_ABS) == given


@pytest.mark.parametrize("kind", [np.array, torch.tensor])
def test_the_modes_of_many_boxes_are_converted_and_keep_their_type(kind: Any) -> None:
    given = kind([[10.0, 20.0, 30.0, 60.0]])
    there = BoxMode.convert(given, BoxMode.XYXY_ABS, BoxMode.XYWH_ABS)
    assert type(there) is type(given)
    assert there.tolist() == [[10, 20, 20, 40]]
    assert BoxMode.convert(there, BoxMode.XYWH_ABS, BoxMode.XYXY_ABS).tolist() == given.tolist()
    assert given.tolist() == [[10, 20, 30, 60]]


def test_a_rotated_box_becomes_the_upright_one_around_it() -> None:
    turned = torch.tensor([[50.0, 50, 30, 20, 90], [50, 50, 30, 20, 0]])
    upright = BoxMode.convert(turned, BoxMode.XYWHA_ABS, BoxMode.XYXY_ABS)
    torch.testing.assert_close(
        upright, torch.tensor([[40.0, 35, 60, 65], [35, 40, 65, 60]]), atol=1e-4, rtol=0
    )
    back = BoxMode.convert(upright[1:], BoxMode.XYXY_ABS, BoxMode.XYWH_ABS)
    assert BoxMode.convert(back, BoxMode.XYWH_ABS, BoxMode.XYWHA_ABS).tolist() == [
        [50, 50, 30, 20, 0]
    ]


def test_a_mode_that_cannot_be_converted_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="not supported yet"):
        BoxMode.convert([0, 0, 1, 1, 5], BoxMode.XYWHA_ABS, BoxMode.XYWH_ABS)


# ── Rotated boxes ─────────────────────────────────────────────────────────────────────────────────


def test_rotated_boxes_know_their_areas_and_normal_angles() -> None:
    some = RotatedBoxes(torch.tensor([[5.0, 5, 4, 2, 190], [5, 5, 0, 2, -185]]))
    some.normalize_angles()
    assert some.tensor[:, 4].tolist() == [-170, 175]
    assert some.area().tolist() == [8, 0]
    assert some.nonempty().tolist() == [True, False]
    assert RotatedBoxes.cat([some, some]).tensor.shape == (4, 5)
    assert some[0].tensor.tolist() == [[5, 5, 4, 2, -170]]


def test_only_nearly_horizontal_rotated_boxes_are_clipped() -> None:
    some = RotatedBoxes(torch.tensor([[0.0, 0, 4, 4, 0.5], [0, 0, 4, 4, 30]]))
    some.clip((10, 10))
    torch.testing.assert_close(some.tensor[0, :4], torch.tensor([1.0, 1, 2, 2]))
    assert some.tensor[1].tolist() == [0, 0, 4, 4, 30]


def test_a_rotated_box_is_scaled_along_its_own_sides() -> None:
    some = RotatedBoxes(torch.tensor([[1.0, 1, 4, 2, 90]]))
    some.scale(scale_x=2, scale_y=3)
    torch.testing.assert_close(some.tensor, torch.tensor([[2.0, 3, 12, 4, 90]]))


def test_overlaps_of_rotated_boxes() -> None:
    some = RotatedBoxes(torch.tensor([[5.0, 5, 4, 4, 0], [5, 5, 4, 4, 90]]))
    torch.testing.assert_close(pairwise_iou_rotated(some, some), torch.ones(2, 2))


# ── Masks ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_polygon_becomes_a_mask() -> None:
    mask = polygons_to_bitmask([SQUARE], 10, 10)
    assert mask.dtype == bool
    assert mask.sum() == 36
    assert mask[2:8, 2:8].all()
    assert not polygons_to_bitmask([], 3, 4).any()
    assert polygon_area(SQUARE[0::2], SQUARE[1::2]) == 36


def test_bit_masks() -> None:
    masks = BitMasks.from_polygon_masks([[SQUARE], []], 10, 10)
    assert masks.image_size == (10, 10)
    assert masks.nonempty().tolist() == [True, False]
    assert masks.get_bounding_boxes().tensor.tolist() == [[2, 2, 8, 8], [0, 0, 0, 0]]
    assert len(BitMasks.cat([masks, masks])) == 4
    assert masks[torch.tensor([True, False])].tensor.sum() == 36
    assert masks[0].tensor.shape == (1, 10, 10)
    assert [tuple(mask.shape) for mask in masks] == [(10, 10), (10, 10)]


def test_masks_are_cropped_to_their_boxes() -> None:
    polygons = PolygonMasks([[SQUARE]])
    box = torch.tensor([[2.0, 2, 14, 8]])
    of_bits = BitMasks.from_polygon_masks(polygons, 20, 20).crop_and_resize(box, 12)
    of_polygons = polygons.crop_and_resize(box, 12)
    assert of_bits.shape == of_polygons.shape == (1, 12, 12)
    assert of_polygons[0, :, :6].all()
    assert not of_polygons[0, :, 6:].any()
    assert (of_bits != of_polygons).float().mean() < 0.1


def test_polygon_masks() -> None:
    masks = PolygonMasks([[SQUARE], [SQUARE / 2, SQUARE + 10], []])
    assert masks.area().tolist() == [36, 45, 0]
    assert masks.nonempty().tolist() == [True, True, False]
    assert masks.get_bounding_boxes().tensor[:2].tolist() == [[2, 2, 8, 8], [1, 1, 18, 18]]
    assert len(masks[1].polygons[0]) == 2
    assert len(PolygonMasks.cat([masks, masks[:1]])) == 4
    chosen = masks[torch.tensor([False, True, False])]
    assert [len(parts) for parts in chosen.polygons] == [2]
    assert [len(parts) for parts in masks[torch.tensor([1, 0])].polygons] == [2, 1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("no list", "Expect a list of list of polygons"),
        ([[[1.0, 2.0, 3.0, 4.0]]], "Cannot create a polygon from 4 coordinates"),
        ([[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]]], "Cannot create a polygon from 7 coordinates"),
    ],
)
def test_what_is_no_polygon_is_refused(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PolygonMasks(given)


def test_the_masks_of_regions_are_pasted() -> None:
    regions = ROIMasks(torch.ones(1, 28, 28))
    pasted = regions.to_bitmasks(boxes((2, 3, 8, 9)), 12, 12)
    assert pasted.tensor[0, 3:9, 2:8].all()
    assert pasted.tensor.sum() == 36


# ── Key points ────────────────────────────────────────────────────────────────────────────────────


def test_key_points_become_cells_of_a_heat_map() -> None:
    points = Keypoints(np.array([[[1.0, 1, 2], [3, 3, 2], [9, 9, 2], [1, 1, 0]]]))
    cells, valid = points.to_heatmap(torch.tensor([[0.0, 0, 4, 4]]), 4)
    assert cells.tolist() == [[5, 15, 0, 0]]
    assert valid.tolist() == [[1, 1, 0, 0]]
    assert len(Keypoints.cat([points, points])) == 2
    assert points[:1].tensor.shape == (1, 4, 3)


def test_heat_maps_become_key_points_again() -> None:
    maps = torch.zeros(1, 1, 56, 56)
    maps[0, 0, 10, 20] = 9
    found = heatmaps_to_keypoints(maps, torch.tensor([[0.0, 0, 56, 56]]))
    assert found[0, 0, :2].tolist() == [20.5, 10.5]
    assert heatmaps_to_keypoints(torch.zeros(0, 1, 56, 56), torch.zeros(0, 4)).shape == (0, 1, 4)


# ── Instances and image lists ─────────────────────────────────────────────────────────────────────


def test_instances_hold_fields_of_one_length() -> None:
    some = Instances((10, 20), scores=torch.tensor([0.9, 0.1, 0.5]))
    some.pred_boxes = boxes((0, 0, 1, 1), (1, 1, 2, 2), (2, 2, 3, 3))
    assert len(some) == 3
    assert some.image_size == (10, 20)
    assert some.has("scores")
    assert not some.has("pred_masks")
    with pytest.raises(AssertionError, match="length 2"):
        some.pred_classes = torch.zeros(2)
    with pytest.raises(AttributeError, match="Cannot find field 'masks'"):
        _ = some.masks
    some.remove("scores")
    assert list(some.get_fields()) == ["pred_boxes"]


def test_instances_are_indexed_and_joined() -> None:
    some = Instances((10, 20), scores=torch.tensor([0.9, 0.1, 0.5]), names=["a", "b", "c"])
    assert some[1:].names == ["b", "c"]
    assert some[1].scores.tolist() == pytest.approx([0.1])
    assert some[-1].scores.tolist() == [0.5]
    both = Instances.cat([some, some[:1]])
    some.remove("names")
    assert some[some.scores > 0.3].scores.tolist() == pytest.approx([0.9, 0.5])
    assert both.names == ["a", "b", "c", "a"]
    assert both.to("cpu").scores.shape == (4,)
    with pytest.raises(IndexError, match="index out of range"):
        some[3]
    with pytest.raises(NotImplementedError, match="not iterable"):
        iter(some)


def test_images_are_padded_to_one_size_that_divides() -> None:
    images = [torch.ones(3, 4, 5), torch.ones(3, 6, 2)]
    batch = ImageList.from_tensors(images, size_divisibility=4, pad_value=7)
    assert batch.tensor.shape == (2, 3, 8, 8)
    assert batch.image_sizes == [(4, 5), (6, 2)]
    assert batch[1].shape == (3, 6, 2)
    assert (batch[1] == 1).all()
    assert batch.tensor[0, 0, 4, 0] == 7
    assert ImageList.from_tensors(images[:1]).tensor.shape == (1, 3, 4, 5)
