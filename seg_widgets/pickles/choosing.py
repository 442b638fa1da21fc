"""Which tensors of a file are a model's, and what the file says beside them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .records import Array, Other, Tensor
from .refusal import RefusedError, shown
from .torch_files import MAX_ENTRIES, Span
from .unpickling import ITEM_BYTES

__all__ = ["Plan", "choose"]

# Real numbers of NumPy: the byte order, the kind, and the bytes of each.
_REAL: Final = re.compile(r"[<>=|][biuf](1|2|4|8|12|16)")
_SPARE_BYTES: Final = 1 << 20
_NESTED: Final = ("model", "blobs", "state_dict", "model_state")


@dataclass
class Plan:
    """What is sent.

    Attributes:
        metadata: texts beside the tensors.
        tensors: of each its name, the index of its block, its dtype (NumPy's code or torch's name),
            shape, stride and offset; both in numbers, and the stride empty where the numbers lie
            one after the other.
        blocks: bytes, or a part of the file.
    """

    metadata: dict[str, str]
    tensors: list[list[Any]] = field(default_factory=list)
    blocks: list[bytes | bytearray | Span] = field(default_factory=list)

    def header(self) -> bytes:
        """Return all but the blocks' content, as JSON."""
        sizes = [block[1] if isinstance(block, tuple) else len(block) for block in self.blocks]
        return json.dumps(
            {"metadata": self.metadata, "tensors": self.tensors, "blocks": sizes}
        ).encode("ascii")


def choose(data: object, spans: dict[str, Span], path: Path) -> Plan:
    """Choose a model's tensors, which may lie under a key of their own.

    Args:
        data: the file's records.
        spans: where torch's storages lie, by their keys.
        path: the file.

    Raises:
        RefusedError: there are none, or they claim more bytes than the file can hold.
    """
    metadata: dict[str, str] = {}
    if isinstance(data, dict):
        metadata = _metadata(data, path)
        inside = (data.get(key) for key in _NESTED)
        data = next((part for part in inside if isinstance(part, dict)), data)
    if not isinstance(data, dict):
        raise RefusedError("other", f"holds a {_kind(data)} instead of tensors by name")
    if len(data) > MAX_ENTRIES:
        raise RefusedError("claims", f"it has {len(data):,} tensors")
    if "layout" in metadata:
        data = {name: value for name, value in data.items() if not str(name).endswith("_momentum")}

    chooser = _Chooser(Plan(metadata), spans, 2 * path.stat().st_size + _SPARE_BYTES)
    for name, value in data.items():
        chooser.add(name, value)
    return chooser.plan


class _Chooser:
    """Adds tensors to a plan, and adds up what they claim."""

    def __init__(self, plan: Plan, spans: dict[str, Span], limit: int) -> None:
        self.plan = plan
        self._spans = spans
        self._limit = limit
        self._claimed = 0
        # A block's index by the storage's key or the array's identity.
        self._known: dict[str | int, int] = {}

    def add(self, name: object, value: object) -> None:
        """Add a value under its name; what is no array of numbers is refused."""
        if isinstance(value, Array) and value.content is not None and _code(value):
            self._add_array(name, value, value.content)
        elif isinstance(value, Tensor):
            self._add_tensor(name, value)
        else:
            what = value.what if isinstance(value, Other) else f"a {_kind(value)}"
            raise RefusedError("other", f": {shown(name)} is {what}, not an array of numbers")
        if not isinstance(name, str):
            raise RefusedError("other", f": a tensor's name is a {_kind(name)} instead of a text")

    def _claim(self, count: int) -> None:
        """Count bytes. Small files could otherwise claim any memory, by names or strides of 0."""
        self._claimed += count
        if self._claimed > self._limit:
            raise RefusedError("claims", "its arrays claim more bytes than the file has")

    def _add_array(self, name: object, value: Array, content: bytes | bytearray) -> None:
        code, item = _code(value)
        shape = value.shape
        if not isinstance(shape, tuple) or not all(
            type(size) is int and 0 <= size < 1 << 62 for size in shape
        ):
            raise RefusedError("broken", "an array's shape is wrong")
        self._claim(math.prod(shape) * item)
        if len(content) != math.prod(shape) * item or len(shape) > 32:
            raise RefusedError("broken", "an array's bytes don't fit its shape")
        stride: list[int] = []
        if value.is_fortran:
            stride = [math.prod(shape[:axis]) for axis in range(len(shape))]
        block = self._block(id(value), content)
        self.plan.tensors.append([name, block, code, list(shape), stride, 0])

    def _add_tensor(self, name: object, value: Tensor) -> None:
        item = ITEM_BYTES[value.dtype]
        self._claim(value.numel * item)
        span = self._spans.get(value.storage.key)
        if span is None or value.end * item > span[1]:
            raise RefusedError("broken", "a tensor is longer than its storage")
        block = self._block(value.storage.key, span)
        self.plan.tensors.append(
            [name, block, value.dtype, list(value.shape), list(value.stride), value.offset]
        )

    def _block(self, key: str | int, block: bytes | bytearray | Span) -> int:
        if key not in self._known:
            self._known[key] = len(self.plan.blocks)
            self.plan.blocks.append(block)
        return self._known[key]


def _code(array: Array) -> tuple[str, int]:
    """NumPy's code for an array's numbers and the bytes of each; "", 0 where they are no
    numbers."""
    match = _REAL.fullmatch(array.dtype.code) if isinstance(array.dtype.code, str) else None
    return (match[0], int(match[1])) if match else ("", 0)


def _kind(value: object) -> str:
    return {"Names": "dict", "Array": "ndarray"}.get(type(value).__name__, type(value).__name__)


def _metadata(data: dict[Any, Any], path: Path) -> dict[str, str]:
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
