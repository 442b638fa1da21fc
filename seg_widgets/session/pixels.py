"""The pixels of a history's images: in memory, put away on disk, or read again from their file."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import cv2
import numpy as np

from ..errors import ImageError
from ..images import RGBArray

__all__ = ["PixelFolder", "Pixels"]

# Level 1 is several times as fast as the default, for files that are a little larger.
_PNG: Final = [cv2.IMWRITE_PNG_COMPRESSION, 1]


class PixelFolder:
    """A temporary folder for pixels; removed when it is closed, forgotten, or Python ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._closed = False
        self._count = 0
        self._remove: Callable[[], object] | None = None

    @property
    def path(self) -> Path | None:
        """The folder; None until it holds anything, and once it is closed."""
        return None if self._closed else self._path

    def new_file(self) -> Path:
        """A name for one more file in it.

        Raises:
            OSError: The folder can't be made, or is closed.
        """
        with self._lock:
            if self._closed:
                raise OSError("the session is closed")
            if self._path is None:
                self._path = Path(tempfile.mkdtemp(prefix="seg_widgets-"))
                self._remove = weakref.finalize(self, shutil.rmtree, self._path, True)
            self._count += 1
            return self._path / f"{self._count}.png"

    def close(self) -> None:
        """Remove the folder with all that is in it; nothing can be put into it any more."""
        with self._lock:
            self._closed = True
            if self._remove is not None:
                self._remove()


class Pixels:
    """One image, which can leave memory and come back without loss.

    Args:
        image: H×W×3 uint8 RGB.
        again: Opens the same image once more; None (default) where only this array has it.
    """

    def __init__(self, image: RGBArray, again: Callable[[], RGBArray] | None = None) -> None:
        self._lock = threading.Lock()
        self._image: RGBArray | None = image
        self._again = again
        self._file: Path | None = None
        self._sum = 0
        # Why neither memory nor disk has them.
        self._why = ""

    @property
    def memory_bytes(self) -> int:
        """The bytes that they take in memory; 0 once they were put away."""
        image = self._image
        return 0 if image is None else int(image.nbytes)

    def load(self) -> RGBArray:
        """The image: H×W×3 uint8 RGB.

        Raises:
            ImageError: It can't be had any more; the message says why.
        """
        with self._lock:
            if self._image is not None:
                return self._image
            if self._file is not None:
                return self._from_disk(self._file)
            if self._again is not None:
                return self._from_source(self._again)
            raise ImageError(f"The pixels are no longer there: {self._why}.")

    def put_away(self, folder: PixelFolder) -> None:
        """Let go of the memory. Pixels that can't be read again go into the folder.

        Where that fails they are gone, and `load` says why.

        Args:
            folder: Takes the file; it is removed with this object.
        """
        with self._lock:
            image = self._image
            if image is None:
                return
            if self._again is not None:
                self._sum = _checksum(image)
            else:
                self._write(image, folder)
            self._image = None

    def _write(self, image: RGBArray, folder: PixelFolder) -> None:
        try:
            file = folder.new_file()
            done, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _PNG)
            assert done, "OpenCV encodes every uint8 RGB array"
            # Before it is written: half a file is removed, too.
            weakref.finalize(self, _unlink, file).atexit = False
            file.write_bytes(data.tobytes())
        except OSError as error:
            why = error.strerror or str(error)
            self._why = f"they did not fit into memory, and could not be kept on disk ({why})"
        else:
            self._file = file

    def _from_disk(self, file: Path) -> RGBArray:
        try:
            data = np.frombuffer(file.read_bytes(), np.uint8)
        except OSError as error:
            why = error.strerror or error
            raise ImageError(
                f"The pixels were kept in a temporary file, which is no longer there ({why}): "
                "the session was closed, or the folder was emptied."
            ) from None
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if image is None:
            raise ImageError("The pixels were kept in a temporary file, which is damaged.")
        return cast(RGBArray, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))

    def _from_source(self, again: Callable[[], RGBArray]) -> RGBArray:
        image = again()
        if _checksum(image) != self._sum:
            raise ImageError(
                "The file has changed since it was segmented. Open it again to segment what is in "
                "it now."
            )
        return image


def _checksum(image: RGBArray) -> int:
    return zlib.crc32(repr(image.shape).encode(), zlib.crc32(np.ascontiguousarray(image).data))


def _unlink(file: Path) -> None:
    file.unlink(missing_ok=True)
