"""Which results are taken, in the order in which they are tried, and how each is converted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ...errors import PredictionError
from ..prediction import Prediction
from . import detections, dicts, lists, planes
from .arrays import describe, image_size_of
from .building import Found, Given, build
from .class_names import read_names

__all__ = ["ADAPTERS", "Adapter", "Conversion", "convert", "is_result"]


@dataclass(frozen=True)
class Adapter:
    """One kind of result.

    `name`: what it is called in messages. `recognises`: whether a value is one, by its shape and
    attributes; no library is imported for it. `read`: its parts.
    """

    name: str
    recognises: Callable[[Any], bool]
    read: Callable[[Any, Given], Found]


@dataclass(frozen=True)
class Conversion:
    """A prediction, the kind of result that it was made from, and one sentence for each thing that
    had to be changed on the way."""

    prediction: Prediction
    adapter: str
    notes: tuple[str, ...] = ()


# Those whose shape says most come first.
ADAPTERS: Final = (
    Adapter("supervision.Detections", detections.is_detections, detections.from_detections),
    Adapter("Ultralytics Results", detections.is_ultralytics, detections.from_ultralytics),
    Adapter("detectron2 Instances", detections.is_instances, detections.from_instances),
    Adapter("detectron2's panoptic_seg", dicts.is_panoptic, dicts.from_panoptic),
    Adapter(
        "Hugging Face post_process_instance_segmentation or …panoptic_segmentation",
        dicts.is_segments_dict,
        dicts.from_segments_dict,
    ),
    Adapter(
        "torchvision's dict, or Hugging Face post_process_object_detection",
        dicts.is_boxes_dict,
        dicts.from_boxes_dict,
    ),
    Adapter('Hugging Face pipeline("mask-generation")', dicts.is_masks_dict, dicts.from_masks_dict),
    Adapter(
        'Hugging Face pipeline("image-segmentation")',
        lists.is_pipeline_masks,
        lists.from_pipeline_masks,
    ),
    Adapter(
        'Hugging Face pipeline("object-detection")',
        lists.is_pipeline_boxes,
        lists.from_pipeline_boxes,
    ),
    Adapter("COCO results of one image", lists.is_coco, lists.from_coco),
    Adapter("SAM's list of masks", lists.is_sam, lists.from_sam),
    Adapter("a label image (H×W integers)", planes.is_label_image, planes.from_label_image),
    Adapter("N×H×W masks", planes.is_mask_stack, planes.from_mask_stack),
    Adapter("an empty list", lists.is_nothing, lists.from_nothing),
)


def convert(result: Any, image: Any = None, *, class_names: Any = None) -> Conversion:
    """Turn what a model answered for one image into a prediction, with what there is to report.

    Args:
        result: The answer; see `Prediction.of`.
        image: The H×W×3 array, PIL image or (height, width); None: the result knows its size.
        class_names: A list, a dict id → name, COCO's categories, or one name; None: the result's
            own, else "class 7" for the id 7.

    Returns:
        The prediction, the kind of result, and the notes. A `Prediction` is returned as it is.

    Raises:
        PredictionError: It can't be taken; the message says what it is and what can be.
    """
    given = Given(image_size_of(image), read_names(class_names))
    if isinstance(result, Prediction):
        given.size_or(result.image_size)
        return Conversion(result, "Prediction")
    adapter = _find(result)
    if adapter is None and isinstance(result, (list, tuple)) and len(result) == 1:
        # Models that take a batch answer with a list.
        result = result[0]
        if isinstance(result, Prediction):
            return convert(result, image)
        adapter = _find(result)
    if adapter is None:
        raise PredictionError(_refusal(result))
    return _run(adapter, result, given)


def is_result(value: Any) -> bool:
    """Whether a value looks like what a model answers for one image.

    Args:
        value: whatever there is.
    """
    return isinstance(value, Prediction) or _find(value) is not None


def _run(adapter: Adapter, result: Any, given: Given) -> Conversion:
    try:
        prediction, notes = build(adapter.read(result, given))
    except PredictionError as error:
        raise PredictionError(f"{error} (Taken for: {adapter.name}.)") from None
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
        # Something in it has the right name and another content.
        raise PredictionError(
            f"This was taken for {adapter.name}, but can't be read "
            f"({type(error).__name__}: {error}). It is {describe(result)}."
        ) from error
    return Conversion(prediction, adapter.name, notes)


def _find(result: Any) -> Adapter | None:
    return next((adapter for adapter in ADAPTERS if adapter.recognises(result)), None)


def _refusal(result: Any) -> str:
    taken = "; ".join(adapter.name for adapter in ADAPTERS[:-1])
    return f"{_what_it_is(result)} What can be taken: a Prediction; {taken}."


def _what_it_is(result: Any) -> str:
    several = isinstance(result, (list, tuple)) and len(result) > 1
    if several and _find(result[0]) is not None and all(map(_find, result)):
        return (
            f"This is a list of {len(result)} results ({describe(result[0])}), one for each image. "
            "Give them one by one: Prediction.of(results[0], image)."
        )
    if hasattr(result, "__next__"):
        return "This is a generator. Give what it yields: Prediction.of(next(results), image)."
    return f"A Prediction can't be made from {describe(result)}."
