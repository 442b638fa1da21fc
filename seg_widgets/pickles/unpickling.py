"""An unpickler that makes records alone, and what a pickle of weights may name."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import IO, Any, Final

from .records import (
    Array,
    Dtype,
    Maker,
    Names,
    Other,
    Storage,
    StorageType,
    Tensor,
    encode_latin1,
)
from .refusal import RefusedError

__all__ = ["ITEM_BYTES", "RecordUnpickler", "TorchUnpickler"]

# torch's names for the types of numbers, with their bytes.
ITEM_BYTES: Final = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "float8_e4m3fn": 1,
    "float8_e5m2": 1,
    "float8_e4m3fnuz": 1,
    "float8_e5m2fnuz": 1,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint64": 8,
    "uint32": 4,
    "uint16": 2,
    "uint8": 1,
    "bool": 1,
    "complex64": 8,
    "complex128": 16,
}
_STORAGES: Final = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "int8",
    "QUInt8Storage": "uint8",
    "QInt32Storage": "int32",
    "UntypedStorage": None,
}


def _other(what: str) -> Callable[..., Other]:
    return lambda *_: Other(what)


def _names(*args: Any) -> Names:
    return Names(*args[:1])


# What a pickle of arrays may name.
_ALLOWED: Final[dict[tuple[str, str], Callable[..., Any]]] = {
    ("numpy", "ndarray"): Array,
    ("numpy", "dtype"): Dtype,
    ("collections", "OrderedDict"): _names,
    ("_codecs", "encode"): encode_latin1,
    # Protocol 2 writes the bytes of an empty array as a call without arguments; with one it could
    # take any memory.
    ("__builtin__", "bytes"): lambda: b"",
}
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = Array
    _ALLOWED[f"{_core}.multiarray", "scalar"] = _other("a number of NumPy")
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = Array.from_buffer


def _tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, _grad: Any = False, _hooks: Any = None,
    metadata: Any = None,
) -> Any:  # fmt: skip
    """A tensor whose type of numbers is its storage's."""
    if metadata:  # conjugated or negated: other numbers than those that lie there
        return Other("a tensor that is to be conjugated or negated")
    return Tensor(storage, offset, size, stride, getattr(storage, "dtype", None))


def _tensor_v3(
    storage: Any, offset: Any, size: Any, stride: Any, _grad: Any, _hooks: Any, dtype: Any,
    metadata: Any = None,
) -> Any:  # fmt: skip
    """A tensor that names its type of numbers; its storage is of bytes."""
    if metadata:
        return Other("a tensor that is to be conjugated or negated")
    return Tensor(storage, offset, size, stride, getattr(dtype, "dtype", None))


def _from_type(make: Any, _type: Any, args: Any, _state: Any = None) -> Any:
    """A tensor that has attributes of its own, which are left out."""
    if not isinstance(make, Maker):
        raise RefusedError("broken", "a tensor's record is wrong")
    return make(*args)


def _first(value: Any, *_: Any) -> Any:
    return value


_UTILS: Final = "torch._utils"
_TORCH: Final[dict[tuple[str, str], Callable[..., Any]]] = {
    **_ALLOWED,
    (_UTILS, "_rebuild_tensor"): _tensor_v2,
    (_UTILS, "_rebuild_tensor_v2"): _tensor_v2,
    (_UTILS, "_rebuild_tensor_v3"): _tensor_v3,
    (_UTILS, "_rebuild_parameter"): _first,
    (_UTILS, "_rebuild_parameter_with_state"): _first,
    (_UTILS, "_rebuild_qtensor"): _other("a quantized tensor"),
    (_UTILS, "_rebuild_sparse_tensor"): _other("a sparse tensor"),
    (_UTILS, "_rebuild_nested_tensor"): _other("a nested tensor"),
    (_UTILS, "_rebuild_device_tensor_from_numpy"): _other("a tensor of another device"),
    (_UTILS, "_rebuild_meta_tensor_no_storage"): _other("a tensor without numbers"),
    ("torch._tensor", "_rebuild_from_type_v2"): _from_type,
    ("torch", "Tensor"): _other("a type"),
    ("torch.nn.parameter", "Parameter"): _first,
    ("torch", "Size"): tuple,
    ("torch", "device"): _other("a device"),
    ("torch.serialization", "_get_layout"): _other("a layout"),
    ("collections", "Counter"): _names,
    ("collections", "defaultdict"): lambda *_: Names(),
}
for _builtins in ("builtins", "__builtin__"):
    _TORCH[_builtins, "set"] = _other("a set")
    _TORCH[_builtins, "bytearray"] = _other("bytes")
    _TORCH[_builtins, "complex"] = _other("a complex number")
    _TORCH[_builtins, "dict"] = _other("a type")
_TORCH["torch", "per_tensor_affine"] = _TORCH["torch", "per_channel_affine"] = _other("a scheme")


class RecordUnpickler(pickle.Unpickler):
    """An unpickler of arrays and containers."""

    allowed = _ALLOWED

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="latin1")

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name.

        Raises:
            RefusedError: a pickle of weights has no use for it.
        """
        try:
            return Maker(self.allowed[module, name])
        except KeyError:
            raise RefusedError("asks", f"{module}.{name}") from None


class TorchUnpickler(RecordUnpickler):
    """An unpickler of torch's tensors, whose numbers lie beside the pickle."""

    allowed = _TORCH

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name, also of a type of numbers or of a storage."""
        if module == "torch" and name in ITEM_BYTES:
            return StorageType(name)
        if module in ("torch", "torch.storage", "torch.cuda") and name in _STORAGES:
            return StorageType(_STORAGES[name])
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Storage:
        """Return the record of a storage: ("storage", its kind, its key, its device, its length).

        Raises:
            RefusedError: it is something else.
        """
        is_sound = (
            isinstance(pid, tuple)
            and len(pid) in (5, 6)
            and pid[0] == "storage"
            and isinstance(pid[1], StorageType)
            and isinstance(pid[2], str)
            and type(pid[4]) is int
            and 0 <= pid[4] < 1 << 48
        )
        if not is_sound or pid[5:] not in ((), (None,)):
            raise RefusedError("broken", "a storage's record is wrong")
        found = self.storages.setdefault(pid[2], Storage(pid[2], pid[1].dtype, pid[4]))
        if (found.dtype, found.numel) != (pid[1].dtype, pid[4]):
            raise RefusedError("broken", "two storages have one name")
        return found
