"""`python -m training.release FILE`: make the starter of a long training's weights.

It chooses on the validation part how the weights are used and shifts their scores, writes
`weights/starter.safetensors` and `.yaml`, measures them on what is held out, and writes the card
with its images.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from seg_widgets.finetuning.evaluation import FoundInstance, Truth
from training.charts import draw_gallery, draw_reliability
from training.choices import Choice, choose
from training.config import Inference
from training.evaluate import composite_truths, photo_truths, time_inference
from training.export import export, load
from training.make_starter import TIMED_SIZE, VALIDATION_COMPOSITES, as_facts
from training.measure import measurable, measure_composites, measure_folders, measure_samples
from training.named_card import write_card
from training.named_model import build_named, detect_named, load_weights
from training.names import NAMES
from training.photographs import by_group, read_photographs
from training.reading import ROOT
from training.sources import load_material


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.release", description=__doc__)
    parser.add_argument("file", type=Path, help="the state.safetensors of a run")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "training")
    parser.add_argument("--weights", type=Path, default=ROOT / "weights", help="of three files")
    parser.add_argument("--images", type=Path, default=ROOT / "docs" / "images", help="of the card")
    parser.add_argument("--composites", type=int, default=500, help="how many are held out")
    parser.add_argument("--photos-only", action="store_true", help="without packages' cut-outs")
    parser.add_argument("--limit", type=int, help="at most so many photographs a folder, for tests")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--into", type=Path, help="default: figures.json beside FILE")
    return parser.parse_args(arguments)


def find_named(
    state: Mapping[str, Tensor], truths: Sequence[Truth], inference: Inference
) -> list[list[FoundInstance]]:
    """Return what a model with names finds in each image, by group, best first.

    Args:
        state: its weights.
        truths: the images.
        inference: how they are shown to it.
    """
    model = build_named()
    load_weights(model, state)
    return detect_named(model, [truth.image for truth in truths], inference)[0]


def choose_named(
    state: Mapping[str, Tensor], photos: Sequence[Truth], composites: Sequence[Truth]
) -> tuple[dict[str, Any], Choice]:
    """Choose on the validation part, as `choices.choose` does.

    Args:
        state: the weights of a run, in half precision, too.
        photos: of the validation part, with their objects by group.
        composites: of the validation part.
    """
    average = {
        name: value.float() if value.is_floating_point() else value for name, value in state.items()
    }
    return choose({"average": average}, photos, composites, find=find_named)


def main(arguments: Sequence[str] | None = None) -> int:
    """Choose, export, measure, write the card."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    parts = load_material(options.data, None if options.photos_only else options.cache)
    with safe_open(str(options.file), "pt") as opened:
        position = opened.metadata()
    photographs = read_photographs(options.data, limit=options.limit)
    count = min(options.composites, VALIDATION_COMPOSITES)
    state, choice = choose_named(
        load_file(options.file),
        [*photo_truths(by_group(photo) for photo in photographs["validation"])],
        [*composite_truths(parts["validation"], count)],
    )
    photos = photographs["heldout"]
    inference = choice.kept.inference
    weights = export(state, options.weights, inference, NAMES)
    exported = measurable(weights, inference)
    model, config, _ = load(weights, weights.with_suffix(".yaml"))
    facts: dict[str, Any] = {
        "position": position,
        "choice": as_facts(choice),
        "bytes": weights.stat().st_size,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "folders": measure_folders(exported, photos),
        "composites": measure_composites(exported, parts["heldout"], options.composites),
        "samples": measure_samples(exported),
        "threads": options.threads,
    }
    sets = {"photographs": facts["folders"]["coco446"]["groups"], "composites": facts["composites"]}
    bins = {title: figures["bins"] for title, figures in sets.items()}
    draw_reliability(bins, options.images / "starter-scores.png")
    facts["gallery"] = draw_gallery(model, config, NAMES, options.images / "starter-gallery.jpg")
    photograph = cv2.resize(photos[0].image, TIMED_SIZE, interpolation=cv2.INTER_LINEAR)
    facts["time"] = time_inference(model, photograph, inference.min_size, inference.max_size)
    into = options.into or options.file.with_name("figures.json")
    into.write_text(json.dumps(facts, indent=1, default=asdict) + "\n")
    write_card(facts, options.weights / "starter.md", options.images)
    found = facts["folders"]["coco446"]["groups"]
    print(f"wrote {weights} and its card; AP50 {found['AP50']} on the held-out photographs")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
