"""`python -m training.self_masks STATE`: outlines in known boxes, by the network's own mask head.

A box without an outline teaches the mask head nothing. Here the mask head of some weights draws an
outline in each such box of the training photographs, as at inference, in two passes. Those that can
be trusted are written to a file, which `python -m training.learn --outlines FILE` learns from.

    python -m training.self_masks STATE --into training/runs/outlines.json
    python -m training.self_masks STATE --check       # how good they are where people drew outlines

Photographs for validation, and what is held out, get none.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

import cv2
import numpy as np
import torch
from detectron2.layers import paste_masks_in_image
from detectron2.structures import BitMasks, Boxes, Instances
from detectron2.structures.boxes import matched_pairwise_iou
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from seg_widgets.finetuning.augmentation import PhotoObject, Pixels
from seg_widgets.finetuning.evaluation import encode
from seg_widgets.modeling.starter_network import TwoScaleRCNN
from seg_widgets.prediction import MaskCrop, crop_of_rle
from training.config import Inference
from training.evaluate import as_shown, photo_truths
from training.named_model import build_named, load_weights
from training.names import Label
from training.photographs import FOLDERS, LabelledPhoto, read_photographs
from training.reading import ROOT

SHOWN: Final = Inference(448, 720, two_scales=True)
LEVELS: Final = (0.4, 0.5, 0.6)
MIN_PIXELS: Final = 400
MIN_STABILITY: Final = 0.85
"""The least IoU of a mask at the lowest and at the highest level, which is SAM's stability score
(https://arxiv.org/abs/2304.02643)."""
MIN_FILL: Final = 0.75
"""The least IoU of a mask's own box with the given one."""

CHECKED: Final = tuple(folder for folder in FOLDERS if folder.is_split)

Verdict = Literal["kept", "small", "unstable", "loose"]
Outlines = dict[str, dict[int, str]]
"""By a photograph's key and an object's index: the counts of COCO's compressed RLE."""


@dataclass(frozen=True, eq=False)
class SelfMask:
    """An outline in a known box.

    Attributes:
        mask: of the image's size, H×W; one that is kept reaches its box's edges.
        verdict: "kept", or why it is not.
    """

    mask: NDArray[np.bool_]
    verdict: Verdict


def draw_masks(model: Any, image: Pixels, boxes: Sequence[Sequence[float]]) -> list[SelfMask]:
    """Draw an outline in each box of an image.

    Args:
        model: what `build_named` returns.
        image: H×W×3 uint8 RGB.
        boxes: XYXY in pixels.
    """
    height, width = image.shape[:2]
    shown = as_shown(image, SHOWN.min_size, SHOWN.max_size)
    given = Boxes(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4))
    scaled = given.clone()
    scaled.scale(shown.shape[2] / width, shown.shape[1] / height)
    known = Instances(
        tuple(shown.shape[1:]), pred_boxes=scaled, pred_classes=torch.zeros(len(given)).long()
    )
    model.second_scale = TwoScaleRCNN.second_scale
    model.eval()
    with torch.no_grad():
        _, draw = model.boxes_first([{"image": shown}])
        soft = draw([known])[0].pred_masks[:, 0]
    low, masks, high = (
        paste_masks_in_image(soft, given, (height, width), level) for level in LEVELS
    )
    pixels = masks.sum((1, 2))
    stability = high.sum((1, 2)) / low.sum((1, 2)).clamp(min=1)
    fill = matched_pairwise_iou(BitMasks(masks).get_bounding_boxes(), given)
    figures = zip(pixels.tolist(), stability.tolist(), fill.tolist(), strict=True)
    verdicts = [verdict_of(*one) for one in figures]
    return [
        SelfMask(stretched(mask, box) if verdict == "kept" else mask, verdict)
        for mask, box, verdict in zip(masks.numpy(), boxes, verdicts, strict=True)
    ]


def verdict_of(pixels: int, stability: float, fill: float) -> Verdict:
    """Return whether a mask can be trusted, or why not.

    Args:
        pixels: how many it has.
        stability: see `MIN_STABILITY`.
        fill: see `MIN_FILL`.
    """
    if pixels < MIN_PIXELS:
        return "small"
    if stability < MIN_STABILITY:
        return "unstable"
    return "kept" if fill >= MIN_FILL else "loose"


def stretched(mask: NDArray[np.bool_], box: Sequence[float]) -> NDArray[np.bool_]:
    """Return a mask widened to its box's edges, so that the object keeps its box as a target.

    A pasted mask never reaches out of its box. It is often a little smaller, since its soft edges
    are cut off. With its own box as the target, a network would learn boxes that are too narrow.

    Args:
        mask: H×W, not empty.
        box: XYXY in whole pixels.
    """
    x0, y0, x1, y1 = map(int, box)
    crop = MaskCrop.from_array(mask).to_array().astype(np.uint8)
    result = np.zeros_like(mask)
    size = (x1 - x0, y1 - y0)
    result[y0:y1, x0:x1] = cv2.resize(crop, size, interpolation=cv2.INTER_NEAREST)
    return result


def boxed(photo: LabelledPhoto) -> list[int]:
    """Return the indices of the objects that have no outline, and a box by people or a sure one."""
    labels = [Label.unpack(item.class_id) for item in photo.objects]
    return [
        index
        for index, label in enumerate(labels)
        if not label.has_mask and not label.is_ignored and label.weight == 1
    ]


def drawn(photo: LabelledPhoto) -> list[int]:
    """Return the indices of the objects whose outlines people drew."""
    labels = [Label.unpack(item.class_id) for item in photo.objects]
    return [index for index, label in enumerate(labels) if label.is_drawn and not label.is_ignored]


def make_outlines(
    model: nn.Module, photos: Iterable[LabelledPhoto]
) -> tuple[Outlines, dict[str, Counter[Verdict]]]:
    """Draw outlines in the boxes of photographs.

    Args:
        model: what `build_named` returns.
        photos: for training.

    Returns:
        The outlines that are kept, and the number of each verdict by folder.
    """
    outlines: Outlines = {}
    verdicts: dict[str, Counter[Verdict]] = {}
    for photo in photos:
        indices = boxed(photo)
        if not indices:
            continue
        found = draw_masks(model, photo.image, [photo.objects[index].box for index in indices])
        kept = {
            index: encode(one.mask)["counts"].decode()
            for index, one in zip(indices, found, strict=True)
            if one.verdict == "kept"
        }
        if kept:
            outlines[photo.key] = kept
        folder = photo.key.split("/")[0]
        verdicts.setdefault(folder, Counter()).update(one.verdict for one in found)
    return outlines, verdicts


def counted(verdicts: Counter[Verdict]) -> dict[str, Any]:
    """Return how many boxes there are, how many of each verdict, and the share that is kept."""
    numbers = {verdict: verdicts[verdict] for verdict in get_args(Verdict)}
    boxes = sum(numbers.values())
    return {"boxes": boxes, **numbers, "share": round(verdicts["kept"] / max(boxes, 1), 3)}


def check(model: nn.Module, photos: Iterable[LabelledPhoto]) -> dict[str, Any]:
    """Compare outlines in the boxes of objects that people outlined with what they drew.

    Args:
        model: what `build_named` returns.
        photos: not for training.

    Returns:
        The numbers of `counted`, and under "mean_iou" the mean IoU by verdict and of all that is
        dropped; None where there is nothing.
    """
    overlaps: dict[str, list[float]] = {verdict: [] for verdict in get_args(Verdict)}
    for photo in photos:
        indices = drawn(photo)
        if not indices:
            continue
        (truth,) = photo_truths([photo])
        found = draw_masks(model, photo.image, [photo.objects[index].box for index in indices])
        for index, one in zip(indices, found, strict=True):
            overlap = coco_mask.iou([encode(one.mask)], [truth.instances[index].rle], [0])
            overlaps[one.verdict].append(float(overlap[0, 0]))
    numbers = counted(Counter({verdict: len(overlaps[verdict]) for verdict in get_args(Verdict)}))
    dropped = [value for name, values in overlaps.items() if name != "kept" for value in values]
    means = {
        name: round(float(np.mean(values)), 3) if values else None
        for name, values in {**overlaps, "dropped": dropped}.items()
    }
    return {**numbers, "mean_iou": means}


def write_outlines(outlines: Outlines, weights: Path, file: Path) -> None:
    """Write outlines, whole or not at all.

    Args:
        outlines: what is written.
        weights: the file of the network that drew them; its SHA-256 and step are written, too.
        file: where to.
    """
    with weights.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    with safe_open(str(weights), "pt") as tensors:
        step = (tensors.metadata() or {}).get("step")
    content = {
        "weights": sha256,
        "step": None if step is None else int(step),
        "outlines": outlines,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    part.write_text(json.dumps(content, indent=1) + "\n")
    part.replace(file)


def read_outlines(file: Path) -> Outlines:
    """Read what `write_outlines` wrote.

    Args:
        file: the file.

    Raises:
        ValueError: it is no such file.
    """
    try:
        outlines = json.loads(file.read_text())["outlines"]
        return {
            str(key): {int(index): str(counts) for index, counts in own.items()}
            for key, own in outlines.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} was not written by training.self_masks: {error!r}") from error


def with_outlines(photos: Iterable[LabelledPhoto], outlines: Outlines) -> list[LabelledPhoto]:
    """Return photographs whose boxes have outlines where there are some.

    An object's label and weight remain. Its outline is marked as self-made: the mask head learns
    less from it than from one by people, nothing is cut out by it, and the photograph is not
    turned, because what is known is an upright box.

    Args:
        photos: that are learned from.
        outlines: of these photographs.

    Raises:
        ValueError: a photograph or an object is not there, has an outline already, or its box is
            another one.
    """
    left = dict(outlines)
    result = [_outlined(photo, left.pop(photo.key, {})) for photo in photos]
    if left:
        raise ValueError(
            f"there are outlines of {len(left)} photographs that are not learned from, such as "
            f"{next(iter(left))}: make them with training.self_masks from the same photographs"
        )
    return result


def _outlined(photo: LabelledPhoto, outlines: Mapping[int, str]) -> LabelledPhoto:
    objects = list(photo.objects)
    takes = set(boxed(photo))
    for index, counts in outlines.items():
        if index not in takes:
            raise ValueError(f"{photo.key} has no sure box {index} without an outline")
        try:
            objects[index] = _with_outline(objects[index], counts, photo.image.shape[:2])
        except ValueError as error:
            raise ValueError(f"the outline of object {index} in {photo.key}: {error}") from error
    return replace(photo, objects=tuple(objects))


def _with_outline(item: PhotoObject, counts: str, size: tuple[int, ...]) -> PhotoObject:
    crop = crop_of_rle({"size": size, "counts": counts})
    box = (crop.x, crop.y, crop.x + crop.width, crop.y + crop.height)
    if box != item.box:
        raise ValueError(f"its box is {box}, but the object's is {item.box}")
    label = Label.unpack(item.class_id)._replace(has_mask=True, is_self_made=True)
    return replace(item, class_id=label.pack(), mask=crop.to_array().astype(np.uint8))


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.self_masks", description=__doc__)
    parser.add_argument("weights", type=Path, help="a state.safetensors of training.learn")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--into", type=Path, help="write the outlines there")
    parser.add_argument("--check", action="store_true", help="compare with outlines by people")
    parser.add_argument("--limit", type=int, help="at most so many photographs a folder, for tests")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    if options.check == (options.into is not None):
        parser.error("give either --into FILE or --check")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Write outlines or check them, and print their numbers."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    model = build_named()
    load_weights(model, load_file(options.weights))
    if options.check:
        photos = read_photographs(options.data, CHECKED, options.limit)["validation"]
        facts = check(model, photos)
    else:
        photos = read_photographs(options.data, limit=options.limit)["train"]
        start = time.monotonic()
        outlines, verdicts = make_outlines(model, photos)
        seconds = time.monotonic() - start
        write_outlines(outlines, options.weights, options.into)
        facts = {folder: counted(numbers) for folder, numbers in verdicts.items()}
        facts["all"] = counted(sum(verdicts.values(), Counter()))
        facts["photographs"] = sum(bool(boxed(photo)) for photo in photos)
        facts["seconds"] = round(seconds, 1)
    print(json.dumps(facts, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
