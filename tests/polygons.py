"""Filling polygons, apart from the code that makes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.path import Path as Polygon


def fill(polygons: Sequence[npt.ArrayLike], height: int, width: int) -> npt.NDArray[np.bool_]:
    """The pixels whose centres lie in one of the polygons."""
    y, x = np.mgrid[:height, :width] + 0.5
    centres = np.column_stack((x.ravel(), y.ravel()))
    inside = np.zeros(height * width, bool)
    for points in polygons:
        ring = np.asarray(points)
        inside |= Polygon(np.vstack((ring, ring[:1])), closed=True).contains_points(centres)
    return inside.reshape(height, width)
