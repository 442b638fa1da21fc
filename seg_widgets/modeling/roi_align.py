"""ROIAlign for CPUs: each cell is a weighted sum of the feature map's pixels, all channels at once.

torchvision's operator goes through the map once a channel, on one core. Laid out as N×H×W×C, the
channels of a pixel are a row of memory, and a cell is a sum of rows with weights: PyTorch's
`embedding_bag`, which is made for it and uses all cores. The results are the same up to rounding.

Importing this module loads torch.
"""

from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["GatheringROIAlign"]

_STEP_ENTRIES: Final = 2_000_000  # rows that are named at once, 12 bytes each


class _Axis(NamedTuple):
    """The pixels that are read along one axis: R×cells×(2 · samples) indices and weights."""

    pixels: Tensor
    weights: Tensor


class GatheringROIAlign(nn.Module):
    """detectron2's `ROIAlign`, which it stands in for on a CPU.

    Attributes:
        output_size: cells of the result, (height, width).
        spatial_scale: of the boxes.
        sampling_ratio: samples a side in a cell; 0: as many as the cell has pixels.
        aligned: whether boxes are moved by half a pixel, as is right.
    """

    def __init__(self, replaced: Any) -> None:
        """Take the settings of the layer that it replaces."""
        super().__init__()
        height, width = replaced.output_size
        self.output_size: tuple[int, int] = (height, width)
        self.spatial_scale: float = replaced.spatial_scale
        self.sampling_ratio: int = replaced.sampling_ratio
        self.aligned: bool = replaced.aligned

    def forward(self, features: Tensor, rois: Tensor) -> Tensor:
        """Return R×C×h×w, laid out as R×h×w×C.

        Args:
            features: N×C×H×W.
            rois: R×5: the image's index, then XYXY.
        """
        channels = features.shape[1]
        table = features.permute(0, 2, 3, 1).reshape(-1, channels)
        corners = rois[:, 1:].to(features.dtype) * self.spatial_scale - 0.5 * self.aligned
        lengths = corners[:, 2:] - corners[:, :2]
        if not self.aligned:
            lengths = lengths.clamp(min=1)
        boxes = torch.cat([corners[:, :2], lengths], 1)

        down, across = self.output_size
        result = table.new_zeros(len(rois), down * across, channels)
        for samples, chosen in self._alike(lengths):
            bags, weights = self._bags(boxes[chosen], samples, features.shape[2:])
            bags += (rois[chosen, :1].long() * (features.shape[2] * features.shape[3]))[..., None]
            found = functional.embedding_bag(
                bags.flatten(0, 1), table, per_sample_weights=weights.flatten(0, 1), mode="sum"
            )
            result[chosen] = found.view(len(chosen), -1, channels)
        return result.view(len(rois), down, across, channels).permute(0, 3, 1, 2)

    def _alike(self, lengths: Tensor) -> list[tuple[tuple[int, int], Tensor]]:
        """Boxes in which as many samples (across, down) are taken in a cell, a step's at a time.

        Boxes without samples are left out; their cells are 0, as with torchvision.
        """
        down, across = self.output_size
        if self.sampling_ratio > 0:
            samples = torch.full_like(lengths, self.sampling_ratio, dtype=torch.int64)
        else:
            samples = torch.ceil(lengths / lengths.new_tensor([across, down])).long()
        steps = []
        for pair in torch.unique(samples, dim=0):
            wide, high = pair.tolist()
            if wide < 1 or high < 1:
                continue
            alike = (samples == pair).all(dim=1).nonzero()[:, 0]
            step = max(_STEP_ENTRIES // (4 * wide * high * across * down), 1)
            steps += [((wide, high), chosen) for chosen in alike.split(step)]
        return steps

    def _bags(
        self, boxes: Tensor, samples: tuple[int, int], size: tuple[int, ...]
    ) -> tuple[Tensor, Tensor]:
        """Which pixels each cell sums up, and with which weights: both R×cells×entries."""
        (height, width), (down, across) = size, self.output_size
        x = _axis(boxes[:, 0], boxes[:, 2], samples[0], across, width)
        y = _axis(boxes[:, 1], boxes[:, 3], samples[1], down, height)
        pixels = y.pixels[:, :, None, :, None] * width + x.pixels[:, None, :, None, :]
        weights = y.weights[:, :, None, :, None] * x.weights[:, None, :, None, :]
        shape = len(boxes), down * across, -1
        return pixels.reshape(shape), weights.reshape(shape)


def _axis(start: Tensor, length: Tensor, samples: int, cells: int, size: int) -> _Axis:
    """Sample boxes along one axis: bilinear, the mean of `samples` in each of `cells`.

    Args:
        start: R, where each box begins, in pixels of the map.
        length: R, how long it is.
        samples: in each cell.
        cells: of the result.
        size: pixels of the map.
    """
    steps = (torch.arange(cells * samples, dtype=start.dtype) + 0.5) / samples
    places = start[:, None] + steps * (length[:, None] / cells)
    # Beyond one pixel outside of the map there is nothing; within it the outermost pixel counts.
    inside = (places >= -1) & (places <= size)
    places = places.clamp(0, size - 1)
    low = places.long()
    upper = places - low
    pixels = torch.stack([low, (low + 1).clamp(max=size - 1)], -1)
    weights = torch.stack([1 - upper, upper], -1) * (inside / samples)[..., None]
    shape = len(start), cells, 2 * samples
    return _Axis(pixels.view(shape), weights.to(start.dtype).view(shape))
