"""Training pictures: photographs seen anew, with objects pasted on them, and objects on plain backgrounds.

`make_sample(material, seed, index)` is a pure function of its arguments, so a run that resumes sees the same data. The
mix follows Simple Copy-Paste (https://arxiv.org/abs/2012.07177) and Cut, Paste and Learn
(https://arxiv.org/abs/1708.01642), bent towards few, large objects.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.classes import CLASSES
from training.sources import Cutout, Material, Photo, PhotoObject, Pixels

Random = np.random.Generator
Affine = NDArray[np.float64]

SHAPES = ((256, 352), (352, 256), (288, 288), (256, 352))  # height, width; what inference sees of common photographs
BATCH_SIZE = 4
KINDS = ("photo", "zoom", "composite")
KIND_SHARES = (0.42, 0.33, 0.25)
PASTE_SHARE = 0.4  # of photographs that get one or two foreign objects
MIN_VISIBLE_SHARE = 0.3
MIN_SIDE = 8  # pixels
SOURCE_WEIGHTS = {"photo": 1.0, "people": 0.4, "stamp": 1.0, "emoji": 0.6}


@dataclass
class Sample:
    """A picture (RGB, H×W×3) and what is in it: class indices and full-size boolean masks."""

    image: Pixels
    class_ids: list[int]
    masks: list[NDArray[np.bool_]]


class Sampler:
    """Draws samples from one part's material. Holds look-up tables only; every draw depends on seed and index alone."""

    def __init__(self, material: Material, seed: int, kind_shares: tuple[float, ...] = KIND_SHARES) -> None:
        if not material.photos and not material.cutouts:
            raise ValueError("nothing to draw from: the material holds no photograph and no cut-out")
        self.material = material
        self.seed = seed
        self.kind_shares = kind_shares
        self.by_class: dict[int, list[Cutout]] = {}
        for cutout in material.cutouts:
            self.by_class.setdefault(cutout.class_id, []).append(cutout)
        self.class_ids = sorted(self.by_class)
        counts = np.array([len(self.by_class[class_id]) for class_id in self.class_ids], dtype=float)
        self.class_shares = np.sqrt(counts) / np.sqrt(counts).sum() if len(counts) else counts
        self.zooms = [
            (photo, item) for photo in material.photos for item in photo.objects if _is_prominent(photo, item)
        ]
        frequency = np.bincount([item.class_id for _, item in self.zooms], minlength=len(CLASSES)).astype(float)
        weights = np.array([frequency[item.class_id] ** -0.6 for _, item in self.zooms])
        self.zoom_shares = weights / weights.sum() if len(weights) else weights

    def sample(self, index: int, shape: tuple[int, int] | None = None) -> Sample:
        """Make sample `index`; the shape follows from the batch it falls in unless given."""
        rng = np.random.default_rng((self.seed, index))
        height, width = shape or SHAPES[(index // BATCH_SIZE) % len(SHAPES)]
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
                self._paste(rng, sample, rng.uniform(0.25, largest) if count < 6 else rng.uniform(0.15, 0.35))
        else:
            photo, matrix = self._view(rng, kind, height, width)
            sample = _render(photo, matrix, height, width)
            if self.by_class and rng.random() < (PASTE_SHARE if kind == "photo" else PASTE_SHARE / 3):
                for _ in range(int(rng.integers(1, 3))):
                    self._paste(rng, sample, rng.uniform(0.2, 0.7))
        sample.image = _degrade(rng, sample.image)
        return _without_slivers(sample)

    def _view(self, rng: Random, kind: str, height: int, width: int) -> tuple[Photo, Affine]:
        """Choose a photograph and how it is seen: all of it with a jittered scale, or close to one of its objects."""
        if kind == "zoom":
            photo, item = self.zooms[int(rng.choice(len(self.zooms), p=self.zoom_shares))]
            x0, y0, x1, y1 = item.box
            share = rng.uniform(0.4, 1.5)  # over 1: cut off by the frame, as close-ups are
            scale = min(share * min(width / (x1 - x0), height / (y1 - y0)), 2.5)
            centre = ((x0 + x1) / 2, (y0 + y1) / 2)
            reach = (max(width - scale * (x1 - x0), 0) / 2, max(height - scale * (y1 - y0), 0) / 2)
            target = (width / 2 + rng.uniform(-1, 1) * reach[0], height / 2 + rng.uniform(-1, 1) * reach[1])
        else:
            photo = self.material.photos[int(rng.integers(len(self.material.photos)))]
            rows, columns = photo.image.shape[:2]
            fit = min(width / columns, height / rows)
            scale = fit * float(np.exp(rng.uniform(np.log(0.85), np.log(1.9))))
            centre = (columns / 2, rows / 2)
            spare = (abs(width - scale * columns) / 2, abs(height - scale * rows) / 2)
            target = (width / 2 + rng.uniform(-1, 1) * spare[0], height / 2 + rng.uniform(-1, 1) * spare[1])
        flip = bool(rng.random() < 0.5)
        target = _keep_covered(photo, centre, target, scale, flip, height, width)
        angle = rng.uniform(-12, 12) if rng.random() < 0.25 else 0.0
        stretch = float(np.exp(rng.uniform(-0.12, 0.12)))
        return photo, _affine(centre, target, scale * stretch, scale / stretch, angle, flip)

    def _background(self, rng: Random, height: int, width: int) -> Pixels:
        """Make a background without objects: a wallpaper, a photograph out of focus, or a smooth shade."""
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
        return np.ascontiguousarray(cv2.resize(crop, (width, height), interpolation=cv2.INTER_LINEAR))

    def _paste(self, rng: Random, sample: Sample, size: float) -> None:
        """Paste a random object whose longer side is `size` of the picture's shorter one; it hides what lies below."""
        class_id = self.class_ids[int(rng.choice(len(self.class_ids), p=self.class_shares))]
        pool = self.by_class[class_id]
        weights = np.array([SOURCE_WEIGHTS[cutout.source] for cutout in pool])
        cutout = pool[int(rng.choice(len(pool), p=weights / weights.sum()))]
        height, width = sample.image.shape[:2]
        rows, columns = cutout.rgba.shape[:2]
        # The longer side may exceed the shorter side of the picture: tall people, long vehicles.
        scale = min(size * min(height, width) * 1.15 / max(rows, columns), 2.0)
        stretch = float(np.exp(rng.uniform(-0.1, 0.1)))
        angle = float(rng.normal(0, 8)) if rng.random() < 0.6 else float(rng.uniform(-35, 35))
        overlap = 0.25 if rng.random() < 0.3 else 0.0
        reach = (max(width - scale * columns * (1 - overlap), 4) / 2, max(height - scale * rows * (1 - overlap), 4) / 2)
        target = (width / 2 + rng.uniform(-1, 1) * reach[0], height / 2 + rng.uniform(-1, 1) * reach[1])
        flip = bool(rng.random() < 0.5)
        matrix = _affine((columns / 2, rows / 2), target, scale * stretch, scale / stretch, angle, flip)
        source = cutout.rgba
        if scale < 0.5:  # warpAffine does not average: shrink first, or fine parts alias
            source = cv2.resize(
                source, (max(int(columns * scale), 2), max(int(rows * scale), 2)), interpolation=cv2.INTER_AREA
            )
            matrix = matrix @ np.diag([columns / source.shape[1], rows / source.shape[0], 1.0])
        warped = cv2.warpAffine(source, matrix[:2], (width, height), flags=cv2.INTER_LINEAR)
        colour = _jitter_colour(rng, warped[..., :3], 0.6)
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
        sample.class_ids = [*kept_ids, class_id]
        sample.masks = [*kept_masks, solid]


def _is_prominent(photo: Photo, item: PhotoObject) -> bool:
    x0, y0, x1, y1 = item.box
    height, width = photo.image.shape[:2]
    return not item.crowd and (x1 - x0) * (y1 - y0) > 0.02 * height * width and min(x1 - x0, y1 - y0) > 40


def _keep_covered(
    photo: Photo,
    centre: tuple[float, float],
    target: tuple[float, float],
    scale: float,
    flip: bool,
    height: int,
    width: int,
) -> tuple[float, float]:
    """Move `target` so that the photograph fills the canvas as far as it reaches: grey borders teach nothing."""
    rows, columns = photo.image.shape[:2]
    before_x = scale * (columns - centre[0] if flip else centre[0])
    before_y = scale * centre[1]
    ends_x = (before_x, width - scale * columns + before_x)
    ends_y = (before_y, height - scale * rows + before_y)
    x = float(np.clip(target[0], min(ends_x), max(ends_x)))
    return x, float(np.clip(target[1], min(ends_y), max(ends_y)))


def _affine(
    centre: tuple[float, float], target: tuple[float, float], scale_x: float, scale_y: float, angle: float, flip: bool
) -> Affine:
    """Return the 3×3 matrix that scales, flips and turns about `centre` and moves it to `target`."""
    turn = np.deg2rad(angle)
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = linear @ np.diag([-scale_x if flip else scale_x, scale_y])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = np.array(target) - linear @ np.array(centre)
    return matrix


def _render(photo: Photo, matrix: Affine, height: int, width: int) -> Sample:
    """Draw a photograph and its masks through an affine map onto a grey canvas."""
    image = photo.image
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if scale < 0.6:
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / scale)
    size = (width, height)
    grey = (127, 127, 127)
    picture = cv2.warpAffine(image, matrix[:2], size, flags=cv2.INTER_LINEAR, borderValue=grey)
    sample = Sample(picture, [], [])
    for item in photo.objects:
        x0, y0, x1, y1 = item.box
        corners = matrix[:2] @ np.array([[x0, x1, x0, x1], [y0, y0, y1, y1], [1, 1, 1, 1]])
        left, top = np.maximum(corners.min(1), 0)
        right, bottom = np.minimum(corners.max(1), (width, height))
        if item.crowd or right - left < MIN_SIDE or bottom - top < MIN_SIDE:
            continue
        local = matrix @ np.array([[1, 0, x0], [0, 1, y0], [0, 0, 1.0]])
        mask = cv2.warpAffine(item.mask * 255, local[:2], size, flags=cv2.INTER_LINEAR) > 127
        # What the frame cuts down to a rest is no example of its class any more.
        if mask.sum() >= 0.15 * item.mask.sum() * scale * scale:
            sample.class_ids.append(item.class_id)
            sample.masks.append(mask)
    return sample


def _jitter_colour(rng: Random, image: Pixels, amount: float = 1.0) -> Pixels:
    """Vary brightness, contrast, saturation and tint; float32 in [0, 255]."""
    pixels: Pixels = image.astype(np.float32)
    grey = pixels.mean(axis=2, keepdims=True)
    saturation = 1 + amount * rng.uniform(-0.5, 0.4)
    gain = np.asarray(1 + amount * (rng.uniform(-0.3, 0.3) + rng.uniform(-0.08, 0.08, 3)), dtype=np.float32)
    shift = amount * rng.uniform(-25, 25)
    pixels = grey + (pixels - grey) * np.float32(saturation)
    return np.asarray(np.clip((pixels - 127) * gain + 127 + np.float32(shift), 0, 255))


def _degrade(rng: Random, image: Pixels) -> Pixels:
    """Do to a picture what cameras and web sites do: colour, blur, noise, JPEG."""
    pixels: Pixels = _jitter_colour(rng, image) if rng.random() < 0.8 else image.astype(np.float32)
    if rng.random() < 0.05:
        pixels = np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.15:
        pixels = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.2)))
    if rng.random() < 0.15:
        pixels = pixels + rng.normal(0, rng.uniform(2, 9), pixels.shape).astype(np.float32)
    result = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        _, data = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 90))])
        result = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return result


def _without_slivers(sample: Sample) -> Sample:
    """Drop instances too small to learn from."""
    keep = []
    for index, mask in enumerate(sample.masks):
        rows, columns = mask.any(1), mask.any(0)
        if rows.sum() >= MIN_SIDE and columns.sum() >= MIN_SIDE and mask.sum() >= MIN_SIDE * MIN_SIDE // 2:
            keep.append(index)
    return Sample(sample.image, [sample.class_ids[i] for i in keep], [sample.masks[i] for i in keep])
