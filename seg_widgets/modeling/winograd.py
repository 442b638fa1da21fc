"""Convolutions of 3×3 by Winograd's minimal filtering, for CPUs: the same result with a quarter of
the multiplications.

A tile of 4×4 outputs needs 6×6 inputs. Both are transformed so that the convolution becomes a
product a position, and the sum over the channels a matrix product: 36 multiplications for 16
outputs in place of 144 (Lavin and Gray, https://arxiv.org/abs/1509.09308). PyTorch's convolution on
a CPU has it for float32 on few processors.

Importing this module loads torch.
"""

from functools import cache
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["WinogradConv2d", "suits"]

_TILE: Final = 4  # outputs a side
_INPUTS: Final = _TILE + 2
# Where the polynomials are evaluated. With ±1 and ±2, as in the paper, rounding errors are four
# times those of a direct convolution; with these they are the same.
_POINTS: Final = (0, 0.7, -0.7, 1.4, -1.4)
# What one step makes of the transformed input: it should stay in the processor's cache.
_STEP_BYTES: Final = 8_000_000
# With fewer channels the transforms cost more than the products save; with more the weights, which
# take four times as much as before, take more memory than the time is worth.
_MIN_CHANNELS: Final = 96
_MAX_CHANNELS: Final = 256


def suits(convolution: Any) -> bool:
    """Whether a `torch.nn.Conv2d` is worth computing so, and can be.

    Args:
        convolution: the convolution; its weights are those of the network.
    """
    channels = convolution.in_channels, convolution.out_channels
    return bool(
        convolution.kernel_size == (3, 3)
        and convolution.stride == convolution.dilation == (1, 1)
        and convolution.padding == (1, 1)
        and convolution.padding_mode == "zeros"
        and convolution.groups == 1
        and min(channels) >= _MIN_CHANNELS
        and max(channels) <= _MAX_CHANNELS
        and convolution.weight.dtype == torch.float32
        and convolution.weight.device.type == "cpu"
    )


class WinogradConv2d(nn.Module):
    """A convolution of 3×3 in steps of 1, padded by 1, then maybe its norm and its activation.

    Attributes:
        norm: is applied to the output; None: nothing.
        activation: is applied to what the norm gives; None: nothing.
        weight: 36×C×C, transformed.
        bias: C; None: it has none.
        into: 36×36; transforms tiles of the input.
        back: 16×36; transforms products into tiles of the output.
    """

    weight: Tensor
    bias: Tensor | None
    into: Tensor
    back: Tensor

    def __init__(self, convolution: Any) -> None:
        """Take over a convolution, which stays as it is.

        Args:
            convolution: one that `suits`; it may have a `norm` and an `activation`, as those of
                detectron2 have.
        """
        super().__init__()
        inputs, weights, outputs = _transforms()
        self.norm = getattr(convolution, "norm", None)
        self.activation = getattr(convolution, "activation", None)
        weight = convolution.weight.detach().double()
        transformed = torch.einsum("ai,bj,ocij->abco", weights, weights, weight)
        bias = convolution.bias
        for name, tensor in {
            "bias": None if bias is None else bias.detach(),
            "weight": transformed.flatten(0, 1).float().contiguous(),
            "into": torch.kron(inputs, inputs).float(),
            "back": torch.kron(outputs, outputs).float(),
        }.items():
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output, N×C×H×W laid out as N×H×W×C, of an input N×C×H×W."""
        count, _, height, width = x.shape
        down, across = -(-height // _TILE), -(-width // _TILE)
        margins = (0, 0, 1, across * _TILE + 1 - width, 1, down * _TILE + 1 - height)
        padded = functional.pad(x.permute(0, 2, 3, 1), margins)

        channels = self.weight.shape[2]
        result = x.new_empty(count, down, _TILE, across, _TILE, channels)
        for images, rows in _steps(count, down, across * max(self.weight.shape[1:])):
            self._convolve(padded, images, rows, result[images, rows])
        result = result.view(count, down * _TILE, across * _TILE, channels)[:, :height, :width]
        result = result.contiguous().permute(0, 3, 1, 2)
        if self.norm is not None:
            result = self.norm(result)
        return result if self.activation is None else self.activation(result)

    def _convolve(self, padded: Tensor, images: slice, rows: slice, out: Tensor) -> None:
        """Fill some rows of tiles of some images: `out` is N×rows×4×tiles×4×C."""
        count, down, _, across, _, channels_out = out.shape
        channels = padded.shape[3]
        per_image, per_row, per_column, _ = padded.stride()
        tiles = padded.as_strided(
            (_INPUTS, _INPUTS, count, down, across, channels),
            (per_row, per_column, per_image, _TILE * per_row, _TILE * per_column, 1),
            images.start * per_image + rows.start * _TILE * per_row,
        )
        places = _INPUTS * _INPUTS
        given = torch.mm(self.into, tiles.reshape(places, -1)).view(places, -1, channels)
        products = torch.bmm(given, self.weight).view(places, -1)
        shape = _TILE, _TILE, count, down, across, channels_out
        found = torch.mm(self.back, products).view(shape)
        if self.bias is not None:
            found += self.bias
        out.copy_(found.permute(2, 3, 0, 4, 1, 5))


def _steps(count: int, down: int, row_numbers: int) -> list[tuple[slice, slice]]:
    """Which images and which of their rows of tiles are taken together, step by step.

    Args:
        count: images.
        down: rows of tiles in each.
        row_numbers: tiles in a row times channels.
    """
    row_bytes = 4 * _INPUTS * _INPUTS * row_numbers
    rows = min(max(_STEP_BYTES // row_bytes, 1), down)
    images = max(_STEP_BYTES // (row_bytes * down), 1)
    return list(product(_slices(count, images), _slices(down, rows)))


def _slices(total: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, total)) for start in range(0, total, step)]


@cache
def _transforms() -> tuple[Tensor, Tensor, Tensor]:
    """The transforms of input (6×6), weights (6×3) and products (4×6), float64.

    They are those of Toom and Cook, for `_POINTS` and infinity: products of polynomials are found
    from their values; a filter is the transposed problem. The formulas are those of A. Lavin's
    https://github.com/andravin/wincnn.
    """
    points = np.array(_POINTS)
    values = points[:, None] ** np.arange(max(_TILE, 3))
    inputs = np.zeros((_INPUTS, _INPUTS))
    weights, outputs = np.zeros((_INPUTS, 3)), np.zeros((_TILE, _INPUTS))
    for index, point in enumerate(points):
        others = np.delete(points, index)
        inputs[index, :-1] = _polynomial(others)
        weights[index] = values[index, :3] / np.prod(point - others)
    inputs[-1] = _polynomial(points)
    weights[-1, -1] = outputs[-1, -1] = 1
    outputs[:, :-1] = values[:, :_TILE].T
    return torch.from_numpy(inputs), torch.from_numpy(weights), torch.from_numpy(outputs)


def _polynomial(zeros: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The coefficients, constant first, of the polynomial with these zeros."""
    return np.asarray(np.poly(zeros)[::-1], np.float64)
