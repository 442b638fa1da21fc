"""Any model's answer as a `Prediction`: recognised by its shape, so that no library is imported.

To take another kind of result, write `is_…(result)` and `from_…(result, given)` and add an
`Adapter` of both to `registry.ADAPTERS`.
"""

from __future__ import annotations

import warnings
from typing import Any

from ..prediction import Prediction
from .class_names import read_names
from .masks import crop_of_rle
from .registry import ADAPTERS, Adapter, Conversion, convert, is_result

__all__ = [
    "ADAPTERS",
    "Adapter",
    "Conversion",
    "convert",
    "crop_of_rle",
    "is_result",
    "prediction_of",
    "read_names",
]


def prediction_of(result: Any, image: Any = None, *, class_names: Any = None) -> Prediction:
    """What a model answered for one image, as a `Prediction`; see `Prediction.of`.

    Args:
        result: The answer.
        image: The image, or its (height, width).
        class_names: The names that go with the class ids.

    Returns:
        The prediction. Each thing that had to be changed is a `UserWarning`; `convert` gives these
        sentences instead.

    Raises:
        PredictionError: The result can't be taken.
    """
    conversion = convert(result, image, class_names=class_names)
    if conversion.notes:
        warnings.warn(" ".join(conversion.notes), UserWarning, stacklevel=3)
    return conversion.prediction
