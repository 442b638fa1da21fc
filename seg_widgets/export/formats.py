"""The formats that come with the package, in the order of the panel's menu.

A new one is a function that makes its bytes and an entry in `BUILT_IN`; nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from ..drawing import contact_sheet, overlay
from ..prediction import DEFAULT_THRESHOLD, Filter, Prediction, to_csv
from ..tables import TableImage, TableInfo, encode_file
from ..viewer import to_html
from .coco import coco_dataset, to_coco
from .cvat import cvat_zip
from .export_format import ExportFormat, Result, Together
from .files import as_json
from .geojson import geojson_bytes
from .imagej import imagej_zip
from .label_image import label_image_bytes
from .label_studio import label_studio_json, to_label_studio
from .labelme import to_labelme
from .png import File, cutout_files, mask_files, png_bytes
from .registry import register
from .snippet import to_python
from .yolo import yolo_together, yolo_zip

__all__ = ["BUILT_IN"]


# ── images ────────────────────────────────────────────────────────────────────────────────────────


def _png(result: Result) -> bytes:
    only = None if result.filter is None else result.indices
    return png_bytes(overlay(result.image, result.prediction, result.style, only=only))


def _sheet(result: Result) -> bytes:
    return png_bytes(
        contact_sheet(result.image, result.prediction, result.style, only=result.indices)
    )


def _cutouts(result: Result) -> Iterator[File]:
    return cutout_files(result.prediction, result.image, result.file_stem, result.indices)


def _masks(result: Result) -> Iterator[File]:
    return mask_files(result.prediction, result.file_stem, result.indices)


# ── tables ────────────────────────────────────────────────────────────────────────────────────────


def _csv(result: Result) -> bytes:
    text = to_csv(
        result.prediction,
        only=result.indices,
        file_name=result.file_name,
        image_id=result.image_id,
    )
    return text.encode("utf-8")


def _csv_together(together: Together) -> bytes:
    lines: list[str] = []
    for image_id, name, each in together.images():
        head, *rows = to_csv(each, file_name=name, image_id=image_id).splitlines(keepends=True)
        lines += rows if lines else [head, *rows]
    text = "".join(lines) or to_csv(Prediction.empty((1, 1)))
    return text.encode("utf-8")


def _parquet(result: Result) -> bytes:
    image = TableImage(result.file_name, result.image_id, result.prediction, only=result.indices)
    return encode_file([image], TableInfo.of(result.prediction, model=result.model))


def _parquet_together(together: Together) -> bytes:
    images = [TableImage(name, image_id, each) for image_id, name, each in together.images()]
    first = together.predictions[:1]
    return encode_file(images, TableInfo.of(first[0]) if first else TableInfo())


# ── data sets and annotation tools ────────────────────────────────────────────────────────────────


def _coco(result: Result) -> bytes:
    ids = [result.image_id]
    return as_json(
        coco_dataset(result.prediction, result.file_name, image_ids=ids, only=result.indices)
    )


def _coco_together(together: Together) -> bytes:
    return as_json(
        coco_dataset(together.predictions, together.file_names, image_ids=together.image_ids)
    )


def _results(result: Result) -> bytes:
    return as_json(
        to_coco(result.prediction, result.image_id, file_name=result.file_name, only=result.indices)
    )


def _results_together(together: Together) -> bytes:
    found = [to_coco(each, image_id, file_name=name) for image_id, name, each in together.images()]
    return as_json([result for results in found for result in results])


def _yolo(result: Result) -> bytes:
    return yolo_zip(result.prediction, result.image, result.file_stem, only=result.indices)


def _yolo_together(together: Together) -> bytes:
    return yolo_together(together.file_names, together.predictions)


def _cvat(result: Result) -> bytes:
    ids = [result.image_id]
    return cvat_zip(result.prediction, result.file_name, image_ids=ids, only=result.indices)


def _cvat_together(together: Together) -> bytes:
    return cvat_zip(together.predictions, together.file_names, image_ids=together.image_ids)


def _label_studio(result: Result) -> bytes:
    task = to_label_studio(result.prediction, result.file_name, only=result.indices)
    return label_studio_json([task])


def _label_studio_polygons(result: Result) -> bytes:
    task = to_label_studio(
        result.prediction, result.file_name, masks="polygon", only=result.indices
    )
    return label_studio_json([task])


def _label_studio_together(together: Together) -> bytes:
    return label_studio_json([to_label_studio(each, name) for _, name, each in together.images()])


def _labelme(result: Result) -> bytes:
    content = to_labelme(result.prediction, result.file_name, result.image, only=result.indices)
    return as_json(content)


# ── masks for other programs ──────────────────────────────────────────────────────────────────────


def _label_tiff(result: Result) -> bytes:
    return _label_image(result, ".tif")


def _label_png(result: Result) -> bytes:
    return _label_image(result, ".png")


def _label_image(result: Result, suffix: str) -> bytes:
    return label_image_bytes(
        result.prediction, suffix, file_name=result.file_name, only=result.indices
    )


def _imagej(result: Result) -> bytes:
    return imagej_zip(result.prediction, only=result.indices, style=result.style)


def _geojson(result: Result) -> bytes:
    return geojson_bytes(
        result.prediction, file_name=result.file_name, only=result.indices, style=result.style
    )


# ── pages and code ────────────────────────────────────────────────────────────────────────────────


def _html(result: Result) -> bytes:
    # The page has all instances; the filter is what it shows at first. Without one it is all of
    # them, as in the other formats.
    shown = result.filter or Filter(_threshold_of_all(result.found))
    name = result.name or result.stem
    page = to_html(
        result.found,
        result.image,
        name,
        filter=shown,
        style=result.style,
        truth=result.truth,
        versus=result.versus,
        iou_threshold=result.iou_threshold,
    )
    return page.encode("utf-8", "replace")


def _threshold_of_all(prediction: Prediction) -> float:
    """The highest step of the page's slider at which all instances are shown."""
    if not len(prediction):
        return DEFAULT_THRESHOLD
    least = float(prediction.scores.min())
    # The hundredth itself where the score is its float32, which may be less.
    near = round(least, 2)
    if np.float32(near) <= np.float32(least):
        return near
    return max(0.0, round(near - 0.01, 2))


def _python(result: Result) -> bytes:
    lines = to_python(
        result.source or result.file_name,
        model=result.model,
        speed=result.speed,
        filter=result.filter or Filter(),
        style=result.style,
        uploaded=not result.source,
    )
    return lines.encode("utf-8", "replace")


_IMAGES, _TABLES, _SETS = "Images", "Tables", "Data sets"
_TOOLS, _PROGRAMS, _PAGES = "Annotation tools", "Masks for other programs", "Share and repeat"

BUILT_IN: Final = (
    ExportFormat(
        name="png",
        label="PNG",
        description="the image with what is drawn on it",
        loses="Everything but the pixels: classes and masks can't be read from it again.",
        suffix="-overlay.png",
        media_type="image/png",
        group=_IMAGES,
        make=_png,
    ),
    ExportFormat(
        name="sheet",
        label="Contact sheet",
        description="each instance in a tile, with its number and score",
        loses="Everything but the pixels; large instances are made smaller.",
        suffix="-sheet.png",
        media_type="image/png",
        group=_IMAGES,
        make=_sheet,
    ),
    ExportFormat(
        name="cutouts",
        label="Cut-outs",
        description="a ZIP of transparent PNGs, one for each instance",
        loses="Scores, and where in the image each instance was.",
        suffix="-cutouts.zip",
        media_type="application/zip",
        group=_IMAGES,
        make_files=_cutouts,
    ),
    ExportFormat(
        name="masks",
        label="Masks",
        description="a ZIP of black-and-white PNGs, one for each mask",
        loses="The image, boxes and scores.",
        suffix="-masks.zip",
        media_type="application/zip",
        group=_IMAGES,
        make_files=_masks,
        needs_masks=True,
    ),
    ExportFormat(
        name="csv",
        label="CSV",
        description="a table for spreadsheets",
        loses="The image and the masks; boxes and scores are rounded.",
        suffix=".csv",
        media_type="text/csv",
        group=_TABLES,
        make=_csv,
        make_together=_csv_together,
        each_alone=True,
    ),
    ExportFormat(
        name="parquet",
        label="Parquet",
        description="a table with masks for pandas, polars and DuckDB",
        loses="The image.",
        suffix=".parquet",
        media_type="application/vnd.apache.parquet",
        group=_TABLES,
        make=_parquet,
        make_together=_parquet_together,
    ),
    ExportFormat(
        name="coco",
        label="COCO",
        description="a data set in JSON, masks included",
        loses="The image; boxes and scores are rounded.",
        suffix="-coco.json",
        media_type="application/json",
        group=_SETS,
        make=_coco,
        make_together=_coco_together,
    ),
    ExportFormat(
        name="results",
        label="COCO results",
        description="a list of results in JSON, for COCO's evaluation",
        loses="The image and the names of the classes; boxes and scores are rounded.",
        suffix="-results.json",
        media_type="application/json",
        group=_SETS,
        make=_results,
        make_together=_results_together,
    ),
    ExportFormat(
        name="yolo",
        label="YOLO",
        description="a ZIP with the image, its segmentation labels and data.yaml",
        loses="Scores, and holes in masks, which are filled; pieces are joined by a line.",
        suffix="-yolo.zip",
        media_type="application/zip",
        group=_SETS,
        make=_yolo,
        make_together=_yolo_together,
        each_alone=True,
    ),
    ExportFormat(
        name="cvat",
        label="CVAT",
        description="a ZIP that CVAT imports as COCO 1.0, with the labels to paste",
        loses="The image; boxes and scores are rounded.",
        suffix="-cvat.zip",
        media_type="application/zip",
        group=_TOOLS,
        make=_cvat,
        make_together=_cvat_together,
        each_alone=True,
    ),
    ExportFormat(
        name="labelme",
        label="LabelMe",
        description="masks in JSON for LabelMe, with the image inside",
        loses="Boxes of instances that have masks; scores are only described.",
        suffix="-labelme.json",
        media_type="application/json",
        group=_TOOLS,
        make=_labelme,
    ),
    ExportFormat(
        name="labelstudio",
        label="Label Studio",
        description="brushes in JSON for Label Studio, with the labeling config",
        loses="The image, and boxes of instances that have masks.",
        suffix="-labelstudio.json",
        media_type="application/json",
        group=_TOOLS,
        make=_label_studio,
        make_together=_label_studio_together,
        each_alone=True,
    ),
    ExportFormat(
        name="labelstudio-polygons",
        label="Label Studio polygons",
        description="polygons in JSON for Label Studio, easier to correct",
        loses="The image, and holes in masks, which are filled; each piece is a region.",
        suffix="-labelstudio-polygons.json",
        media_type="application/json",
        group=_TOOLS,
        make=_label_studio_polygons,
    ),
    ExportFormat(
        name="labels",
        label="Label image (TIFF)",
        description="each pixel has the number of its instance, for napari and CellProfiler",
        loses="What of a mask lies below a smaller one.",
        suffix="-labels.tif",
        media_type="image/tiff",
        group=_PROGRAMS,
        make=_label_tiff,
        needs_masks=True,
    ),
    ExportFormat(
        name="labels-png",
        label="Label image (PNG)",
        description="the same as a PNG of 16 bits",
        loses="What of a mask lies below a smaller one; it has at most 65,535 instances.",
        suffix="-labels.png",
        media_type="image/png",
        group=_PROGRAMS,
        make=_label_png,
        needs_masks=True,
    ),
    ExportFormat(
        name="imagej",
        label="ImageJ ROIs",
        description="a ZIP for the ROI Manager of ImageJ and Fiji",
        loses="The image; classes and scores are only in the names.",
        suffix="-rois.zip",
        media_type="application/zip",
        group=_PROGRAMS,
        make=_imagej,
    ),
    ExportFormat(
        name="geojson",
        label="GeoJSON",
        description="polygons with holes in pixels, for QuPath and GIS",
        loses="The image, and boxes of instances that have masks.",
        suffix=".geojson",
        media_type="application/geo+json",
        group=_PROGRAMS,
        make=_geojson,
    ),
    ExportFormat(
        name="html",
        label="Web page",
        description="one file to explore in any browser, without Python",
        loses="A photograph's last details: it is a JPEG of quality 90.",
        suffix=".html",
        media_type="text/html",
        group=_PAGES,
        make=_html,
    ),
    ExportFormat(
        name="python",
        label="Copy Python",
        description="the lines that make what is shown",
        loses="The image and the result: the lines make them anew.",
        suffix=".py",
        media_type="text/x-python",
        group=_PAGES,
        make=_python,
        # Only the panel knows where the image came from and which model was used.
        in_save=False,
    ),
)
"""The formats that come with the package."""

for _export_format in BUILT_IN:
    register(_export_format)
