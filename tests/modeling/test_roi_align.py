"""Regions of interest are cut out as torchvision does it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seg_widgets.modeling import roi_align
from seg_widgets.modeling.roi_align import GatheringROIAlign


def _rois() -> torch.Tensor:
    """Boxes of all sizes in two images: outside, over the edge, of no size, turned round."""
    torch.manual_seed(2)
    corners = torch.rand(60, 2) * 160 - 20
    boxes = torch.cat([corners, corners + torch.rand(60, 2) ** 3 * 150], 1)
    odd = torch.tensor(
        [
            [0, 0, 128, 96],
            [-50, -50, -40, -40],
            [5, 5, 5, 5],
            [30, 30, 10, 10],
            [10, 10, 10, 50],
            [127, 95, 400, 300],
            [126.5, 94.5, 128, 96],
        ]
    )
    boxes = torch.cat([boxes, odd])
    images = torch.arange(len(boxes)) % 2
    return torch.cat([images[:, None], boxes], 1)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("sampling_ratio", [0, 2])
@pytest.mark.parametrize("size", [(7, 7), (3, 5)])
def test_same_as_torchvisions(
    aligned: bool, sampling_ratio: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from detectron2.layers import ROIAlign

    theirs = ROIAlign(size, 0.25, sampling_ratio, aligned)
    ours = GatheringROIAlign(theirs)
    features, rois = torch.randn(2, 16, 24, 32), _rois()
    expected = theirs(features, rois)
    found = ours(features, rois)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)

    # Taken in small steps, and of a map in the other layout, it is the same.
    monkeypatch.setattr(roi_align, "_STEP_ENTRIES", 3000)
    again = ours(features.contiguous(memory_format=torch.channels_last), rois)
    torch.testing.assert_close(again, found)
    nothing: Any = ours(features, rois[:0])
    assert nothing.shape == (0, 16, *size)
