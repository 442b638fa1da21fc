"""Augmentation: random views of a photograph and its masks, random colours, blur and noise.

Each function is pure, given its random generator, so a training that is resumed sees the same
images. The mix follows Simple Copy-Paste (https://arxiv.org/abs/2012.07177).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Photo",
    "PhotoObject",
    "Sample",
    "affine",
    "box_of",
    "degrade",
    "is_prominent",
    "jitter_colour",
    "random_view",
    "render",
    "without_slivers",
]

Pixels = NDArray[Any]  # uint8; OpenCV's stubs say no more than "some array"
Random = np.random.Generator
Affine = NDArray[np.float64]

MIN_SIDE: Final = 8
"""Pixels; smaller objects are left out of a training image."""
SCALES: Final = (0.6, 2.0)
"""Of views of a whole photograph: least and greatest; at 1 it just fits."""


@dataclass(frozen=True)
class PhotoObject:
    """One instance in a photograph.

    Attributes:
        class_id: index of its class.
        x: of the box's left column, in pixels.
        y: of the box's top row, in pixels.
        mask: inside the box, uint8, 1 inside.
        crowd: whether the mask covers many objects.
    """

    class_id: int
    x: int
    y: int
    mask: Pixels
    crowd: bool = False

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The box as x0, y0, x1, y1 in pixels, the last column and row excluded."""
        return self.x, self.y, self.x + self.mask.shape[1], self.y + self.mask.shape[0]


@dataclass(frozen=True)
class Photo:
    """A photograph (H×W×3 uint8 RGB), its name and its instances."""

    key: str
    image: Pixels
    objects: tuple[PhotoObject, ...]


@dataclass
class Sample:
    """A training image (H×W×3 uint8 RGB): class indices and H×W boolean masks.

    Attributes:
        image: the pixels.
        class_ids: one of each instance.
        masks: in the same order.
        left_out: boxes (XYXY, pixels) of objects that are seen, but too small or too much cut off
            to learn from. They are no background.
        crowd: H×W, where crowds are, which are no background either; None: nowhere.
    """

    image: Pixels
    class_ids: list[int]
    masks: list[NDArray[np.bool_]]
    left_out: list[tuple[float, float, float, float]] = field(default_factory=list, kw_only=True)
    crowd: NDArray[np.bool_] | None = field(default=None, kw_only=True)


def is_prominent(photo: Photo, item: PhotoObject) -> bool:
    """Return whether an object is large enough in its photograph for a close view."""
    x0, y0, x1, y1 = item.box
    height, width = photo.image.shape[:2]
    return (
        not item.crowd
        and (x1 - x0) * (y1 - y0) > 0.02 * height * width
        and min(x1 - x0, y1 - y0) > 40
    )


def random_view(
    rng: Random,
    photo: Photo,
    height: int,
    width: int,
    item: PhotoObject | None = None,
    scales: tuple[float, float] = SCALES,
) -> Affine:
    """Return a random view of a photograph, as a 3×3 matrix from its pixels to the canvas.

    Args:
        rng: the random generator.
        photo: the photograph.
        height: of the canvas, in pixels.
        width: of the canvas, in pixels.
        item: an object to be seen close; None: all of the photograph, at a random scale.
        scales: least and greatest; at 1 the photograph just fits. Drawn evenly by their logarithm.
    """
    if item is not None:
        x0, y0, x1, y1 = item.box
        share = rng.uniform(0.4, 1.5)  # over 1: cut off by the frame, as close-ups are
        scale = min(share * min(width / (x1 - x0), height / (y1 - y0)), 2.5)
        centre = ((x0 + x1) / 2, (y0 + y1) / 2)
        reach = (max(width - scale * (x1 - x0), 0) / 2, max(height - scale * (y1 - y0), 0) / 2)
        target = (
            width / 2 + rng.uniform(-1, 1) * reach[0],
            height / 2 + rng.uniform(-1, 1) * reach[1],
        )
    else:
        rows, columns = photo.image.shape[:2]
        fit = min(width / columns, height / rows)
        scale = fit * float(np.exp(rng.uniform(*np.log(scales))))
        centre = (columns / 2, rows / 2)
        spare = (abs(width - scale * columns) / 2, abs(height - scale * rows) / 2)
        target = (
            width / 2 + rng.uniform(-1, 1) * spare[0],
            height / 2 + rng.uniform(-1, 1) * spare[1],
        )
    flip = bool(rng.random() < 0.5)
    target = _keep_covered(photo, centre, target, scale, flip, height, width)
    angle = rng.uniform(-12, 12) if rng.random() < 0.25 else 0.0
    stretch = float(np.exp(rng.uniform(-0.12, 0.12)))
    return affine(centre, target, scale * stretch, scale / stretch, angle, flip)


def _keep_covered(
    photo: Photo,
    centre: tuple[float, float],
    target: tuple[float, float],
    scale: float,
    flip: bool,
    height: int,
    width: int,
) -> tuple[float, float]:
    """Move `target` so that the photograph fills the canvas: grey borders teach nothing."""
    rows, columns = photo.image.shape[:2]
    before_x = scale * (columns - centre[0] if flip else centre[0])
    before_y = scale * centre[1]
    ends_x = (before_x, width - scale * columns + before_x)
    ends_y = (before_y, height - scale * rows + before_y)
    x = float(np.clip(target[0], min(ends_x), max(ends_x)))
    return x, float(np.clip(target[1], min(ends_y), max(ends_y)))


def affine(
    centre: tuple[float, float],
    target: tuple[float, float],
    scale_x: float,
    scale_y: float,
    angle: float,
    flip: bool,
) -> Affine:
    """Return the 3×3 matrix that scales, flips and turns about a point and moves it.

    Args:
        centre: the point (x, y), in pixels of the photograph.
        target: where it comes to lie (x, y), in pixels of the canvas.
        scale_x: along the photograph's rows.
        scale_y: along its columns.
        angle: degrees.
        flip: mirror left and right.
    """
    turn = np.deg2rad(angle)
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = linear @ np.diag([-scale_x if flip else scale_x, scale_y])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = np.array(target) - linear @ np.array(centre)
    return matrix


def render(photo: Photo, matrix: Affine, height: int, width: int) -> Sample:
    """Draw a photograph and its masks on a grey canvas.

    Args:
        photo: the photograph.
        matrix: 3×3, from its pixels to the canvas.
        height: of the canvas, in pixels.
        width: of the canvas, in pixels.
    """
    image = photo.image
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if scale < 0.6:
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / scale)
    size = (width, height)
    grey = (127, 127, 127)
    canvas = cv2.warpAffine(image, matrix[:2], size, flags=cv2.INTER_LINEAR, borderValue=grey)
    sample = Sample(canvas, [], [])
    for item in photo.objects:
        x0, y0, x1, y1 = item.box
        corners = matrix[:2] @ np.array([[x0, x1, x0, x1], [y0, y0, y1, y1], [1, 1, 1, 1]])
        left, top = np.maximum(corners.min(1), 0)
        right, bottom = np.minimum(corners.max(1), (width, height))
        if right <= left or bottom <= top:
            continue
        seen = (float(left), float(top), float(right), float(bottom))
        if not item.crowd and (right - left < MIN_SIDE or bottom - top < MIN_SIDE):
            sample.left_out.append(seen)
            continue
        local = matrix @ np.array([[1, 0, x0], [0, 1, y0], [0, 0, 1.0]])
        mask = cv2.warpAffine(item.mask * 255, local[:2], size, flags=cv2.INTER_LINEAR) > 127
        if item.crowd:
            sample.crowd = mask if sample.crowd is None else sample.crowd | mask
        # An object of which the frame leaves little is no example of its class.
        elif mask.sum() >= 0.15 * item.mask.sum() * scale * scale:
            sample.class_ids.append(item.class_id)
            sample.masks.append(mask)
        else:
            sample.left_out.append(seen)
    return sample


def jitter_colour(rng: Random, image: Pixels, amount: float = 1.0) -> Pixels:
    """Vary brightness, contrast, saturation and tint at random.

    Args:
        rng: the random generator.
        image: H×W×3 uint8 RGB.
        amount: of the variation; 1 is usual.

    Returns:
        H×W×3 float32, 0 to 255.
    """
    pixels: Pixels = image.astype(np.float32)
    grey = pixels.mean(axis=2, keepdims=True)
    saturation = 1 + amount * rng.uniform(-0.5, 0.4)
    gain = np.asarray(
        1 + amount * (rng.uniform(-0.3, 0.3) + rng.uniform(-0.08, 0.08, 3)), dtype=np.float32
    )
    shift = amount * rng.uniform(-25, 25)
    pixels = grey + (pixels - grey) * np.float32(saturation)
    return np.asarray(np.clip((pixels - 127) * gain + 127 + np.float32(shift), 0, 255))


def degrade(rng: Random, image: Pixels) -> Pixels:
    """Vary colour, blur, noise and JPEG quality at random, as cameras and web sites do.

    Args:
        rng: the random generator.
        image: H×W×3 uint8 RGB.
    """
    pixels: Pixels = jitter_colour(rng, image) if rng.random() < 0.8 else image.astype(np.float32)
    if rng.random() < 0.05:
        pixels = np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.15:
        pixels = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.2)))
    if rng.random() < 0.15:
        pixels = pixels + rng.normal(0, rng.uniform(2, 9), pixels.shape).astype(np.float32)
    result = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        _, data = cv2.imencode(
            ".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 90))]
        )
        result = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return result


def without_slivers(sample: Sample) -> Sample:
    """Return a sample without the instances that are too small to learn from."""
    keep = []
    left_out = [*sample.left_out]
    for index, mask in enumerate(sample.masks):
        rows, columns = mask.any(1), mask.any(0)
        if (
            rows.sum() >= MIN_SIDE
            and columns.sum() >= MIN_SIDE
            and mask.sum() >= MIN_SIDE * MIN_SIDE // 2
        ):
            keep.append(index)
        elif rows.any():
            left_out.append(box_of(mask))
    return replace(
        sample,
        class_ids=[sample.class_ids[i] for i in keep],
        masks=[sample.masks[i] for i in keep],
        left_out=left_out,
    )


def box_of(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Return the box of a mask that isn't empty: XYXY in pixels, last row and column excluded."""
    down, across = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return float(across[0]), float(down[0]), float(across[-1] + 1), float(down[-1] + 1)
