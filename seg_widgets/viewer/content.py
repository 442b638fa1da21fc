"""An image with its masks as one message, and its reader.

The message is what the canvas shows, in a notebook and on a page of its own. Its parts, one behind
the other:

- four letters, "SEGW";
- the header's length in bytes: uint32, little-endian;
- the header: JSON in UTF-8, with the keys of `_header`;
- the image: JPEG or PNG;
- the masks: the bits of all `MaskCrop`s, each from a byte of its own on, as one zlib stream; those
  of what the prediction is compared with come behind its own, and then the overlaps of both;
- the soft masks, where they were asked for: the boxes as float32, little-endian, and all soft masks
  as uint8, as one zlib stream.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import ExportError, SegWidgetsError
from ..prediction import MaskCrop, PartialPrediction, Prediction, check_image, unpacked
from ..style import class_color, hex_color
from .compared import Compared
from .pairs import length_of_pairs

__all__ = [
    "IMAGE_FORMATS",
    "Content",
    "EncodedImage",
    "compare_content",
    "decode_content",
    "encode_content",
    "encode_image",
    "with_soft_masks",
]

RGBArray = npt.NDArray[np.uint8]

IMAGE_FORMATS: Final = ("auto", "jpeg", "png")
"""How an image can travel."""

JPEG_QUALITY: Final = 90
"""The quality of the JPEGs, 0 to 100."""

PNG_MAX_COLORS: Final = 256
"""Images of so few colours (screenshots, diagrams) travel as PNG: smaller than a JPEG, and without
its smear."""

_MAGIC: Final = b"SEGW"
_LENGTH: Final = struct.Struct("<I")

# Level 1: 72 kB in 4 ms for 100 masks of 1280×960; level 6 saves a quarter of that and takes four
# times as long.
_ZLIB_LEVEL: Final = 1

# So many pixels of a photograph already show that it has too many colours for a PNG.
_SAMPLED_PIXELS: Final = 20_000


@dataclass(frozen=True)
class EncodedImage:
    """An image's file."""

    media_type: str
    """Such as "image/jpeg"."""

    data: bytes = field(repr=False)
    """The file's bytes."""


@dataclass(frozen=True)
class Content:
    """What a message of `encode_content` holds."""

    header: dict[str, Any]
    """The metadata, as the browser reads it: `name`, `width`, `height`, `classes`, `scores` …"""

    image: bytes
    """The image's file: JPEG or PNG, see `header["mediaType"]`."""

    masks: tuple[MaskCrop, ...] | None
    """N masks; None for a prediction without masks, or with some that are still to come."""

    @property
    def name(self) -> str:
        """What the image is called."""
        return str(self.header["name"])


def encode_content(
    image: RGBArray,
    prediction: Prediction | PartialPrediction,
    name: str = "",
    image_format: str = "auto",
    encoded: EncodedImage | None = None,
    others: Sequence[Compared] = (),
    soft: bool = False,
) -> bytes:
    """Image, masks and metadata as the one message that the canvas reads.

    Args:
        image: H×W×3 uint8 RGB, of the size that the prediction is for.
        prediction: what was found in it, or so far.
        name: what to call the image.
        image_format: how the image travels: "jpeg" (quality 90), "png" (without loss), or "auto":
            PNG for images of up to 256 colours, JPEG for all others.
        encoded: the image's file, where it was made before; then `image_format` says nothing.
        others: what the prediction is compared with.
        soft: whether the prediction's soft masks are in it, too, where it has some.

    Returns:
        The message; `decode_content` reads it.

    Raises:
        SettingError: the image is no such array.
        PredictionError: the prediction is for an image of another size.
    """
    whole = prediction.boxes if isinstance(prediction, PartialPrediction) else prediction
    check_image(whole, image)
    file = encoded or encode_image(image, image_format)
    packed_soft = _packed_soft(prediction) if soft else b""
    return _message(file, prediction, name, others, packed_soft)


def with_soft_masks(content: bytes, prediction: Prediction, soft: bool = True) -> bytes:
    """A message with its prediction's soft masks, or without them; all else stays.

    Args:
        content: what `encode_content` gave.
        prediction: the one that it was made of.
        soft: whether they are in it.

    Returns:
        Another message.
    """
    header, image, masks, _ = _parts_of(content)
    return _joined(header, image, masks, _packed_soft(prediction) if soft else b"")


def compare_content(content: bytes, prediction: Prediction, others: Sequence[Compared]) -> bytes:
    """A message of the same image and prediction, compared with something else.

    Args:
        content: what `encode_content` gave.
        prediction: the one that it was made of.
        others: what the prediction is compared with.

    Returns:
        Another message, with image and soft masks as they are.
    """
    header, image, _, packed_soft = _parts_of(content)
    file = EncodedImage(header["mediaType"], image)
    return _message(file, prediction, header["name"], others, packed_soft)


def _message(
    file: EncodedImage,
    found: Prediction | PartialPrediction,
    name: str,
    others: Sequence[Compared],
    packed_soft: bytes,
) -> bytes:
    prediction, masks = _parts(found)
    crops = [crop for crop in masks or () if crop]
    crops += [crop for each in others for crop in each.masks]
    sides = [each.packed(prediction, found.areas) for each in others]
    parts = [crop.bits for crop in crops] + [pairs for _, pairs in sides]
    packed = zlib.compress(b"".join(parts), _ZLIB_LEVEL)
    header = {
        **_header(found, name),
        "others": [header for header, _ in sides],
        "mediaType": file.media_type,
    }
    return _joined(header, file.data, packed, packed_soft)


def _joined(header: dict[str, Any], image: bytes, masks: bytes, packed_soft: bytes) -> bytes:
    """The message of its parts, as they travel."""
    lengths = {
        "imageBytes": len(image),
        "maskBytes": len(masks),
        "softBytes": len(packed_soft),
    }
    text = json.dumps({**header, **lengths}, ensure_ascii=False, separators=(",", ":"))
    # The name of a file need not be text: what can't be written becomes "?".
    head = text.encode("utf-8", "replace")
    return b"".join((_MAGIC, _LENGTH.pack(len(head)), head, image, masks, packed_soft))


def decode_content(content: bytes) -> Content:
    """Read a message of `encode_content`, as the browser does.

    Args:
        content: the message.

    Returns:
        Its parts.

    Raises:
        ExportError: it is no such message, or not all of it.
    """
    try:
        return _decode(content)
    except (ValueError, KeyError, TypeError, struct.error, zlib.error, SegWidgetsError) as error:
        raise ExportError(
            "The saved image of a canvas can't be read; run the notebook once more and save it "
            f"({str(error) or type(error).__name__})."
        ) from error


def _decode(content: bytes) -> Content:
    header, image, packed, _ = _parts_of(content)
    bits = zlib.decompress(packed)
    crops = header["crops"]
    if header["hasMasks"] and None in crops:
        return Content(header, image, None)
    end = sum((width * height + 7) // 8 for *_, width, height in crops)
    others = header.get("others", ())
    behind = [crop for side in others for crop in side["crops"]]
    pairs = sum(length_of_pairs(len(header["scores"]), side["pairs"]) for side in others)
    unpacked(behind, bits[end : len(bits) - pairs])  # checks that all of it is there, and no more
    return Content(header, image, unpacked(crops, bits[:end]) if header["hasMasks"] else None)


def _parts_of(content: bytes) -> tuple[dict[str, Any], bytes, bytes, bytes]:
    """The header, the image, and the masks and soft masks, packed."""
    if content[:4] != _MAGIC:
        raise ValueError(f"it doesn't begin with {_MAGIC.decode()}")
    (length,) = _LENGTH.unpack_from(content, 4)
    image_at = 4 + _LENGTH.size + length
    header = json.loads(content[4 + _LENGTH.size : image_at])
    masks_at = image_at + header["imageBytes"]
    soft_at = masks_at + header["maskBytes"]
    # A notebook that was saved by an earlier version has none.
    announced = header["maskBytes"] + header.get("softBytes", 0)
    there = len(content) - masks_at
    if there != announced:
        raise ValueError(f"{announced} bytes of masks were announced, not {there}")
    return header, content[image_at:masks_at], content[masks_at:soft_at], content[soft_at:]


def _packed_soft(found: Prediction | PartialPrediction) -> bytes:
    if not isinstance(found, Prediction) or found.soft_masks is None:
        return b""
    boxes = found.boxes.astype("<f4").tobytes()
    return zlib.compress(boxes + found.soft_masks.tobytes(), _ZLIB_LEVEL)


def _parts(
    found: Prediction | PartialPrediction,
) -> tuple[Prediction, Sequence[MaskCrop | None] | None]:
    """The instances, and their masks, of which None is still to come; None for no masks at all."""
    if not isinstance(found, PartialPrediction):
        return found, found.masks
    return found.boxes, [found.masks.get(index) for index in range(len(found.boxes))]


def _header(found: Prediction | PartialPrediction, name: str) -> dict[str, Any]:
    """What the header says of a prediction."""
    prediction, masks = _parts(found)
    height, width = prediction.image_size
    used = sorted(set(prediction.class_ids.tolist()))
    return {
        "name": name,
        "width": width,
        "height": height,
        "hasMasks": masks is not None,
        "classes": [_class(prediction, class_id) for class_id in used],
        "classIds": prediction.class_ids.tolist(),
        "scores": prediction.scores.tolist(),
        "areas": found.areas.tolist(),
        "boxes": np.round(prediction.boxes.astype(np.float64), 1).tolist(),
        "softSize": _soft_size(found),
        "crops": [crop and (crop.x, crop.y, crop.width, crop.height) for crop in masks or ()],
        # By index, for a canvas that colours by instance.
        "colors": [hex_color(class_color(index)) for index in range(len(prediction))],
    }


def _soft_size(found: Prediction | PartialPrediction) -> int:
    """The cells of a soft mask's side; 0 where there are none."""
    if not isinstance(found, Prediction) or found.soft_masks is None:
        return 0
    return found.soft_masks.shape[1] if len(found) else 0


def _class(prediction: Prediction, class_id: int) -> dict[str, Any]:
    color = hex_color(class_color(class_id))
    return {"id": class_id, "name": prediction.class_names[class_id], "color": color}


def encode_image(image: RGBArray, image_format: str = "auto") -> EncodedImage:
    """An image as it travels.

    Args:
        image: H×W×3 uint8 RGB.
        image_format: as for `encode_content`.

    Returns:
        Its file.
    """
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if image_format == "png" or (image_format == "auto" and _has_few_colors(image)):
        done, data = cv2.imencode(".png", bgr)
        media_type = "image/png"
    else:
        done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        media_type = "image/jpeg"
    assert done, "OpenCV encodes every uint8 RGB array"
    return EncodedImage(media_type, data.tobytes())


def _has_few_colors(image: RGBArray) -> bool:
    """Whether the image has at most `PNG_MAX_COLORS` colours."""
    # Counting all colours of a photograph takes long, so a thin sample is counted first.
    step = max(1, image.shape[0] * image.shape[1] // _SAMPLED_PIXELS)
    for pixels in (image.reshape(-1, 3)[::step], image.reshape(-1, 3)):
        packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        if np.unique(packed).size > PNG_MAX_COLORS:
            return False
    return True
