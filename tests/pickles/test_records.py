from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from seg_widgets.pickles.records import Array, Dtype, Maker, Other, Storage, Tensor, encode_latin1
from seg_widgets.pickles.refusal import RefusedError
from seg_widgets.pickles.unpickling import RecordUnpickler


def _read(value: object, protocol: int) -> Any:
    return RecordUnpickler(io.BytesIO(pickle.dumps(value, protocol))).load()


def _made(array: Array) -> npt.NDArray[Any]:
    """The array that a record describes."""
    assert array.content is not None
    flat = np.frombuffer(array.content, np.dtype(array.dtype.code))
    return flat.reshape(array.shape, order="F" if array.is_fortran else "C")


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("code", ["<f4", ">f4", "<f8", "<f2", "<i8", "|u1", "|b1", "<c16"])
def test_an_array_of_numbers_is_what_it_was(code: str, protocol: int) -> None:
    array = (np.arange(24).reshape(2, 3, 4) % 7).astype(code)
    for given in (array, np.asfortranarray(array), array[:, 1], np.array(array[0, 0, 0])):
        found = _read({"a": given}, protocol)["a"]
        np.testing.assert_array_equal(_made(found), given)
        assert _made(found).dtype == given.dtype


@pytest.mark.parametrize("protocol", range(6))
def test_what_is_no_number_has_no_type_and_no_bytes(protocol: int) -> None:
    assert _read(np.array([{}, "a"], object), protocol).content is None
    parts = np.zeros(2, np.dtype([("a", "<f4"), ("b", "<i4")]))
    assert _read(parts, protocol).dtype.code == ""
    times = np.zeros(2, "datetime64[s]")
    assert _read(times, protocol).dtype.code in ("", "<M8")


@pytest.mark.parametrize(
    ("code", "expected"),
    [("f4", "=f4"), ("complex8", "=complex8"), ("complex64", ""), (5, ""), (None, ""), ("", "=")],
)
def test_a_types_code_is_a_short_text(code: object, expected: str) -> None:
    assert Dtype(code, False, True).code == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ((3, "<", None, None, None, -1, -1, 0), "<f4"),
        ((3, ">", None, None, None, -1, -1, 0), ">f4"),
        ((3, "<", None, None, None, -1, -1, 0, {"metadata": 1}), "<f4"),
        ((3, "<", None, None, None, 8, -1, 0), ""),
        ((3, "<", None, None, None, -1, -1, 1), ""),
        ((3, "<", ("<f4", (2,)), None, None, -1, -1, 0), ""),
        ((3, "x", None, None, None, -1, -1, 0), ""),
        ((3, [], None, None, None, -1, -1, 0), ""),
    ],
)
def test_a_types_state_gives_its_byte_order(state: tuple[object, ...], expected: str) -> None:
    dtype = Dtype("f4")
    dtype.__setstate__(state)
    assert dtype.code == expected


def test_an_array_without_a_state_is_empty() -> None:
    array = Array("a type", (0,), b"b")
    assert (array.shape, array.is_fortran, array.content) == ((0,), False, None)
    array.__setstate__((1, (2,), Dtype("f4"), True, b"12345678"))
    assert (array.shape, array.is_fortran, array.content) == ((2,), True, b"12345678")
    array.__setstate__(((3,), Dtype("u1"), False, "a\xff\0"))  # of Python 2, without its version
    assert (array.shape, array.is_fortran, array.content) == ((3,), False, b"a\xff\0")


def test_a_buffers_order() -> None:
    for order, is_fortran in (("C", False), ("F", True), ("A", False)):
        made = Array.from_buffer(b"12", Dtype("u1"), (1, 2), order)
        assert (made.is_fortran, made.content, made.shape) == (is_fortran, b"12", (1, 2))
    assert not Array.from_buffer(bytearray(b"1"), Dtype("u1"), (1,)).is_fortran


_STORAGE = Storage("0", "float32", 100)


@pytest.mark.parametrize(
    ("shape", "stride", "offset", "numel", "end"),
    [
        ((2, 3), (3, 1), 0, 6, 6),
        ((2, 3), (3, 1), 5, 6, 11),
        ((2, 3), (10, 2), 1, 6, 16),
        ((4,), (0,), 7, 4, 8),  # one number, four times
        ((), (), 9, 1, 10),
        ((0, 3), (3, 1), 5, 0, 0),
        ((1,) * 64, (1,) * 64, 0, 1, 1),
    ],
)
def test_a_tensor_knows_where_its_numbers_end(
    shape: tuple[int, ...], stride: tuple[int, ...], offset: int, numel: int, end: int
) -> None:
    tensor = Tensor(_STORAGE, offset, shape, stride, "float32")
    assert (tensor.numel, tensor.end, tensor.shape, tensor.stride) == (numel, end, shape, stride)


@pytest.mark.parametrize(
    "wrong",
    [
        {"storage": "0"},
        {"dtype": None},
        {"offset": -1},
        {"offset": 1.0},
        {"offset": True},
        {"offset": 1 << 62},
        {"shape": (2,), "stride": (3, 1)},
        {"shape": (2, 3), "stride": (1,)},
        {"shape": (2, -3)},
        {"stride": (3, 1 << 62)},
        {"shape": (1,) * 65, "stride": (1,) * 65},
    ],
)
def test_a_tensor_that_can_not_be_is_refused(wrong: dict[str, Any]) -> None:
    sound: dict[str, Any] = {"offset": 0, "shape": (2, 3), "stride": (3, 1)}
    Tensor(**{"storage": _STORAGE, "dtype": "float32", **sound})
    with pytest.raises(RefusedError, match="a tensor's record is wrong"):
        Tensor(**{"storage": _STORAGE, "dtype": "float32", **sound, **wrong})
    Tensor(_STORAGE, (1 << 62) - 1, (2,), (1,), "float32")


def test_records_take_no_state_but_their_own() -> None:
    for record in (Maker(Other), _STORAGE):
        with pytest.raises(RefusedError, match="it sets the state of a"):
            record.__setstate__({"_make": print})
    other = Other("a number")
    other.__setstate__({"what": "x"})
    assert other.what == "a number"


def test_texts_are_encoded_in_latin1_alone() -> None:
    assert encode_latin1("a\xff") == b"a\xff"
    assert encode_latin1("a", "latin-1") == encode_latin1("a", "latin1", "strict") == b"a"
    assert encode_latin1() == b""
    for text, codec in (("a", "zlib"), (b"a", "latin1"), ("a", "utf-8")):
        with pytest.raises(RefusedError, match="another codec than latin1"):
            encode_latin1(text, codec)
