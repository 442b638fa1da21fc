"""PNG files: the image with what was found, single instances, masks."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy.typing as npt

from ..drawing import cutout, overlay
from ..errors import ExportError
from ..images import RGBArray
from ..prediction import Chosen, Instance, Prediction, require_masks
from ..style import DEFAULT_STYLE, Style
from .chosen import chosen_instances
from .files import StrPath, as_text, file_stem, write_bytes
from .png_encoder import encode_mask, encode_png, in_threads

__all__ = [
    "File",
    "cutout_files",
    "cutouts_zip",
    "mask_files",
    "png_bytes",
    "save_cutouts",
    "save_masks",
    "save_overlay_png",
    "write_zip",
    "zip_bytes",
]

File = tuple[str, bytes]
"""A file's name and its content."""

_LONGEST_CLASS_NAME: Final = 40


def png_bytes(image: npt.NDArray[Any]) -> bytes:
    """An array as the bytes of a PNG file.

    Args:
        image: H×W (grey), H×W×3 (RGB) or H×W×4 (RGBA), uint8 or uint16.

    Returns:
        The file's content.

    Raises:
        ExportError: it can't be encoded.
    """
    try:
        return encode_png(image)
    except ValueError:
        raise ExportError(
            f"An image of {image.dtype} and shape {image.shape} can't become a PNG."
        ) from None


def save_overlay_png(
    prediction: Prediction, image: RGBArray, path: StrPath, style: Style = DEFAULT_STYLE
) -> Path:
    """Write what `overlay` draws as a PNG file.

    Args:
        prediction: what was found in the image.
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        path: where to; its folder is made if need be.
        style: how to draw.

    Returns:
        The file's path.

    Raises:
        SettingError: the image is no such array.
        PredictionError: the prediction is for an image of another size.
        ExportError: the file can't be written.
    """
    return write_bytes(path, png_bytes(overlay(image, prediction, style)))


def save_cutouts(
    prediction: Prediction, image: RGBArray, folder: StrPath, stem: str = "image"
) -> list[Path]:
    """Write each instance as a PNG of its own, transparent around it.

    Args:
        prediction: what was found in the image.
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        folder: where to; it is made if need be.
        stem: what the names begin with: `stem`-cutout-000-class.png and so on.

    Returns:
        The files' paths.

    Raises:
        SettingError: the image is no such array.
        PredictionError: the prediction is for an image of another size.
        ExportError: a file can't be written.
    """
    return _write_all(folder, cutout_files(prediction, image, stem))


def cutouts_zip(
    prediction: Prediction,
    image: RGBArray,
    stem: str = "image",
    *,
    only: Chosen | None = None,
) -> bytes:
    """The bytes of a ZIP archive with what `save_cutouts` writes.

    Args:
        prediction: what was found in the image.
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        stem: what the names begin with.
        only: the instances to take; None: all. The numbers in the names stay their indices among
            all of them.

    Returns:
        The archive, the same for the same instances.

    Raises:
        SettingError: the image is no such array, or an index in `only` is not here.
        PredictionError: the prediction is for an image of another size.
    """
    return zip_bytes(cutout_files(prediction, image, stem, only))


def save_masks(prediction: Prediction, folder: StrPath, stem: str = "image") -> list[Path]:
    """Write each mask as a PNG of the image's size, 255 inside and 0 outside.

    Args:
        prediction: what was found.
        folder: where to; it is made if need be.
        stem: what the names begin with: `stem`-mask-000-class.png and so on.

    Returns:
        The files' paths.

    Raises:
        PredictionError: the prediction has no masks.
        ExportError: a file can't be written.
    """
    return _write_all(folder, mask_files(prediction, stem))


def cutout_files(
    prediction: Prediction, image: RGBArray, stem: str, only: Chosen | None = None
) -> Iterator[File]:
    """The files of `save_cutouts`, one after the other.

    Args:
        prediction: what was found in the image.
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        stem: what the names begin with.
        only: the instances to take; None: all.

    Yields:
        Each file's name and content.
    """

    def file(instance: Instance) -> File:
        content = png_bytes(cutout(image, prediction, instance.index))
        return _numbered(stem, "cutout", instance), content

    return in_threads(file, chosen_instances(prediction, only))


def mask_files(prediction: Prediction, stem: str, only: Chosen | None = None) -> Iterator[File]:
    """The files of `save_masks`, one after the other.

    Args:
        prediction: what was found.
        stem: what the names begin with.
        only: the instances to take; None: all.

    Yields:
        Each file's name and content.

    Raises:
        PredictionError: the prediction has no masks.
    """
    masks = require_masks(prediction)

    def file(instance: Instance) -> File:
        crop = masks[instance.index]
        content = encode_mask(crop.to_array(), crop.x, crop.y, prediction.image_size)
        return _numbered(stem, "mask", instance), content

    return in_threads(file, chosen_instances(prediction, only))


def zip_bytes(files: Iterable[File]) -> bytes:
    """Files as one ZIP archive.

    Args:
        files: each file's name and content.

    Returns:
        The archive, the same for the same files: it has no dates.
    """
    buffer = io.BytesIO()
    write_zip(buffer, files)
    return buffer.getvalue()


def write_zip(target: IO[bytes], files: Iterable[File]) -> None:
    """Write files as one ZIP archive, each as soon as it is made.

    Args:
        target: what it is written to.
        files: each file's name and content.
    """
    # PNGs don't get smaller by being packed again.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(as_text(name)), content)


def _write_all(folder: StrPath, files: Iterable[File]) -> list[Path]:
    return [write_bytes(Path(folder) / name, content) for name, content in files]


def _numbered(stem: str, kind: str, instance: Instance) -> str:
    name = file_stem(instance.class_name, _LONGEST_CLASS_NAME)
    return f"{file_stem(stem)}-{kind}-{instance.index:03}-{name}.png"
