"""Samples of any depth and number of channels as RGB: the one rule for arrays and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ImageFormatError, SettingError
from .choices import Choices
from .contrast import full_range, to_8_bit

__all__ = ["Samples", "on_white"]


@dataclass(frozen=True, eq=False)
class Samples:
    """What a file or an array holds for each pixel.

    Args:
        values: H×W×C.
        alpha: the last channel is opacity.
        premultiplied: the colours are multiplied by it already.
        inverted: 0 is white.
        no_data: the value that stands for no data.
        full: the range of the values; None: that of their dtype.
    """

    values: npt.NDArray[Any]
    alpha: bool = False
    premultiplied: bool = False
    inverted: bool = False
    no_data: float | None = None
    full: tuple[float, float] | None = None

    def to_rgb(self, name: str, choices: Choices, notes: list[str]) -> npt.NDArray[np.uint8]:
        """Choose channels and contrast, and put what is transparent on white.

        Args:
            name: what messages call the image.
            choices: which channels, which contrast.
            notes: a sentence for each choice is added.

        Returns:
            H×W×3 uint8, an array of its own.

        Raises:
            ImageFormatError: the values are not those of an image.
            SettingError: a chosen channel is not there.
        """
        blend = self.alpha and choices.indices is None
        colours = self.values[..., :-1] if blend else self.values
        colours = _chosen(colours, name, choices, notes)
        rgb = to_8_bit(
            colours,
            name,
            choices,
            notes,
            full=self.full,
            valid=self._valid(colours),
            inverted=self.inverted,
        )
        if blend:
            rgb = self._on_white(rgb, name)
        if rgb.shape[2] == 1:
            rgb = np.repeat(rgb, 3, axis=2)
        return np.array(rgb, np.uint8, order="C")

    def _valid(self, colours: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | None:
        # 8-bit images are never changed.
        if self.no_data is None or colours.dtype.itemsize == 1:
            return None
        if np.isnan(self.no_data):
            return None
        # The tag is text: -3.4e+38 is meant for the float32 next to it.
        with np.errstate(over="ignore"):
            wanted = np.float64(self.no_data)
            if colours.dtype.kind == "f":
                wanted = colours.dtype.type(self.no_data).astype(np.float64)
        valid: npt.NDArray[np.bool_] = colours != wanted
        return valid

    def _on_white(self, rgb: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.uint8]:
        full = self.full or full_range(self.values.dtype)
        alpha = to_8_bit(self.values[..., -1:], name, Choices(full), [])
        if self.premultiplied:
            rest = (255 - alpha).astype(np.uint16)
            return np.asarray(np.minimum(rgb + rest, 255), np.uint8)
        return on_white(np.concatenate([rgb, alpha], axis=2))


def on_white(samples: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Put what is transparent on white.

    Args:
        samples: H×W×C, with opacity in the last channel.

    Returns:
        H×W×(C − 1).
    """
    alpha = samples[..., -1:].astype(np.uint16)
    blended = (samples[..., :-1] * alpha + 255 * (255 - alpha) + 127) // 255
    return np.asarray(blended, np.uint8)


def _chosen(
    values: npt.NDArray[Any], name: str, choices: Choices, notes: list[str]
) -> npt.NDArray[Any]:
    count = values.shape[2]
    if choices.indices is not None:
        missing = [index for index in choices.indices if index >= count]
        if missing:
            raise SettingError(
                f"{name} has {count} channels, 0 to {count - 1}; there is no channel {missing[0]}."
            )
        return values[..., list(choices.indices)]
    if count == 2:
        notes.append("It has 2 channels: the first is shown as grey. channels=1 shows the other.")
        return values[..., :1]
    if count > 3:
        notes.append(
            f"It has {count} channels: the first three are shown as red, green and blue. "
            f"channels= chooses others, such as channels=(0, 1, {count - 1})."
        )
        return values[..., :3]
    if count == 0:
        raise ImageFormatError(f"{name} has no channels.")
    return values
