"""Results as files: images, COCO, CSV, annotation tools, a page."""

from __future__ import annotations

from .formats import _MAKERS as MAKERS  # the panel's exports; until there is a registry
from .formats import (
    CSV_COLUMNS,
    FORMATS,
    CocoAnnotation,
    CocoResult,
    coco_dataset,
    cutouts_zip,
    png_bytes,
    save,
    save_cutouts,
    save_masks,
    save_overlay_png,
    to_coco,
    to_csv,
    to_label_studio,
    to_labelme,
    to_python,
    to_supervision,
    write_bytes,
)
from .formats import _file_stem as file_stem

__all__ = [
    "CSV_COLUMNS",
    "FORMATS",
    "MAKERS",
    "CocoAnnotation",
    "CocoResult",
    "coco_dataset",
    "cutouts_zip",
    "file_stem",
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
