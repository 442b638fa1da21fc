"""Images and uploads that the tests of `images` share."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from seg_widgets.testing import make_picture

PICTURE = make_picture(40, 30)


def encode(picture: Image.Image | npt.NDArray[Any], kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


PNG = encode(PICTURE)


def assert_is_rgb(array: npt.NDArray[np.uint8]) -> None:
    assert array.dtype == np.uint8
    assert array.ndim == 3 and array.shape[2] == 3
    assert array.flags.c_contiguous and array.flags.writeable and array.flags.owndata


def upload_7(content: bytes = PNG, name: str = "photo.png") -> dict[str, Any]:
    metadata = {
        "name": name,
        "type": "image/png",
        "size": len(content),
        "lastModified": 1_700_000_000_000,
    }
    return {name: {"metadata": metadata, "content": content}}


def upload_8(content: bytes = PNG, name: str = "photo.png") -> tuple[dict[str, Any], ...]:
    return (
        {"name": name, "type": "image/png", "size": len(content), "content": memoryview(content)},
    )
