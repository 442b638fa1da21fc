"""Results as files: images, COCO, CSV, annotation tools, a page, and what else is registered.

Functions named `to_…` return a value and write nothing; those named `save…` write files.
"""

from __future__ import annotations

from ..prediction import category_ids
from .annotation_tools import to_label_studio, to_labelme, to_supervision
from .coco import CocoAnnotation, CocoResult, coco_dataset, to_coco
from .files import file_stem, write_bytes
from .formats import BUILT_IN
from .names import unique_names, unique_stems
from .png import cutouts_zip, png_bytes, save_cutouts, save_masks, save_overlay_png
from .registry import (
    DEFAULT_FORMATS,
    FORMATS,
    ExportedFile,
    ExportFormat,
    Result,
    formats_table,
    make,
    menu_formats,
    register,
    save,
    save_formats,
    save_together,
    unregister,
)
from .snippet import to_python
from .tables import CSV_COLUMNS, harmless, to_csv

__all__ = [
    "BUILT_IN",
    "CSV_COLUMNS",
    "DEFAULT_FORMATS",
    "FORMATS",
    "CocoAnnotation",
    "CocoResult",
    "ExportFormat",
    "ExportedFile",
    "Result",
    "category_ids",
    "coco_dataset",
    "cutouts_zip",
    "file_stem",
    "formats_table",
    "harmless",
    "make",
    "menu_formats",
    "png_bytes",
    "register",
    "save",
    "save_cutouts",
    "save_formats",
    "save_masks",
    "save_overlay_png",
    "save_together",
    "to_coco",
    "to_csv",
    "to_label_studio",
    "to_labelme",
    "to_python",
    "to_supervision",
    "unique_names",
    "unique_stems",
    "unregister",
    "write_bytes",
]
