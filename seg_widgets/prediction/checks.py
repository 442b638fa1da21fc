"""What `Prediction` checks: that its parts fit together, and that an image is its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from .._text import PATH_LENGTH, printable
from ..errors import PredictionError, SettingError

if TYPE_CHECKING:
    from .masks import MaskCrop
    from .prediction import Prediction

__all__ = [
    "as_flags",
    "as_fraction",
    "as_rows",
    "as_size",
    "check_image",
    "check_parts",
    "check_rgb",
    "how_to_load",
    "read_only",
    "require_masks",
]

_Array = TypeVar("_Array", bound=npt.NDArray[Any])


def as_rows(
    name: str, values: object, dtype: npt.DTypeLike, row: tuple[int, ...] = ()
) -> npt.NDArray[Any]:
    """A read-only copy of N rows of numbers.

    Args:
        name: what they are, for the message.
        values: an array, or what NumPy makes one of.
        dtype: the type of the copy.
        row: the shape of one row; () for single numbers.

    Returns:
        The copy, N×`row`.

    Raises:
        PredictionError: they are no numbers, or not of this shape.
    """
    try:
        array = np.array(values, dtype)
    except (TypeError, ValueError):
        raise PredictionError(f"The {name} are not numbers in rows of equal length.") from None
    if array.size == 0:
        array = array.reshape(0, *row)
    if array.ndim != 1 + len(row) or array.shape[1:] != row:
        wanted = "×".join(map(str, ("N", *row)))
        raise PredictionError(
            f"The {name} are an array of shape {wanted}, but these have the shape {array.shape}."
        )
    return read_only(array)


def as_flags(name: str, values: object) -> npt.NDArray[np.bool_]:
    """A read-only copy of N truth values.

    Args:
        name: what they are, for the message.
        values: booleans, or numbers that are 0 or 1.

    Returns:
        N booleans.

    Raises:
        PredictionError: they are something else, such as texts, which would all be true.
    """
    try:
        given = np.asarray(values)
    except (TypeError, ValueError):
        given = np.zeros(1, object)
    is_known = given.dtype.kind in "biuf" and bool(((given == 0) | (given == 1)).all())
    if not is_known and given.size:
        raise PredictionError(f"The {name} are True or False (or 1 and 0), not {values!r:.80}.")
    return as_rows(name, given.astype(bool), np.bool_)


def as_fraction(name: str, value: object, hint: str = "") -> float:
    """A number from 0 to 1, or its text, as a float.

    Args:
        name: what it is, for the message.
        value: what was given; a truth value is no number.
        hint: what else to say where it is out of its range.

    Raises:
        SettingError: it is something else (NaN is).
    """
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise SettingError(f"{name} is a number from 0 to 1, not {value!r:.80}.") from None
    if not 0 <= number <= 1:
        raise SettingError(f"{name} lies between 0 and 1, but {number:g} was given{hint}.")
    return number


def as_size(value: object) -> tuple[int, int]:
    """The size of an image, checked.

    Args:
        value: (height, width) in pixels, or an image's shape, H×W×3.

    Returns:
        (height, width).

    Raises:
        PredictionError: it is something else.
    """
    sides = list(value) if isinstance(value, (tuple, list, np.ndarray)) else []
    numbers = [
        side
        for side in sides
        if isinstance(side, (int, float, np.integer, np.floating)) and not isinstance(side, bool)
    ]
    is_whole = len(numbers) == len(sides) and all(side == np.floor(side) for side in numbers[:2])
    if len(sides) not in (2, 3) or not is_whole:
        raise PredictionError(
            "The size of an image is its (height, width) in pixels, such as image.shape[:2], "
            f"not {value!r:.80}."
        )
    height, width = int(numbers[0]), int(numbers[1])
    if height < 1 or width < 1:
        raise PredictionError(
            f"An image is at least 1×1 pixel, but its (height, width) is {(height, width)}."
        )
    return height, width


def read_only(array: _Array) -> _Array:
    """Forbid writing into an array of ours.

    Args:
        array: an array that nobody else has yet.

    Returns:
        The same array.
    """
    array.setflags(write=False)
    return array


def check_parts(prediction: Prediction) -> None:
    """Check that the parts of a prediction fit together.

    Args:
        prediction: it, with its arrays in place.

    Raises:
        PredictionError: they don't.
    """
    height, width = prediction.image_size
    _check_lengths(prediction)
    if not np.isfinite(prediction.boxes).all() or not np.isfinite(prediction.scores).all():
        raise PredictionError(
            "A box or a score is not a finite number; the model's weights may be damaged."
        )
    if len(prediction):
        _check_ranges(prediction)
    _check_category_ids(prediction)
    for crop in prediction.masks or ():
        if crop.x + crop.width > width or crop.y + crop.height > height:
            raise PredictionError(f"A mask leaves the image of {width}×{height} pixels: {crop}.")


def _check_lengths(prediction: Prediction) -> None:
    names = ["boxes", "scores", "class_ids", *(["masks"] if prediction.masks is not None else [])]
    lengths = {name: len(getattr(prediction, name)) for name in names}
    if len(set(lengths.values())) > 1:
        parts = ", ".join(f"{count} {name}" for name, count in lengths.items())
        raise PredictionError(f"Each instance has one of each, but there are {parts}.")


def _check_ranges(prediction: Prediction) -> None:
    low, high = prediction.scores.min(), prediction.scores.max()
    if not (low >= 0 and high <= 1):
        raise PredictionError(f"Scores lie in 0 to 1, but these go from {low} to {high}.")
    first, last = prediction.class_ids.min(), prediction.class_ids.max()
    if not (first >= 0 and last < len(prediction.class_names)):
        raise PredictionError(
            f"A class id is an index into the {len(prediction.class_names)} class names, but these "
            f"go from {first} to {last}; give the names that belong to the weights."
        )


def _check_category_ids(prediction: Prediction) -> None:
    ids, names = prediction.category_ids, prediction.class_names
    if ids and (len(ids) != len(names) or len(set(ids)) != len(ids)):
        raise PredictionError(
            f"category_ids has one id of its own for each of the {len(names)} class names, but "
            f"these are {len(ids)} ids, {len(set(ids))} of them different."
        )


def require_masks(prediction: Prediction) -> tuple[MaskCrop, ...]:
    """The masks of a prediction that must have some.

    Args:
        prediction: what was found.

    Returns:
        N masks.

    Raises:
        PredictionError: it has boxes only.
    """
    if prediction.masks is None:
        raise PredictionError(
            "This prediction has boxes only; use a model with a mask head to get masks."
        )
    return prediction.masks


def check_image(prediction: Prediction, image: object) -> None:
    """Check that an image is the one that a prediction is for, as far as its size shows.

    It is the method `Prediction.check_image`. Functions that are given both call it as a function:
    then what is no prediction has a message, too.

    Args:
        prediction: what was found.
        image: what was given as its image.

    Raises:
        SettingError: it is no H×W×3 uint8 array, or the prediction is something else.
        PredictionError: it has another size.
    """
    if not hasattr(prediction, "image_size"):
        raise SettingError(
            f"What was found is a Prediction, not {type(prediction).__name__}. "
            "Prediction.of(result, image) makes one of other libraries' results."
        )
    rgb = check_rgb(image)
    if rgb.shape[:2] != prediction.image_size:
        height, width = prediction.image_size
        raise PredictionError(
            f"The prediction is for an image of {width}×{height} pixels, but this one has "
            f"{rgb.shape[1]}×{rgb.shape[0]}. Run the model on this image."
        )


def check_rgb(image: object) -> npt.NDArray[np.uint8]:
    """Check that an image is an array of RGB pixels: each function that takes one asks this.

    Args:
        image: what was given as an image.

    Returns:
        The same image.

    Raises:
        SettingError: it is no H×W×3 uint8 array, such as the path of a file.
    """
    if not isinstance(image, np.ndarray):
        raise SettingError(
            f"The image is an H×W×3 uint8 RGB array, not {_what_it_is(image)}. {how_to_load(image)}"
        )
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise SettingError(
            f"The image is an H×W×3 uint8 RGB array, not {image.dtype} of shape {image.shape}. "
            f"{how_to_load(image)}"
        )
    return image


def how_to_load(image: object) -> str:
    """What to give in place of something that is no array of RGB pixels.

    Args:
        image: what was given as an image.

    Returns:
        A sentence, such as 'Give seg_widgets.load("photo.jpg").'
    """
    if isinstance(image, (str, os.PathLike)):
        return f'Give seg_widgets.load("{_shown_path(image)}").'
    if isinstance(image, (bytes, bytearray, memoryview, np.ndarray)) or _is_pil(image):
        return "Give seg_widgets.load(image)."
    return (
        "seg_widgets.load makes one of a path, an address, the bytes of a file, a PIL image or "
        "another array."
    )


def _what_it_is(image: object) -> str:
    if isinstance(image, str) and "://" in image:
        return f'the address "{_shown_path(image)}"'
    if isinstance(image, (str, os.PathLike)):
        return f'the path "{_shown_path(image)}"'
    if _is_pil(image):
        return f"a PIL image ({type(image).__name__})"
    return "None" if image is None else type(image).__name__


def _shown_path(path: str | os.PathLike[Any]) -> str:
    return printable(os.fsdecode(path), PATH_LENGTH)


def _is_pil(image: object) -> bool:
    """Whether it is an image of Pillow, which is not imported to find out."""
    return any(base.__module__ == "PIL.Image" for base in type(image).__mro__)
