"""Reading a model's weights from a file without ever running code from it."""

from __future__ import annotations

import codecs
import collections
import contextlib
import hashlib
import json
import logging
import os
import pickle
import pickletools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ..errors import WeightsError, WeightsNotFoundError

if TYPE_CHECKING:
    import torch

__all__ = ["Checkpoint", "load_into", "read_checkpoint"]

log = logging.getLogger(__name__)

MAX_WEIGHTS_BYTES = 1 << 30
_KEPT = 8
_NAMES_SHOWN = 5


@dataclass(frozen=True)
class Checkpoint:
    """A file's tensors by name, and the texts that it carries beside them (such as `classes`, a
    JSON list).

    `metadata["layout"]`: "caffe2" or "other" for a file whose names are matched with the model's by
    detectron2's heuristics, as its checkpointer does. `mapped`: the tensors lie in a file that
    never changes in place, so that a model may use them where they are.
    """

    path: Path
    tensors: Mapping[str, torch.Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)
    mapped: bool = False

    def classes(self) -> tuple[str, ...] | None:
        """The class names that the file carries, or None; raises `WeightsError` when they are not a
        list of texts."""
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


def read_checkpoint(path: str | Path, keep_in: Path | None = None) -> Checkpoint:
    """Read a .safetensors file, a .pth/.pt state dict, or a .pkl of detectron2's model zoo.

    Tensors stay on the CPU, in the file's dtypes. A .pth is read with `weights_only=True`, a .pkl
    by an unpickler that knows arrays and nothing else.

    `keep_in`: a folder in which a .pkl or .pth that was read is kept as .safetensors, from which it
    comes at once the next time, mapped and not copied; the newest few are kept. None: not kept.

    Raises `WeightsNotFoundError` and `WeightsError`.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise WeightsNotFoundError(
            f"There is no weights file {path}; check the path, or leave it out for the starter."
        )
    size = path.stat().st_size
    if size == 0:
        raise WeightsError(f"{path.name} is empty (0 bytes); get the file again.")
    if size > MAX_WEIGHTS_BYTES:
        raise WeightsError(
            f"{path.name} has {size:,} bytes, over the limit of {MAX_WEIGHTS_BYTES:,}."
        )
    readers = {
        ".safetensors": _read_safetensors,
        ".pth": _read_torch,
        ".pt": _read_torch,
        ".pkl": _read_pickle,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise WeightsError(
            f"{path.name}: weights are read from .safetensors, .pth, .pt and .pkl, not {path.suffix!r}."
        )
    kept = None if keep_in is None or reader is _read_safetensors else keep_in / _kept_name(path)
    if kept is not None and kept.is_file():
        with contextlib.suppress(WeightsError):  # a damaged one is made anew
            return replace(_read_safetensors(kept), path=path, mapped=True)
    checkpoint = reader(path)
    if not checkpoint.tensors:
        raise WeightsError(f"{path.name} holds no tensors; it is not a model's weights.")
    if kept is not None:
        _keep(checkpoint, kept)
    return checkpoint


def _kept_name(path: Path) -> str:
    """Another one for another file: it changes with the path, the size and the time of the last
    change."""
    about = path.stat()
    key = f"{path.resolve()}\0{about.st_size}\0{about.st_mtime_ns}".encode(
        "utf-8", "surrogateescape"
    )
    return f"{path.stem[:60]}-{hashlib.sha256(key).hexdigest()[:16]}.safetensors"


def _keep(checkpoint: Checkpoint, target: Path) -> None:
    """Write a checkpoint as .safetensors, whole or not at all. Where it can't be, reading only
    stays slower."""
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
    """Contiguous tensors of which no two share their memory, as safetensors wants them; copied only
    where needed."""
    seen: set[int] = set()
    apart = {}
    for name, tensor in tensors.items():
        memory = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if memory in seen else tensor.contiguous()
        seen.add(memory)
    return apart


def load_into(model: torch.nn.Module, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's tensors into a model, each converted to the model's own dtype and device.

    Names that all have one prefix more than the model's ("module.", …) lose it; those of older
    layouts are matched by detectron2's heuristics. Raises `WeightsError`, before anything is
    changed, with the tensors that are missing, left over or of another shape and what is likely the
    cause, and for tensors that are not finite.
    """
    import torch

    own = model.state_dict()
    tensors = _named_as(own, checkpoint)
    given = {name: tensor for name, tensor in tensors.items() if name in own}
    by_heuristics = "layout" in checkpoint.metadata
    missing = [name for name in own if name not in given and not _fills_itself(name, by_heuristics)]
    unexpected = [name for name in tensors if name not in own and not _is_bookkeeping(name)]
    shapes = [
        f"{name} {tuple(tensor.shape)} instead of {tuple(own[name].shape)}"
        for name, tensor in given.items()
        if tensor.shape != own[name].shape
    ]
    # What a file of another layout holds beside the model's own tensors is dropped, as detectron2
    # does.
    if missing or shapes or (unexpected and not by_heuristics):
        parts = [
            f"{len(names)} {what} ({', '.join(names[:_NAMES_SHOWN])}{' …' if len(names) > _NAMES_SHOWN else ''})"
            for what, names in (
                ("missing", missing),
                ("unexpected", unexpected),
                ("of another shape", shapes),
            )
            if names
        ]
        raise WeightsError(
            f"{checkpoint.path.name} doesn't fit the model: {'; '.join(parts)}. {_likely_cause(own, tensors)}; "
            "use the config that they were made with."
        )
    broken = [name for name, tensor in given.items() if not _is_finite(tensor)]
    if broken:
        raise WeightsError(
            f"{checkpoint.path.name} holds numbers that are not finite (in {broken[0]}); get it again."
        )
    if checkpoint.mapped and all(tensor.device.type == "cpu" for tensor in own.values()):
        with torch.no_grad():
            converted = {name: tensor.to(own[name].dtype) for name, tensor in given.items()}
        model.load_state_dict(converted, strict=False, assign=True)
    else:
        model.load_state_dict(given, strict=False)


def _named_as(
    own: Mapping[str, torch.Tensor], checkpoint: Checkpoint
) -> Mapping[str, torch.Tensor]:
    """A checkpoint's tensors under the names that the model has for them, as far as that can be
    told."""
    tensors, layout = checkpoint.tensors, checkpoint.metadata.get("layout")
    if not own or not own.keys() - tensors.keys():
        return tensors
    first = next(iter(own))
    for name in tensors:
        prefix = name[: -len(first)]
        if name.endswith(f".{first}") and all(other.startswith(prefix) for other in tensors):
            return {other[len(prefix) :]: tensor for other, tensor in tensors.items()}
    if layout is None:
        return tensors
    from detectron2.checkpoint.c2_model_loading import align_and_update_state_dicts

    logger = logging.getLogger("detectron2.checkpoint.c2_model_loading")
    level = logger.level
    logger.setLevel(
        logging.CRITICAL
    )  # it prints a table of all names; what doesn't fit is told by our own error
    try:
        aligned: dict[str, torch.Tensor] = align_and_update_state_dicts(
            dict(own), dict(tensors), c2_conversion=layout == "caffe2"
        )
    except (ValueError, AssertionError, KeyError, IndexError) as error:
        raise WeightsError(
            f"{checkpoint.path.name}: its tensors' names can't be matched with the model's ({error}); "
            "use the config that they were made with."
        ) from error
    finally:
        logger.setLevel(level)
    return aligned


def _fills_itself(name: str, by_heuristics: bool) -> bool:
    """Whether a model has the value without the file: Caffe2's frozen BatchNorms are a scale and a
    shift alone."""
    return name.endswith("num_batches_tracked") or (
        by_heuristics and name.endswith((".norm.running_mean", ".norm.running_var"))
    )


def _is_finite(tensor: torch.Tensor) -> bool:
    import torch

    # A sum needs no memory; only where it is not finite, which may be an overflow, each number is
    # looked at.
    return not tensor.is_floating_point() or bool(
        torch.isfinite(tensor.sum(dtype=torch.float32)) or torch.isfinite(tensor).all()
    )


def _likely_cause(own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> str:
    """Why weights don't fit a model, as far as names and shapes tell."""
    classes, trained = _classes_in(own), _classes_in(given)
    if trained is not None and classes is not None and trained != classes:
        return f"The weights were trained with {trained} classes, but this config has {classes}"
    if not own.keys() & given.keys():
        return "Not one name is the same: the weights are those of another kind of model"
    blocks, trained_blocks = _blocks_in(own), _blocks_in(given)
    if blocks and trained_blocks and blocks != trained_blocks:
        depths = [
            _RESNETS.get(count, f"of {count} blocks in res4") for count in (trained_blocks, blocks)
        ]
        return f"The weights are those of a ResNet {depths[0]}, but this config has a ResNet {depths[1]}"
    for part, what in _PARTS:
        has, wants = (any(part in name for name in names) for names in (given, own))
        if has and not wants:
            return f"The weights are those of a model with {what}, but this config has none"
        if wants and not has:
            if not any(name.startswith(("roi_heads.", "head.")) for name in given):
                return "The weights are those of a backbone alone, from which a training starts"
            return f"The weights are those of a model without {what}, but this config has it"
    return "The weights belong to another configuration"


_RESNETS = {6: "50", 23: "101", 36: "152"}
_PARTS = (
    ("fpn_lateral", "a feature pyramid (FPN)"),
    ("box_predictor.0.", "a cascade of box heads"),
    ("mask_head", "a mask head"),
)


def _classes_in(tensors: Mapping[str, torch.Tensor]) -> int | None:
    """The number of classes, as the box classifier's rows tell; its last one is the background."""
    rows = (
        tensor.shape[0]
        for name, tensor in tensors.items()
        if name.endswith(_CLASSIFIERS) and tensor.ndim == 2
    )
    return next((count - 1 for count in rows), None)


_CLASSIFIERS = ("box_predictor.cls_score.weight", "box_predictor.0.cls_score.weight", "cls_score_w")


def _blocks_in(tensors: Mapping[str, torch.Tensor]) -> int:
    """How many blocks the fourth stage of a ResNet has, 0 without one; the depths differ in it
    most."""
    found = (re.search(r"(?:^|\.)res4\.(\d+)\.", name) for name in tensors)
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _is_bookkeeping(name: str) -> bool:
    # Older checkpoints carry these though the model computes them itself; detectron2's checkpointer
    # drops them too.
    return (
        name in {"pixel_mean", "pixel_std"}
        or "cell_anchors" in name
        or name.endswith("num_batches_tracked")
    )


def _read_safetensors(path: Path) -> Checkpoint:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            return Checkpoint(path, tensors, dict(file.metadata() or {}))
    except (SafetensorError, ValueError, OSError, RuntimeError) as error:
        raise WeightsError(
            f"{path.name} is truncated or no safetensors file ({error}); get the file again."
        ) from error


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
        raise WeightsError(
            f"{path.name} is truncated or no torch file ({error}); get the file again."
        ) from error
    return _from_dict(path, data)


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

    Python makes room for all numbers below: ten bytes could take all of the memory, and minutes.
    """
    for opcode, number, _ in pickletools.genops(file):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(number or 0) > size:
            raise WeightsError("it claims more memory than it can need")


def _read_pickle(path: Path) -> Checkpoint:
    try:
        with path.open("rb") as file:
            _check_memo(file, path.stat().st_size)
            file.seek(0)
            data = _ArrayUnpickler(file, encoding="latin1").load()
    except WeightsError as error:
        raise WeightsError(
            f"{path.name} was refused: {error}. Use a file from a source that you trust."
        ) from error
    except Exception as error:  # a broken pickle can raise anything at all
        raise WeightsError(
            f"{path.name} is truncated or no model-zoo file ({error}); get the file again."
        ) from error
    return _from_dict(path, data)


def _from_dict(path: Path, data: object) -> Checkpoint:
    import torch

    metadata: dict[str, str] = {}
    if isinstance(data, Mapping):
        metadata = _told_beside(data, path)
        inside = (data.get(key) for key in ("model", "blobs", "state_dict", "model_state"))
        data = next((part for part in inside if isinstance(part, Mapping)), data)
    if not isinstance(data, Mapping):
        raise WeightsError(f"{path.name} holds a {type(data).__name__} instead of tensors by name.")
    if "layout" in metadata:
        data = {name: value for name, value in data.items() if not str(name).endswith("_momentum")}
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
    return Checkpoint(path, tensors, metadata)


def _tensor(path: Path, name: str, value: np.ndarray[Any, Any]) -> torch.Tensor:
    """An array as a tensor that may be written to, without a copy where that is so already."""
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


def _told_beside(data: Mapping[Any, Any], path: Path) -> dict[str, str]:
    """What a file says beside its tensors: class names, and whether their names are of another
    layout."""
    metadata = {}
    for key in ("classes", "class_names", "thing_classes"):
        names = data.get(key)
        if (
            isinstance(names, (list, tuple))
            and names
            and all(isinstance(name, str) for name in names)
        ):
            metadata["classes"] = json.dumps(list(names))
            break
    if path.suffix.lower() == ".pkl" and not ("model" in data and "__author__" in data):
        metadata["layout"] = (
            "caffe2"  # that of Detectron and of ImageNet's backbones, which say nothing
        )
    elif data.get("matching_heuristics") is True:
        metadata["layout"] = "caffe2" if data.get("__author__") == "Caffe2" else "other"
    return metadata
