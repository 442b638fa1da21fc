"""Training images of photographs with packed labels, and of cut-outs with names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seg_widgets.finetuning.augmentation import (
    SCALES,
    Affine,
    Photo,
    Random,
    affine,
    degrade,
    is_prominent,
    random_view,
    render,
    without_slivers,
)
from training.classes import CLASSES
from training.composites import SHAPES, SOURCE_WEIGHTS, Sampler
from training.cutouts import Cutout
from training.names import NAMES, Label, some, target_of_drawing
from training.partial_labels import PartialSample
from training.photographs import LabelledPhoto, NamedCutout
from training.sources import Material

NAMED_SHARES = (0.48, 0.28, 0.24)  # photo, zoom, composite
PASTES = (0.3, 0.1)  # of photographs and of close views
RARITY = 0.5  # a name's photographed cut-outs are drawn as often as their number to this power


def with_targets(cutouts: Iterable[Cutout], index: Path | None) -> Iterator[NamedCutout]:
    """Yield cut-outs with the names that their files and OpenMoji's index give them.

    Args:
        cutouts: with their groups.
        index: OpenMoji's `openmoji.json`; None: there are no emoji.
    """
    entries = json.loads(index.read_text()) if index is not None and index.is_file() else []
    annotations = {entry["hexcode"].lower(): entry["annotation"] for entry in entries}
    for cutout in cutouts:
        name = cutout.key.rsplit("/", 1)[1]
        if cutout.source == "emoji":
            name = annotations.get(name, annotations.get(name.replace("-fe0f", ""), ""))
        words = name.replace("-", " ").replace("_", " ").lower()
        target = target_of_drawing(words, CLASSES[cutout.class_id])
        if cutout.source == "people":
            target = NAMES.index("person")
        yield NamedCutout(cutout.key, cutout.source, cutout.class_id, cutout.rgba, target=target)


class NamedSampler(Sampler):
    """A `Sampler` of packed labels, by the photographs' shares.

    Attributes:
        scale: of the training images' sides.
        batch_size: images a step, which have one shape.
        views: the scales of whole photographs, see `random_view`.
    """

    def __init__(
        self,
        material: Material,
        seed: int,
        scale: float = 1.0,
        batch_size: int = 4,
        views: tuple[float, float] = SCALES,
    ) -> None:
        bare = replace(material, photos=[], cutouts=material.cutouts)
        if not material.photos:
            raise ValueError("nothing to draw from: there are no photographs")
        super().__init__(bare if material.cutouts else material, seed, NAMED_SHARES, varied=True)
        self.material = material
        self.scale, self.batch_size, self.views = scale, batch_size, views
        shares = np.array([getattr(photo, "share", 1.0) for photo in material.photos])
        self.photo_shares = shares / shares.sum()
        self.zooms = [
            (photo, item)
            for photo in material.photos
            for item in photo.objects
            if is_prominent(photo, item) and not Label.unpack(item.class_id).is_ignored
        ]
        targets = np.array([Label.unpack(item.class_id).target for _, item in self.zooms], int)
        frequency = np.bincount(targets, minlength=256).astype(float)
        weights = np.array(
            [
                frequency[target] ** -0.6 * getattr(photo, "share", 1.0)
                for target, (photo, _) in zip(targets, self.zooms, strict=True)
            ]
        )
        self.zoom_shares = weights / weights.sum() if len(weights) else weights
        self._pool_shares = {
            class_id: _pool_shares(pool) for class_id, pool in self.by_class.items()
        }

    def sample(self, index: int, shape: tuple[int, int] | None = None) -> PartialSample:
        """Make sample `index`."""
        rng = np.random.default_rng((self.seed, index))
        height, width = shape or self._shape(index)
        draw = rng.random()
        if draw < self.kind_shares[2] and self.by_class:
            sample = self._composite(rng, height, width)
        else:
            is_close = bool(draw > 1 - self.kind_shares[1]) and bool(self.zooms)
            sample = self._photograph(rng, height, width, is_close)
        sample.image = degrade(rng, sample.image)
        kept = without_slivers(sample)
        return replace(sample, class_ids=kept.class_ids, masks=kept.masks, left_out=kept.left_out)

    def label_of(self, cutout: Cutout) -> int:
        """Return a pasted cut-out's packed label."""
        target = getattr(cutout, "target", some(CLASSES[cutout.class_id]))
        return Label(target).pack()

    def shares_of(self, class_id: int) -> NDArray[np.float64]:
        """Return how often each of a group's cut-outs is drawn; the sum is 1."""
        return self._pool_shares[class_id]

    def _shape(self, index: int) -> tuple[int, int]:
        # All images of a step have one shape.
        height, width = SHAPES[(index // self.batch_size) % len(SHAPES)]
        return round(height * self.scale / 32) * 32, round(width * self.scale / 32) * 32

    def _composite(self, rng: Random, height: int, width: int) -> PartialSample:
        sample = PartialSample(self._background(rng, height, width), [], [])
        count = int(rng.choice([1, 2, 3, 4, 6], p=[0.4, 0.25, 0.15, 0.1, 0.1]))
        largest = 0.95 if count == 1 else 0.8 if count == 2 else 0.6
        for _ in range(count):
            size = rng.uniform(0.25, largest) if count < 6 else rng.uniform(0.15, 0.35)
            self._paste(rng, sample, size)
        return sample

    def _photograph(self, rng: Random, height: int, width: int, is_close: bool) -> PartialSample:
        if is_close:
            photo, item = self.zooms[int(rng.choice(len(self.zooms), p=self.zoom_shares))]
            matrix = random_view(rng, photo, height, width, item)
        else:
            index = int(rng.choice(len(self.material.photos), p=self.photo_shares))
            photo = self.material.photos[index]
            matrix = random_view(rng, photo, height, width, scales=self.views)
        if not all(Label.unpack(item.class_id).is_drawn for item in photo.objects):
            matrix = upright(photo, matrix)
        seen = render(photo, matrix, height, width)
        sample = PartialSample(seen.image, seen.class_ids, seen.masks, left_out=seen.left_out)
        if isinstance(photo, LabelledPhoto):
            sample.background, sample.labelled = photo.background, photo.labelled
        if self.by_class and rng.random() < PASTES[is_close]:
            for _ in range(int(rng.integers(1, 3))):
                self._paste(rng, sample, rng.uniform(0.2, 0.7))
        return sample


def _pool_shares(pool: list[Cutout]) -> NDArray[np.float64]:
    """How often each cut-out of a group is drawn: by source, photographed ones by rarity."""
    keys = [(cutout.source, getattr(cutout, "target", -1)) for cutout in pool]
    counts = {key: keys.count(key) for key in set(keys)}
    weights = np.array(
        [
            SOURCE_WEIGHTS[key[0]] * (counts[key] ** (RARITY - 1) if key[0] == "photo" else 0.5)
            for key in keys
        ]
    )
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def upright(photo: Photo, matrix: Affine) -> Affine:
    """Return a view without its turn: a turned box says less of where its object ends."""
    centre = (photo.image.shape[1] / 2, photo.image.shape[0] / 2)
    x, y, _ = matrix @ np.array([*centre, 1.0])
    scales = np.linalg.norm(matrix[:2, :2], axis=0)
    flip = bool(np.linalg.det(matrix[:2, :2]) < 0)
    return affine(centre, (float(x), float(y)), float(scales[0]), float(scales[1]), 0.0, flip)
