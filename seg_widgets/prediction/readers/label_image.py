"""Label images as predictions: each pixel has the number of its instance, 0 outside of all."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ..._files import StrPath
from ...errors import PredictionError
from ..truth_classes import IGNORE
from .files import read_bytes, shown_source

if TYPE_CHECKING:
    from ..prediction import Prediction

__all__ = ["from_label_image"]

_MOST_PIXELS: Final = 100_000_000
_MOST_BYTES: Final = 1_000_000_000
_FORMATS: Final = ("PNG", "TIFF")
_ONE_CLASS: Final = "object"
# In photographs 57 % of neighbours and more differ; among objects of nine pixels it is a third.
_PHOTO_CHANGES: Final = 0.4
_PHOTO_SIDE: Final = 64
_PHOTO_VALUES: Final = 100


def from_label_image(
    source: StrPath | npt.NDArray[Any], *, class_names: Mapping[int, str | None] | str | None = None
) -> Prediction:
    """The instances of a label image; all of a label's parts are one mask.

    A file that seg_widgets wrote has the classes, scores and boxes in its description. Else scores
    are 1, and boxes are drawn around the masks. It is the method
    `Prediction.from_label_image`.

    Args:
        source: the path of a TIFF or PNG of whole numbers, or an H×W array of them; a pixel of 0
            or less is outside of all.
        class_names: label → name of its class, or one name for all; None: those of the file, else
            "object". None as a name leaves the label out, such as `{255: None}` for the void of
            Pascal VOC; where no label has a name, the others have them as with None.

    Returns:
        The prediction, in ascending order of the labels.

    Raises:
        PredictionError: it is no label image; a photograph in grey is none.
    """
    from ..adapters.masks import crops_of_labels
    from ..prediction import Prediction

    labels, described = _read(source)
    regions: set[int] = set()
    if isinstance(class_names, Mapping) and not {None, IGNORE}.isdisjoint(class_names.values()):
        left_out = [label for label, name in class_names.items() if name is None]
        labels = np.where(np.isin(labels, left_out), 0, labels)
        regions = {int(label) for label, name in class_names.items() if name == IGNORE}
        named = {one: name for one, name in class_names.items() if name not in (None, IGNORE)}
        class_names = named or None
    crops = crops_of_labels(labels)
    known = {int(each["label"]): each for each in _instances(described)}
    names, ids = _classes(
        [one for one in crops if one not in regions], class_names, described, known
    )
    category_ids = tuple(described.get("category_ids", ())) if class_names is None else ()
    if not regions.isdisjoint(crops):
        rest = iter(ids)
        ids = [len(names) if label in regions else next(rest) for label in crops]
        names, category_ids = (*names, IGNORE), ()
    boxes, scores = [], []
    for label, crop in crops.items():
        around = [crop.x, crop.y, crop.x + crop.width, crop.y + crop.height]
        boxes.append(known[label].get("box", around) if label in known else around)
        scores.append(known[label].get("score", 1.0) if label in known else 1.0)

    return Prediction(
        (int(labels.shape[0]), int(labels.shape[1])),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(ids, np.int64),
        names,
        tuple(crops.values()),
        category_ids=category_ids,
    )


def _read(source: Any) -> tuple[npt.NDArray[Any], dict[str, Any]]:
    """The labels, H×W whole numbers, and what the file's description says."""
    if isinstance(source, (str, os.PathLike)):
        labels, described = _open(source)
    else:
        labels, described = np.asarray(source), {}
    if labels.ndim != 2 or labels.dtype.kind not in "iub" or 0 in labels.shape:
        raise PredictionError(
            f"{shown_source(source)} is no label image: it has the shape {labels.shape} and the "
            f"type {labels.dtype}, where H×W whole numbers are needed."
        )
    return labels, described


def _open(path: StrPath) -> tuple[npt.NDArray[Any], dict[str, Any]]:
    from PIL import Image, UnidentifiedImageError

    content = read_bytes(path, _MOST_BYTES)
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise PredictionError(
                    f"{shown_source(path)} has {image.width}×{image.height} pixels, over the limit "
                    f"of {_MOST_PIXELS}. Cut it into parts."
                )
            if image.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
                raise PredictionError(
                    f"{shown_source(path)} is no label image: it has colours ({image.mode}), where "
                    "each pixel needs one whole number."
                )
            labels = np.array(image)
            text = image.info.get("Description") or _tag(image)
    except PredictionError:
        raise
    # Its own words name a buffer in memory.
    except UnidentifiedImageError:
        raise PredictionError(
            f"{shown_source(path)} is no label image: it is neither a TIFF nor a PNG, or it is "
            "damaged. A photograph has no labels; load reads it."
        ) from None
    # Pillow raises many kinds for damaged files.
    except Exception as error:
        raise PredictionError(
            f"{shown_source(path)} can't be read as a TIFF or PNG: {error}."
        ) from None
    if image.mode == "I":
        # Pillow's 32-bit numbers are signed.
        labels = labels.view(np.uint32)
    described = _description(text)
    if not described and _looks_like_a_photograph(labels):
        raise PredictionError(
            f"{shown_source(path)} looks like a photograph in grey, and no label image, in which "
            "neighbours mostly have the same number. If it is one, give its array."
        )
    return labels, described


def _looks_like_a_photograph(labels: npt.NDArray[Any]) -> bool:
    if min(labels.shape) < _PHOTO_SIDE:
        return False
    changes = np.count_nonzero(labels[:, 1:] != labels[:, :-1]) / labels.size
    return bool(changes > _PHOTO_CHANGES and len(np.unique(labels)) >= _PHOTO_VALUES)


def _tag(image: Any) -> Any:
    """TIFF's ImageDescription."""
    return getattr(image, "tag_v2", {}).get(270)


def _description(text: Any) -> dict[str, Any]:
    """What we wrote; what others wrote there is no concern of ours."""
    try:
        content = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) and "seg_widgets" in content else {}


def _instances(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = described.get("instances", [])
    return [each for each in entries if isinstance(each, dict) and "label" in each]


def _classes(
    labels: list[int],
    given: Mapping[int, str | None] | str | None,
    described: Mapping[str, Any],
    known: Mapping[int, Mapping[str, Any]],
) -> tuple[tuple[str, ...], list[int]]:
    """The class names, and each label's index into them."""
    if given is None and "class_names" in described:
        names = tuple(str(name) for name in described["class_names"])
        try:
            return names, [int(known[label]["class_id"]) for label in labels]
        except (KeyError, TypeError, ValueError):
            raise PredictionError(
                "The label image's description doesn't belong to its pixels: a label is not in it. "
                "Give class_names={label: name}."
            ) from None
    if isinstance(given, Mapping):
        missing = [label for label in labels if label not in given]
        if missing:
            raise PredictionError(
                f"There is no name for the label {missing[0]}; give one for each label, None to "
                "leave it out."
            )
        called = [str(given[label]) for label in labels]
    else:
        called = [given or _ONE_CLASS] * len(labels)
    names = tuple(dict.fromkeys(called)) or (given if isinstance(given, str) else _ONE_CLASS,)
    return names, [names.index(name) for name in called]
