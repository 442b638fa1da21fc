"""COCO's JSON: a list of results, or a whole data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from ..errors import SettingError
from ..prediction import RLE, Chosen, Instance, Prediction, category_ids_source, short
from ..prediction import category_ids as ids_of
from .chosen import chosen_instances

__all__ = ["CocoAnnotation", "CocoResult", "coco_dataset", "to_coco"]


class CocoResult(TypedDict, total=False):
    """One instance in the COCO results format (https://cocodataset.org/#format-results).

    `bbox` is [x, y, width, height] in pixels. `segmentation` is there if the prediction has masks.
    `index` is the instance's number in the prediction, as the panel's table and the CSV have it;
    COCO ignores it.
    """

    image_id: int
    category_id: int
    bbox: list[float]
    score: float
    index: int
    segmentation: RLE
    file_name: str


class CocoAnnotation(CocoResult, total=False):
    """One instance in a COCO data set: a result with its own `id`, its `area` in pixels and
    `iscrowd`, which is 0."""

    id: int
    area: int
    iscrowd: int


def to_coco(
    prediction: Prediction,
    image_id: int = 1,
    *,
    file_name: str | None = None,
    category_ids: Sequence[int] | None = None,
    only: Chosen | None = None,
) -> list[CocoResult]:
    """The instances as COCO results, which `pycocotools.COCO.loadRes` takes.

    Args:
        prediction: what was found.
        image_id: the image's id in your data set.
        file_name: added to each result if given; COCO ignores it.
        category_ids: the data set's id for each class; None: as `category_ids(prediction)` says,
            so that a model of COCO's 80 classes has COCO's own ids.
        only: the instances to take; None: all. Their `index` stays the one among all of them.

    Returns:
        One dict for each instance.

    Raises:
        SettingError: there is not one category id for each class name, or an index in `only` is not
            here.
    """
    ids = ids_of(prediction, category_ids)
    chosen = prediction if only is None else prediction.select(only)
    encoded = chosen.rle() if chosen.masks is not None else None
    results: list[CocoResult] = []
    for place, instance in enumerate(chosen_instances(prediction, only)):
        result = _result(instance, int(image_id), ids[instance.class_id])
        if encoded is not None:
            result["segmentation"] = encoded[place]
        if file_name is not None:
            result["file_name"] = file_name
        results.append(result)
    return results


def _result(instance: Instance, image_id: int, category_id: int) -> CocoResult:
    x1, y1, x2, y2 = instance.box
    return {
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [short(x1), short(y1), short(x2 - x1), short(y2 - y1)],
        "score": short(instance.score, 6),
        "index": instance.index,
    }


def coco_dataset(
    predictions: Prediction | Iterable[Prediction],
    file_names: str | Sequence[str],
    *,
    category_ids: Sequence[int] | None = None,
    image_ids: Sequence[int] | None = None,
    only: Chosen | None = None,
) -> dict[str, Any]:
    """A whole COCO data set, with `images`, `annotations` and `categories`, that pycocotools loads.

    Ids: images 1, 2, 3 … in their order if no others are given, annotations 1, 2, 3 … over all
    images. Scores are kept, as
    `score`. An annotation without a mask has an empty `segmentation`. `info.description` says which
    ids the categories have.

    Args:
        predictions: one, or one for each image, all of the same class names.
        file_names: the images' names, one for each prediction.
        category_ids: the id of each class; None: as `category_ids(prediction)` says.
        image_ids: the id of each image; None: 1, 2, 3 …
        only: the instances of a single prediction to take; None: all.

    Returns:
        The data set, to be written with `json.dumps`.

    Raises:
        SettingError: the counts don't match, the class names or the ids differ, two images have the
            same id, an index in `only` is not here, or `only` is given for several predictions.
    """
    results = [predictions] if isinstance(predictions, Prediction) else list(predictions)
    names = [file_names] if isinstance(file_names, str) else list(file_names)
    if only is not None and len(results) != 1:
        raise SettingError(
            "only=… chooses among the instances of one prediction; of several, give those that you "
            "want, such as prediction[prediction.scores > 0.5]."
        )
    if len(results) != len(names):
        raise SettingError(
            f"There are {len(results)} predictions, but {len(names)} file names; give one for each."
        )
    numbers = _image_ids(image_ids, len(results))
    class_names = results[0].class_names if results else ()
    if any(result.class_names != class_names for result in results):
        raise SettingError(
            "One data set has one list of classes, but these predictions have different class "
            "names."
        )
    first = results[0] if results else Prediction.empty((1, 1))
    if category_ids is None and any(ids_of(result) != ids_of(first) for result in results):
        raise SettingError(
            "One data set has one id for each class, but these predictions have different ids; "
            "give category_ids=[…]."
        )
    ids = ids_of(first, category_ids)
    source = category_ids_source(first, category_ids)
    return {
        "info": {"description": f"Made by seg_widgets. Category ids: {source}."},
        "licenses": [],
        "images": [
            _image(number, name, result)
            for number, name, result in zip(numbers, names, results, strict=True)
        ],
        "annotations": _annotations(results, numbers, ids, only),
        "categories": [
            {"id": category_id, "name": name}
            for category_id, name in zip(ids, class_names, strict=True)
        ],
    }


def _image(image_id: int, name: str, result: Prediction) -> dict[str, Any]:
    height, width = result.image_size
    return {"id": image_id, "file_name": name, "width": width, "height": height}


def _image_ids(given: Sequence[int] | None, count: int) -> list[int]:
    """The id of each image, checked."""
    ids = list(range(1, count + 1)) if given is None else [int(number) for number in given]
    if len(ids) != count:
        raise SettingError(f"There are {count} images, but {len(ids)} ids; give one for each.")
    if len(set(ids)) < count:
        raise SettingError("Two images have the same id; each needs one of its own.")
    return ids


def _annotations(
    results: list[Prediction],
    image_ids: Sequence[int],
    category_ids: Sequence[int],
    only: Chosen | None,
) -> list[dict[str, Any]]:
    annotations: list[dict[str, Any]] = []
    for image_id, result in zip(image_ids, results, strict=True):
        for one in to_coco(result, image_id, category_ids=category_ids, only=only):
            area = int(result.areas[one["index"]])
            number = len(annotations) + 1
            # A mask, where there is one, takes the place of the empty segmentation.
            without = {"id": number, "segmentation": []}
            annotations.append({**without, **one, "area": area, "iscrowd": 0})
    return annotations
