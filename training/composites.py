"""Training images: photographs seen anew, with objects pasted on them, and objects on plain
backgrounds.

`make_sample(material, seed, index)` is a pure function of its arguments, so a run that resumes sees
the same data. The mix follows Simple Copy-Paste (https://arxiv.org/abs/2012.07177) and Cut, Paste
and Learn (https://arxiv.org/abs/1708.01642), bent towards few, large objects.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from seg_widgets.finetuning import TrainingConfig
from seg_widgets.finetuning.augmentation import (
    MIN_SIDE,
    Affine,
    Photo,
    Pixels,
    Random,
    Sample,
    affine,
    degrade,
    is_prominent,
    jitter_colour,
    random_view,
    render,
    without_slivers,
)
from training.classes import CLASSES
from training.cutouts import Cutout
from training.sources import Material

SHAPES = (
    (320, 448),
    (448, 320),
    (352, 384),
    (320, 448),
)  # height, width; what inference sees of common photographs
KINDS = ("photo", "zoom", "composite")
KIND_SHARES = (0.42, 0.25, 0.33)
PASTE_SHARE = 0.4  # of photographs that get one or two foreign objects
MIN_VISIBLE_SHARE = 0.3
RECOLOURED_SHARE = (
    0.25  # of pasted objects in a colour that is not theirs, so that shapes carry the names, too
)
NATURAL = ("photo", "people")  # sources whose colours are left as they are
SOURCE_WEIGHTS = {
    "photo": 1.0,
    "people": 0.4,
    "stamp": 1.0,
    "emoji": 0.6,
    "drawn": 0.15,
    "clipart": 0.3,
}


def recolour(rng: Random, image: Pixels) -> Pixels:
    """Turn all hues of a uint8 RGB image by one random angle."""
    hsv = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int64) + int(rng.integers(15, 166))) % 180
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


class Sampler:
    """Draws samples from one part's material. Holds look-up tables only; every draw depends on seed
    and index alone.

    `varied` slants and recolours what is pasted: for training, not for what is measured on.
    """

    def __init__(
        self,
        material: Material,
        seed: int,
        kind_shares: tuple[float, ...] = KIND_SHARES,
        varied: bool = False,
    ) -> None:
        if not material.photos and not material.cutouts:
            raise ValueError(
                "nothing to draw from: the material holds no photograph and no cut-out"
            )
        self.material = material
        self.seed = seed
        self.kind_shares = kind_shares
        self.varied = varied
        self.by_class: dict[int, list[Cutout]] = {}
        for cutout in material.cutouts:
            self.by_class.setdefault(cutout.class_id, []).append(cutout)
        self.class_ids = sorted(self.by_class)
        counts = np.array(
            [len(self.by_class[class_id]) for class_id in self.class_ids], dtype=float
        )
        # Nearly even: what a class has few cut-outs of would otherwise be hardly ever named.
        self.class_shares = counts**0.3 / (counts**0.3).sum() if len(counts) else counts
        self.zooms = [
            (photo, item)
            for photo in material.photos
            for item in photo.objects
            if is_prominent(photo, item)
        ]
        frequency = np.bincount(
            [item.class_id for _, item in self.zooms], minlength=len(CLASSES)
        ).astype(float)
        weights = np.array([frequency[item.class_id] ** -0.6 for _, item in self.zooms])
        self.zoom_shares = weights / weights.sum() if len(weights) else weights

    def sample(self, index: int, shape: tuple[int, int] | None = None) -> Sample:
        """Make sample `index`; the shape follows from the batch it falls in unless given."""
        rng = np.random.default_rng((self.seed, index))
        height, width = shape or SHAPES[(index // TrainingConfig.batch_size) % len(SHAPES)]
        kind = KINDS[int(rng.choice(len(KINDS), p=self.kind_shares))]
        if kind == "zoom" and not self.zooms:
            kind = "photo"
        if (kind == "composite" and not self.by_class) or not self.material.photos:
            kind = "photo" if self.material.photos else "composite"
        if kind == "composite":
            sample = Sample(self._background(rng, height, width), [], [])
            count = int(rng.choice([1, 2, 3, 4, 6], p=[0.4, 0.25, 0.15, 0.1, 0.1]))
            largest = 0.95 if count == 1 else 0.8 if count == 2 else 0.6
            for _ in range(count):
                self._paste(
                    rng,
                    sample,
                    rng.uniform(0.25, largest) if count < 6 else rng.uniform(0.15, 0.35),
                )
        else:
            photo, matrix = self._view(rng, kind, height, width)
            sample = render(photo, matrix, height, width)
            if self.by_class and rng.random() < (
                PASTE_SHARE if kind == "photo" else PASTE_SHARE / 3
            ):
                for _ in range(int(rng.integers(1, 3))):
                    self._paste(rng, sample, rng.uniform(0.2, 0.7))
        sample.image = degrade(rng, sample.image)
        return without_slivers(sample)

    def label_of(self, cutout: Cutout) -> int:
        """Return what a pasted cut-out is labelled as."""
        return cutout.class_id

    def shares_of(self, class_id: int) -> NDArray[np.float64]:
        """Return how often each of a class's cut-outs is drawn; the sum is 1."""
        weights = np.array([SOURCE_WEIGHTS[cutout.source] for cutout in self.by_class[class_id]])
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares

    def _view(self, rng: Random, kind: str, height: int, width: int) -> tuple[Photo, Affine]:
        """Choose a photograph and how it is seen: all of it with a jittered scale, or close to one
        of its objects."""
        if kind == "zoom":
            photo, item = self.zooms[int(rng.choice(len(self.zooms), p=self.zoom_shares))]
            return photo, random_view(rng, photo, height, width, item)
        photo = self.material.photos[int(rng.integers(len(self.material.photos)))]
        return photo, random_view(rng, photo, height, width)

    def _background(self, rng: Random, height: int, width: int) -> Pixels:
        """Make a background without objects: a wallpaper, a photograph out of focus, or a smooth
        shade."""
        draw = rng.random()
        if draw < 0.4 and self.material.backgrounds:
            _, source = self.material.backgrounds[int(rng.integers(len(self.material.backgrounds)))]
        elif draw < 0.75 and self.material.photos:
            source = self.material.photos[int(rng.integers(len(self.material.photos)))].image
            source = cv2.GaussianBlur(source, (0, 0), float(rng.uniform(9, 20)))
        else:
            corners = rng.integers(0, 256, (1, 1, 3)) + rng.normal(0, 35, (3, 3, 3))
            source = np.clip(corners, 0, 255).astype(np.uint8)
            shade = cv2.resize(source, (width, height), interpolation=cv2.INTER_CUBIC)
            grain = rng.normal(0, rng.uniform(0, 6), (height, width, 1))
            return np.clip(shade + grain, 0, 255).astype(np.uint8)
        rows, columns = source.shape[:2]
        scale = max(width / columns, height / rows) * rng.uniform(1.0, 1.8)
        crop_width, crop_height = int(width / scale), int(height / scale)
        x = int(rng.integers(0, columns - crop_width + 1))
        y = int(rng.integers(0, rows - crop_height + 1))
        crop = source[y : y + crop_height, x : x + crop_width]
        crop = crop[:, ::-1] if rng.random() < 0.5 else crop
        return np.ascontiguousarray(
            cv2.resize(crop, (width, height), interpolation=cv2.INTER_LINEAR)
        )

    def _paste(self, rng: Random, sample: Sample, size: float) -> None:
        """Paste a random object whose longer side is `size` of the image's shorter one; it hides
        what lies below."""
        class_id = self.class_ids[int(rng.choice(len(self.class_ids), p=self.class_shares))]
        pool = self.by_class[class_id]
        cutout = pool[int(rng.choice(len(pool), p=self.shares_of(class_id)))]
        height, width = sample.image.shape[:2]
        rows, columns = cutout.rgba.shape[:2]
        # The longer side may exceed the shorter side of the image: tall people, long vehicles.
        scale = min(size * min(height, width) * 1.15 / max(rows, columns), 2.0)
        stretch = float(np.exp(rng.uniform(-0.1, 0.1)))
        angle = float(rng.normal(0, 8)) if rng.random() < 0.6 else float(rng.uniform(-35, 35))
        overlap = 0.25 if rng.random() < 0.3 else 0.0
        reach = (
            max(width - scale * columns * (1 - overlap), 4) / 2,
            max(height - scale * rows * (1 - overlap), 4) / 2,
        )
        target = (
            width / 2 + rng.uniform(-1, 1) * reach[0],
            height / 2 + rng.uniform(-1, 1) * reach[1],
        )
        flip = bool(rng.random() < 0.5)
        matrix = affine(
            (columns / 2, rows / 2), target, scale * stretch, scale / stretch, angle, flip
        )
        if self.varied:
            slant = float(rng.normal(0, 0.12))
            matrix = matrix @ np.array([[1, slant, -slant * rows / 2], [0, 1, 0], [0, 0, 1.0]])
        source = cutout.rgba
        if scale < 0.5:  # warpAffine does not average: shrink first, or fine parts alias
            source = cv2.resize(
                source,
                (max(int(columns * scale), 2), max(int(rows * scale), 2)),
                interpolation=cv2.INTER_AREA,
            )
            matrix = matrix @ np.diag([columns / source.shape[1], rows / source.shape[0], 1.0])
        warped = cv2.warpAffine(source, matrix[:2], (width, height), flags=cv2.INTER_LINEAR)
        pixels = warped[..., :3]
        if self.varied and cutout.source not in NATURAL and rng.random() < RECOLOURED_SHARE:
            pixels = recolour(rng, pixels)
        colour = jitter_colour(rng, pixels, 0.6)
        alpha: Pixels = warped[..., 3:].astype(np.float32) / 255
        if rng.random() < 0.5:
            alpha = cv2.GaussianBlur(alpha, (0, 0), float(rng.uniform(0.4, 1.2)))[..., None]
        solid = alpha[..., 0] > 0.5
        if solid.sum() < MIN_SIDE * MIN_SIDE:
            return
        sample.image = (colour * alpha + sample.image * (1 - alpha)).astype(np.uint8)
        kept_ids, kept_masks = [], []
        for class_below, mask in zip(sample.class_ids, sample.masks, strict=True):
            visible = mask & ~solid
            if visible.sum() >= MIN_VISIBLE_SHARE * mask.sum():
                kept_ids.append(class_below)
                kept_masks.append(visible)
        sample.class_ids = [*kept_ids, self.label_of(cutout)]
        sample.masks = [*kept_masks, solid]
