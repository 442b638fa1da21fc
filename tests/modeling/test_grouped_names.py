"""A name where the model is sure of one, its group where it is not; one outline a group."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from seg_widgets.modeling.grouped_names import grouped

# Classes: cat, dog, animal (some other one), cup; then background.
GROUP_OF = torch.tensor([0, 0, 0, 1])
STANDS_FOR = torch.tensor([2, 3, 2, 3])
SIZE = (100, 120)
BOX = [10.0, 10.0, 60.0, 60.0]
SHIFTED = [12.0, 10.0, 62.0, 60.0]
FAR = [70.0, 10.0, 110.0, 60.0]


def found(boxes: list[list[float]], scores: list[list[float]], limit: int = 100) -> Any:
    settings = SimpleNamespace(
        test_score_thresh=0.05, test_nms_thresh=0.5, test_topk_per_image=limit
    )
    rows: Tensor = torch.tensor(scores)
    return grouped(torch.tensor(boxes), rows, SIZE, GROUP_OF, STANDS_FOR, settings)


def test_a_sure_name_is_said_with_its_groups_score() -> None:
    one = found([BOX], [[0.8, 0.06, 0.02, 0.0, 0.12]])
    assert one.pred_classes.tolist() == [0]
    assert one.scores.tolist() == pytest.approx([0.88])
    assert one.name_scores.tolist() == pytest.approx([0.8])


def test_between_names_the_group_is_said() -> None:
    one = found([BOX], [[0.3, 0.28, 0.27, 0.0, 0.15]])
    assert one.pred_classes.tolist() == [2]
    assert one.scores.tolist() == pytest.approx([0.85])
    assert one.pred_names.tolist() == [0]  # the best one is still known


def test_an_object_that_may_be_a_cat_or_a_dog_has_one_outline() -> None:
    rows = [[0.5, 0.3, 0.0, 0.0, 0.2], [0.2, 0.5, 0.0, 0.0, 0.3]]
    one = found([BOX, SHIFTED], rows)
    assert one.pred_boxes.tensor.tolist() == [BOX]
    two = found([BOX, FAR], rows)
    assert two.pred_classes.tolist() == [0, 1]


def test_things_of_two_groups_may_lie_on_one_another() -> None:
    one = found([BOX, SHIFTED], [[0.7, 0.0, 0.0, 0.1, 0.2], [0.0, 0.0, 0.0, 0.6, 0.4]])
    assert one.pred_groups.tolist() == [0, 1]
    assert one.pred_classes.tolist() == [0, 3]


def test_the_limit_and_the_least_score_count_for_groups() -> None:
    rows = [[0.03, 0.03, 0.03, 0.0, 0.91], [0.6, 0.0, 0.0, 0.04, 0.36]]
    assert found([BOX, FAR], rows).pred_classes.tolist() == [0, 2]
    assert found([BOX, FAR], rows, limit=1).scores.tolist() == pytest.approx([0.6])


def test_boxes_are_kept_inside_of_the_image_and_broken_ones_are_left_out() -> None:
    rows = [[0.9, 0.0, 0.0, 0.0, 0.1], [0.9, 0.0, 0.0, 0.0, 0.1]]
    one = found([[-5.0, -5.0, 500.0, 60.0], [float("nan"), 0.0, 9.0, 9.0]], rows)
    assert one.pred_boxes.tensor.tolist() == [[0.0, 0.0, 120.0, 60.0]]


def test_nothing_is_found_in_nothing() -> None:
    settings = SimpleNamespace(test_score_thresh=0.05, test_nms_thresh=0.5, test_topk_per_image=100)
    none = grouped(torch.zeros(0, 4), torch.zeros(0, 5), SIZE, GROUP_OF, STANDS_FOR, settings)
    assert len(none) == 0
    assert none.pred_classes.dtype == torch.int64
