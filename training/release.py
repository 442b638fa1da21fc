"""`python -m training.release FILE`: make the starter of a long training's weights.

It chooses on the validation part how the weights are used and shifts their scores, writes
`weights/starter.safetensors` and `.yaml`, measures them on what is held out, and writes the card
with its images.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import torch
from safetensors.torch import load_file
from torch import Tensor

from training.card import write_card
from training.charts import draw_gallery, draw_reliability
from training.choices import choose
from training.evaluate import composite_truths, photo_truths, time_inference
from training.export import NAME, export, load, position_of
from training.measure import measurable, measure_composites, measure_folders
from training.names import NAMES
from training.photographs import by_group, read_photographs
from training.reading import ROOT, add_source_options
from training.sources import load_material

FIGURES = ROOT / "training" / "figures.json"  # of the committed weights
TIMED_SIZE = (640, 480)
VALIDATION_COMPOSITES = 120


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.release", description=__doc__)
    parser.add_argument("file", type=Path, help="the state.safetensors of a run")
    add_source_options(parser)
    parser.add_argument("--weights", type=Path, default=ROOT / "weights", help="of three files")
    parser.add_argument("--images", type=Path, default=ROOT / "docs" / "images", help="of the card")
    parser.add_argument("--composites", type=int, default=500, help="how many are held out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--into", type=Path, default=FIGURES, help="the card's figures")
    parser.add_argument("--mean-with", type=Path, help="release the mean with this file's weights")
    parser.add_argument("--after", type=Path, help="of the run that this one began with")
    return parser.parse_args(arguments)


def digest(file: Path) -> str:
    """Return a file's SHA-256, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def mean_of(state: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the mean of two files' weights.

    Weights of which the ones were trained on from the others lie in one basin, where their mean
    errs less than either (https://arxiv.org/abs/2203.05482).

    Args:
        state: of a run, in half precision, too.
        other: of an earlier point of that run.
    """
    return {
        name: value.float().lerp(other[name].float(), 0.5) if value.is_floating_point() else value
        for name, value in state.items()
    }


def is_released(state: Path, weights: Path, figures: Path) -> bool:
    """Return whether a run's weights have been released, and nothing was changed since.

    Args:
        state: the run's `state.safetensors`.
        weights: the folder of the starter's three files.
        figures: the card's figures, which are written last.
    """
    exported = weights / f"{NAME}.safetensors"
    if not figures.is_file() or not exported.is_file():
        return False
    facts = json.loads(figures.read_text())
    return bool(facts["position"] == position_of(state) and facts["sha256"] == digest(exported))


def shortened(figures: Mapping[str, Any], left_out: Collection[str] = ("bins",)) -> dict[str, Any]:
    """Return figures without those that the card has no text of, at any depth.

    Args:
        figures: as `measure` has them.
        left_out: their names; reliability diagrams are drawn.
    """
    return {
        name: shortened(value, left_out) if isinstance(value, dict) else value
        for name, value in figures.items()
        if name not in left_out
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Choose, export, measure, write the card."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    before = None if options.after is None else position_of(options.after)
    if before is not None and not {"step", "active_s"} <= before.keys():
        raise ValueError(f"{options.after} doesn't say how many steps its run had")
    packages = None if options.photos_only else options.cache
    parts = load_material(options.data, packages, options.limit)
    photographs = read_photographs(options.data, limit=options.limit)
    count = min(options.composites, VALIDATION_COMPOSITES)
    trained = load_file(options.file)
    if options.mean_with is not None:
        trained = mean_of(trained, load_file(options.mean_with))
    state, choice = choose(
        trained,
        [*photo_truths(by_group(photo) for photo in photographs["validation"])],
        [*composite_truths(parts["validation"], count)],
    )
    photos = photographs["heldout"]
    inference = choice.kept.inference
    weights = export(state, options.weights, inference, NAMES)
    exported = measurable(weights, inference)
    model, config, _ = load(weights, weights.with_suffix(".yaml"))
    folders = measure_folders(exported, photos)
    composites = measure_composites(exported, parts["heldout"], options.composites)
    sets = {"photographs": folders["coco446"]["groups"], "composites": composites}
    bins = {title: figures["bins"] for title, figures in sets.items()}
    draw_reliability(bins, options.images / "starter-scores.png")
    gallery = draw_gallery(model, config, NAMES, options.images / "starter-gallery.jpg")
    photograph = cv2.resize(photos[0].image, TIMED_SIZE, interpolation=cv2.INTER_LINEAR)
    every = [cutout for part in parts.values() for cutout in part.cutouts]
    facts: dict[str, Any] = {
        "position": position_of(options.file),
        "before": before,
        "sha256": digest(weights),
        "bytes": weights.stat().st_size,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "learned_from": {
            **Counter(photo.key.partition("/")[0] for photo in photographs["train"]),
            "person_cutouts": sum(one.source == "people" for one in every),
        },
        "choice": choice.as_facts(),
        "folders": {
            name: shortened(figures, ("bins",) if name == "coco446" else ("bins", "AP50_of"))
            for name, figures in folders.items()
        },
        "composites": shortened(composites),
        "time": time_inference(model, photograph, inference.min_size, inference.max_size),
        "threads": options.threads,
        "gallery": gallery,
    }
    write_card(facts, options.weights / f"{NAME}.md", options.images)
    options.into.write_text(json.dumps(facts, indent=1) + "\n")
    found = facts["folders"]["coco446"]["groups"]
    print(f"wrote {weights} and its card; AP50 {found['AP50']} on the held-out photographs")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
