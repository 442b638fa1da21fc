"""Reading a pickle of arrays without ever running code from it."""

from __future__ import annotations

import codecs
import collections
import pickle
import pickletools
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import WeightsError

__all__ = ["MAKERS", "load_arrays"]


def load_arrays(path: Path) -> object:
    """Read a pickle that holds arrays, numbers, texts and containers, and nothing else.

    Args:
        path: the file.

    Raises:
        WeightsError: it asks for anything else, claims too much memory, or is broken.
    """
    try:
        with path.open("rb") as file:
            _check_memo(file, path.stat().st_size)
            file.seek(0)
            return _ArrayUnpickler(file, encoding="latin1").load()
    except WeightsError as error:
        raise WeightsError(
            f"{path.name} was refused: {error}. Use a file from a source that you trust."
        ) from error
    except Exception as error:  # a broken pickle can raise anything at all
        raise WeightsError(
            f"{path.name} is truncated or no model-zoo file ({error}); get the file again."
        ) from error


def _from_buffer(
    buffer: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], order: str
) -> np.ndarray[Any, Any]:
    # NumPy's own _frombuffer is private and has moved between releases; this is what it does.
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order="F" if order == "F" else "C")


# All that a pickle may name. NumPy's makers of arrays and scalars are private; pickling one shows
# them.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("_codecs", "encode"): codecs.encode,
    # Protocol 2 writes the bytes of an empty array as a call without arguments; with one it could
    # take any memory.
    ("__builtin__", "bytes"): lambda: b"",
}
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = np.zeros(0).__reduce__()[0]
    _ALLOWED[f"{_core}.multiarray", "scalar"] = np.float32(0).__reduce__()[0]
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = _from_buffer

MAKERS = {key: maker for key, maker in _ALLOWED.items() if "numpy" in key[0] or "codecs" in key[0]}
"""NumPy's makers of arrays and scalars, by module and name."""


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that can make arrays and containers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise WeightsError(
                f"it asks for {module}.{name}, which is no array: loading it would run its code"
            )
        return _ALLOWED[module, name]


def _check_memo(file: IO[bytes], size: int) -> None:
    """Refuse a pickle that numbers its parts higher than it has bytes.

    Python makes room for all lower numbers: ten bytes could take all of the memory, and minutes.
    """
    for opcode, number, _ in pickletools.genops(file):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(number or 0) > size:
            raise WeightsError("it claims more memory than it can need")
