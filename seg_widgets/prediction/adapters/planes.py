"""Results that are arrays: a label image, or N dense masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import PredictionError
from .arrays import shape_of, to_array
from .building import Found, Given
from .class_names import ONE_CLASS, ClassNames, Labelling, label_by_id
from .masks import crop_of_plane, crops_of_labels, crops_of_planes, is_plane, size_of_planes

__all__ = [
    "from_label_image",
    "from_mask_stack",
    "is_label_image",
    "is_mask_stack",
    "one_class",
]


def one_class(count: int, names: ClassNames | None) -> Labelling:
    """The classes of `count` objects of a model that has none: all are "object", or the one name
    that was given.

    Raises:
        PredictionError: More names were given than one.
    """
    if names is not None and len(names.by_id) != 1:
        raise PredictionError(
            f"This result has no classes, but class_names has {len(names.by_id)} names. Give one "
            'name for all objects, such as class_names="cell".'
        )
    name = ONE_CLASS if names is None else names.names[0]
    return Labelling(np.zeros(count, np.int64), (name,))


def is_label_image(result: Any) -> bool:
    """One H×W array."""
    return is_plane(result)


def from_label_image(result: Any, given: Given) -> Found:
    """Each label above 0 is one object, whatever parts it has; a boolean mask is one object.

    A dict {label: name} names the objects one by one.
    """
    labels = to_array(result)
    size = given.size_or((labels.shape[0], labels.shape[1]))
    if labels.dtype.kind == "b":
        return Found(size, one_class(1, given.names), masks=(crop_of_plane(labels),))
    if labels.dtype.kind == "f":
        raise PredictionError(
            "A label image has whole numbers (0 outside, one number for each object), but these "
            f"are {labels.dtype}. Give labels.astype(int), or probabilities > threshold."
        )

    crops = crops_of_labels(labels)
    notes = []
    if labels.size and labels.min() < 0:
        notes.append("Labels below 0 were taken as background.")
    numbers = np.array(list(crops), np.int64)
    if given.names is not None and not given.names.is_list:
        labelling = label_by_id(numbers, _distinct(given.names, numbers.tolist()))
        labelling = _merged(labelling)
    else:
        labelling = one_class(len(crops), given.names)
    return Found(size, labelling, masks=tuple(crops.values()), notes=notes)


def _distinct(names: ClassNames, numbers: list[int]) -> ClassNames:
    """Names for all of the labels, so that none is reported."""
    rest = {number: ONE_CLASS for number in numbers if number not in names.by_id}
    return ClassNames({**names.by_id, **rest}, False)


def _merged(labelling: Labelling) -> Labelling:
    """Objects that are called the same are of one class."""
    names = list(dict.fromkeys(labelling.class_names))
    places = [names.index(labelling.class_names[index]) for index in labelling.class_ids.tolist()]
    return Labelling(np.array(places, np.int64), tuple(names), labelling.notes)


def is_mask_stack(result: Any) -> bool:
    """N×H×W or N×1×H×W, or a list of H×W arrays."""
    shape = shape_of(result)
    if shape is not None:
        return len(shape) == 3 or (len(shape) == 4 and shape[1] == 1)
    return isinstance(result, (list, tuple)) and len(result) > 0 and all(map(is_plane, result))


def from_mask_stack(result: Any, given: Given) -> Found:
    """N dense masks without scores or classes."""
    shape = shape_of(result)
    if shape is not None and len(shape) == 3 and shape[2] in (3, 4) and shape[:2] == given.size:
        raise PredictionError(
            "This is an image, not a result: an array of shape "
            f"{'×'.join(map(str, shape))}. Give what the model answered for it."
        )
    size = given.size_or(size_of_planes(result))
    crops = crops_of_planes(result, size)
    return Found(size, one_class(len(crops), given.names), masks=crops)
