"""Taking a result away: COCO JSON, CSV, images, a web page, LabelMe, Label Studio,
`supervision.Detections`.

Functions named `to_…` return a value and write nothing; those named `save…` write files. A file is
first written under another name beside its place and then moved there, so a reader never sees half
of one, and a failure leaves what was there before.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import errno
import importlib
import io
import json
import math
import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, TypedDict, cast

import cv2
import numpy as np
import numpy.typing as npt

from ..drawing import Style, cutout, overlay
from ..errors import DependencyError, ExportError, SettingError
from ..images import RGBArray
from ..prediction import RLE, Instance, MaskCrop, Prediction
from ..viewer import to_html

__all__ = [
    "CSV_COLUMNS",
    "FORMATS",
    "CocoAnnotation",
    "CocoResult",
    "coco_dataset",
    "cutouts_zip",
    "png_bytes",
    "save",
    "save_cutouts",
    "save_masks",
    "save_overlay_png",
    "to_coco",
    "to_csv",
    "to_label_studio",
    "to_labelme",
    "to_python",
    "to_supervision",
    "write_bytes",
]

StrPath = str | os.PathLike[str]

CSV_COLUMNS: Final = ("index", "class", "class_id", "score", "x1", "y1", "x2", "y2", "area_px")

_DEFAULT_STYLE: Final = Style()


class CocoResult(TypedDict, total=False):
    """One instance in the COCO results format (https://cocodataset.org/#format-results).

    `bbox` is [x, y, width, height] in pixels. `segmentation` is there if the prediction has masks.
    """

    image_id: int
    category_id: int
    bbox: list[float]
    score: float
    segmentation: RLE
    file_name: str


class CocoAnnotation(CocoResult, total=False):
    """One instance in a COCO data set: a result with its own `id`, its `area` in pixels and
    `iscrowd`, which is 0."""

    id: int
    area: int
    iscrowd: int


# ── COCO ──────────────────────────────────────────────────────────────────────────────────────────


def to_coco(
    prediction: Prediction,
    image_id: int = 1,
    *,
    file_name: str | None = None,
    category_ids: Sequence[int] | None = None,
) -> list[CocoResult]:
    """The instances as COCO results, which `pycocotools.COCO.loadRes` takes.

    `image_id`: the image's id in your data set. `file_name`: added to each result if given (COCO
    ignores it). `category_ids`: the data set's id for each class; without it a class id c becomes
    category c + 1, as in `coco_dataset`, because COCO's ids start at 1. (COCO's own 80 classes have
    ids up to 90, with gaps: give them.)

    Raises `SettingError` when there is not one category id for each class name.
    """
    ids = _category_ids(prediction.class_names, category_ids)
    encoded = prediction.rle() if prediction.masks is not None else None
    results: list[CocoResult] = []
    for instance in prediction:
        x1, y1, x2, y2 = instance.box
        result: CocoResult = {
            "image_id": int(image_id),
            "category_id": ids[instance.class_id],
            "bbox": [_short(x1), _short(y1), _short(x2 - x1), _short(y2 - y1)],
            "score": _short(instance.score, 6),
        }
        if encoded is not None:
            result["segmentation"] = encoded[instance.index]
        if file_name is not None:
            result["file_name"] = file_name
        results.append(result)
    return results


def coco_dataset(
    predictions: Prediction | Iterable[Prediction],
    file_names: str | Sequence[str],
    *,
    category_ids: Sequence[int] | None = None,
) -> dict[str, Any]:
    """A whole COCO data set, with `images`, `annotations` and `categories`, that pycocotools loads.

    `predictions`: one, or one for each image, all of the same class names. `file_names`: one for
    each. Ids: images 1, 2, 3 … in their order, annotations 1, 2, 3 … over all images, categories
    class id + 1 unless `category_ids` gives others. Scores are kept, as `score`. An annotation
    without a mask has an empty `segmentation`.

    Raises `SettingError` when the counts don't match or the class names differ.
    """
    results = [predictions] if isinstance(predictions, Prediction) else list(predictions)
    names = [file_names] if isinstance(file_names, str) else list(file_names)
    if len(results) != len(names):
        raise SettingError(
            f"There are {len(results)} predictions, but {len(names)} file names; give one for each."
        )
    class_names = results[0].class_names if results else ()
    if any(result.class_names != class_names for result in results):
        raise SettingError(
            "One data set has one list of classes, but these predictions have different class names."
        )
    annotations: list[dict[str, Any]] = []
    for image_id, result in enumerate(results, start=1):
        for found, area in zip(
            to_coco(result, image_id, category_ids=category_ids), result.areas.tolist(), strict=True
        ):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "segmentation": [],
                    **found,
                    "area": area,
                    "iscrowd": 0,
                }
            )
    return {
        "info": {"description": "Made by seg_widgets"},
        "licenses": [],
        "images": [
            {
                "id": image_id,
                "file_name": name,
                "width": result.image_size[1],
                "height": result.image_size[0],
            }
            for image_id, (result, name) in enumerate(zip(results, names, strict=True), start=1)
        ],
        "annotations": annotations,
        "categories": [
            {"id": category_id, "name": name}
            for category_id, name in zip(
                _category_ids(class_names, category_ids), class_names, strict=True
            )
        ],
    }


def _category_ids(class_names: Sequence[str], given: Sequence[int] | None) -> list[int]:
    if given is None:
        return list(range(1, len(class_names) + 1))
    if len(given) != len(class_names) or len(set(given)) != len(given):
        raise SettingError(
            f"category_ids has one id of its own for each of the {len(class_names)} classes."
        )
    return [int(category_id) for category_id in given]


# ── tables ────────────────────────────────────────────────────────────────────────────────────────


def to_csv(
    prediction: Prediction, path: StrPath | None = None, *, only: Iterable[int] | None = None
) -> str:
    """The instances as CSV text with the columns `CSV_COLUMNS`; also written to `path` (UTF-8) if
    given.

    `only`: the instances to write; the index stays their place among all of them. Boxes are in
    pixels. A class name that a spreadsheet would take for a formula gets an apostrophe before it
    (https://owasp.org/www-community/attacks/CSV_Injection).

    Raises `ExportError` when it can't be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for instance in _chosen(prediction, only):
        box = (_short(value) for value in instance.box)
        name = _harmless(instance.class_name)
        writer.writerow(
            [
                instance.index,
                name,
                instance.class_id,
                _short(instance.score, 6),
                *box,
                instance.area,
            ]
        )
    if path is not None:
        write_bytes(path, text.getvalue().encode("utf-8"))
    return text.getvalue()


def _chosen(prediction: Prediction, only: Iterable[int] | None) -> Iterator[Instance]:
    return (
        iter(prediction)
        if only is None
        else (prediction[index] for index in prediction.indices(only).tolist())
    )


def _harmless(name: str) -> str:
    # Python's csv before 3.13 does not quote a lone carriage return, which would end the row.
    name = name.replace("\r", " ")
    return (
        f"'{name}"
        if name.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
        else name
    )


# ── images ────────────────────────────────────────────────────────────────────────────────────────


def png_bytes(image: npt.NDArray[Any]) -> bytes:
    """An array as the bytes of a PNG file: H×W, H×W×3 (RGB) or H×W×4 (RGBA), uint8 or uint16.

    Raises `ExportError` when it can't be encoded.
    """
    # OpenCV's encoder is five times as fast as Pillow's at its default, for a file as large.
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(
        image.shape[2] if image.ndim == 3 else 0
    )
    try:
        done, encoded = cv2.imencode(".png", image if order is None else cv2.cvtColor(image, order))
    except cv2.error as error:
        raise ExportError(
            f"An image of {image.dtype} and shape {image.shape} can't become a PNG: {error}."
        ) from None
    if not done:
        raise ExportError(f"An image of {image.dtype} and shape {image.shape} can't become a PNG.")
    return encoded.tobytes()


def save_overlay_png(
    prediction: Prediction, image: RGBArray, path: StrPath, style: Style = _DEFAULT_STYLE
) -> Path:
    """Write `rendering.overlay` as a PNG file; returns its path. Raises `ExportError`, and as
    `overlay` does."""
    return write_bytes(path, png_bytes(overlay(image, prediction, style)))


def save_cutouts(
    prediction: Prediction, image: RGBArray, folder: StrPath, stem: str = "image"
) -> list[Path]:
    """Write each instance as a PNG of its own, transparent around it: `stem`-cutout-000-class.png
    and so on.

    Raises `ExportError`, and as `rendering.cutout` does.
    """
    return [
        write_bytes(
            _numbered(folder, stem, "cutout", instance),
            png_bytes(cutout(image, prediction, instance.index)),
        )
        for instance in prediction
    ]


def cutouts_zip(
    prediction: Prediction,
    image: RGBArray,
    stem: str = "image",
    *,
    only: Iterable[int] | None = None,
) -> bytes:
    """The bytes of a ZIP archive with what `save_cutouts` writes, the same for the same instances.

    `only`: the instances to take; the numbers in the names stay their places among all of them.
    Raises as `save_cutouts` does.
    """
    buffer = io.BytesIO()
    # PNGs don't get smaller by being packed again.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for instance in _chosen(prediction, only):
            name = _numbered("", stem, "cutout", instance).name
            archive.writestr(
                zipfile.ZipInfo(name), png_bytes(cutout(image, prediction, instance.index))
            )
    return buffer.getvalue()


def save_masks(prediction: Prediction, folder: StrPath, stem: str = "image") -> list[Path]:
    """Write each mask as a PNG of the image's size, 255 inside and 0 outside:
    `stem`-mask-000-class.png and so on.

    Raises `PredictionError` for a prediction without masks, `ExportError`.
    """
    if prediction.masks is None:
        prediction.rle()  # says why there are none
    paths = []
    for instance in prediction:
        plane = np.zeros(prediction.image_size, np.uint8)
        crop = cast(MaskCrop, instance.mask)
        plane[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width] = (
            crop.to_array() * np.uint8(255)
        )
        paths.append(write_bytes(_numbered(folder, stem, "mask", instance), png_bytes(plane)))
    return paths


def _numbered(folder: StrPath, stem: str, kind: str, instance: Instance) -> Path:
    return (
        Path(folder)
        / f"{_file_stem(stem)}-{kind}-{instance.index:03}-{_file_stem(instance.class_name, 40)}.png"
    )


# ── Python ────────────────────────────────────────────────────────────────────────────────────────


def to_python(
    source: str,
    *,
    model: str = "",
    threshold: float = 0.5,
    hidden_classes: Iterable[str] = (),
    class_thresholds: Mapping[str, float] | None = None,
    hidden_instances: Iterable[int] = (),
    style: Style = _DEFAULT_STYLE,
    uploaded: bool = False,
) -> str:
    """The lines of Python that make what a panel shows.

    `source`: the image's path or address; of one that was `uploaded` only its name is known.
    `model`: the name that `load_predictor` takes, "" for a predictor of one's own. The others: as
    `Prediction.keep` takes them.
    """
    chosen = {
        "hidden_classes": list(hidden_classes),
        "class_thresholds": dict(class_thresholds or {}),
        "hidden_instances": list(hidden_instances),
    }
    keep = ", ".join(
        [repr(threshold), *(f"{name}={value!r}" for name, value in chosen.items() if value)]
    )
    changed = {
        part.name: value
        for part in fields(Style)
        if (value := getattr(style, part.name)) != getattr(_DEFAULT_STYLE, part.name)
    }
    drawn = (
        f", Style({', '.join(f'{name}={value!r}' for name, value in changed.items())})"
        if changed
        else ""
    )
    names = ["load", *(["load_predictor"] if model else []), "overlay"]
    predictor = (
        f"predictor = load_predictor({model!r})"
        if model
        else "predictor = ...  # your own predictor"
    )
    return "\n".join(
        [
            "from PIL import Image",
            f"from seg_widgets import {', '.join((['Style'] if changed else []) + names)}",
            "",
            f"image = load({source!r})"
            + ("  # it was uploaded: put its path here" if uploaded else ""),
            predictor,
            "prediction = predictor(image)",
            f"keep = prediction.keep({keep})",
            "shown = prediction.select(keep)",
            f"Image.fromarray(overlay(image, prediction{drawn}, only=keep))",
            "",
        ]
    )


# ── annotation tools ──────────────────────────────────────────────────────────────────────────────


def to_labelme(
    prediction: Prediction, file_name: str, image: RGBArray | None = None
) -> dict[str, Any]:
    """The instances as a LabelMe file's content, polygons in pixels; `json.dumps` makes the file of
    it.

    `file_name`: the image's, as LabelMe will look for it beside the file. `image`: put into the
    file, as a PNG, if given. Each piece of a mask is one polygon (those of an instance share a
    `group_id`), and polygons can't have holes: COCO's RLE is the lossless way. An instance without
    a mask is a rectangle.
    """
    shapes = []
    for instance in prediction:
        x1, y1, x2, y2 = instance.box
        outlines = _polygons(instance.mask) if instance.mask is not None else [[[x1, y1], [x2, y2]]]
        for points in outlines:
            shapes.append(
                {
                    "label": instance.class_name,
                    "points": points,
                    "group_id": instance.index,
                    "description": f"score {instance.score:.4f}",
                    "shape_type": "rectangle" if instance.mask is None else "polygon",
                    "flags": {},
                }
            )
    height, width = prediction.image_size
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": file_name,
        "imageData": None if image is None else base64.b64encode(png_bytes(image)).decode("ascii"),
        "imageHeight": height,
        "imageWidth": width,
    }


def to_label_studio(
    prediction: Prediction,
    image_url: str,
    *,
    from_name: str = "label",
    to_name: str = "image",
    model_version: str = "seg_widgets",
) -> dict[str, Any]:
    """The instances as one Label Studio task with predictions; import a JSON list of such tasks.

    `image_url`: what the task's `$image` is. `from_name`, `to_name`: the names in your labeling
    configuration, which holds PolygonLabels (RectangleLabels for a prediction without masks).
    Points are in per cent of the image's width and height, as Label Studio wants them. Each piece
    of a mask is one polygon, without holes.
    """
    height, width = prediction.image_size
    regions: list[dict[str, Any]] = []
    for instance in prediction:
        common = {
            "from_name": from_name,
            "to_name": to_name,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "score": _short(instance.score, 6),
        }
        if instance.mask is None:
            x1, y1, x2, y2 = instance.box
            place = {
                "x": 100 * x1 / width,
                "y": 100 * y1 / height,
                "width": 100 * (x2 - x1) / width,
                "height": 100 * (y2 - y1) / height,
                "rotation": 0,
            }
            value: dict[str, Any] = {**place, "rectanglelabels": [instance.class_name]}
            regions.append(
                {"id": f"i{instance.index}", "type": "rectanglelabels", **common, "value": value}
            )
            continue
        for piece, points in enumerate(_polygons(instance.mask)):
            percent = [[100 * x / width, 100 * y / height] for x, y in points]
            value = {"points": percent, "closed": True, "polygonlabels": [instance.class_name]}
            regions.append(
                {
                    "id": f"i{instance.index}-{piece}",
                    "type": "polygonlabels",
                    **common,
                    "value": value,
                }
            )
    score = float(prediction.scores.mean()) if len(prediction) else 0.0
    return {
        "data": {"image": image_url},
        "predictions": [
            {"model_version": model_version, "score": _short(score, 6), "result": regions}
        ],
    }


def _polygons(crop: MaskCrop) -> list[list[list[float]]]:
    """The outer outlines of a mask's pieces, along the pixels' edges, as [[x, y], …] in pixels;
    larger pieces first."""
    if crop.width == 0:
        return []
    # OpenCV's outlines run through the centres of the outer pixels, which makes a piece one pixel
    # too small and one of a pixel's width nothing. Of the mask at twice its size, moved by half a
    # pixel, they run along the edges.
    doubled = np.pad(crop.to_array().view(np.uint8), 1).repeat(2, axis=0).repeat(2, axis=1)
    grown = cv2.dilate(doubled, np.ones((2, 2), np.uint8), anchor=(0, 0))
    contours, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outlines = []
    for contour in sorted(contours, key=cv2.contourArea, reverse=True):
        points = (contour.reshape(-1, 2) + 1) / 2 - 1 + (crop.x, crop.y)
        outlines.append(points.tolist())
    return outlines


def to_supervision(prediction: Prediction) -> Any:
    """The instances as `supervision.Detections`, with dense masks and `data["class_name"]`.

    Raises `DependencyError` when the package supervision is not installed.
    """
    try:
        supervision = importlib.import_module("supervision")
    except ImportError:
        raise DependencyError(
            "The package supervision is not installed. Install it with: pip install supervision"
        ) from None
    return supervision.Detections(
        xyxy=np.array(prediction.boxes, np.float32),
        mask=None if prediction.masks is None or not len(prediction) else prediction.masks_dense(),
        confidence=np.array(prediction.scores, np.float32),
        class_id=np.array(prediction.class_ids, int),
        data={
            "class_name": np.array(
                [prediction.class_names[number] for number in prediction.class_ids], str
            )
        },
    )


# ── all at once ───────────────────────────────────────────────────────────────────────────────────

_Maker = Callable[[Prediction, RGBArray, Style, str], bytes]


def _json(value: object) -> bytes:
    return (
        json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    ).encode("utf-8")


_MAKERS: Final[dict[str, tuple[str, _Maker]]] = {
    "png": (
        "-overlay.png",
        lambda prediction, image, style, name: png_bytes(overlay(image, prediction, style)),
    ),
    "coco": (
        "-coco.json",
        lambda prediction, image, style, name: _json(coco_dataset(prediction, name)),
    ),
    "results": (
        "-results.json",
        lambda prediction, image, style, name: _json(to_coco(prediction, file_name=name)),
    ),
    "csv": (".csv", lambda prediction, image, style, name: to_csv(prediction).encode("utf-8")),
    "labelme": (
        "-labelme.json",
        lambda prediction, image, style, name: _json(to_labelme(prediction, name, image)),
    ),
    "labelstudio": (
        "-labelstudio.json",
        lambda prediction, image, style, name: _json([to_label_studio(prediction, name)]),
    ),
    "html": (
        ".html",
        lambda prediction, image, style, name: to_html(prediction, image, name).encode("utf-8"),
    ),
}

FORMATS: Final = (*_MAKERS, "cutouts", "masks")
"""What `save` can write."""


def save(
    prediction: Prediction,
    image: RGBArray,
    folder: StrPath,
    stem: str,
    formats: Iterable[str] = ("png", "coco", "csv"),
    style: Style = _DEFAULT_STYLE,
    *,
    file_name: str | None = None,
) -> dict[str, Path | list[Path]]:
    """Write a result in several formats into `folder`, which is made if need be; files of the same
    name are replaced.

    `formats`, each with the file it makes: "png" (`stem`-overlay.png), "coco" (a data set of this
    one image, `stem`-coco.json), "results" (COCO results, `stem`-results.json), "csv" (`stem`.csv),
    "labelme" (`stem`-labelme.json, the image inside), "labelstudio" (`stem`-labelstudio.json),
    "html" (`stem`.html, a page to explore), "cutouts" and "masks" (a PNG for each instance).
    `file_name`: the image's own name, which the JSON files and the page tell; without it, `stem`.

    Returns the path that each format was written to; a list of them for "cutouts" and "masks".
    Raises `SettingError` for an unknown format, `ExportError` when a file can't be written.
    """
    wanted = list(dict.fromkeys([formats] if isinstance(formats, str) else formats))
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown:
        raise SettingError(f"There is no format {unknown[0]!r}; there are {', '.join(FORMATS)}.")
    written: dict[str, Path | list[Path]] = {}
    for name in wanted:
        if name == "cutouts":
            written[name] = save_cutouts(prediction, image, folder, stem)
        elif name == "masks":
            written[name] = save_masks(prediction, folder, stem)
        else:
            ending, make = _MAKERS[name]
            content = make(prediction, image, style, file_name or stem)
            written[name] = write_bytes(Path(folder) / f"{_file_stem(stem)}{ending}", content)
    return written


# ── writing ───────────────────────────────────────────────────────────────────────────────────────


def write_bytes(path: StrPath, content: bytes) -> Path:
    """Write a file whole or not at all, making its folder if need be; returns its path. Raises
    `ExportError`."""
    target = Path(path)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".seg-widgets-", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp's files are for their owner's eyes only; a result is an ordinary file.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except OSError as error:
        raise ExportError(f"{target} could not be written: {_why(error)}") from error
    except ValueError as error:  # a NUL in the name
        raise ExportError(f"{str(target)!r} can't be the name of a file: {error}.") from None
    finally:
        # Gone by now, unless something went wrong, an interrupt of the kernel included.
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
    return target


def _umask() -> int:
    # There is no way to read it but to set it; Linux tells it without.
    with contextlib.suppress(OSError):
        found = re.search(
            r"^Umask:\s*([0-7]+)", Path("/proc/self/status").read_text(), re.MULTILINE
        )
        if found:
            return int(found[1], 8)
    return 0o022


def _why(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "you may not write there. Choose another folder."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full. Free some space or choose another folder."
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "a part of its path is a file, not a folder. Choose another folder."
    if error.errno == errno.EISDIR:
        return "there is a folder of that name. Choose another name."
    if error.errno == errno.ENAMETOOLONG:
        return "its name is too long. Choose a shorter one."
    return f"{error.strerror or error}."


def _file_stem(text: str, length: int = 100) -> str:
    """A text as a part of a file name on every system: no separators, nothing that Windows refuses,
    not too long."""
    clean = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]+', "_", text).strip(". ")
    return clean[:length].rstrip(". ") or "image"


def _short(value: float, digits: int = 3) -> float:
    # Millionths of a pixel would only make the files longer.
    return round(value, digits) if math.isfinite(value) else value
