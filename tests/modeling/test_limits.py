"""Limits of instances: whose holds, and that a cut is noted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from seg_widgets import wrap
from seg_widgets.modeling.limits import at_inference, best_first, limit_note
from seg_widgets.testing import make_picture


class _Head(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.test_topk_per_image = 30
        self.detections_per_img = 40
        self.score_thresh = 0.3


def test_settings_are_changed_only_for_as_long_as_asked() -> None:
    model = torch.nn.Sequential(_Head(), torch.nn.Dropout()).train()
    model[1].eval()
    head: Any = model[0]
    with at_inference(model) as limit:
        assert limit == 30
        assert (head.test_topk_per_image, head.detections_per_img) == (30, 40)
        assert head.score_thresh == 0.05
        assert not model.training
    with at_inference(model, 500) as limit:
        assert limit == 500
        assert (head.test_topk_per_image, head.detections_per_img) == (500, 500)
    assert (head.test_topk_per_image, head.detections_per_img, head.score_thresh) == (30, 40, 0.3)
    assert model.training and not model[1].training
    with at_inference(torch.nn.Linear(1, 1)) as limit:
        assert limit is None


@pytest.mark.parametrize(
    ("scores", "limit", "is_noted"),
    [
        ([0.9, 0.8, 0.06], 3, True),
        ([0.9, 0.8, 0.06], 4, False),
        ([0.9, 0.8, 0.06], None, False),
        ([0.9, 0.8, 0.05], 3, False),
        ([0.9, 0.8, 0.01], 3, False),
        ([], 3, False),
    ],
)
def test_a_limit_that_was_reached_is_noted(
    scores: list[float], limit: int | None, is_noted: bool
) -> None:
    notes = limit_note(np.array(scores, np.float32), limit)
    assert bool(notes) == is_noted
    assert all(f"limit of {limit} instances was reached" in note for note in notes)


def test_the_best_are_kept() -> None:
    scores = np.array([0.2, 0.01, 0.9, 0.2, 0.05], np.float32)
    best, notes = best_first(scores, None)
    assert (best.tolist(), notes) == ([2, 0, 3, 4], ())
    best, notes = best_first(scores, 4)
    assert (best.tolist(), notes) == ([2, 0, 3, 4], ())
    best, notes = best_first(scores, 2)
    assert best.tolist() == [2, 0]
    assert "4 instances were found, and the best 2 of them are kept" in notes[0]


def _many(image: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """A function that finds 150 cells."""
    from detectron2.structures import Boxes, Instances

    found = Instances(image.shape[:2])
    corners = torch.arange(150.0)[:, None] % 40
    found.pred_boxes = Boxes(torch.cat([corners, corners, corners + 9, corners + 9], 1))
    found.scores = torch.linspace(0.9, 0.1, 150)
    found.pred_classes = torch.zeros(150, dtype=torch.long)
    return {"instances": found}


def test_what_a_function_returns_is_all_kept() -> None:
    found = wrap(_many, ["cell"])(make_picture(60, 60))
    assert found.counts() == {"cell": 150}
    assert found.notes == ()
    fewer = wrap(_many, ["cell"], max_instances=100)(make_picture(60, 60))
    assert fewer.counts() == {"cell": 100}
    assert "150 instances were found, and the best 100" in fewer.notes[0]
