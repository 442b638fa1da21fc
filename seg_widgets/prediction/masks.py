"""Masks: the bits inside the smallest rectangle that holds them, COCO's run-length encoding, and
outlines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from ..errors import PredictionError

__all__ = ["RLE", "MaskCrop", "Points", "outlines", "paste", "unpacked"]

BoolArray = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]


class RLE(TypedDict):
    """A mask in COCO's compressed run-length encoding, as pycocotools and the COCO results format
    take it."""

    size: list[int]
    counts: str


@dataclass(frozen=True)
class MaskCrop:
    """One mask, kept as the bits inside the smallest rectangle that holds it.

    One without any pixel has no rectangle: its numbers become 0, whatever they were.

    Raises:
        PredictionError: a part of the rectangle is negative, or the bits don't fill it.
    """

    x: int
    """The rectangle's left pixel."""

    y: int
    """The rectangle's top pixel."""

    width: int
    """The rectangle's width in pixels; 0 for an empty mask."""

    height: int
    """The rectangle's height in pixels; 0 for an empty mask."""

    bits: bytes = field(repr=False)
    """width · height bits, row by row, packed eight to a byte, most significant bit first
    (`numpy.packbits`)."""

    def __post_init__(self) -> None:
        rectangle = self.x, self.y, self.width, self.height
        if min(rectangle) < 0:
            raise PredictionError(f"A mask's rectangle has a negative part: {rectangle}.")
        needed = (self.width * self.height + 7) // 8
        if len(self.bits) != needed:
            raise PredictionError(
                f"A mask of {self.width}×{self.height} needs {needed} bytes of bits, but has "
                f"{len(self.bits)}."
            )
        # Nothing inside a rectangle is no mask of its size: there is one empty mask.
        if not self.bits.rstrip(b"\0"):
            for name, value in {
                **dict.fromkeys(("x", "y", "width", "height"), 0),
                "bits": b"",
            }.items():
                object.__setattr__(self, name, value)

    @classmethod
    def from_array(cls, mask: npt.NDArray[Any], x: int = 0, y: int = 0) -> MaskCrop:
        """Cut an array down to its content.

        Args:
            mask: H×W of any type; what is not zero is inside.
            x: the array's left pixel in the image.
            y: the array's top pixel in the image.

        Returns:
            The mask, in the image's pixels.

        Raises:
            PredictionError: the array has not two dimensions.
        """
        if mask.ndim != 2:
            raise PredictionError(
                f"A mask is an H×W array, but this one has the shape {mask.shape}."
            )
        inside = mask.astype(bool, copy=False)
        rows = np.flatnonzero(inside.any(axis=1))
        if rows.size == 0:
            return cls(0, 0, 0, 0, b"")

        columns = np.flatnonzero(inside.any(axis=0))
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        left, right = int(columns[0]), int(columns[-1]) + 1
        bits = np.packbits(inside[top:bottom, left:right]).tobytes()
        return cls(x + left, y + top, right - left, bottom - top, bits)

    def to_array(self) -> BoolArray:
        """The rectangle's content.

        Returns:
            height×width booleans, a new array.
        """
        flat = np.unpackbits(np.frombuffer(self.bits, np.uint8), count=self.width * self.height)
        return flat.reshape(self.height, self.width).astype(bool)

    @cached_property
    def area(self) -> int:
        """The number of pixels inside."""
        # The bits that pad the last byte are no pixels: as one number they can be shifted away.
        return (int.from_bytes(self.bits, "big") >> (-self.width * self.height) % 8).bit_count()

    def rle(self, image_size: tuple[int, int]) -> RLE:
        """COCO's compressed RLE of the mask, made from the crop alone.

        Args:
            image_size: (height, width) of the image in pixels.

        Returns:
            A dict with `size` (height, width) and `counts`.
        """
        from pycocotools import mask as coco_mask

        height, width = image_size
        if self.width == 0 or self.height == 0:
            counts = [height * width]
        else:
            counts = _column_runs(self.to_array(), self.x, self.y, height, width)
        encoded = coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
        return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}


def unpacked(crops: Iterable[Sequence[int]], bits: bytes) -> tuple[MaskCrop, ...]:
    """The masks whose bits were written one behind the other.

    Args:
        crops: The rectangle (x, y, width, height) of each.
        bits: The bits of all, each mask's from a byte of its own on.

    Raises:
        ValueError: There are more or fewer bits than the rectangles have pixels.
    """
    masks: list[MaskCrop] = []
    at = 0
    for x, y, width, height in crops:
        end = at + (width * height + 7) // 8
        masks.append(MaskCrop(x, y, width, height, bits[at:end]))
        at = end
    if at != len(bits):
        raise ValueError(f"{len(bits) - at} bytes belong to no mask")
    return tuple(masks)


def paste(crop: MaskCrop, plane: npt.NDArray[Any], value: int | bool = True) -> None:
    """Write a mask into an array of the image's size.

    Args:
        crop: the mask.
        plane: H×W; its pixels inside the mask's rectangle are overwritten.
        value: what a pixel inside the mask gets; one outside of it, but in its rectangle, gets 0.
    """
    inside = crop.to_array().astype(plane.dtype, copy=False)
    region = inside if value is True else inside * plane.dtype.type(value)
    plane[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width] = region


def outlines(crop: MaskCrop, *, holes: bool = False, cut_corners: bool = False) -> list[Points]:
    """The lines around a mask's pieces, as closed polygons.

    Pixels that touch at a corner belong to one piece.

    Args:
        crop: the mask.
        holes: also give the lines around holes; they run the other way round.
        cut_corners: connect the middles of the pixels' edges instead of their corners, as marching
            squares does: a slanted edge becomes a line instead of stairs. A pixel's middle stays on
            its side of the line.

    Returns:
        Each outline as N×2 float64 points (x, y) in pixels of the image, where (0, 0) is the
        corner of the first pixel; those that enclose more come first.
    """
    if crop.width == 0:
        return []
    import cv2

    # OpenCV's outlines run through the centres of the outer pixels, which makes a piece one pixel
    # too small and one of a pixel's width nothing. Of the mask at twice its size, moved by half a
    # pixel, they run along the edges.
    padded = np.zeros((crop.height + 2, crop.width + 2), np.uint8)
    padded[1:-1, 1:-1] = crop.to_array()
    doubled = cv2.resize(padded, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    grown = cv2.dilate(doubled, np.ones((2, 2), np.uint8), anchor=(0, 0))
    mode = cv2.RETR_CCOMP if holes else cv2.RETR_EXTERNAL
    every_step = cv2.CHAIN_APPROX_NONE if cut_corners else cv2.CHAIN_APPROX_SIMPLE
    contours, _ = cv2.findContours(grown, mode, every_step)

    found = []
    for contour in sorted(contours, key=cv2.contourArea, reverse=True):
        points = contour.reshape(-1, 2) + 1
        if cut_corners:
            # In steps of half a pixel, a corner has two even numbers, an edge's middle one.
            points = points[points.sum(axis=1) % 2 == 1]
        found.append(points / 2 - 1 + (crop.x, crop.y))
    return found


def _column_runs(crop: BoolArray, x: int, y: int, height: int, width: int) -> list[int]:
    """Uncompressed COCO runs (column by column, outside first) of a crop placed in a height×width
    image."""
    import cv2

    # One empty pixel below each column makes every run start and end in its column. A run that
    # touches the image's bottom and the next column's top is joined again below.
    padded = np.zeros((crop.shape[0] + 1, crop.shape[1]), np.uint8)
    padded[:-1] = crop
    columns = np.zeros(padded.size + 1, np.uint8)
    columns[1:] = cv2.transpose(padded).ravel()
    column, row = np.divmod(np.flatnonzero(columns[1:] != columns[:-1]), padded.shape[0])
    if not len(column):
        return [height * width]
    edges = (column + x) * height + row + y
    starts, ends = edges[::2], edges[1::2]

    joined = starts[1:] == ends[:-1]
    starts = starts[np.concatenate(([True], ~joined))]
    ends = ends[np.concatenate((~joined, [True]))]

    bounds = np.concatenate(([0], np.stack((starts, ends), axis=1).ravel(), [height * width]))
    runs: list[int] = np.diff(bounds).tolist()
    if runs[-1] == 0:
        runs.pop()
    return runs
