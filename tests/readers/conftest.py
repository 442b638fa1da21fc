"""What the tests of the readers share: the exports of difficult instances, and no network."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from seg_widgets import export
from seg_widgets.testing import make_picture

from ..shapes_to_export import HEIGHT, SHAPES, WIDTH

_SETTINGS = tempfile.TemporaryDirectory(prefix="seg-widgets-readers-")
os.environ.update(
    MPLCONFIGDIR=_SETTINGS.name,
    QT_QPA_PLATFORM="offscreen",
)
_connect = socket.socket.connect


def _refuse(connection: socket.socket, address: Any) -> None:
    """No reader reaches the network."""
    if connection.family in (socket.AF_INET, socket.AF_INET6) and address[0] != "127.0.0.1":
        raise OSError(f"a reader wanted the network: {address}")
    _connect(connection, address)


socket.socket.connect = _refuse  # type: ignore[method-assign,assignment]

IMAGE = make_picture(WIDTH, HEIGHT)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each format's file."""
    folder = tmp_path_factory.mktemp("exported")
    found: dict[str, Path] = {}
    for name in export.save_formats():
        made = export.make(name, export.Result(IMAGE, SHAPES, "photo.png"))
        found[name] = folder / made.name
        found[name].write_bytes(made.data)
    return found


@pytest.fixture(scope="session")
def masks() -> npt.NDArray[np.bool_]:
    """N×H×W: what was exported."""
    return SHAPES.masks_dense()


def iou(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    """The share of the pixels of either that both have."""
    return float((one & other).sum() / (one | other).sum())
