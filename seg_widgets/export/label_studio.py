"""Label Studio's tasks with predictions: brushes (lossless) or polygons; the labeling config."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, Literal
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

from ..errors import SettingError
from ..prediction import Chosen, Instance, MaskCrop, Prediction, outlines, short
from ..style import class_color, hex_color
from .chosen import chosen_instances
from .files import as_json

__all__ = [
    "LabelStudioMasks",
    "brush_rle",
    "label_studio_config",
    "label_studio_json",
    "to_label_studio",
]

LabelStudioMasks = Literal["brush", "polygon"]
"""What masks become: brushes, which lose nothing, or polygons, which are easier to correct."""

# The bits of a run's length, of which each run takes the fewest that hold it
# (label_studio_sdk.converter.brush; https://github.com/thi-ng/umbrella/tree/develop/packages/rle-pack).
_SIZES: Final = (3, 4, 8, 16)
_WORD: Final = 8
_LONGEST_RUN: Final = 1 << _SIZES[-1]
_CHANNELS: Final = 4

# The bytes from "0," to "255,", and which of the four letters each of them has.
_DIGITS: Final = np.array([list(b"%-4b" % (b"%d," % value)) for value in range(256)], np.uint8)
_HAS_DIGIT: Final = np.not_equal(_DIGITS, ord(" "))
# In the place of a brush's bytes while the rest becomes JSON.
_STAND_IN: Final = "\0"


def to_label_studio(
    prediction: Prediction,
    image_url: str,
    *,
    masks: LabelStudioMasks = "brush",
    from_name: str = "label",
    to_name: str = "image",
    model_version: str = "seg_widgets",
    only: Chosen | None = None,
) -> dict[str, Any]:
    """The instances as one Label Studio task with predictions; import a JSON list of such tasks.

    The task's `meta.labeling_config` is what `label_studio_config` returns for it: paste it into
    the project's settings (Labeling Interface → Code).

    Args:
        prediction: what was found.
        image_url: what the task's `$image` is.
        masks: "brush" (lossless) or "polygon" (each piece of a mask is one polygon, without holes).
        from_name: the name of the labels in your labeling configuration: BrushLabels or
            PolygonLabels, or RectangleLabels for a prediction without masks.
        to_name: the name of the image in your labeling configuration.
        model_version: shown beside the predictions.
        only: the instances to take; None: all. A region's id begins with the index among all of
            them, such as "i3-0".

    Returns:
        The task, to be written with `json.dumps`. Points are in per cent of the image's width and
        height, as Label Studio wants them.

    Raises:
        SettingError: `masks` is something else, or an index in `only` is not here.
    """
    if masks not in ("brush", "polygon"):
        raise SettingError(f'masks is "brush" or "polygon", not {masks!r}.')
    regions: list[dict[str, Any]] = []
    scores: list[float] = []
    height, width = prediction.image_size
    for instance in chosen_instances(prediction, only):
        scores.append(instance.score)
        common = {
            "from_name": from_name,
            "to_name": to_name,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "score": short(instance.score, 6),
        }
        regions += [{**region, **common} for region in _regions(instance, width, height, masks)]
    score = math.fsum(scores) / len(scores) if scores else 0.0
    predicted = {"model_version": model_version, "score": short(score, 6), "result": regions}
    config = label_studio_config(
        prediction.class_names,
        "rectangle" if prediction.masks is None else masks,
        from_name=from_name,
        to_name=to_name,
    )
    return {
        "data": {"image": image_url},
        "meta": {"labeling_config": config},
        "predictions": [predicted],
    }


def label_studio_json(tasks: Sequence[dict[str, Any]]) -> bytes:
    """Tasks as the JSON file that Label Studio imports.

    Args:
        tasks: what `to_label_studio` returned, one for each image.

    Returns:
        What `as_json` makes of them, some times as fast: of ten thousand brushes nearly all of the
        file is their bytes.
    """
    texts: list[bytes] = []

    def without_bytes(region: dict[str, Any]) -> dict[str, Any]:
        if "rle" not in region["value"]:
            return region
        texts.append(_numbers(region["value"]["rle"]))
        return {**region, "value": {**region["value"], "rle": _STAND_IN}}

    light = []
    for task in tasks:
        predictions = [
            {**each, "result": [without_bytes(region) for region in each["result"]]}
            for each in task["predictions"]
        ]
        light.append({**task, "predictions": predictions})
    # No text of a user's can look so: JSON has a backslash before each quotation mark in a text.
    around = as_json(light).split(b'"rle":' + as_json(_STAND_IN).strip())
    parts = [around[0]]
    for text, after in zip(texts, around[1:], strict=True):
        parts += [b'"rle":', text, after]
    return b"".join(parts)


def _numbers(values: Sequence[int]) -> bytes:
    """Whole numbers from 0 to 255 as a JSON array."""
    places = np.array(values, np.uint8)
    text: bytes = _DIGITS[places][_HAS_DIGIT[places]].tobytes()
    return b"[" + text.rstrip(b",") + b"]"


def label_studio_config(
    class_names: Sequence[str],
    masks: LabelStudioMasks | Literal["rectangle"] = "brush",
    *,
    from_name: str = "label",
    to_name: str = "image",
) -> str:
    """The labeling configuration that a project needs for the tasks of `to_label_studio`.

    Args:
        class_names: the model's whole vocabulary.
        masks: what the regions are.
        from_name: the name of the labels.
        to_name: the name of the image.

    Returns:
        XML, to be pasted into Settings → Labeling Interface → Code.
    """
    kind = {"brush": "BrushLabels", "polygon": "PolygonLabels"}.get(masks, "RectangleLabels")
    labels = "".join(
        f'    <Label value={quoteattr(name)} background="{hex_color(class_color(index))}"/>\n'
        for index, name in enumerate(class_names)
    )
    names = f"name={quoteattr(from_name)} toName={quoteattr(to_name)}"
    return (
        f'<View>\n  <Image name={quoteattr(to_name)} value="$image" zoom="true"/>\n'
        f"  <{kind} {names}>\n{labels}  </{kind}>\n</View>\n"
    )


def brush_rle(crop: MaskCrop, image_size: tuple[int, int]) -> list[int]:
    """A mask as Label Studio's brush: the bytes of a packed run-length encoding.

    What is encoded is an RGBA image, row by row, of which all four channels are 255 inside and 0
    outside.

    Args:
        crop: the mask.
        image_size: (height, width) of the image in pixels.

    Returns:
        The bytes as whole numbers, as Label Studio wants them.
    """
    height, width = image_size
    lengths, inside = _row_runs(crop, height, width)
    lengths, inside = _split(lengths * _CHANNELS, inside)
    sizes = np.array(_SIZES)
    # A length is written less one.
    which = np.searchsorted(1 << sizes, lengths)
    bits = sizes[which]

    # Each run: 1 (it repeats), 2 bits for the size of its length, the length, 8 bits of value.
    total = 1 + 2 + bits + _WORD
    values = (1 << 2 | which) << bits | lengths - 1
    values = values << _WORD | np.where(inside, 255, 0)
    longest = int(total.max(initial=0))
    places = np.arange(longest)
    shifts = total[:, None] - 1 - places
    flat = (values[:, None] >> np.maximum(shifts, 0) & 1)[shifts >= 0].astype(np.uint8)

    head = [(height * width * _CHANNELS, 32), (_WORD - 1, 5), *((size - 1, 4) for size in _SIZES)]
    header = "".join(f"{value:0{count}b}" for value, count in head)
    bits_of_header = np.frombuffer(header.encode("ascii"), np.uint8) - ord("0")
    packed: list[int] = np.packbits(np.concatenate((bits_of_header, flat))).tolist()
    return packed


def _row_runs(
    crop: MaskCrop, height: int, width: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The runs of a mask in its image, row by row: their lengths, and which are inside."""
    padded = np.zeros((crop.height, crop.width + 1), bool)
    padded[:, :-1] = crop.to_array()
    flat = np.concatenate(([False], padded.ravel()))
    row, column = np.divmod(np.flatnonzero(flat[1:] != flat[:-1]), crop.width + 1)
    edges = (row + crop.y) * width + column + crop.x
    bounds = np.concatenate(([0], edges, [height * width]))
    lengths = np.diff(bounds)
    inside = np.arange(len(lengths)) % 2 == 1
    return lengths[lengths > 0], inside[lengths > 0]


def _split(
    lengths: npt.NDArray[np.int64], inside: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Runs that are too long for one length, as several."""
    counts = -(-lengths // _LONGEST_RUN)
    parts = np.full(int(counts.sum()), _LONGEST_RUN, np.int64)
    last = np.cumsum(counts) - 1
    parts[last] = lengths - (counts - 1) * _LONGEST_RUN
    return parts, np.repeat(inside, counts)


def _regions(
    instance: Instance, width: int, height: int, masks: LabelStudioMasks
) -> list[dict[str, Any]]:
    """Label Studio's regions of one instance of a width×height image."""
    if instance.mask is None:
        return [_rectangle(instance, width, height)]
    if instance.mask.width == 0:
        return []
    if masks == "brush":
        rle = brush_rle(instance.mask, (height, width))
        value: dict[str, Any] = {
            "format": "rle",
            "rle": rle,
            "brushlabels": [instance.class_name],
        }
        return [{"id": f"i{instance.index}", "type": "brushlabels", "value": value}]

    percent = np.array([100 / width, 100 / height])
    regions = []
    for piece, ring in enumerate(outlines(instance.mask)):
        # A hundred-thousandth of a per cent is less than a pixel of any image.
        points = np.round(ring * percent, 5).tolist()
        value = {"points": points, "closed": True, "polygonlabels": [instance.class_name]}
        region_id = f"i{instance.index}-{piece}"
        regions.append({"id": region_id, "type": "polygonlabels", "value": value})
    return regions


def _rectangle(instance: Instance, width: int, height: int) -> dict[str, Any]:
    x1, y1, x2, y2 = instance.box
    value: dict[str, Any] = {
        "x": 100 * x1 / width,
        "y": 100 * y1 / height,
        "width": 100 * (x2 - x1) / width,
        "height": 100 * (y2 - y1) / height,
        "rotation": 0,
        "rectanglelabels": [instance.class_name],
    }
    return {"id": f"i{instance.index}", "type": "rectanglelabels", "value": value}
