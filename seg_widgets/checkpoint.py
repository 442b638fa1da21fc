"""Reading a model's weights from a file without ever running code from it."""

from __future__ import annotations

import codecs
import collections
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import WeightsError, WeightsNotFoundError

if TYPE_CHECKING:
    import torch

__all__ = ["Checkpoint", "load_into", "read_checkpoint"]

MAX_WEIGHTS_BYTES = 1 << 30
_NAMES_SHOWN = 5


@dataclass(frozen=True)
class Checkpoint:
    """A file's tensors by name, and the texts that it carries beside them (such as `classes`, a JSON list)."""

    path: Path
    tensors: Mapping[str, torch.Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def classes(self) -> tuple[str, ...] | None:
        """The class names that the file carries, or None; raises `WeightsError` when they are not a list of texts."""
        text = self.metadata.get("classes")
        if text is None:
            return None
        try:
            names = json.loads(text)
        except ValueError:
            names = None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise WeightsError(
                f"{self.path.name}: its class names are not a JSON list of texts; give classes= yourself."
            )
        return tuple(names)


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a .safetensors file, a .pth/.pt state dict, or a .pkl of detectron2's model zoo.

    Tensors stay on the CPU, in the file's dtypes. A .pth is read with `weights_only=True`, a .pkl by an unpickler that
    knows arrays and nothing else. Raises `WeightsNotFoundError` and `WeightsError`.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise WeightsNotFoundError(f"There is no weights file {path}; check the path, or leave it out for the starter.")
    size = path.stat().st_size
    if size == 0:
        raise WeightsError(f"{path.name} is empty (0 bytes); get the file again.")
    if size > MAX_WEIGHTS_BYTES:
        raise WeightsError(f"{path.name} has {size:,} bytes, over the limit of {MAX_WEIGHTS_BYTES:,}.")
    readers = {".safetensors": _read_safetensors, ".pth": _read_torch, ".pt": _read_torch, ".pkl": _read_pickle}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise WeightsError(f"{path.name}: weights are read from .safetensors, .pth, .pt and .pkl, not {path.suffix!r}.")
    checkpoint = reader(path)
    if not checkpoint.tensors:
        raise WeightsError(f"{path.name} holds no tensors; it is not a model's weights.")
    return checkpoint


def load_into(model: torch.nn.Module, checkpoint: Checkpoint) -> None:
    """Copy a checkpoint's tensors into a model, each converted to the model's own dtype and device.

    Raises `WeightsError`, before anything is copied, with the tensors that are missing, left over or of another shape,
    and for tensors that are not finite.
    """
    import torch

    own = model.state_dict()
    given = {name: tensor for name, tensor in checkpoint.tensors.items() if name in own}
    missing = [name for name in own if name not in given]
    unexpected = [name for name in checkpoint.tensors if name not in own and not _is_bookkeeping(name)]
    shapes = [
        f"{name} {tuple(tensor.shape)} instead of {tuple(own[name].shape)}"
        for name, tensor in given.items()
        if tensor.shape != own[name].shape
    ]
    if missing or unexpected or shapes:
        parts = [
            f"{len(names)} {what} ({', '.join(names[:_NAMES_SHOWN])}{' …' if len(names) > _NAMES_SHOWN else ''})"
            for what, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
            if names
        ]
        guess = (
            "The weights were trained for another number of classes"
            if shapes and all("predictor" in name for name in shapes) and not missing
            else "The weights belong to another configuration"
        )
        raise WeightsError(
            f"{checkpoint.path.name} doesn't fit the model: {'; '.join(parts)}. {guess}; "
            "use the config that they were made with."
        )
    broken = [name for name, tensor in given.items() if tensor.is_floating_point() and not torch.isfinite(tensor).all()]
    if broken:
        raise WeightsError(f"{checkpoint.path.name} holds numbers that are not finite (in {broken[0]}); get it again.")
    with torch.no_grad():
        for name, tensor in given.items():
            own[name].copy_(tensor)


def _is_bookkeeping(name: str) -> bool:
    # Older checkpoints carry these though the model computes them itself; detectron2's checkpointer drops them too.
    return name in {"pixel_mean", "pixel_std"} or "cell_anchors" in name or name.endswith("num_batches_tracked")


def _read_safetensors(path: Path) -> Checkpoint:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
            return Checkpoint(path, tensors, dict(file.metadata() or {}))
    except (SafetensorError, ValueError, OSError, RuntimeError) as error:
        raise WeightsError(f"{path.name} is truncated or no safetensors file ({error}); get the file again.") from error


def _read_torch(path: Path) -> Checkpoint:
    import torch

    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path.name} holds more than tensors, and loading it would run its code. "
            "Save the state dict alone (torch.save(model.state_dict(), …)) or use safetensors."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise WeightsError(f"{path.name} is truncated or no torch file ({error}); get the file again.") from error
    return _from_dict(path, data)


def _from_buffer(buffer: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], order: str) -> np.ndarray[Any, Any]:
    # NumPy's own _frombuffer is private and has moved between releases; this is what it does.
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order="F" if order == "F" else "C")


# All that a pickle may name. NumPy's makers of arrays and scalars are private; pickling one shows them.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("_codecs", "encode"): codecs.encode,
}
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = np.zeros(0).__reduce__()[0]
    _ALLOWED[f"{_core}.multiarray", "scalar"] = np.float32(0).__reduce__()[0]
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = _from_buffer


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that can make arrays and containers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise WeightsError(f"it asks for {module}.{name}, which is no array: loading it would run its code")
        return _ALLOWED[module, name]


def _read_pickle(path: Path) -> Checkpoint:
    try:
        with path.open("rb") as file:
            data = _ArrayUnpickler(file, encoding="latin1").load()
    except WeightsError as error:
        raise WeightsError(f"{path.name} was refused: {error}. Use a file from a source that you trust.") from error
    except Exception as error:  # a broken pickle can raise anything at all
        raise WeightsError(f"{path.name} is truncated or no model-zoo file ({error}); get the file again.") from error
    return _from_dict(path, data)


def _from_dict(path: Path, data: object) -> Checkpoint:
    import torch

    if isinstance(data, Mapping) and isinstance(data.get("model"), Mapping):
        data = data["model"]
    if not isinstance(data, Mapping):
        raise WeightsError(f"{path.name} holds a {type(data).__name__} instead of tensors by name.")
    limit = path.stat().st_size
    total = 0
    tensors: dict[str, torch.Tensor] = {}
    for name, value in data.items():
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            total += value.nbytes
            tensor = torch.from_numpy(np.array(value))
        elif isinstance(value, torch.Tensor):
            tensor = value
        else:
            raise WeightsError(f"{path.name}: {name!r} is a {type(value).__name__}, not an array of numbers.")
        if not isinstance(name, str):
            raise WeightsError(f"{path.name}: a tensor's name is {name!r} instead of a text.")
        # A stride-0 array in a small file could otherwise claim any amount of memory.
        if total > limit:
            raise WeightsError(f"{path.name}: its arrays claim more bytes than the file has; it was refused.")
        tensors[name] = tensor
    return Checkpoint(path, tensors)
