"""PNGs with much beside the image."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from seg_widgets.errors import ImageDamagedError
from seg_widgets.images import load

from .pictures import PICTURE, encode


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["add_text", "add_itxt"])
def test_much_metadata_is_left_out(kind: str, packed: bool) -> None:
    beside = PngInfo()
    getattr(beside, kind)("workflow", "node " * 400_000, zip=packed)
    content = encode(PICTURE, pnginfo=beside, icc_profile=b"\0" * 2_000_000)
    np.testing.assert_array_equal(load(content), PICTURE)
    with pytest.raises(ImageDamagedError, match="cut short"):
        load(content[:-60])


def test_orientation_beside_much_metadata() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    beside = PngInfo()
    beside.add_text("note", "x" * 2_000_000, zip=True)
    assert load(encode(PICTURE, pnginfo=beside, exif=exif)).shape == (40, 30, 3)
