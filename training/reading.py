"""Everything that the starter with names learns from, from its folders and packages."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from seg_widgets.finetuning.augmentation import Pixels
from seg_widgets.finetuning.evaluation import Truth
from training.evaluate import photo_truths
from training.named_sampler import with_targets
from training.packages import fetch_all
from training.photographs import (
    LabelledPhoto,
    NamedCutout,
    by_group,
    by_name,
    named_cutouts,
    read_photographs,
)
from training.sources import Material, Part, load_material

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Sources:
    """What is learned from, and what the figures while learning are of.

    Attributes:
        train: photographs that are learned from.
        validation: photographs for the figures.
        cutouts: of packages and people; those of the photographs are made from these.
        backgrounds: names and RGB images.
    """

    train: list[LabelledPhoto]
    validation: list[LabelledPhoto]
    cutouts: list[NamedCutout]
    backgrounds: list[tuple[str, Pixels]]

    def material(self) -> Material:
        """Return what a sampler draws from."""
        photographed = [cutout for photo in self.train for cutout in named_cutouts(photo)]
        return Material([*self.train], [*self.cutouts, *photographed], self.backgrounds)

    def truths(self) -> dict[str, list[Truth]]:
        """Return what is in the validation part, by groups and by names."""
        return {
            "groups": [*photo_truths(by_group(photo) for photo in self.validation)],
            "names": [*photo_truths(by_name(photo) for photo in self.validation)],
        }


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `read_sources` needs."""
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "training")
    parser.add_argument("--limit", type=int, help="at most so many photographs a folder, for tests")
    parser.add_argument("--photos-only", action="store_true", help="without packages' cut-outs")


def read_sources(options: argparse.Namespace) -> Sources:
    """Read the folders of photographs and the packages, which are downloaded first.

    Args:
        options: those of `add_source_options`.

    Raises:
        FileNotFoundError: there are no photographs, or an image is missing.
    """
    fetch_all(options.cache, with_pictures=not options.photos_only)
    parts = read_photographs(options.data, limit=options.limit)
    packages = None if options.photos_only else options.cache
    older = load_material(options.data, packages, options.limit)
    index = options.cache / "npm/openmoji/package/data/openmoji.json"
    sides: tuple[Part, ...] = ("train", "validation")
    cutouts = [
        cutout for side in sides for cutout in older[side].cutouts if cutout.source != "photo"
    ]
    hidden = {
        int(photo.key.split("/")[1])
        for side in ("validation", "heldout")
        for photo in parts[side]
        if photo.key.startswith("coco")
    }
    named = [
        cutout
        for cutout in with_targets(cutouts, index)
        if cutout.source != "people" or int(cutout.key.rsplit("/", 1)[1]) not in hidden
    ]
    return Sources(parts["train"], parts["validation"], named, older["train"].backgrounds)
