"""Reading a model's weights from a file without ever running code from it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..errors import WeightsError, WeightsNotFoundError
from .file_kinds import Format, check_kind, format_of, why_refused
from .safe_pickle import MAKERS, load_arrays

if TYPE_CHECKING:
    import torch

__all__ = ["MAX_WEIGHTS_BYTES", "Checkpoint", "read_checkpoint"]

log = logging.getLogger(__name__)

MAX_WEIGHTS_BYTES: Final = 1 << 31
"""The largest file of weights that is read or fetched: 2 GiB. The zoo's largest has 1.08 GB."""

_KEPT: Final = 8  # converted copies
# How torch's safe loader names what a file asks for and may not have.
_ASKED_FOR: Final = re.compile(r"GLOBAL (\w[\w.]*)")


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a weights file.

    Attributes:
        path: the file that was asked for.
        tensors: the tensors by name, on the CPU.
        metadata: texts beside them: `classes` is a JSON list of names; `layout` is "caffe2" or
            "other" in a file whose tensors are matched with the model's by detectron2's
            heuristics.
        mapped: whether the tensors lie in a file that never changes in place, so that a model may
            use them where they are.
    """

    path: Path
    tensors: Mapping[str, torch.Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)
    mapped: bool = False

    def classes(self) -> tuple[str, ...] | None:
        """Return the class names that the file carries, or None.

        Raises:
            WeightsError: they are not a list of texts.
        """
        text = self.metadata.get("classes")
        if text is None:
            return None
        try:
            names = json.loads(text)
        except ValueError:
            names = None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise WeightsError(
                f"{self.path.name}: its class names are not a JSON list of texts; give classes= "
                "yourself."
            )
        return tuple(names)


def read_checkpoint(path: str | Path, keep_in: Path | None = None) -> Checkpoint:
    """Read the tensors of a weights file.

    A .pth is read with `weights_only=True`, a .pkl by an unpickler that knows arrays alone.

    Args:
        path: a .safetensors file, a .pth or .pt state dict, or a .pkl of detectron2's model zoo.
        keep_in: a folder in which a .pkl or .pth is kept as .safetensors, which is mapped the next
            time and not copied; the newest eight are kept. None: nothing is kept.

    Returns:
        The tensors on the CPU, in the file's dtypes.

    Raises:
        WeightsNotFoundError: there is no such file.
        WeightsError: it is empty, too large, damaged, unsafe, or no weights file.
    """
    path = Path(path).expanduser()
    _check_file(path)
    kind = format_of(path)
    if kind is None:
        raise WeightsError(
            f"{path.name}: weights are read from .safetensors, .pth, .pt and .pkl, "
            f"not {path.suffix!r}."
        )

    kept = None
    if keep_in is not None and kind != "safetensors":
        kept = keep_in / _kept_name(path)
    if kept is not None and kept.is_file():
        with contextlib.suppress(WeightsError):  # a damaged copy is made anew
            return replace(_read_safetensors(kept), path=path, mapped=True)

    checkpoint = _READERS[kind](path)
    if not checkpoint.tensors:
        raise WeightsError(f"{path.name} holds no tensors; it is not a model's weights.")
    if kept is not None:
        _keep(checkpoint, kept)
    return checkpoint


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise WeightsNotFoundError(
            f"There is no weights file {path}; check the path, or leave it out for the starter."
        )
    size = path.stat().st_size
    if size == 0:
        raise WeightsError(f"{path.name} is empty (0 bytes); get the file again.")
    if size > MAX_WEIGHTS_BYTES:
        raise WeightsError(
            f"{path.name} has {size:,} bytes, over the limit of {MAX_WEIGHTS_BYTES:,}. A "
            "training's file also holds the optimiser's state; save the model's tensors alone, "
            "torch.save(model.state_dict(), …), or build the model and wrap it."
        )
    check_kind(path)


# ── copies that are read faster ───────────────────────────────────────────────────────────────────


def _kept_name(path: Path) -> str:
    """The copy's name, which changes with the file's path, size and time of change."""
    about = path.stat()
    key = f"{path.resolve()}\0{about.st_size}\0{about.st_mtime_ns}".encode(
        "utf-8", "surrogateescape"
    )
    return f"{path.stem[:60]}-{hashlib.sha256(key).hexdigest()[:16]}.safetensors"


def _keep(checkpoint: Checkpoint, target: Path) -> None:
    """Write a checkpoint as .safetensors, whole or not at all; a failure is only logged."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        save_file(_unshared(checkpoint.tensors), part, dict(checkpoint.metadata))
        part.replace(target)
        kept = sorted(target.parent.glob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-_KEPT]:
            path.unlink(missing_ok=True)
    except (OSError, ValueError, RuntimeError, SafetensorError):
        log.debug("Could not keep %s as %s", checkpoint.path, target, exc_info=True)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _unshared(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Contiguous tensors of which no two share memory, as safetensors wants them."""
    seen: set[int] = set()
    apart = {}
    for name, tensor in tensors.items():
        memory = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if memory in seen else tensor.contiguous()
        seen.add(memory)
    return apart


# ── the formats ───────────────────────────────────────────────────────────────────────────────────


def _read_safetensors(path: Path) -> Checkpoint:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
            return Checkpoint(path, tensors, dict(file.metadata() or {}))
    except (SafetensorError, ValueError, OSError, RuntimeError) as error:
        raise WeightsError(
            f"{path.name} is truncated or no safetensors file ({error}); get the file again."
        ) from error


def _read_torch(path: Path) -> Checkpoint:
    import torch

    try:
        with torch.serialization.safe_globals(_torch_globals()):
            data = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = _ASKED_FOR.search(str(error))
        if asked is not None:
            raise WeightsError(why_refused(path, asked[1])) from error
        raise WeightsError(
            f"{path.name} is truncated or no torch file ({_first_line(error)}); get the file again."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{path.name} is truncated or no torch file ({_first_line(error)}); get the file again."
        ) from error
    return _from_dict(path, data)


def _torch_globals() -> list[Any]:
    """What torch's safe loader may make besides tensors: NumPy's arrays and scalars, as a .pkl
    may."""
    dtypes = {type(np.dtype(code)) for code in "?bBhHiIlLqQefdFDSU"}
    makers = [(maker, f"{module}.{name}") for (module, name), maker in MAKERS.items()]
    return [*makers, *dtypes]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _read_pickle(path: Path) -> Checkpoint:
    return _from_dict(path, load_arrays(path))


def _from_dict(path: Path, data: object) -> Checkpoint:
    """The tensors in what a .pth or .pkl holds, which may lie under a key of their own."""
    metadata: dict[str, str] = {}
    if isinstance(data, Mapping):
        metadata = _read_metadata(data, path)
        inside = (data.get(key) for key in ("model", "blobs", "state_dict", "model_state"))
        data = next((part for part in inside if isinstance(part, Mapping)), data)
    if not isinstance(data, Mapping):
        raise WeightsError(f"{path.name} holds a {type(data).__name__} instead of tensors by name.")
    if "layout" in metadata:
        data = {name: value for name, value in data.items() if not str(name).endswith("_momentum")}
    return Checkpoint(path, _as_tensors(path, data), metadata)


def _as_tensors(path: Path, data: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    import torch

    limit = path.stat().st_size
    total = 0
    tensors: dict[str, torch.Tensor] = {}
    for name, value in data.items():
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            total += value.nbytes
            tensor = _tensor(path, str(name), value)
        elif isinstance(value, torch.Tensor):
            tensor = value
        else:
            raise WeightsError(
                f"{path.name}: {name!r} is a {type(value).__name__}, not an array of numbers."
            )
        if not isinstance(name, str):
            raise WeightsError(f"{path.name}: a tensor's name is {name!r} instead of a text.")
        # A stride-0 array in a small file could otherwise claim any amount of memory.
        if total > limit:
            raise WeightsError(
                f"{path.name}: its arrays claim more bytes than the file has; it was refused."
            )
        tensors[name] = tensor
    return tensors


def _tensor(path: Path, name: str, value: np.ndarray[Any, Any]) -> torch.Tensor:
    """An array as a tensor that may be written to; copied only where it may not."""
    import torch

    native = value.astype(value.dtype.newbyteorder("="), copy=False)
    try:
        return torch.from_numpy(
            native if native.flags.writeable and native.flags.c_contiguous else np.array(native)
        )
    except TypeError as error:
        raise WeightsError(
            f"{path.name}: {name!r} is an array of {value.dtype}, which torch has no type for."
        ) from error


def _read_metadata(data: Mapping[Any, Any], path: Path) -> dict[str, str]:
    """What a file says beside its tensors: class names, and the layout of the tensors' names."""
    metadata = {}
    for key in ("classes", "class_names", "thing_classes"):
        names = data.get(key)
        if not isinstance(names, (list, tuple)) or not names:
            continue
        if all(isinstance(name, str) for name in names):
            metadata["classes"] = json.dumps(list(names))
            break
    is_zoo_file = "model" in data and "__author__" in data
    if path.suffix.lower() == ".pkl" and not is_zoo_file:
        # Detectron's own files and ImageNet's backbones don't say what they are.
        metadata["layout"] = "caffe2"
    elif data.get("matching_heuristics") is True:
        metadata["layout"] = "caffe2" if data.get("__author__") == "Caffe2" else "other"
    return metadata


_READERS: Final[dict[Format, Callable[[Path], Checkpoint]]] = {
    "safetensors": _read_safetensors,
    "torch": _read_torch,
    "pickle": _read_pickle,
}
