"""An image with its masks as one message: what canvas.js reads, in a notebook and on a page of its
own."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from ..prediction import Prediction
from ..style import class_color, hex_color

__all__ = ["IMAGE_FORMATS", "encode_content"]

RGBArray = npt.NDArray[np.uint8]

IMAGE_FORMATS: Final = ("auto", "jpeg", "png")
"""How an image can travel."""

JPEG_QUALITY: Final = 90
PNG_MAX_COLORS: Final = 256
"""Images of so few colours (screenshots, diagrams) travel as PNG: smaller than a JPEG, and without
its smear."""

_MAGIC: Final = b"SEGW"


def encode_content(
    image: RGBArray, prediction: Prediction, name: str = "", image_format: str = "auto"
) -> bytes:
    """Image, masks and metadata as the one message that canvas.js reads.

    Four letters "SEGW", the header's length (uint32, little-endian), the header (JSON in UTF-8),
    the image (JPEG of quality 90, or PNG for up to 256 colours, or what `image_format` says: "jpeg"
    or "png"), and the masks: the bits of all `MaskCrop`s, one after the other, each from a byte of
    its own on, together as one zlib stream. Raises as `Prediction.check_image` does.
    """
    prediction.check_image(image)
    height, width = prediction.image_size
    media_type, picture = _encode_picture(image, image_format)
    crops = prediction.masks or ()
    # Level 1: 72 kB in 4 ms for 100 masks of 1280×960; level 6 saves a quarter of that and takes
    # four times as long.
    bits = zlib.compress(b"".join(crop.bits for crop in crops), 1)
    used = sorted(set(prediction.class_ids.tolist()))
    header = {
        "name": name,
        "width": width,
        "height": height,
        "mediaType": media_type,
        "imageBytes": len(picture),
        "maskBytes": len(bits),
        "hasMasks": prediction.masks is not None,
        "classes": [
            {
                "id": index,
                "name": prediction.class_names[index],
                "color": hex_color(class_color(index)),
            }
            for index in used
        ],
        "classIds": prediction.class_ids.tolist(),
        "scores": prediction.scores.tolist(),
        "areas": prediction.areas.tolist(),
        "boxes": np.round(prediction.boxes.astype(np.float64), 1).tolist(),
        "crops": [(crop.x, crop.y, crop.width, crop.height) for crop in crops],
        "colors": [hex_color(class_color(index)) for index in range(len(prediction))],
    }
    # The name of a file need not be text: what can't be written becomes "?".
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return b"".join((_MAGIC, struct.pack("<I", len(head)), head, picture, bits))


def _encode_picture(image: RGBArray, image_format: str) -> tuple[str, bytes]:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if image_format == "png" or (image_format == "auto" and _has_few_colors(image)):
        done, data = cv2.imencode(".png", bgr)
        media_type = "image/png"
    else:
        done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        media_type = "image/jpeg"
    assert done, "OpenCV encodes every uint8 RGB array"
    return media_type, data.tobytes()


def _has_few_colors(image: RGBArray) -> bool:
    """Whether the image has at most `PNG_MAX_COLORS` colours."""
    # Counting all colours of a photograph takes long; a thin sample of it already shows that there
    # are too many.
    step = max(1, image.shape[0] * image.shape[1] // 20_000)
    for pixels in (image.reshape(-1, 3)[::step], image.reshape(-1, 3)):
        packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        if np.unique(packed).size > PNG_MAX_COLORS:
            return False
    return True
