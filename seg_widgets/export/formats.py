"""The formats that come with the package, in the order of the panel's menu.

A new one is a function that makes its bytes and an entry in `BUILT_IN`; nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..drawing import overlay
from ..prediction import DEFAULT_FILTER, Filter, Prediction
from ..viewer import to_html
from .annotation_tools import to_label_studio, to_labelme
from .coco import coco_dataset, to_coco
from .files import as_json
from .png import File, cutout_files, mask_files, png_bytes
from .registry import ExportFormat, Result, register
from .snippet import to_python
from .tables import to_csv

__all__ = ["BUILT_IN"]


def _png(result: Result) -> bytes:
    only = None if result.filter is None else result.indices
    return png_bytes(overlay(result.image, result.prediction, result.style, only=only))


def _cutouts(result: Result) -> Iterator[File]:
    return cutout_files(result.prediction, result.image, result.file_stem, result.indices)


def _masks(result: Result) -> Iterator[File]:
    return mask_files(result.prediction, result.file_stem, result.indices)


def _coco(result: Result) -> bytes:
    return as_json(coco_dataset(result.prediction, result.file_name, only=result.indices))


def _results(result: Result) -> bytes:
    return as_json(to_coco(result.prediction, file_name=result.file_name, only=result.indices))


def _coco_together(file_names: Sequence[str], predictions: Sequence[Prediction]) -> bytes:
    return as_json(coco_dataset(predictions, file_names))


def _results_together(file_names: Sequence[str], predictions: Sequence[Prediction]) -> bytes:
    named = enumerate(zip(file_names, predictions, strict=True), start=1)
    found = [to_coco(each, image_id, file_name=name) for image_id, (name, each) in named]
    return as_json([result for results in found for result in results])


def _csv(result: Result) -> bytes:
    text = to_csv(result.prediction, only=result.indices, file_name=result.file_name)
    return text.encode("utf-8")


def _html(result: Result) -> bytes:
    # The page has all instances; the filter is what it shows at first.
    shown = result.filter or DEFAULT_FILTER
    name = result.name or result.stem
    page = to_html(result.prediction, result.image, name, filter=shown, style=result.style)
    return page.encode("utf-8", "replace")


def _labelme(result: Result) -> bytes:
    content = to_labelme(result.prediction, result.file_name, result.image, only=result.indices)
    return as_json(content)


def _label_studio(result: Result) -> bytes:
    return as_json([to_label_studio(result.prediction, result.file_name, only=result.indices)])


def _python(result: Result) -> bytes:
    lines = to_python(
        result.source or result.file_name,
        model=result.model,
        filter=result.filter or Filter(),
        style=result.style,
        uploaded=not result.source,
    )
    return lines.encode("utf-8", "replace")


BUILT_IN: Final = (
    ExportFormat(
        name="png",
        label="PNG",
        description="the image with what is drawn on it",
        loses="Everything but the pixels: classes and masks can't be read from it again.",
        suffix="-overlay.png",
        media_type="image/png",
        make=_png,
    ),
    ExportFormat(
        name="cutouts",
        label="Cut-outs",
        description="a ZIP of transparent PNGs, one for each instance",
        loses="Scores, and where in the image each instance was.",
        suffix="-cutouts.zip",
        media_type="application/zip",
        make_files=_cutouts,
    ),
    ExportFormat(
        name="masks",
        label="Masks",
        description="a ZIP of black-and-white PNGs, one for each mask",
        loses="The image, boxes and scores.",
        suffix="-masks.zip",
        media_type="application/zip",
        make_files=_masks,
        needs_masks=True,
    ),
    ExportFormat(
        name="coco",
        label="COCO",
        description="a data set in JSON, masks included",
        loses="The image; boxes and scores are rounded.",
        suffix="-coco.json",
        media_type="application/json",
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
        make=_results,
        make_together=_results_together,
    ),
    ExportFormat(
        name="csv",
        label="CSV",
        description="a table for spreadsheets",
        loses="The image and the masks; boxes and scores are rounded.",
        suffix=".csv",
        media_type="text/csv",
        make=_csv,
    ),
    ExportFormat(
        name="labelme",
        label="LabelMe",
        description="polygons in JSON for LabelMe, with the image inside",
        loses="Holes in masks: its polygons can't have them.",
        suffix="-labelme.json",
        media_type="application/json",
        make=_labelme,
    ),
    ExportFormat(
        name="labelstudio",
        label="Label Studio",
        description="polygons in JSON for Label Studio",
        loses="The image, and holes in masks: its polygons can't have them.",
        suffix="-labelstudio.json",
        media_type="application/json",
        make=_label_studio,
    ),
    ExportFormat(
        name="html",
        label="Web page",
        description="one file to explore in any browser, without Python",
        loses="A photograph's last details: it is a JPEG of quality 90.",
        suffix=".html",
        media_type="text/html",
        make=_html,
    ),
    ExportFormat(
        name="python",
        label="Copy Python",
        description="the lines that make what is shown",
        loses="The image and the result: the lines make them anew.",
        suffix=".py",
        media_type="text/x-python",
        make=_python,
        # Only the panel knows where the image came from and which model was used.
        in_save=False,
    ),
)
"""The formats that come with the package."""

for _export_format in BUILT_IN:
    register(_export_format)
