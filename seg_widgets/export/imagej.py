"""ImageJ's ROIs: one file for each instance, in a ZIP that ImageJ's and Fiji's ROI Manager opens.

The format: https://imagej.net/ij/developer/source/ij/io/RoiDecoder.java.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ..errors import ExportError
from ..prediction import Chosen, Instance, Prediction, polygons
from ..style import DEFAULT_STYLE, RGB, Style
from .chosen import chosen_instances
from .files import file_stem
from .png import File, zip_bytes

__all__ = ["imagej_roi", "imagej_zip"]

_VERSION: Final = 227
_RECT, _TRACED = 1, 8
# Segments of a path, as java.awt.geom.PathIterator numbers them.
_MOVE, _LINE, _CLOSE = 0, 1, 4
_HEADER_BYTES, _HEADER2_BYTES = 64, 64
# Coordinates are 16-bit.
_MOST_PIXELS: Final = 32767
# The number of a traced ROI's corners is 16-bit; a path has a larger field.
_MOST_CORNERS: Final = 65535
_LONGEST_CLASS_NAME: Final = 40


def imagej_zip(
    prediction: Prediction, *, only: Chosen | None = None, style: Style = DEFAULT_STYLE
) -> bytes:
    """The instances as a ZIP of ImageJ ROIs, which the ROI Manager opens.

    A mask of one piece is a traced ROI, one of several pieces or with holes a composite; both run
    along the pixels' edges. Without a mask it is a rectangle. A name is such as
    "003-person-0.87".

    Args:
        prediction: what was found.
        only: the instances to take; None: all. The number stays the index among all of them.
        style: gives each ROI the colour of its class.

    Returns:
        The archive, the same for the same instances.

    Raises:
        SettingError: an index in `only` is not here.
        ExportError: the image is too large for the format.
    """
    height, width = prediction.image_size
    if max(height, width) > _MOST_PIXELS:
        raise ExportError(
            f"ImageJ's ROIs have places up to {_MOST_PIXELS}, but the image has {width}×{height} "
            "pixels. Export GeoJSON instead."
        )
    return zip_bytes(_files(prediction, only, style))


def _files(prediction: Prediction, only: Chosen | None, style: Style) -> Iterator[File]:
    for instance in chosen_instances(prediction, only):
        content = imagej_roi(instance, style.color_of(prediction, instance.index))
        # An empty mask has no place.
        if content:
            yield f"{_name(instance)}.roi", content


def _name(instance: Instance) -> str:
    name = file_stem(instance.class_name, _LONGEST_CLASS_NAME)
    return f"{instance.index:03}-{name}-{instance.score:.2f}"


def imagej_roi(instance: Instance, color: RGB) -> bytes:
    """One instance as the content of a .roi file.

    Args:
        instance: the instance.
        color: of its outline.

    Returns:
        The content; b"" for an empty mask.
    """
    name = _name(instance)
    if instance.mask is None:
        x1, y1, x2, y2 = (round(side) for side in instance.box)
        return _roi(_RECT, (y1, x1, y2, x2), name, color)
    if instance.mask.width == 0:
        return b""
    crop = instance.mask
    bounds = crop.y, crop.x, crop.y + crop.height, crop.x + crop.width
    rings = [ring for piece in polygons(crop) for ring in (piece.shell, *piece.holes)]
    if len(rings) == 1 and len(rings[0]) <= _MOST_CORNERS:
        points = (rings[0] - (crop.x, crop.y)).astype(">i2")
        return _roi(_TRACED, bounds, name, color, points.T.tobytes(), corners=len(points))
    path = _path(rings)
    return _roi(_RECT, bounds, name, color, path, floats=len(path) // 4)


def _path(rings: Sequence[npt.NDArray[np.int64]]) -> bytes:
    """Rings as the segments of one path: each a kind and a place, big-endian floats."""
    lengths = np.array([len(ring) for ring in rings])
    corners = np.concatenate(rings)
    # Behind each ring is a number more, the end of its path.
    ends = 3 * np.cumsum(lengths) + np.arange(len(rings))
    places = 3 * np.arange(len(corners)) + np.repeat(np.arange(len(rings)), lengths)
    path = np.full(3 * len(corners) + len(rings), _LINE, ">f4")
    path[places + 1], path[places + 2] = corners.T
    path[ends - 3 * lengths], path[ends] = _MOVE, _CLOSE
    return path.tobytes()


def _roi(
    kind: int,
    bounds: tuple[int, int, int, int],
    name: str,
    color: RGB,
    body: bytes = b"",
    *,
    corners: int = 0,
    floats: int = 0,
) -> bytes:
    """A header, the corners or the path, the second header, the name."""
    argb = 0xFF000000 | color[0] << 16 | color[1] << 8 | color[2]
    header2 = _HEADER_BYTES + len(body)
    text = name.encode("utf-16-be")
    header = bytearray(_HEADER_BYTES)
    struct.pack_into(">4shBxhhhhH", header, 0, b"Iout", _VERSION, kind, *bounds, corners)
    struct.pack_into(">i", header, 36, floats)
    struct.pack_into(">I", header, 40, argb)
    struct.pack_into(">i", header, 60, header2)
    second = bytearray(_HEADER2_BYTES)
    struct.pack_into(">ii", second, 16, header2 + _HEADER2_BYTES, len(text) // 2)
    return bytes(header) + body + bytes(second) + text
