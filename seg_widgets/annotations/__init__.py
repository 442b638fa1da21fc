"""COCO's JSON as annotation tools write it: brought to one form, checked, and what is wrong in it.

It knows no image file, no model and no `Prediction`. `finetuning/` reads whole data sets with it,
`prediction/` the truth of one image.
"""

from __future__ import annotations

from .annotation_file import AnnotationFile, annotations_of, read_annotation_file
from .categories import Classes, read_categories
from .image_names import find_name, listed_names, name_fit, name_parts, stem
from .problem import Problem, summarize
from .segmentation import REACHES_OVER, decode, encode_rle, find_fault, normalize
from .values import MOST_PIXELS, Identity, IdIndex, as_flag, as_id, as_number, as_size

__all__ = [
    "MOST_PIXELS",
    "REACHES_OVER",
    "AnnotationFile",
    "Classes",
    "IdIndex",
    "Identity",
    "Problem",
    "annotations_of",
    "as_flag",
    "as_id",
    "as_number",
    "as_size",
    "decode",
    "encode_rle",
    "find_fault",
    "find_name",
    "listed_names",
    "name_fit",
    "name_parts",
    "normalize",
    "read_annotation_file",
    "read_categories",
    "stem",
    "summarize",
]
