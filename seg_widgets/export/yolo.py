"""YOLO's segmentation labels, as Ultralytics and supervision read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import numpy.typing as npt

from ..errors import SettingError
from ..images import RGBArray
from ..prediction import Chosen, Instance, MaskCrop, Prediction
from .chosen import chosen_instances
from .files import file_stem
from .png import File, png_bytes, zip_bytes

__all__ = ["data_yaml", "to_yolo", "yolo_together", "yolo_zip"]

_DIGITS: Final = 6
_LEAST_POINTS: Final = 3
# Ultralytics truncates a point to its pixel, supervision rounds it: both find the same one.
_IN_PIXEL: Final = 0.25


def to_yolo(prediction: Prediction, *, only: Chosen | None = None) -> str:
    """The instances as the text of a YOLO label file: a row for each, without its score.

    A row is the class id and x y x y … from 0 to 1 of the image's sides. It is one polygon: holes
    are filled, and the pieces of a mask are joined by lines there and back, as Ultralytics'
    converter of COCO does. The points lie in the outer pixels, so that OpenCV's `fillPoly`, by
    which the readers fill them, gives the same pixels. Without a mask the row is the box: its
    centre, its width and its height.

    Args:
        prediction: what was found.
        only: the instances to take; None: all.

    Returns:
        The text; "" where there are no instances.

    Raises:
        SettingError: an index in `only` is not here.
    """
    size = prediction.image_size
    rows = (_row(instance, size) for instance in chosen_instances(prediction, only))
    return "".join(f"{row}\n" for row in rows if row)


def yolo_zip(
    prediction: Prediction, image: RGBArray, stem: str, *, only: Chosen | None = None
) -> bytes:
    """A YOLO data set of one image as a ZIP: the image, its labels, and data.yaml.

    Args:
        prediction: what was found in the image.
        image: H×W×3 uint8 RGB.
        stem: what image and labels are called.
        only: the instances to take; None: all.

    Returns:
        The archive, the same for the same instances.

    Raises:
        SettingError: an index in `only` is not here.
    """
    return zip_bytes(_files(prediction, image, file_stem(stem), only))


def yolo_together(file_names: Sequence[str], predictions: Sequence[Prediction]) -> bytes:
    """The labels of several images as a ZIP: labels/ and data.yaml, to be put beside images/.

    Args:
        file_names: what the images are called, each once.
        predictions: what was found in each of them, all of the same class names.

    Returns:
        The archive.

    Raises:
        SettingError: the class names differ.
    """
    first = predictions[0] if predictions else Prediction.empty((1, 1))
    if any(each.class_names != first.class_names for each in predictions):
        raise SettingError(
            "One data set has one list of classes, but these predictions have different class "
            "names."
        )
    files = [("data.yaml", data_yaml(first).encode("utf-8"))]
    # A reader looks for the labels under the image's name.
    stems = [file_stem(PurePosixPath(name.replace("\\", "/")).stem) for name in file_names]
    taken = set[str]()
    for stem, each in zip(stems, predictions, strict=True):
        # Of a.jpg and a.png only one can have a.txt; a name of another's own is never used for it.
        numbered, number = stem, 1
        while numbered in taken or (number > 1 and numbered in stems):
            number += 1
            numbered = f"{stem} ({number})"
        taken.add(numbered)
        files.append((f"labels/{numbered}.txt", to_yolo(each).encode("ascii")))
    return zip_bytes(files)


def _files(
    prediction: Prediction, image: RGBArray, stem: str, only: Chosen | None
) -> Iterator[File]:
    yield "data.yaml", data_yaml(prediction).encode("utf-8")
    yield f"images/{stem}.png", png_bytes(image)
    yield f"labels/{stem}.txt", to_yolo(prediction, only=only).encode("ascii")


def data_yaml(prediction: Prediction) -> str:
    """The data set's file, which has the names of the classes.

    Args:
        prediction: what was found.

    Returns:
        YAML; a text in quotes is the same there as in JSON.
    """
    names = "".join(
        f"  {class_id}: {json.dumps(name, ensure_ascii=False)}\n"
        for class_id, name in enumerate(prediction.class_names)
    )
    return f"path: .\ntrain: images\nval: images\nnames:{' {}' if not names else ''}\n{names}"


def _row(instance: Instance, image_size: tuple[int, int]) -> str:
    height, width = image_size
    if instance.mask is None:
        x1, y1, x2, y2 = instance.box
        box = np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])
        relative = box / (width, height, width, height)
    elif instance.mask.width == 0:
        return ""
    else:
        crop = instance.mask
        points = _joined(_contours(crop)) + np.array([crop.x, crop.y]) + _IN_PIXEL
        relative = (points / (width, height)).ravel()
    # One format for the whole row: one for each value takes ten times as long.
    values = f" %.{_DIGITS}f" * len(relative) % tuple(relative.tolist())
    return f"{instance.class_id}{values}"


def _contours(crop: MaskCrop) -> list[npt.NDArray[np.int64]]:
    """The outer pixels of each piece, in the order of the line through their middles."""
    import cv2

    found, _ = cv2.findContours(
        crop.to_array().view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    contours = [contour.reshape(-1, 2).astype(np.int64) for contour in found]
    return sorted(contours, key=len, reverse=True)


def _joined(contours: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.float64]:
    """Several closed lines as one, which goes from the first to each other one and back."""
    whole = contours[0]
    for other in contours[1:]:
        distances = np.abs(whole[:, None] - other[None]).sum(axis=2)
        here, there = np.unravel_index(int(distances.argmin()), distances.shape)
        turned = np.roll(other, -int(there), axis=0)
        detour = np.concatenate((turned, turned[:1], whole[here : here + 1]))
        whole = np.insert(whole, int(here) + 1, detour, axis=0)
    # A polygon of fewer points would be taken for a box, or refused.
    missing = _LEAST_POINTS - len(whole)
    if missing > 0:
        whole = np.concatenate((whole, whole[:1].repeat(missing, axis=0)))
    return whole.astype(np.float64)
