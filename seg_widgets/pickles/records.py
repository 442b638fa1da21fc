"""What a pickle's objects become: records of numbers, which have no behaviour.

A pickle calls what it names and sets the state of what it made. Here both only fill such records;
whoever reads them checks what they say.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .refusal import RefusedError

__all__ = [
    "Array",
    "Dtype",
    "Maker",
    "Names",
    "Other",
    "Storage",
    "StorageType",
    "Tensor",
    "encode_latin1",
]


class _Inert:
    """A record whose state a pickle can't set, unless it says how."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise RefusedError("claims", f"it sets the state of a {type(self).__name__.lower()}")


class Maker(_Inert):
    """What a name stands for that a pickle may call."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        """Stand for `make`, which makes a record."""
        self._make = make

    def __call__(self, *args: Any) -> Any:
        """Make the record."""
        return self._make(*args)


class Names(dict[Any, Any]):
    """A mapping: an OrderedDict, whose attributes (torch's `_metadata`) are left out."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        pass


class Other(_Inert):
    """A value beside the weights, such as a NumPy scalar or a sparse tensor.

    Attributes:
        what: what it is, for a message.
    """

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what

    def __setstate__(self, state: Any) -> None:
        pass


class Dtype(_Inert):
    """NumPy's type of an array's numbers.

    Attributes:
        code: such as "<f4"; "" where it is not one number.
    """

    __slots__ = ("code",)

    def __init__(self, code: Any = "", *_: Any) -> None:
        self.code = f"={code}" if isinstance(code, str) and len(code) < 9 else ""

    def __setstate__(self, state: Any) -> None:
        # The version, the byte order, then the parts of a structure, of which numbers have none.
        _, order, *parts = state
        is_plain = all(part in (None, -1, 0) for part in parts[:6])
        self.code = f"{order}{self.code[1:]}" if is_plain and order in (*"<>=|",) else ""


class Array(_Inert):
    """A NumPy array.

    Attributes:
        shape: of the array.
        dtype: of its numbers.
        is_fortran: whether the first axis is the one that runs fastest.
        content: its bytes; None where it holds objects.
    """

    __slots__ = ("content", "dtype", "is_fortran", "shape")

    def __init__(self, *_: Any) -> None:
        self.shape: Any = (0,)
        self.dtype = Dtype()
        self.is_fortran = False
        self.content: bytes | bytearray | None = None

    def __setstate__(self, state: Any) -> None:
        # Before its version 1 the state had no version.
        self.shape, self.dtype, is_fortran, content = state[-4:]
        self.is_fortran = bool(is_fortran)
        # Python 2 wrote texts.
        content = content.encode("latin1") if isinstance(content, str) else content
        self.content = content if isinstance(content, (bytes, bytearray)) else None

    @classmethod
    def from_buffer(cls, content: Any, dtype: Any, shape: Any, order: Any = "C") -> Array:
        """Return an array as protocol 5 writes it."""
        array = cls()
        array.__setstate__((shape, dtype, order == "F", content))
        return array


class StorageType(_Inert):
    """The kind of a torch storage.

    Attributes:
        dtype: of its numbers, such as "float32"; None: bytes.
    """

    __slots__ = ("dtype",)

    def __init__(self, dtype: str | None) -> None:
        self.dtype = dtype


class Storage(_Inert):
    """The numbers of one or more torch tensors.

    Attributes:
        key: its name in the file.
        dtype: of its numbers; None: bytes.
        numel: how many it claims to have.
    """

    __slots__ = ("dtype", "key", "numel")

    def __init__(self, key: str, dtype: str | None, numel: int) -> None:
        self.key = key
        self.dtype = dtype
        self.numel = numel


class Tensor(_Inert):
    """A torch tensor: a view of a storage.

    Attributes:
        storage: where its numbers are.
        dtype: of its numbers, such as "float32".
        offset: of the first number.
        shape: of the tensor.
        stride: numbers from one to the next on each axis.
    """

    __slots__ = ("dtype", "offset", "shape", "storage", "stride")

    def __init__(self, storage: Any, offset: Any, shape: Any, stride: Any, dtype: Any) -> None:
        whole = (offset, *shape, *stride)
        is_sound = (
            isinstance(storage, Storage)
            and isinstance(dtype, str)
            and len(shape) == len(stride) <= 64
            and all(type(number) is int and 0 <= number < 1 << 62 for number in whole)
        )
        if not is_sound:
            raise RefusedError("broken", "a tensor's record is wrong")
        self.storage, self.dtype = storage, dtype
        self.offset: int = offset
        self.shape: tuple[int, ...] = tuple(shape)
        self.stride: tuple[int, ...] = tuple(stride)

    def __setstate__(self, state: Any) -> None:
        pass  # attributes of a tensor or a parameter

    @property
    def numel(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def end(self) -> int:
        """The place behind its last number in the storage."""
        if not self.numel:
            return 0
        steps = zip(self.shape, self.stride, strict=True)
        last: int = self.offset + sum((size - 1) * stride for size, stride in steps)
        return last + 1


def encode_latin1(text: Any = "", codec: Any = "latin1", *_: Any) -> bytes:
    """Return the bytes that Python 3 writes as a text at protocol 2; other codecs can decompress.

    Raises:
        RefusedError: the codec is another one.
    """
    if not isinstance(text, str) or codec not in ("latin1", "latin-1"):
        raise RefusedError("claims", "it asks for another codec than latin1")
    return text.encode("latin1")
