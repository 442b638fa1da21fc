"""Arrays that are images, and those that are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg_widgets.errors import (
    ImageDamagedError,
    ImageFormatError,
)
from seg_widgets.images import load, read

from .pictures import assert_is_rgb


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 255]], np.uint8), [0, 255]),
        (np.array([[[0], [255]]], np.uint8), [0, 255]),
        (np.array([[False, True]]), [0, 255]),
        (np.array([[0.0, 1.0]]), [0, 255]),
        (np.array([[0.0, 0.5]], np.float16), [0, 128]),
        (np.array([[0, 65535]], np.uint16), [0, 255]),
        (np.array([[0, 65535]], ">u2"), [0, 255]),
        (np.array([[0, 255]]), [0, 255]),
        (np.array([[0, 70000]], np.uint32), [0, 255]),
        (np.array([[-0.5, 0.5]]), [0, 255]),
        (np.array([[0.0, 255.0]]), [0, 255]),
    ],
)
def test_arrays(array: npt.NDArray[Any], expected: list[int]) -> None:
    result = read(array).pixels
    assert_is_rgb(result)
    assert result[0].tolist() == [[value] * 3 for value in expected]


def test_float_alpha() -> None:
    assert load(np.array([[[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0]]])).tolist() == [
        [[255, 255, 255], [255, 0, 0]]
    ]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([[np.inf, np.nan]]), "no finite value"),
        (np.array([["a"]]), "is of <U1"),
        (np.array([[1j]]), "complex128"),
        (np.zeros((3, 30, 40), np.uint8), r"transpose\(1, 2, 0\)"),
        (np.zeros((2, 30, 40, 3), np.uint8), r"array\[0\]"),
        (np.zeros((5, 30, 40), np.uint8), r"transpose\(1, 2, 0\)"),
        (np.zeros((30, 40, 50), np.uint8), r"channels=\(0, 1, 2\)"),
        (np.zeros(5, np.uint8), r"shape \(5,\)"),
        (np.array(5), r"shape \(\)"),
        (np.zeros((4, 4), object), "is of object"),
    ],
)
def test_arrays_that_are_no_image(array: npt.NDArray[Any], words: str) -> None:
    with pytest.raises(ImageFormatError, match=words):
        load(array)


def test_arrays_without_pixels() -> None:
    for shape in ((0, 5), (5, 0, 3), (0, 0)):
        for dtype in (np.uint8, np.float32):
            with pytest.raises(ImageDamagedError, match="no pixels"):
                load(np.zeros(shape, dtype))


def test_what_refuses_to_become_an_array() -> None:
    class OnGpu:
        def __array__(self, *_: object, **__: object) -> Any:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")

    with pytest.raises(ImageFormatError, match="cuda:0"):
        load(OnGpu())


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([None, 1, 3, 4]),
    st.sampled_from([np.uint8, np.uint16, np.float32, np.float64, np.bool_]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_any_good_array_becomes_rgb(
    height: int, width: int, channels: int | None, dtype: Any, seed: int
) -> None:
    values = np.random.default_rng(seed).random(
        (height, width) if channels is None else (height, width, channels)
    )
    scale = {np.uint8: 255, np.uint16: 65535}.get(dtype, 1)
    array = np.rint(values * scale).astype(dtype) if dtype is not np.float64 else values
    before = array.copy()
    result = read(array, contrast="full").pixels
    assert_is_rgb(result)
    assert result.shape == (height, width, 3)
    np.testing.assert_array_equal(array, before)
    if channels == 3:
        np.testing.assert_allclose(result, array.astype(float) / scale * 255, atol=0.51)


@pytest.mark.parametrize("shape", [(17, 3, 5), (17, 3, 16), (1, 1, 4), (1, 9, 1)])
def test_channels_come_last_and_are_few(shape: tuple[int, ...]) -> None:
    assert read(np.zeros(shape, np.uint8)).pixels.shape == (*shape[:2], 3)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((16, 3, 5), "If its channels come first"),
        ((16, 9, 40), "If its channels come first"),
        ((17, 9, 40), "To show three of its channels"),
        ((17, 3, 17), "To show three of its channels"),
        ((1, 2, 3, 3), "If it is a batch"),
        ((17, 5, 0), "has the shape"),
    ],
)
def test_shapes_that_are_just_no_image(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(ImageFormatError, match=words):
        read(np.zeros(shape, np.uint8))


def test_a_chosen_channel_may_be_one_of_many() -> None:
    values = np.arange(3 * 2 * 40, dtype=np.uint8).reshape(3, 2, 40)
    np.testing.assert_array_equal(load(values, channels=39)[..., 0], values[..., 39])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, bool])
def test_a_fourth_channel_is_opacity_where_it_is_somewhere_opaque(dtype: Any) -> None:
    opaque = {np.uint8: 255, np.uint16: 65535, np.int16: 32767}.get(dtype, 1)
    lowest = -32768 if dtype is np.int16 else 0
    values = np.full((2, 1, 4), lowest, dtype)
    values[0, 0, 3] = opaque
    loaded = read(values, contrast="full")
    assert loaded.pixels[1, 0].tolist() == [255, 255, 255]
    assert loaded.pixels[0, 0].tolist() == [0, 0, 0]
    assert loaded.notes == ()
    if dtype not in (np.uint8, bool):
        values[0, 0, 3] = dtype(opaque * 0.9)
        assert read(values, contrast="full").notes[0].startswith("It has 4 channels")


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.float32, np.int64])
def test_masked_values_do_not_count_and_are_black(dtype: type[np.generic]) -> None:
    values = np.linspace(50, 100, 800).reshape(20, 40).astype(dtype)
    values[:10] = np.array(-9999).astype(dtype)
    mask = np.zeros((20, 40), bool)
    mask[:10] = True
    found = read(np.ma.MaskedArray(values, mask))
    assert (found.pixels[:10] == 0).all()
    assert found.pixels[10:].min() < 5 and found.pixels[10:].max() == 255
    assert any("Masked values don't count" in note for note in found.notes)
    whole = read(np.ma.MaskedArray(values, np.zeros_like(mask)))
    np.testing.assert_array_equal(whole.pixels, read(values).pixels)
    assert not any("Masked" in note for note in whole.notes)


def test_masked_values_where_each_value_is_taken() -> None:
    values = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)
    masked = np.ma.MaskedArray(values, values == 7)
    assert read(masked).pixels[0, 7].tolist() == [0, 0, 0]
    bytes_ = np.ma.MaskedArray(np.full((4, 4), 200, np.uint8), np.eye(4, dtype=bool))
    assert read(bytes_).pixels[..., 0].tolist() == (200 * (1 - np.eye(4, dtype=int))).tolist()
