"""COCO's JSON as a prediction: a data set, or a list of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._files import StrPath
from ..._text import printable
from ...errors import PredictionError
from .files import read_json, shown_source

if TYPE_CHECKING:
    from ..prediction import Prediction

__all__ = ["from_coco"]

_NAMES_IN_A_MESSAGE = 5


def from_coco(
    source: StrPath | Mapping[str, Any] | Sequence[Mapping[str, Any]],
    image: str | int | None = None,
    *,
    image_size: tuple[int, int] | None = None,
    class_names: Any = None,
) -> Prediction:
    """What a COCO file has of one image: of a data set, or of a list of results.

    Masks are RLE or polygons. Scores that are left out are 1. It is the method
    `Prediction.from_coco`.

    Args:
        source: a path, or the file's content.
        image: which image: its file name or id; None: the only one.
        image_size: (height, width) in pixels, for results without masks; a data set knows it.
        class_names: for results: a dict id → name or COCO's categories; None: "class 7" for the id
            7. A data set has its own.

    Returns:
        The prediction, in the file's order; its `category_ids` are those of the file.

    Raises:
        PredictionError: the file is not COCO's, has no such image, or several and none was named.
    """
    content = read_json(source, "a COCO file")
    if isinstance(content, Mapping) and {"images", "annotations", "categories"} <= set(content):
        return _from_dataset(content, image)
    if isinstance(content, Sequence) and not isinstance(content, (str, bytes)):
        return _from_results(content, image, image_size, class_names)
    raise PredictionError(
        f"{shown_source(source)} is not in COCO's format: a data set has images, annotations and "
        "categories, and results are a list."
    )


def _from_dataset(content: Mapping[str, Any], wanted: str | int | None) -> Prediction:
    from ..prediction import Prediction

    try:
        image = _image(content["images"], wanted)
        size = int(image["height"]), int(image["width"])
        names = tuple(str(each["name"]) for each in content["categories"])
        ids = tuple(int(each["id"]) for each in content["categories"])
        own = [each for each in content["annotations"] if each.get("image_id") == image["id"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PredictionError(
            f"This COCO file is damaged: an entry lacks or has a wrong {error}."
        ) from None
    if not own:
        return replace(Prediction.empty(size, names), category_ids=ids)
    places = {number: place for place, number in enumerate(ids)}
    found = _convert(own, size, content["categories"])
    # All the data set's classes, in its order, also those that no instance has.
    try:
        class_ids = [places[found.category_ids[class_id]] for class_id in found.class_ids.tolist()]
    except (KeyError, IndexError):
        raise PredictionError(
            "This COCO file is damaged: an annotation has a category that is not listed."
        ) from None
    return replace(
        found, class_ids=np.array(class_ids, np.int64), class_names=names, category_ids=ids
    )


def _from_results(
    results: Sequence[Any],
    wanted: str | int | None,
    image_size: tuple[int, int] | None,
    class_names: Any,
) -> Prediction:
    if not all(isinstance(each, Mapping) and "category_id" in each for each in results):
        raise PredictionError(
            "This list is not in COCO's results format: each entry has image_id, category_id, bbox "
            "or segmentation, and score."
        )
    if wanted is not None:
        by = "image_id" if isinstance(wanted, int) else "file_name"
        results = [each for each in results if each.get(by) == wanted]
    return _convert(list(results), image_size, class_names)


def _convert(items: list[Any], size: tuple[int, int] | None, class_names: Any) -> Prediction:
    from ..adapters import convert

    # An annotation of a box has an empty segmentation.
    if not any(each.get("segmentation") for each in items):
        items = [
            {key: value for key, value in each.items() if key != "segmentation"} for each in items
        ]
    return convert(items, size, class_names=class_names).prediction


def _image(images: Sequence[Mapping[str, Any]], wanted: str | int | None) -> Mapping[str, Any]:
    names = [str(each["file_name"]) for each in images]
    shown = ", ".join(map(printable, names[:_NAMES_IN_A_MESSAGE]))
    more = " …" if len(names) > _NAMES_IN_A_MESSAGE else ""
    if wanted is None:
        if len(images) != 1:
            raise PredictionError(
                f"This COCO file has {len(images)} images ({shown}{more}). Name one: "
                'Prediction.from_coco(file, "photo.jpg").'
            )
        return images[0]
    for image, name in zip(images, names, strict=True):
        if wanted in (image["id"], name):
            return image
    raise PredictionError(f"This COCO file has no image {wanted!r:.80}; it has {shown}{more}.")
