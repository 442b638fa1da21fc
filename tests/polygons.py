"""Filling polygons, apart from the code that makes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.path import Path as Polygon


def fill(polygons: list[list[list[float]]], height: int, width: int) -> npt.NDArray[np.bool_]:
    """The pixels whose centres lie in one of the polygons."""
    y, x = np.mgrid[:height, :width] + 0.5
    centres = np.column_stack((x.ravel(), y.ravel()))
    inside = np.zeros(height * width, bool)
    for points in polygons:
        inside |= Polygon(np.vstack((points, points[:1])), closed=True).contains_points(centres)
    return inside.reshape(height, width)
