"""The pixels of a report's images: which file is whose, and whether it fits the truth."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .._files import StrPath, expanded
from .._text import printable
from ..annotations import find_name, name_parts
from ..errors import ImageError, SettingError
from ..images import as_stored, is_annotated_upright, load
from .names import listed

if TYPE_CHECKING:
    from .scenes import Scene

__all__ = ["Images", "Pictures"]

Images: TypeAlias = StrPath | Mapping[str, Any]
"""The folder with the images, or each image (a path or an H×W×3 uint8 array) by its name."""


class Pictures:
    """Finds and opens the images of a truth.

    Args:
        images: where they are.
        names: what the truth calls all of its images.

    Raises:
        SettingError: it is no folder and no mapping.
    """

    def __init__(self, images: Images, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._given = images if isinstance(images, Mapping) else None
        self._folder = Path()
        if isinstance(images, Mapping):
            return
        if not isinstance(images, (str, os.PathLike)):
            raise SettingError(
                "images is the folder with the images, or a mapping from their names in the truth; "
                f"{type(images).__name__} is none of them."
            )
        self._folder = expanded(images)
        if not self._folder.is_dir():
            raise SettingError(
                f"There is no folder {printable(str(self._folder), 1000)} with images."
            )

    def of(self, scene: Scene) -> npt.NDArray[np.uint8]:
        """The pixels that were annotated, H×W×3 uint8 RGB.

        Args:
            scene: the image.

        Raises:
            ImageError: there is none, it is not certain which, it can't be read, or it has another
                size.
        """
        source = self._source(scene.name)
        pixels = source if isinstance(source, np.ndarray) else load(source)
        shown = (int(pixels.shape[0]), int(pixels.shape[1]))
        size = scene.truth.prediction.image_size
        if shown == size:
            return pixels
        if isinstance(source, (str, os.PathLike)):
            path = expanded(source)
            if is_annotated_upright(path, shown, size) is False:
                return as_stored(path, pixels)
        raise ImageError(
            f"its file has {shown[1]}×{shown[0]} pixels, but its truth {size[1]}×{size[0]}"
        )

    def _source(self, name: str) -> Any:
        """Where an image is, or its array."""
        if self._given is not None:
            if name not in self._given:
                raise ImageError("its file was not found")
            return self._given[name]
        if (self._folder / name).is_file():
            return self._folder / name
        files = [self._files[place] for place in find_name(self._files, name)]
        if len(files) > 1:
            candidates = listed(os.path.relpath(file, self._folder) for file in files)
            raise ImageError(f"{len(files)} files may be it: {candidates}")
        # A file that fits another image as well, or better, is not this one's.
        owners = [self._names[place] for file in files for place in find_name(self._names, file)]
        if name not in owners:
            raise ImageError("its file was not found")
        if len(owners) > 1:
            shown = printable(os.path.relpath(files[0], self._folder))
            raise ImageError(f"it is not certain whose image {shown} is: {listed(owners)}")
        return Path(files[0])

    @cached_property
    def _files(self) -> list[str]:
        """The files of the folder that are called as an image is."""
        ends = {name_parts(name).file for name in self._names}
        return [
            str(Path(where, file))
            for where, _, found in os.walk(self._folder)
            for file in sorted(found)
            if name_parts(file).file in ends
        ]
