"""Make the ten images of `notebooks/06_judge.ipynb` and their truth.

Six are the sample photographs, whose outlines were drawn by hand and fitted to the edges
(GrabCut). Four are composites of the cut-outs, so their outlines are exact. The sources and
licences of the photographs are in `notebooks/images/ATTRIBUTION.md`; the rest is made by us.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

IMAGES = Path(__file__).resolve().parent.parent / "notebooks" / "images"
NAMES = ("person", "cat", "raccoon", "cup", "spoon", "helmet", "coin")

# Drawn by hand: photograph → (class, corners "x,y" in pixels).
OUTLINES = {
    "cat.jpg": [
        (
            "cat",
            "40,0 395,0 375,60 365,110 345,150 340,200 300,250 262,299 30,299 40,220 "
            "5,160 0,120 40,100",
        ),
    ],
    "raccoon.jpg": [
        (
            "raccoon",
            "0,0 440,0 470,40 530,80 600,90 780,110 870,90 940,110 900,200 910,300 "
            "860,370 740,400 690,480 760,520 740,580 600,600 560,660 480,620 440,500 "
            "380,420 280,380 120,300 0,270",
        ),
    ],
    "coffee.jpg": [
        (
            "cup",
            "290,15 350,30 395,70 405,110 395,160 380,200 350,235 300,248 262,250 240,300 "
            "205,308 200,280 215,240 185,190 170,130 172,90 200,45 245,20",
        ),
        (
            "spoon",
            "405,70 425,70 420,90 395,205 405,240 400,300 370,325 335,320 322,290 335,250 375,205",
        ),
    ],
    "astronaut.jpg": [
        (
            "person",
            "210,15 270,20 300,60 300,120 280,170 265,190 300,230 310,280 345,290 355,330 "
            "340,350 300,380 280,440 290,511 20,511 15,440 20,350 60,260 110,220 120,180 "
            "140,150 175,150 178,130 160,100 155,60 175,30",
        ),
        (
            "helmet",
            "285,400 320,360 390,343 450,360 490,410 505,470 505,511 290,511 282,450",
        ),
    ],
    "admiral.jpg": [
        (
            "person",
            "230,25 290,25 350,80 370,90 372,150 365,230 360,290 330,310 345,330 440,385 "
            "500,410 510,470 511,599 10,599 20,480 35,420 120,385 200,340 195,290 165,260 "
            "150,190 160,130 165,90 200,50",
        ),
    ],
}

# Composites: the background's photograph, and (photograph, outline, left, top, height, mirrored).
COMPOSITES = {
    "judge/evening.jpg": (
        "rocket.jpg",
        [("cat.jpg", 0, 30, 190, 210, False), ("coffee.jpg", 0, 330, 235, 170, True)],
    ),
    "judge/leaves.jpg": (
        "raccoon.jpg",
        [("admiral.jpg", 0, 180, 60, 320, True), ("coffee.jpg", 0, 40, 200, 150, False)],
    ),
    "judge/table.jpg": (
        "coffee.jpg",
        [("coffee.jpg", 0, 40, 60, 190, True), ("coffee.jpg", 0, 330, 130, 230, False)],
    ),
    "judge/studio.jpg": (
        "admiral.jpg",
        [("raccoon.jpg", 0, 20, 130, 260, False), ("astronaut.jpg", 0, 330, 60, 330, True)],
    ),
}
SIZE = (400, 600)


def fitted(image: np.ndarray, label: str, corners: str) -> np.ndarray:
    """A drawn outline moved to the object's edge, as a mask H×W of booleans."""
    drawn = np.zeros(image.shape[:2], np.uint8)
    points = np.array([one.split(",") for one in corners.split()]).astype(np.int32)
    cv2.fillPoly(drawn, [points], 1)
    if label == "spoon":  # its handle is too thin to be fitted
        return drawn.astype(bool)
    reach = max(round(0.018 * max(image.shape[:2])), 4)
    kernel = np.ones((2 * reach + 1,) * 2, np.uint8)
    # Beyond the image there is more of the object.
    inner = cv2.erode(drawn, kernel, borderType=cv2.BORDER_REPLICATE)
    outer = cv2.dilate(drawn, kernel)
    marks = np.full(drawn.shape, cv2.GC_BGD, np.uint8)
    marks[outer > 0] = cv2.GC_PR_BGD
    marks[drawn > 0] = cv2.GC_PR_FGD
    marks[inner > 0] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(
        cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
        marks,
        (0, 0, 1, 1),
        *models,
        3,
        cv2.GC_INIT_WITH_MASK,
    )
    found = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    return smooth(found)


def smooth(found: np.ndarray) -> np.ndarray:
    """A mask's largest piece, without holes and hairs."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    found = cv2.morphologyEx(
        cv2.morphologyEx(found, cv2.MORPH_OPEN, kernel), cv2.MORPH_CLOSE, kernel
    )
    contours, _ = cv2.findContours(found, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    result = np.zeros_like(found)
    cv2.drawContours(result, [max(contours, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    return result.astype(bool)


def coins(image: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The coins, which are round and brighter than the ground around them."""
    gray = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.5)
    circles = cv2.HoughCircles(
        gray, cv2.HOUGH_GRADIENT, 1, 40, param1=90, param2=17, minRadius=14, maxRadius=33
    )
    found = []
    for x, y, radius in np.asarray(circles)[0].tolist():
        mask = np.zeros(gray.shape, np.uint8)
        cv2.circle(mask, (round(x), round(y)), round(radius), 1, cv2.FILLED)
        found.append(("coin", mask.astype(bool)))
    return sorted(found, key=lambda one: np.argwhere(one[1])[0].tolist())


def background(image: np.ndarray) -> np.ndarray:
    """A photograph without its objects: so smooth that nothing can be made out."""
    height, width = SIZE
    small = cv2.resize(image, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    return cv2.resize(
        cv2.GaussianBlur(small, (0, 0), 14), (width, height), interpolation=cv2.INTER_CUBIC
    )


def composite(
    objects: dict[str, list[tuple[str, np.ndarray]]],
    photos: dict[str, np.ndarray],
    ground: str,
    pasted: list[tuple[str, int, int, int, int, bool]],
) -> tuple[np.ndarray, list[tuple[str, np.ndarray]]]:
    """Paste cut-outs; what lies in front hides what is behind."""
    canvas = background(photos[ground]).astype(np.float32)
    truth: list[tuple[str, np.ndarray]] = []
    for name, number, left, top, height, is_mirrored in pasted:
        label, mask = objects[name][number]
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        cut = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        width = round(height * (columns[-1] - columns[0] + 1) / (rows[-1] - rows[0] + 1))
        pixels = cv2.resize(photos[name][cut], (width, height), interpolation=cv2.INTER_AREA)
        soft = cv2.resize(
            mask[cut].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA
        )
        if is_mirrored:
            pixels, soft = pixels[:, ::-1], soft[:, ::-1]
        height, width = min(height, SIZE[0] - top), min(width, SIZE[1] - left)
        pixels, soft = pixels[:height, :width], soft[:height, :width]
        place = slice(top, top + height), slice(left, left + width)
        canvas[place] = canvas[place] * (1 - soft[..., None]) + pixels * soft[..., None]
        whole = np.zeros(SIZE, bool)
        whole[place] = soft > 0.5
        truth = [(one, other & ~whole) for one, other in truth] + [(label, whole)]
    return canvas.clip(0, 255).astype(np.uint8), truth


def main() -> None:
    """Write the composites and the JSON."""
    photos = {
        path.name: np.asarray(Image.open(path).convert("RGB"))
        for path in sorted(IMAGES.glob("*.jpg"))
    }
    objects = {
        name: [(label, fitted(photos[name], label, corners)) for label, corners in outlines]
        for name, outlines in OUTLINES.items()
    }
    # What lies in front hides what is behind.
    for name, front, behind in (("coffee.jpg", 1, 0), ("astronaut.jpg", 1, 0)):
        label, mask = objects[name][behind]
        objects[name][behind] = label, mask & ~objects[name][front][1]
    truths = {**objects, "coins.jpg": coins(photos["coins.jpg"])}
    sizes = {name: photos[name].shape[:2] for name in truths}
    (IMAGES / "judge").mkdir(exist_ok=True)
    for name, (ground, pasted) in COMPOSITES.items():
        pixels, truths[name] = composite(objects, photos, ground, pasted)
        sizes[name] = SIZE
        Image.fromarray(pixels).save(IMAGES / name, quality=82, optimize=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, found) in enumerate(truths.items(), start=1):
        height, width = sizes[name]
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        for label, mask in found:
            rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": NAMES.index(label) + 1,
                    "segmentation": {"size": [height, width], "counts": rle["counts"].decode()},
                    "area": int(coco_mask.area(rle)),
                    "bbox": coco_mask.toBbox(rle).tolist(),
                    "iscrowd": 0,
                }
            )
    info = {
        "description": "Truth of ten images for notebooks/06_judge.ipynb",
        "source": "outlines and composites made for seg-widgets by packaging/judge_images.py; "
        "photographs: notebooks/images/ATTRIBUTION.md",
        "licence": "CC0",
    }
    content = {
        "info": info,
        "images": images,
        "categories": [{"id": number, "name": name} for number, name in enumerate(NAMES, start=1)],
        "annotations": annotations,
    }
    (IMAGES / "judge.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
