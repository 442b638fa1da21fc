"""`python -m training.measure FILE`: figures of weights on what is held out, as JSON.

FILE is a starter's weights (with its `.yaml` beside it), or a `state.safetensors` of a long run.
The two are measured in the same way on the same images, so they can be compared.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import torch
from pycocotools import mask as coco_mask
from safetensors import safe_open
from safetensors.torch import load_file

from seg_widgets.finetuning.augmentation import Pixels
from seg_widgets.finetuning.calibration import match, reliability
from seg_widgets.finetuning.evaluation import FoundInstance, Truth, evaluate
from training.classes import CLASSES
from training.config import Inference
from training.evaluate import composite_truths, detect, photo_truths
from training.export import load
from training.named_model import build_named, detect_named, load_weights
from training.names import NAMES
from training.photographs import FOLDERS, Folder, LabelledPhoto, by_group, by_name, read_photographs
from training.reading import ROOT
from training.sources import Material, load_material

SHOWN = 0.5  # the panel's slider begins here
SAME_OBJECT = 0.5  # mask IoU from which on two outlines are of one object
SAMPLES = ("raccoon", "cat")
FIGURES = ("AP", "AP50", "AR100", "AP_large", "AR_large", "agnostic_AP50", "agnostic_AR100",
           "agnostic_AR_large")  # fmt: skip

Found = list[list[FoundInstance]]


@dataclass(frozen=True)
class Measurable:
    """Weights of either kind.

    Attributes:
        detect: returns what is found in images, by group and, where the model has names, by name.
        inference: how the images are shown to it.
    """

    detect: Callable[[list[Pixels]], tuple[Found, Found | None]]
    inference: Inference


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.measure", description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "training")
    parser.add_argument("--part", choices=("heldout", "validation"), default="heldout")
    parser.add_argument("--composites", type=int, default=0, help="how many, 500 for the card")
    parser.add_argument("--folders", nargs="*", help="of photographs; all that are split")
    parser.add_argument("--size", type=int, nargs=2, default=(448, 720), help="least and most side")
    parser.add_argument("--nms", type=float, default=0.5)
    parser.add_argument("--passes", type=int, choices=(1, 2), default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=int, help="at most so many photographs a folder, for tests")
    parser.add_argument("--into", type=Path, help="write the figures there, too")
    return parser.parse_args(arguments)


def measurable(file: Path, inference: Inference) -> Measurable:
    """Return a weights file as something to be measured.

    Args:
        file: of a starter of groups, or of a model with names.
        inference: how the images are shown to it.
    """
    with safe_open(str(file), "pt") as opened:
        has_names = "roi_heads.group_of" in opened.keys()  # noqa: SIM118  (is no dictionary)
    if has_names:
        named = build_named()
        load_weights(named, load_file(file))
        return Measurable(lambda images: detect_named(named, images, inference), inference)
    model, _, _ = load(file, file.with_suffix(".yaml"))

    def groups_alone(images: list[Pixels]) -> tuple[Found, None]:
        return detect(model, [Truth(image, []) for image in images], inference), None

    return Measurable(groups_alone, inference)


def judged(truths: Sequence[Truth], found: Found, names: Sequence[str]) -> dict[str, Any]:
    """Return COCO's figures in percent, F1 at the panel's score and at the best one, and a
    reliability diagram."""
    figures = evaluate(truths, found, names)
    result: dict[str, Any] = {
        name: None if figures[name] is None else round(100 * figures[name], 2) for name in FIGURES
    }
    matches = match(truths, found)
    best, threshold = matches.f1_best()
    return result | {
        "bins": reliability(matches),
        "F1": round(matches.f1_at(SHOWN), 3),
        "best_F1": round(best, 3),
        "best_at": round(threshold, 3),
        "images": len(truths),
        "instances": figures["instances"],
        "AP50_of": {
            name: round(100 * one["AP50"], 1)
            for name, one in figures["per_class"].items()
            if one["AP50"] is not None
        },
    }


def doubles(found: Sequence[FoundInstance]) -> int:
    """Return how many outlines over `SHOWN` lie on an object that a better one outlines, too."""
    shown = [one for one in found if one.score >= SHOWN]
    overlaps = coco_mask.iou(
        [one.rle for one in shown], [one.rle for one in shown], [0] * len(shown)
    )
    return sum(
        any(overlaps[later][earlier] >= SAME_OBJECT for earlier in range(later))
        for later in range(len(shown))
    )


def measure_photographs(
    model: Measurable, photos: Sequence[LabelledPhoto], is_whole: bool
) -> dict[str, Any]:
    """Return figures of photographs.

    Args:
        model: what is measured.
        photos: the photographs.
        is_whole: whether all objects in them are labelled; else only recall says something.
    """
    groups = [*photo_truths(by_group(photo) for photo in photos)]
    by_groups, by_names = model.detect([photo.image for photo in photos])
    result: dict[str, Any] = {"groups": judged(groups, by_groups, CLASSES)}
    if by_names is not None:
        names = [*photo_truths(by_name(photo) for photo in photos)]
        result["names"] = judged(names, by_names, NAMES)
    result["doubles"] = sum(map(doubles, by_groups))
    result["is_whole"] = is_whole
    return result


def measure_folders(
    model: Measurable, photos: Sequence[LabelledPhoto], folders: Sequence[Folder] = FOLDERS
) -> dict[str, Any]:
    """Return figures of photographs by the folder that they are from, where there are any.

    Args:
        model: what is measured.
        photos: the photographs.
        folders: which ones.
    """
    figures = {}
    for folder in folders:
        own = [photo for photo in photos if photo.key.startswith(f"{folder.name}/")]
        if own:
            figures[folder.name] = measure_photographs(model, own, folder.background == 1)
    return figures


def measure_composites(model: Measurable, material: Material, count: int) -> dict[str, Any]:
    """Return figures by group of composites.

    Args:
        model: what is measured.
        material: what they are made of.
        count: how many.
    """
    truths = [*composite_truths(material, count)]
    found, _ = model.detect([truth.image for truth in truths])
    return judged(truths, found, CLASSES)


def measure_samples(model: Measurable) -> dict[str, Any]:
    """Return what is shown at 0.5 on the sample images, and how much of it twice."""
    result = {}
    for sample in SAMPLES:
        pixels = cv2.imread(str(ROOT / "notebooks" / "images" / f"{sample}.jpg"))
        assert pixels is not None
        by_groups, by_names = model.detect([cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)])
        shown = [(CLASSES[one.class_id], round(one.score, 3)) for one in by_groups[0]]
        result[sample] = {
            "shown": [one for one in shown if one[1] >= SHOWN],
            "doubles": doubles(by_groups[0]),
            "names": [
                (NAMES[one.class_id], round(one.score, 3))
                for one in (by_names or [[]])[0]
                if one.score >= 0.3
            ],
        }
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the figures."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    least, most = options.size
    inference = Inference(least, most, options.nms, options.passes == 2)
    model = measurable(options.weights, inference)
    wanted = options.folders or [folder.name for folder in FOLDERS if folder.is_split]
    folders = [folder for folder in FOLDERS if folder.name in wanted]
    facts: dict[str, Any] = {"weights": options.weights.name, "inference": asdict(inference)}
    photos = read_photographs(options.data, folders, options.limit)[options.part]
    facts |= measure_folders(model, photos, folders)
    if options.composites:
        heldout = load_material(options.data, options.cache)[options.part]
        facts["composites"] = measure_composites(model, heldout, options.composites)
    facts["samples"] = measure_samples(model)
    text = json.dumps(facts, indent=1, default=asdict)
    print(text)
    if options.into is not None:
        options.into.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
