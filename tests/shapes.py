"""A small data set in COCO's format: discs and boxes, drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

HEIGHT, WIDTH = 96, 128


def write_shapes(
    folder: Path, pictures: int, names: tuple[str, str] = ("disc", "box"), seed: int = 3
) -> dict[str, Any]:
    """Write `instances.json` and `images/`; returns what the JSON holds. Each image has a disc and
    a box."""
    rng = np.random.default_rng(seed)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for number in range(1, pictures + 1):
        picture = rng.integers(70, 110, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        disc = (
            np.array([34, 48])
            + rng.uniform(-6, 6, 2)
            + 22 * np.stack([np.cos(angles), np.sin(angles)], 1)
        )
        x, y = rng.uniform(70, 80), rng.uniform(15, 30)
        box = np.array([[x, y], [x + 40, y], [x + 40, y + 50], [x, y + 50]])
        for index, (polygon, colour) in enumerate(((disc, (220, 60, 50)), (box, (50, 80, 220)))):
            cv2.fillPoly(picture, [polygon.round().astype(np.int32)], colour)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 10 * (index + 1),
                    "segmentation": [polygon.round(1).ravel().tolist()],
                    "iscrowd": 0,
                }
            )
        cv2.imwrite(str(folder / "images" / f"{number:03}.png"), picture[:, :, ::-1])
        images.append(
            {"id": number, "file_name": f"{number:03}.png", "height": HEIGHT, "width": WIDTH}
        )
    categories = [{"id": 10 * (index + 1), "name": name} for index, name in enumerate(names)]
    data = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(data))
    return data
