"""Reading a model's weights from a file without ever running code from it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from .._files import expanded, scratch_folder
from ..errors import WeightsError, WeightsNotFoundError
from ..pickles import PickledTensor, WontReadError, read_pickled
from .file_kinds import Format, check_kind, format_of, why_refused

if TYPE_CHECKING:
    import torch

__all__ = ["MAX_WEIGHTS_BYTES", "Checkpoint", "read_checkpoint"]

log = logging.getLogger(__name__)

MAX_WEIGHTS_BYTES: Final = 1 << 31
"""The largest file of weights that is read or fetched: 2 GiB. The zoo's largest has 1.08 GB."""

_KEPT: Final = 8  # converted copies
_MAX_HEADER_BYTES: Final = 16_000_000  # of a .safetensors; the zoo's largest takes 0.1 MB
_MAX_NAME: Final = 500  # letters


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
        except (ValueError, RecursionError):
            names = None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise WeightsError(
                f"{self.path.name}: its class names are not a JSON list of texts; give classes= "
                "yourself."
            )
        return tuple(names)


def read_checkpoint(path: str | Path, keep_in: Path | None = None) -> Checkpoint:
    """Read the tensors of a weights file.

    A .pth or .pkl is a pickle: a process of its own reads it, with a budget of memory and time, and
    makes nothing but arrays.

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
    path = expanded(path)
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
    if not all(len(name) <= _MAX_NAME and name.isprintable() for name in checkpoint.tensors):
        raise WeightsError(
            f"{path.name}: a tensor's name is longer than {_MAX_NAME} letters or can't be printed; "
            "it was refused."
        )
    if kept is not None:
        _keep(checkpoint, kept)
    return checkpoint


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise WeightsNotFoundError(
            f"There is no weights file {path}; check the path. Without config= and weights= the "
            "starter is loaded."
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

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(target.parent) as scratch:
            part = scratch / target.name
            save_file(_unshared(checkpoint.tensors), part, dict(checkpoint.metadata))
            part.replace(target)
        kept = sorted(target.parent.glob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-_KEPT]:
            path.unlink(missing_ok=True)
    except (OSError, ValueError, RuntimeError, SafetensorError):
        log.debug("Could not keep %s as %s", checkpoint.path, target, exc_info=True)


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
        with path.open("rb") as header:
            length = int.from_bytes(header.read(8), "little")
        if _MAX_HEADER_BYTES < length < path.stat().st_size:
            raise WeightsError(
                f"{path.name} was refused: its list of tensors has {length:,} bytes, more than any "
                "model's. Use a file from a source that you trust."
            )
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
            return Checkpoint(path, tensors, dict(file.metadata() or {}))
    except (
        SafetensorError, ValueError, OSError, RuntimeError, KeyError, TypeError, AttributeError,
        MemoryError, OverflowError,
    ) as error:  # fmt: skip
        raise WeightsError(
            f"{path.name} is truncated or no safetensors file ({error}); get the file again."
        ) from error


def _read_torch(path: Path) -> Checkpoint:
    return _read_pickled(path, "torch")


def _read_pickle(path: Path) -> Checkpoint:
    return _read_pickled(path, "pickle")


def _read_pickled(path: Path, kind: Literal["torch", "pickle"]) -> Checkpoint:
    """The tensors of a .pth or .pkl, which another process reads into records of numbers."""
    try:
        found = read_pickled(path, kind)
    except WontReadError as error:
        raise WeightsError(_why(path, kind, error)) from error
    tensors = {name: _tensor(path, name, record) for name, record in found.tensors.items()}
    return Checkpoint(path, tensors, found.metadata)


def _why(path: Path, kind: str, error: WontReadError) -> str:
    """What is said of a pickle that was not read: the cause, and what to do."""
    if error.why == "other":
        colon = "" if error.text.startswith(":") else " "
        return f"{path.name}{colon}{error.text}."
    if error.why == "broken":
        what = "torch" if kind == "torch" else "model-zoo"
        return f"{path.name} is truncated or no {what} file ({error.text}); get the file again."
    if error.why == "asks" and kind == "torch":
        return why_refused(path, error.text)
    cause = error.text
    if error.why == "asks":
        cause = f"it asks for {error.text}, which is no array: loading it would run its code"
    return f"{path.name} was refused: {cause}. Use a file from a source that you trust."


def _tensor(path: Path, name: str, record: PickledTensor) -> torch.Tensor:
    """A record as a tensor, which shares its numbers with those of the same block."""
    import torch

    is_numpys = record.dtype[0] in "<>=|"
    try:
        if is_numpys:
            dtype = np.dtype(record.dtype)
            flat = torch.from_numpy(
                record.block.view(dtype).astype(dtype.newbyteorder("="), copy=False)
            )
        else:
            item: torch.dtype = getattr(torch, record.dtype)
            count = len(record.block) // item.itemsize
            flat = torch.empty(0, dtype=item)
            if count:
                flat = torch.frombuffer(record.block, dtype=item, count=count)
    except (TypeError, AttributeError) as error:
        raise WeightsError(
            f"{path.name}: {name!r} is an array of {record.dtype}, which torch has no type for."
        ) from error
    if not record.stride:
        return flat.view(record.shape)
    tensor = flat.as_strided(record.shape, record.stride, record.offset)
    return tensor.contiguous() if is_numpys else tensor


_READERS: Final[dict[Format, Callable[[Path], Checkpoint]]] = {
    "safetensors": _read_safetensors,
    "torch": _read_torch,
    "pickle": _read_pickle,
}
