"""Images of more than 8 bits: never black, and each choice is said."""

from __future__ import annotations

import io
import re
import warnings
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from seg_widgets import load
from seg_widgets.errors import SettingError
from seg_widgets.images import ImageWarning, read

from .pictures import encode
from .tiffs import GREY, tiff


def _ramp(dtype: npt.DTypeLike, high: float, low: float = 0) -> npt.NDArray[Any]:
    """Brighter from left to right."""
    return np.tile(np.linspace(low, high, 200), (50, 1)).astype(dtype)


@pytest.mark.parametrize(
    "values",
    [
        _ramp(np.uint16, 4095),
        _ramp(np.uint16, 65535),
        _ramp(np.int16, 3000, -1000),
        _ramp(np.int32, 100_000),
        _ramp(np.uint32, 4e9),
        _ramp(np.float16, 500),
        _ramp(np.float32, 0.01),
        _ramp(np.float64, 1e-9, -1e-9),
    ],
    ids=lambda values: f"{values.dtype} to {values.max()}",
)
def test_the_whole_range_of_grey_is_used(values: npt.NDArray[Any]) -> None:
    grey = _ramp(np.float64, 255)
    sources: list[object] = [values, tiff(values)]
    if values.dtype == np.uint16:
        sources += [encode(values), Image.fromarray(values)]
    for source in sources:
        loaded = read(source)
        assert np.abs(loaded.pixels[..., 0] - grey).max() <= 2
        is_full = values.dtype == np.uint16 and values.max() == 65535
        assert len(loaded.notes) == (not is_full)
        assert is_full or loaded.notes[0].startswith("Contrast: of ")


def test_the_percentiles_ignore_a_few_values_at_both_ends() -> None:
    values = _ramp(np.uint16, 3000, 1000)
    values[0, 0], values[-1, -1] = 0, 65535
    loaded = read(values)
    assert loaded.pixels[25, [0, -1], 0].tolist() == [0, 255]
    assert "1000 is black and 3000 is white" in loaded.notes[0]
    assert "from 0 to 65535" in loaded.notes[0]


def test_a_few_bright_spots_on_black_are_seen() -> None:
    values = np.zeros((200, 200), np.uint16)
    values[100, 100] = 300
    loaded = read(values)
    assert loaded.pixels.max() == 255
    assert "the lowest and the highest value" in loaded.notes[0]


@pytest.mark.parametrize(
    ("contrast", "expected"),
    [
        ("full", [0, 1, 8, 255]),
        ("none", [100, 255, 255, 255]),
        (None, [100, 255, 255, 255]),
        ((256, 2048), [0, 0, 255, 255]),
        ((0, 2048), [12, 32, 255, 255]),
    ],
)
def test_contrast_chooses(contrast: Any, expected: list[int]) -> None:
    values = np.array([[100, 256, 2048, 65535]], np.uint16)
    for source in (values, encode(values), tiff(values)):
        loaded = read(source, contrast=contrast)
        assert loaded.pixels[0, :, 0].tolist() == expected
        assert loaded.notes == ()


@pytest.mark.parametrize("contrast", ["more", (5, 5), (9, 1), (1,), (0, float("nan")), 3, ("a", 1)])
def test_a_contrast_that_makes_no_sense(contrast: Any) -> None:
    with pytest.raises(SettingError, match="contrast is"):
        read(GREY, contrast=contrast)


def test_8_bit_images_are_never_changed() -> None:
    dark = np.arange(48, dtype=np.uint8).reshape(4, 4, 3) // 3
    for contrast in ("auto", "full", "none", (0, 9)):
        for source in (dark, encode(dark), encode(dark, "TIFF"), Image.fromarray(dark)):
            loaded = read(source, contrast=contrast)
            np.testing.assert_array_equal(loaded.pixels, dark)
            assert loaded.notes == ()


def test_floats_from_0_to_1_keep_their_range() -> None:
    loaded = read(np.array([[0.0, 0.25, 0.5]]))
    assert loaded.pixels[0, :, 0].tolist() == [0, 64, 128]
    assert loaded.notes == ()
    assert read(np.zeros((2, 2))).pixels.max() == 0
    assert read(_ramp(np.float64, 0.01)).pixels.max() == 255


def test_colours_keep_their_balance() -> None:
    red = _ramp(np.uint16, 4000)
    loaded = read(np.stack([red, red // 2, red // 4], axis=2))
    np.testing.assert_allclose(loaded.pixels[25, 150], [191, 96, 48], atol=2)


def test_16_bits_of_colour_in_a_png_are_all_read() -> None:
    red = _ramp(np.uint16, 4095)
    rgb = np.stack([red, red // 2, red // 4], axis=2)
    for values in (rgb[..., ::-1], np.dstack([rgb[..., ::-1], np.full_like(red, 65535)])):
        content = cv2.imencode(".png", values)[1].tobytes()
        pixels = load(content, contrast=(0, 4095))
        np.testing.assert_allclose(pixels, np.rint(rgb * (255 / 4095)), atol=1)
    clear = np.dstack([rgb, np.zeros_like(red)])
    assert read(cv2.imencode(".png", clear)[1].tobytes()).pixels.min() == 255


def test_nan_and_infinite_values_are_black_and_counted() -> None:
    values = _ramp(np.float32, 500, 100)
    values[0, :3] = np.nan, np.inf, -np.inf
    loaded = read(values)
    assert loaded.pixels[0, :3].max() == 0
    assert loaded.pixels[1, -1, 0] == 255
    assert loaded.notes[1] == "3 pixels without a value (NaN, infinite, no data) are black."


def test_load_warns_of_each_choice() -> None:
    with pytest.warns(ImageWarning, match=r"^scan\.tif: Contrast: of uint16") as caught:
        load(tiff(_ramp(np.uint16, 900)), name="scan.tif")
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(GREY)


def test_a_pil_image_that_lost_its_bits_is_noted() -> None:
    content = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint16))[1].tobytes()
    with Image.open(io.BytesIO(content)) as image:
        assert "16 bits down to 8" in read(image).notes[0]


def test_a_large_array_is_scaled_in_all_its_blocks() -> None:
    values = np.linspace(-1, 1, 1_000_003 * 2).reshape(2, -1)
    expected = np.rint(np.clip(values * 255, 0, 255))
    np.testing.assert_array_equal(load(values, contrast=(0, 1), max_side=2**20)[..., 0], expected)


@pytest.mark.parametrize(
    ("values", "expected", "note"),
    [
        # Floats from 0 to 1 are stretched only where they would be all but black.
        ([1 / 16] * 4, [16] * 4, ""),
        ([0.0, 0.03, 0.06, 0.06], [0, 128, 255, 255], "is black and 0.06 is white"),
        ([0.0, 0.5, 1.0], [0, 128, 255], ""),
        ([0.0, 1.0, 2.0], [0, 128, 255], "0.002 is black and 1.998 is white"),
        ([-1.0, 0.0, 1.0], [0, 128, 255], "-0.998 is black and 0.998 is white"),
        # Where all are the same, 0 counts, too.
        ([5.0, 5.0], [255, 255], "0 is black and 5 is white \\(as all values are the same"),
        ([-5.0, -5.0], [0, 0], "-5 is black and 0 is white \\(as all values are the same"),
    ],
)
def test_how_floats_are_stretched(values: list[float], expected: list[int], note: str) -> None:
    loaded = read(np.array([values]))
    np.testing.assert_allclose(loaded.pixels[0, :, 0].astype(int), expected, atol=1)
    assert len(loaded.notes) == bool(note)
    assert all(re.search(note, text) for text in loaded.notes)


def test_integers_that_are_all_the_same() -> None:
    for value, grey in ((0, 0), (7, 255)):
        loaded = read(np.full((2, 3), value, np.uint16))
        assert set(loaded.pixels.ravel().tolist()) == {grey}
    assert "0 is black and 1 is white" in read(np.zeros((2, 2), np.uint16)).notes[0]
    assert "the percentiles 0.1 and 99.9" in read(_ramp(np.uint16, 900)).notes[0]


def test_no_value_at_all_in_some_channels_only() -> None:
    values = np.ones((2, 2, 3), np.float32)
    values[0, 0, 1] = values[0, 1] = np.nan
    loaded = read(values)
    assert loaded.pixels[0, 0].tolist() == [255, 0, 255] and loaded.pixels[0, 1].max() == 0
    assert loaded.notes == ("2 pixels without a value (NaN, infinite, no data) are black.",)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32])
def test_where_white_is_zero_all_is_turned_round(dtype: npt.DTypeLike) -> None:
    values = np.array([[0, 51, 255, 300]]).astype(dtype)
    pixels = load(tiff(values, 0), contrast=(0, 255))
    assert pixels[0, :, 0].tolist() == [255, 204, 0, 0]
