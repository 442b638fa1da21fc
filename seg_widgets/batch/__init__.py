"""Many images: found, taken through a model, and written as one table, on one machine or on many.

A run that was stopped goes on where it was; an image that fails costs no other.
"""

from __future__ import annotations

from .dataset import OBJECT_COLUMNS, segment_dataset
from .failures import FAILURE_COLUMNS, Failure
from .folder import segment_folder
from .job import IMAGES_PER_PART, Job, Model, described_by
from .journal import Finished, Journal
from .listing import Found, find_images, folder_of, names_several
from .on_ray import Workers
from .outcome import Outcome
from .pipeline import Reading, batch_size, segment_groups
from .run import find_for_run
from .summary import RunSummary, left_nothing

__all__ = [
    "FAILURE_COLUMNS",
    "IMAGES_PER_PART",
    "OBJECT_COLUMNS",
    "Failure",
    "Finished",
    "Found",
    "Job",
    "Journal",
    "Model",
    "Outcome",
    "Reading",
    "RunSummary",
    "Workers",
    "batch_size",
    "described_by",
    "find_for_run",
    "find_images",
    "folder_of",
    "left_nothing",
    "names_several",
    "segment_dataset",
    "segment_folder",
    "segment_groups",
]
