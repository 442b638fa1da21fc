"""`python -m training`: from nothing to `weights/starter.safetensors`, `starter.yaml` and the model
card `starter.md`.

Four stages: a network of groups from ImageNet's weights, the names, the names again with outlines
that the network drew in known boxes, and the release. Stopped in any of them, the same command goes
on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch

from training import learn, release, self_masks
from training.export import position_of
from training.groups import train_groups
from training.packages import fetch_all
from training.photographs import FOLDERS
from training.reading import ROOT, add_source_options
from training.sources import require_folders

AGAIN: Final = ("--rate", 5e-4, "--average-decay", 0.9993)  # as the committed weights had it


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    add_source_options(parser)
    runs = ROOT / "training" / "runs"
    parser.add_argument("--groups", type=Path, default=runs / "groups", help="the first run")
    parser.add_argument("--names", type=Path, default=runs / "names", help="the second run")
    parser.add_argument("--again", type=Path, default=runs / "again", help="the third run")
    parser.add_argument("--weights", type=Path, default=ROOT / "weights", help="of three files")
    parser.add_argument("--images", type=Path, default=ROOT / "docs" / "images", help="of the card")
    parser.add_argument("--into", type=Path, default=release.FIGURES, help="the card's figures")
    parser.add_argument("--hours", type=float, default=1.5, help="of the groups (default 1.5)")
    parser.add_argument("--name-hours", type=float, default=3.5, help="of the names (default 3.5)")
    parser.add_argument("--again-hours", type=float, default=1.0, help="with outlines (default 1)")
    parser.add_argument("--steps", type=int, help="so many steps of each instead, for tests")
    parser.add_argument("--composites", type=int, default=500, help="how many are held out")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    return parser.parse_args(arguments)


def is_over(run: Path) -> bool:
    """Return whether a run's weights are there and its time is over."""
    file = run / learn.STATE
    return file.is_file() and float(position_of(file)["progress"]) >= 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the groups, the names, and these with outlines, and release the mean of the last two;
    what is done already is left out."""
    options = parse_arguments(arguments)
    try:
        require_folders(options.data, [folder.name for folder in FOLDERS])
        imagenet = fetch_all(options.cache, with_pictures=not options.photos_only)
    except (FileNotFoundError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    torch.set_num_threads(options.threads)
    names, again = options.names / learn.STATE, options.again / learn.STATE
    outlines = options.again / "outlines.json"
    if outlines.is_file() and not _are_of(outlines, names):
        print(
            f"error: {outlines} was not drawn by {names}; remove {options.again} to begin it again",
            file=sys.stderr,
        )
        return 2
    if not is_over(options.again):
        if not is_over(options.names):
            if not is_over(options.groups) and not train_groups(options, imagenet):
                print("stopped and saved; the same command goes on from here")
                return 0
            _learn(options, options.names, options.groups / learn.STATE, options.name_hours)
            if not is_over(options.names):
                return 0
        if not outlines.is_file():
            limit = ["--limit", str(options.limit)] if options.limit else []
            data = ["--data", str(options.data), "--threads", str(options.threads)]
            self_masks.main([str(names), "--into", str(outlines), *data, *limit])
        _learn(options, options.again, names, options.again_hours, ["--outlines", outlines, *AGAIN])
        if not is_over(options.again):
            return 0
    if release.is_released(again, options.weights, options.into):
        runs = f"{options.groups}, {options.names} and {options.again}"
        print(f"all is done; remove {runs} to begin again")
        return 0
    places = ["--weights", options.weights, "--images", options.images, "--into", options.into]
    mean = ["--mean-with", names, "--after", names, "--composites", options.composites]
    return release.main([*map(str, [again, *_common(options), *places, *mean])])


def _are_of(outlines: Path, weights: Path) -> bool:
    """Whether outlines were drawn by the network that these weights are of."""
    drawn_by = json.loads(outlines.read_text())["weights"]
    return weights.is_file() and bool(drawn_by == release.digest(weights))


def _common(options: argparse.Namespace) -> list[Any]:
    common = ["--data", options.data, "--cache", options.cache, "--threads", options.threads]
    common += ["--photos-only"] if options.photos_only else []
    return common + (["--limit", options.limit] if options.limit else [])


def _learn(
    options: argparse.Namespace, run: Path, begin: Path, hours: float, more: Sequence[Any] = ()
) -> None:
    length = ["--steps", options.steps] if options.steps else ["--hours", hours]
    learn.main([*map(str, [*_common(options), "--run", run, "--begin", begin, *length, *more])])
