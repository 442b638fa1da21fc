"""What the tests of the peers share: an image, masks, and that no library uses the network."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

# Before the first import of a library: Ultralytics and Hugging Face would look for updates, fonts
# and weights, and write their settings into a person's home.
_SETTINGS = tempfile.TemporaryDirectory(prefix="seg-widgets-peers-")
os.environ.update(
    YOLO_OFFLINE="true",
    YOLO_AUTOINSTALL="false",
    YOLO_VERBOSE="false",
    YOLO_CONFIG_DIR=_SETTINGS.name,
    MPLCONFIGDIR=_SETTINGS.name,
    HF_HOME=_SETTINGS.name,
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    TRANSFORMERS_OFFLINE="1",
    RF_HOME=_SETTINGS.name,
)


_asked: list[Any] = []
_connect = socket.socket.connect


def _refuse(connection: socket.socket, address: Any) -> None:
    """No library reaches the network, not even while it is imported."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        _connect(connection, address)
        return
    _asked.append(address)
    raise OSError(f"the tests have no network, but {address} was asked")


socket.socket.connect = _refuse  # type: ignore[method-assign,assignment]


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """A connection to anywhere fails the test, also where the library hides the failure."""
    yield
    assert not _asked


@pytest.fixture
def image() -> npt.NDArray[np.uint8]:
    """A photograph's size and noise, 150×100 pixels, RGB."""
    random = np.random.default_rng(0)
    return random.integers(0, 256, (100, 150, 3)).astype(np.uint8)


@pytest.fixture
def blobs() -> Callable[[int, int, int], npt.NDArray[np.bool_]]:
    """Makes N×H×W masks: rectangles with holes, two parts, one pixel, one at the border."""
    return _blobs


def _blobs(count: int, height: int, width: int) -> npt.NDArray[np.bool_]:
    random = np.random.default_rng(count)
    masks = np.zeros((count, height, width), bool)
    for plane in masks[1:]:
        for _ in range(2):
            top, left = random.integers(0, height - 4), random.integers(0, width - 4)
            bottom = random.integers(top + 2, height + 1)
            right = random.integers(left + 2, width + 1)
            plane[top:bottom, left:right] = random.random((bottom - top, right - left)) > 0.2
    masks[0, -1, -1] = True
    return masks
