"""Results as files: images, COCO, CSV, annotation tools, a page, and what else is registered.

Functions named `to_…` return a value and write nothing; those named `save…` write files.
"""

from __future__ import annotations

from ..prediction import CSV_COLUMNS, category_ids, harmless, to_csv, to_supervision
from .coco import CocoAnnotation, CocoResult, coco_dataset, to_coco
from .cvat import cvat_labels, cvat_zip
from .export_format import ExportedFile, ExportFormat, Result, Together
from .files import file_stem, write_bytes
from .formats import BUILT_IN
from .geojson import to_geojson
from .imagej import imagej_zip
from .label_image import to_label_image
from .label_studio import label_studio_config, to_label_studio
from .labelme import to_labelme
from .names import unique_names, unique_stems
from .own_files import is_own_image
from .png import cutouts_zip, png_bytes, save_cutouts, save_masks, save_overlay_png
from .registry import (
    DEFAULT_FORMATS,
    FORMATS,
    each_formats,
    formats_table,
    make,
    make_each,
    make_together,
    menu_formats,
    register,
    result_file_name,
    save,
    save_formats,
    save_together,
    together_formats,
    unregister,
    zip_together,
)
from .snippet import to_python
from .yolo import to_yolo

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
    "Together",
    "category_ids",
    "coco_dataset",
    "cutouts_zip",
    "cvat_labels",
    "cvat_zip",
    "each_formats",
    "file_stem",
    "formats_table",
    "harmless",
    "imagej_zip",
    "is_own_image",
    "label_studio_config",
    "make",
    "make_each",
    "make_together",
    "menu_formats",
    "png_bytes",
    "register",
    "result_file_name",
    "save",
    "save_cutouts",
    "save_formats",
    "save_masks",
    "save_overlay_png",
    "save_together",
    "to_coco",
    "to_csv",
    "to_geojson",
    "to_label_image",
    "to_label_studio",
    "to_labelme",
    "to_python",
    "to_supervision",
    "to_yolo",
    "together_formats",
    "unique_names",
    "unique_stems",
    "unregister",
    "write_bytes",
    "zip_together",
]
