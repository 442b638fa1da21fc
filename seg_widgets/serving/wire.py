"""What travels between server, workers and clients, as bytes; never a pickle.

- A prediction is an `.npz` file with masks as crops: any program with NumPy can read it.
- An image is a binary PPM: a line of text, and the RGB pixels as they are, without loss.
- A frame is a JSON header and a payload, each with its length before it: between server and worker.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from ..errors import ImageDamagedError, InferenceError, SegWidgetsError
from ..prediction import Prediction, unpacked

__all__ = [
    "FRAME_LENGTHS",
    "NPZ",
    "PPM",
    "decode_image",
    "decode_prediction",
    "encode_image",
    "encode_prediction",
    "frame_head",
    "is_raw_image",
    "pack_frame",
    "read_frame",
    "unpack_lengths",
]

RGBArray = npt.NDArray[np.uint8]

NPZ: Final = "application/x-npz"
"""The media type of a prediction."""

PPM: Final = "image/x-portable-pixmap"
"""The media type of an image without loss."""

_VERSION: Final = 1
_PPM_HEAD: Final = re.compile(rb"P6\n(\d{1,6}) (\d{1,6})\n255\n")
_LENGTHS: Final = struct.Struct("<II")
FRAME_LENGTHS: Final = _LENGTHS.size
"""How many bytes stand before a frame's header."""


# ── predictions ───────────────────────────────────────────────────────────────────────────────────


def encode_prediction(prediction: Prediction) -> bytes:
    """A prediction as the bytes of an `.npz` file.

    Args:
        prediction: the prediction.

    Returns:
        An archive of `boxes` (N×4 float32), `scores` (N float32), `class_ids` (N int64), `crops`
        (N×4 int64: x, y, width, height), `bits` (uint8: the bits of all crops, each from a byte of
        its own on) and `about` (uint8: JSON in UTF-8 with the image's size and the names).
    """
    masks = prediction.masks or ()
    about = {
        "version": _VERSION,
        "imageSize": prediction.image_size,
        "classNames": prediction.class_names,
        "categoryIds": prediction.category_ids,
        "notes": prediction.notes,
        "hasMasks": prediction.masks is not None,
    }
    # A class's name may come from a file and need not be text that UTF-8 has.
    text = json.dumps(about, ensure_ascii=True).encode("ascii")
    crops = [(crop.x, crop.y, crop.width, crop.height) for crop in masks]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        about=np.frombuffer(text, np.uint8),
        boxes=prediction.boxes,
        scores=prediction.scores,
        class_ids=prediction.class_ids,
        crops=np.array(crops, np.int64).reshape(-1, 4),
        bits=np.frombuffer(b"".join(crop.bits for crop in masks), np.uint8),
    )
    return buffer.getvalue()


def decode_prediction(content: bytes) -> Prediction:
    """Read what `encode_prediction` made.

    Args:
        content: the bytes.

    Returns:
        The same prediction, notes included.

    Raises:
        InferenceError: they are no such file, or not all of it.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            crops, bits = arrays["crops"].tolist(), arrays["bits"].tobytes()
            return Prediction(
                tuple(about["imageSize"]),
                arrays["boxes"],
                arrays["scores"],
                arrays["class_ids"],
                tuple(about["classNames"]),
                unpacked(crops, bits) if about["hasMasks"] else None,
                tuple(about["notes"]),
                tuple(about["categoryIds"]),
            )
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        EOFError,
        zipfile.BadZipFile,
        SegWidgetsError,
    ) as error:
        raise InferenceError(
            "The server's answer is no prediction that this version reads "
            f"({type(error).__name__}). Install the same version of seg-widgets on both sides."
        ) from error


# ── images ────────────────────────────────────────────────────────────────────────────────────────


def encode_image(image: RGBArray) -> bytes:
    """An image as a binary PPM.

    Args:
        image: H×W×3 uint8 RGB.

    Returns:
        Its bytes: 3 · H · W and some 15 more.
    """
    height, width = image.shape[:2]
    return b"P6\n%d %d\n255\n" % (width, height) + image.tobytes()


def is_raw_image(content: bytes) -> bool:
    """Whether these bytes begin as `encode_image` writes them."""
    return _PPM_HEAD.match(content[:32]) is not None


def decode_image(content: bytes) -> RGBArray:
    """Read what `encode_image` made.

    Args:
        content: the bytes.

    Returns:
        H×W×3 uint8 RGB, read-only: a view of the bytes.

    Raises:
        ImageDamagedError: they are no such image, or not all of it.
    """
    head = _PPM_HEAD.match(content[:32])
    width, height = (int(head[1]), int(head[2])) if head else (0, 0)
    if head is None or len(content) - head.end() != 3 * width * height or not width * height:
        raise ImageDamagedError(
            "The image is a PPM of another kind, or was cut short. Send P6 with 8 bits a channel."
        )
    pixels: RGBArray = np.frombuffer(content, np.uint8, offset=head.end())
    return pixels.reshape(height, width, 3)


# ── frames ────────────────────────────────────────────────────────────────────────────────────────


def frame_head(header: dict[str, Any], payload_bytes: int) -> bytes:
    """What stands before a frame's payload.

    Args:
        header: what JSON can hold.
        payload_bytes: how many bytes follow, less than 4 GiB.

    Returns:
        The two lengths and the header.
    """
    head = json.dumps(header).encode("ascii")
    return _LENGTHS.pack(len(head), payload_bytes) + head


def pack_frame(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """A header and a payload as one run of bytes."""
    return frame_head(header, len(payload)) + payload


def unpack_lengths(content: bytes) -> tuple[int, int]:
    """The bytes of header and payload, from a frame's first `FRAME_LENGTHS` bytes."""
    head, payload = _LENGTHS.unpack(content)
    return head, payload


def read_frame(file: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Read a frame from a file that waits for its bytes.

    Args:
        file: a pipe.

    Returns:
        Header and payload.

    Raises:
        EOFError: the other side is gone.
    """
    head, payload = unpack_lengths(_read_exactly(file, FRAME_LENGTHS))
    header: dict[str, Any] = json.loads(_read_exactly(file, head))
    return header, _read_exactly(file, payload)


def _read_exactly(file: IO[bytes], count: int) -> bytes:
    content = file.read(count)
    if len(content) < count:
        raise EOFError("the other side is gone")
    return content
