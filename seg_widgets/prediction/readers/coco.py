"""COCO's JSON as a prediction: a data set, or a list of results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..._files import StrPath
from ..._text import printable
from ...annotations import as_id
from ...errors import PredictionError
from .files import read_json, shown_source

if TYPE_CHECKING:
    from ..prediction import Prediction

__all__ = ["from_coco"]

_Value = TypeVar("_Value")

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
        return _from_dataset(content, image, shown_source(source))
    if isinstance(content, Sequence) and not isinstance(content, (str, bytes)):
        return _from_results(content, image, image_size, class_names)
    raise PredictionError(
        f"{shown_source(source)} is not in COCO's format: a data set has images, annotations and "
        "categories, and results are a list."
    )


def _from_dataset(content: Mapping[str, Any], wanted: str | int | None, shown: str) -> Prediction:
    from ..prediction import Prediction

    images = _entries(content, "images", shown)
    image, where = _image(images, wanted, shown)
    size = _value(image, "height", int, where), _value(image, "width", int, where)
    if min(size) < 1:
        raise PredictionError(f"{where} is damaged: it has {size[1]}×{size[0]} pixels.")
    categories = _entries(content, "categories", shown)
    places = [f'{shown}: "categories"[{number}]' for number in range(len(categories))]
    names = tuple(map(_value, categories, repeat("name"), repeat(str), places))
    ids = tuple(map(_value, categories, repeat("id"), repeat(int), places))
    annotations = _entries(content, "annotations", shown)
    identity = as_id(image.get("id"))
    own = [each for each in annotations if as_id(each.get("image_id")) == identity]
    if not own:
        _check_images(annotations, images, shown)
        return replace(Prediction.empty(size, names), category_ids=ids)
    index_of = {number: place for place, number in enumerate(ids)}
    found = _convert(own, size, categories)
    # All the data set's classes, in its order, also those that no instance has.
    try:
        class_ids = [
            index_of[found.category_ids[class_id]] for class_id in found.class_ids.tolist()
        ]
    except (KeyError, IndexError):
        raise PredictionError(
            f"{shown} is damaged: an annotation has a category that is not listed."
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
        named = [each for each in results if each.get("file_name") == wanted]
        identity = as_id(wanted)
        own = named or [each for each in results if as_id(each.get("image_id")) == identity]
        # An image in which nothing was found is in no list of results; by its id that may be.
        if not own and not isinstance(identity, int):
            raise PredictionError(
                f"These results have no image {wanted!r:.80}: they name images by image_id. "
                "Give its id, which is in the data set's file."
            )
        results = own
    return _convert(list(results), image_size, class_names)


def _check_images(
    annotations: Sequence[Mapping[str, Any]], images: Sequence[Mapping[str, Any]], shown: str
) -> None:
    """Refuse annotations of images that are not listed: an image without its own would look empty.

    Raises:
        PredictionError: there are such annotations.
    """
    known = {as_id(each.get("id")) for each in images}
    for number, each in enumerate(annotations):
        given = each.get("image_id")
        if as_id(given) not in known:
            raise PredictionError(
                f'{shown}: "annotations"[{number}] is of image_id {_as_json(given)}, '
                "and no image of that id is listed; the image that is meant has no other. "
                "Correct the ids."
            )


def _convert(items: list[Any], size: tuple[int, int] | None, class_names: Any) -> Prediction:
    from ..adapters import convert

    # An annotation of a box has an empty segmentation.
    if not any(each.get("segmentation") for each in items):
        items = [
            {key: value for key, value in each.items() if key != "segmentation"} for each in items
        ]
    return convert(items, size, class_names=class_names).prediction


def _entries(content: Mapping[str, Any], key: str, shown: str) -> list[Mapping[str, Any]]:
    """One of the lists of a data set, of which each entry is an object."""
    entries = content[key]
    if not isinstance(entries, list):
        raise PredictionError(f'{shown} is damaged: "{key}" is no list, but {_as_json(entries)}.')
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise PredictionError(
                f'{shown}: "{key}"[{number}] is damaged: it is {_as_json(entry)}, not an object. '
                "Correct that entry, or take it out."
            )
    return entries


def _value(entry: Mapping[str, Any], key: str, kind: Callable[[Any], _Value], where: str) -> _Value:
    """What an entry has at a key, as it should be; `where` is for the message."""
    try:
        return kind(entry[key])
    except (KeyError, TypeError, ValueError, OverflowError):
        value = f"is {_as_json(entry[key])}" if key in entry else "is missing"
        raise PredictionError(
            f"{where} is damaged: its {key} {value}. Correct that entry, or take it out."
        ) from None


def _as_json(value: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False, default=str))


def _image(
    images: Sequence[Mapping[str, Any]], wanted: str | int | None, shown: str
) -> tuple[Mapping[str, Any], str]:
    """The image that is meant, and where it is, for messages."""
    places = [f'{shown}: "images"[{number}]' for number in range(len(images))]
    names = list(map(_value, images, repeat("file_name"), repeat(str), places))
    listed = ", ".join(map(printable, names[:_NAMES_IN_A_MESSAGE]))
    more = " …" if len(names) > _NAMES_IN_A_MESSAGE else ""
    if wanted is None:
        if len(images) == 1:
            return images[0], places[0]
        has = f"has {len(images)} images ({listed}{more})" if images else "has no image"
        advice = ' Name one: Prediction.from_coco(file, "photo.jpg").' if images else ""
        raise PredictionError(f"{shown} {has}.{advice}")
    ids = [as_id(image.get("id")) for image in images]
    for known, meant in ((names, wanted), (ids, as_id(wanted))):
        if meant is not None and meant in known:
            place = known.index(meant)  # type: ignore[arg-type]
            return images[place], places[place]
    raise PredictionError(f"{shown} has no image {wanted!r:.80}; it has {listed or 'none'}{more}.")
