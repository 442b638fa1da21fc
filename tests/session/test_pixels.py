"""Pixels that leave memory and come back."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from seg_widgets.errors import ImageError, ImageNotFoundError
from seg_widgets.session.pixels import PixelFolder, Pixels
from seg_widgets.testing import make_picture

RGBArray = npt.NDArray[np.uint8]
IMAGE = make_picture(120, 80)


def files(folder: PixelFolder) -> list[Path]:
    return [] if folder.path is None else sorted(folder.path.iterdir())


def test_pixels_go_to_disk_and_come_back_without_loss() -> None:
    folder = PixelFolder()
    assert folder.path is None, "no folder until it is needed"
    pixels = Pixels(IMAGE)
    assert pixels.load() is IMAGE
    assert pixels.memory_bytes == IMAGE.nbytes
    pixels.put_away(folder)
    pixels.put_away(folder)
    assert pixels.memory_bytes == 0
    assert len(files(folder)) == 1
    assert (pixels.load() == IMAGE).all()
    assert pixels.memory_bytes == 0, "the history does not hold it once more"
    folder.close()
    with pytest.raises(ImageError, match=r"no longer there .* the session was closed"):
        pixels.load()


def test_a_file_goes_with_its_pixels_and_the_folder_with_its_owner() -> None:
    folder = PixelFolder()
    first, second = Pixels(IMAGE), Pixels(IMAGE)
    first.put_away(folder)
    second.put_away(folder)
    del first
    gc.collect()
    assert len(files(folder)) == 1
    path, gone = folder.path, weakref.ref(folder)
    del folder
    gc.collect()
    assert gone() is None
    assert path is not None
    assert not path.exists()


def test_a_file_of_its_own_is_read_again_and_nothing_is_written() -> None:
    folder = PixelFolder()
    pixels = Pixels(IMAGE, lambda: IMAGE.copy())
    pixels.put_away(folder)
    assert folder.path is None
    assert (pixels.load() == IMAGE).all()


def test_a_file_that_has_changed_or_gone_is_named() -> None:
    pixels = Pixels(IMAGE, lambda: make_picture(120, 80, seed=1))
    pixels.put_away(PixelFolder())
    with pytest.raises(ImageError, match="has changed since it was segmented"):
        pixels.load()

    def gone() -> RGBArray:
        raise ImageNotFoundError("There is no file a.jpg.")

    pixels = Pixels(IMAGE, gone)
    pixels.put_away(PixelFolder())
    with pytest.raises(ImageNotFoundError, match=r"no file a\.jpg"):
        pixels.load()


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    pixels = Pixels(IMAGE)
    pixels.put_away(PixelFolder())
    assert pixels.memory_bytes == 0
    with pytest.raises(ImageError, match=r"could not be kept on disk \(No space left on device\)"):
        pixels.load()


def test_a_damaged_file_is_named() -> None:
    folder = PixelFolder()
    pixels = Pixels(IMAGE)
    pixels.put_away(folder)
    files(folder)[0].write_bytes(b"nothing")
    with pytest.raises(ImageError, match="damaged"):
        pixels.load()
