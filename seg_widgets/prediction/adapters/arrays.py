"""Reading the numbers of a result whose library is not imported: NumPy arrays, tensors on any
device, and lists; and saying in a message what a value is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import PredictionError
from ..checks import how_to_load

__all__ = ["describe", "has", "image_size_of", "shape_of", "to_array", "whole_numbers"]

Array = npt.NDArray[Any]

# A message has to fit into a few lines; this many keys or items are named in it.
_NAMED = 8


def to_array(values: Any) -> Array:
    """The numbers of an array, a tensor (on any device, of any precision), or a list.

    Args:
        values: A NumPy array, a torch tensor, detectron2's `Boxes` or `BitMasks` (which hold their
            tensor in `.tensor`), a PIL image, or nested lists of numbers.

    Returns:
        A NumPy array. It may share its memory with `values`; nobody here writes into it.

    Raises:
        PredictionError: The values are no numbers, or rows of unequal length.
    """
    if isinstance(values, np.ndarray):
        return _numeric(values)
    values = getattr(values, "tensor", values)

    # A tensor: NumPy has no bfloat16, and can read only what lies in the CPU's memory.
    if has(values, "detach", "cpu"):
        values = values.detach().cpu()
        if "bfloat16" in str(values.dtype):
            values = values.float()
        return _numeric(np.asarray(values.numpy()))

    try:
        return _numeric(np.asarray(values))
    except (TypeError, ValueError):
        raise PredictionError(
            f"Numbers in rows of equal length are needed, but this is {describe(values)}."
        ) from None


def _numeric(array: Array) -> Array:
    if array.dtype.kind in "biuf" or array.size == 0:
        return array
    raise PredictionError(f"Numbers are needed, but this is an array of {array.dtype}.")


def whole_numbers(values: Any, what: str) -> npt.NDArray[np.int64]:
    """N whole numbers, also where a library gives them as floats.

    Args:
        values: As for `to_array`.
        what: What they are, for the message ("class ids").

    Returns:
        N int64.

    Raises:
        PredictionError: One is not a whole number, or they are not in one row.
    """
    array = to_array(_numbers_of_texts(values, what))
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.ndim != 1:
        raise PredictionError(f"The {what} have the shape {array.shape}, but N numbers are needed.")
    if array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
        raise PredictionError(f"The {what} are not whole numbers.")
    return array.astype(np.int64)


def _numbers_of_texts(values: Any, what: str) -> Any:
    """A list in which texts such as "18", as some tools write ids, are numbers."""
    if not isinstance(values, (list, tuple)) or not any(isinstance(one, str) for one in values):
        return values
    try:
        return [int(one) if isinstance(one, str) and len(one) < 20 else one for one in values]
    except ValueError:
        wrong = next(one for one in values if isinstance(one, str) and not one.strip().isdecimal())
        raise PredictionError(f"The {what} are whole numbers, but one is {wrong!r:.60}.") from None


def image_size_of(image: Any) -> tuple[int, int] | None:
    """(height, width) in pixels of an image, or of what names its size.

    Args:
        image: An H×W×3 array, a 3×H×W tensor, an H×W array, a PIL image, a (height, width), or
            None.

    Returns:
        The size, or None for None.

    Raises:
        PredictionError: It is none of these.
    """
    if image is None:
        return None

    # A PIL image has its size the other way round.
    size = getattr(image, "size", None)
    if hasattr(image, "mode") and isinstance(size, tuple) and len(size) == 2:
        return int(size[1]), int(size[0])

    shape = shape_of(image)
    if shape is not None and len(shape) in (2, 3):
        # Tensors have their channels first.
        is_planes = len(shape) == 3 and shape[0] in (1, 3, 4) and shape[2] > 4
        return shape[1:] if is_planes else shape[:2]  # type: ignore[return-value]
    sides = list(image[:3]) if isinstance(image, (tuple, list)) else []
    if len(sides) >= 2 and all(isinstance(side, (int, np.integer)) for side in sides):
        return int(sides[0]), int(sides[1])
    raise PredictionError(
        "image is the image that the model was given (an H×W×3 array or a PIL image) or its "
        f"(height, width), but this is {describe(image)}. {how_to_load(image)}"
    )


def shape_of(value: Any) -> tuple[int, ...] | None:
    """The shape of an array or a tensor, or None for anything else."""
    value = getattr(value, "tensor", value)
    shape = getattr(value, "shape", None)
    if shape is None or not hasattr(value, "dtype"):
        return None
    return tuple(int(side) for side in shape)


def has(value: Any, *names: str) -> bool:
    """Whether a value has all of these attributes."""
    return all(hasattr(value, name) for name in names)


def describe(value: Any, depth: int = 1) -> str:
    """What a value is, for a message: its type, its shape, and the keys or items in it."""
    shape = shape_of(value)
    if shape is not None:
        return f"an array of shape {'×'.join(map(str, shape)) or '()'} ({value.dtype})"
    if isinstance(value, Mapping):
        return f"a dict with {_keys(value, depth)}"
    if isinstance(value, (list, tuple)):
        kind = type(value).__name__
        if not value:
            return f"an empty {kind}"
        return f"a {kind} of {len(value)} (the first is {describe(value[0], depth - 1)})"
    if value is None or isinstance(value, (str, int, float)):
        return f"{type(value).__name__} {value!r:.60}"
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _keys(value: Mapping[Any, Any], depth: int) -> str:
    if not value:
        return "no keys"
    named = []
    for key in list(value)[:_NAMED]:
        inner = describe(value[key], 0) if depth > 0 else ""
        named.append(f"{key!s:.40}: {inner}" if inner else f"{key!s:.40}")
    more = [f"{len(value) - _NAMED} more"] if len(value) > _NAMED else []
    return ", ".join(named + more)
