"""Samples of any depth and number of channels as RGB: the one rule for arrays and files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import ImageFormatError, SettingError
from .choices import Choices
from .contrast import Scaling, find_scaling, full_range
from .rows import ArrayRows, Rows, empty_turned

__all__ = ["Samples", "on_white"]


@dataclass(frozen=True, eq=False)
class Samples:
    """What a file or an array holds for each pixel.

    Args:
        values: H×W×C, an array or what reads it band by band.
        alpha: the last channel is opacity.
        premultiplied: the colours are multiplied by it already.
        inverted: 0 is white.
        no_data: the value that stands for no data.
        full: the range of the values; None: that of their dtype.
    """

    values: npt.NDArray[Any] | Rows
    alpha: bool = False
    premultiplied: bool = False
    inverted: bool = False
    no_data: float | None = None
    full: tuple[float, float] | None = None

    @property
    def rows(self) -> Rows:
        """The values, band by band."""
        return ArrayRows(self.values) if isinstance(self.values, np.ndarray) else self.values

    def to_rgb(
        self, name: str, choices: Choices, notes: list[str], turn: Image.Transpose | None = None
    ) -> npt.NDArray[np.uint8]:
        """Choose channels and contrast, and put what is transparent on white.

        Args:
            name: what messages call the image.
            choices: which channels, which contrast.
            notes: a sentence for each choice is added.
            turn: how the image is turned.

        Returns:
            H×W×3 uint8, an array of its own.

        Raises:
            ImageFormatError: the values are not those of an image.
            SettingError: a chosen channel is not there.
        """
        rows = self.rows
        height, width, count = rows.shape
        blend = self.alpha and choices.indices is None
        chosen = _chosen(count - 1 if blend else count, name, choices, notes)

        def bands() -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]]:
            for _, band in rows.bands():
                colours = _channels(band, chosen)
                yield colours, self._valid(colours)

        scaling = find_scaling(
            bands,
            height * width * len(chosen),
            rows.dtype,
            name,
            choices,
            notes,
            full=self.full,
            has_no_data=self.no_data is not None,
            inverted=self.inverted,
        )
        opacity = Scaling(*(self.full or full_range(rows.dtype)))
        turned, view = empty_turned(height, width, turn)
        is_seen = not blend
        for start, band in rows.bands():
            colours = _channels(band, chosen)
            rgb = scaling.to_8_bit(colours, self._valid(colours))
            if blend:
                alpha = opacity.to_8_bit(band[..., -1:])
                is_seen = is_seen or bool(alpha.any())
                rgb = self._on_white(rgb, alpha)
            view[start : start + len(rgb)] = rgb
        # Rows that have become RGB say it themselves.
        if not is_seen or getattr(rows, "is_clear", False):
            notes.append(
                "The image is wholly transparent, so all of it is white. Save it without "
                "transparency to see what is in it."
            )
        return turned

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

    def _on_white(
        self, rgb: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.uint8]:
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


def _channels(band: npt.NDArray[Any], chosen: list[int]) -> npt.NDArray[Any]:
    """The chosen channels. Neighbours, as nearly always, are a view: a list of indices copies."""
    first, last = chosen[0], chosen[-1]
    if chosen == list(range(first, last + 1)):
        return band[..., first : last + 1]
    return band[..., chosen]


def _counted(count: int) -> str:
    return "one channel, 0" if count == 1 else f"{count} channels, 0 to {count - 1}"


def _chosen(count: int, name: str, choices: Choices, notes: list[str]) -> list[int]:
    """The indices of one or three channels, of so many colours."""
    if choices.indices is not None:
        missing = [index for index in choices.indices if index >= count]
        if missing:
            raise SettingError(f"{name} has {_counted(count)}; there is no channel {missing[0]}.")
        return list(choices.indices)
    if count == 2:
        notes.append("It has 2 channels: the first is shown as grey. channels=1 shows the other.")
        return [0]
    if count > 3:
        notes.append(
            f"It has {count} channels: the first three are shown as red, green and blue. "
            f"channels= chooses others, such as channels=(0, 1, {count - 1})."
        )
        return [0, 1, 2]
    if count == 0:
        raise ImageFormatError(f"{name} has no channels.")
    return list(range(count))
