"""Label images: each pixel has the number of its instance, 0 outside of all."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

from ..errors import ExportError
from ..prediction import Chosen, Prediction, require_masks, short
from .chosen import chosen_instances
from .png_encoder import encode_png

__all__ = ["label_image_bytes", "to_label_image"]

_DESCRIPTION: Final = 270
_MOST_OF_16_BITS: Final = 0xFFFF


def to_label_image(prediction: Prediction, *, only: Chosen | None = None) -> npt.NDArray[Any]:
    """The masks as one image; where they overlap, the smaller one lies on top, and of two
    as large the one with the lower index.

    Args:
        prediction: what was found.
        only: the instances to take; None: all.

    Returns:
        H×W uint16, or uint32 for an index above 65,534: 0 outside, and index + 1 inside of each
        instance, the index among all of them.

    Raises:
        PredictionError: the prediction has no masks.
        SettingError: an index in `only` is not here.
    """
    crops = require_masks(prediction)
    chosen = [instance.index for instance in chosen_instances(prediction, only)]
    labels = np.zeros(prediction.image_size, np.uint16 if _fit_16_bits(chosen) else np.uint32)
    for index in sorted(chosen, key=lambda index: (-crops[index].area, -index)):
        crop = crops[index]
        region = labels[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width]
        region[crop.to_array()] = index + 1
    return labels


def label_image_bytes(
    prediction: Prediction, suffix: str, *, file_name: str = "", only: Chosen | None = None
) -> bytes:
    """The label image as a file, with classes, scores and boxes in its description.

    Args:
        prediction: what was found.
        suffix: ".tif" or ".png"; a PNG has at most 65,535 instances.
        file_name: the image's name, in the description.
        only: the instances to take; None: all.

    Returns:
        The file's content. The description (TIFF's tag 270, PNG's text `Description`) is JSON.

    Raises:
        PredictionError: the prediction has no masks.
        ExportError: a PNG can't hold that many instances.
        SettingError: an index in `only` is not here.
    """
    chosen = [instance.index for instance in chosen_instances(prediction, only)]
    if suffix == ".png" and not _fit_16_bits(chosen):
        raise ExportError(
            f"A PNG has 16 bits, so no number above {_MOST_OF_16_BITS}. Export the label image as "
            "TIFF."
        )
    labels = to_label_image(prediction, only=only)
    described = _described(prediction, file_name, only)
    buffer = io.BytesIO()
    if suffix == ".tif":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[_DESCRIPTION] = described
        _tiff_image(labels).save(buffer, "TIFF", tiffinfo=tags, compression="tiff_adobe_deflate")
        return buffer.getvalue()
    return encode_png(labels, {"Description": described})


def _fit_16_bits(chosen: Sequence[int]) -> bool:
    return max(chosen, default=0) + 1 <= _MOST_OF_16_BITS


def _tiff_image(labels: npt.NDArray[Any]) -> Image.Image:
    """An image that Pillow writes as unsigned: its 32-bit ones are signed, with the same bits."""
    return Image.fromarray(labels if labels.dtype == np.uint16 else labels.view(np.int32))


def _described(prediction: Prediction, file_name: str, only: Chosen | None) -> str:
    content = {
        "seg_widgets": 1,
        "file_name": file_name,
        "class_names": list(prediction.class_names),
        "category_ids": list(prediction.category_ids),
        "instances": [
            {
                "label": instance.index + 1,
                "class_id": instance.class_id,
                "class_name": instance.class_name,
                "score": short(instance.score, 6),
                "box": [short(side) for side in instance.box],
            }
            for instance in chosen_instances(prediction, only)
        ],
    }
    # ASCII: TIFF's texts are.
    return json.dumps(content, separators=(",", ":"))
