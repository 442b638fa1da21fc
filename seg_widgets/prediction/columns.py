"""The columns that describe instances and images wherever they are a table: Arrow, Parquet, pandas,
polars, CSV.

The schema has a version. A column that is added gives the next one; none is renamed or removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from .._text import well_formed
from .categories import category_ids as ids_of
from .selection import Chosen

if TYPE_CHECKING:
    from .prediction import Prediction

__all__ = [
    "IMAGE_COLUMNS",
    "INSTANCE_COLUMNS",
    "SCHEMA_VERSION",
    "Column",
    "columns_table",
    "instance_columns",
]

SCHEMA_VERSION: Final = 1
"""The version of `INSTANCE_COLUMNS` and `IMAGE_COLUMNS`, which each file has in its metadata."""

Kind = Literal["int32", "int64", "float32", "string"]


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    """What it is called."""

    kind: Kind
    """The type of its values."""

    meaning: str
    """What it holds, with its unit."""

    nullable: bool = False
    """A value may be missing."""


INSTANCE_COLUMNS: Final = (
    Column("file_name", "string", "the image's path, address or name, as it was given"),
    Column("image_id", "int64", "the image's number in the run, the same as in COCO's files"),
    Column("width", "int32", "the image's width in pixels"),
    Column("height", "int32", "the image's height in pixels"),
    Column("instance", "int32", "which instance of its image it is, 0 for the first"),
    Column("class_id", "int32", "the model's id of the class: an index into its class names"),
    Column("class_name", "string", "the name of the class"),
    Column("category_id", "int64", "the id of the class in its data set, as COCO's files have it"),
    Column("score", "float32", "how sure the model is, 0 to 1"),
    Column("x1", "float32", "the box's left edge in pixels"),
    Column("y1", "float32", "the box's top edge in pixels"),
    Column("x2", "float32", "the box's right edge in pixels"),
    Column("y2", "float32", "the box's bottom edge in pixels"),
    Column("area", "int64", "pixels of the mask, or of the box where there is no mask"),
    Column("rle", "string", "the mask: COCO's compressed RLE of height×width; null: no mask", True),
)
"""One row for each instance."""

IMAGE_COLUMNS: Final = (
    *INSTANCE_COLUMNS[:2],
    Column("width", "int32", "the image's width in pixels; null: it was not read", True),
    Column("height", "int32", "the image's height in pixels; null: it was not read", True),
    Column("instances", "int32", "how many rows it has in the table of instances"),
    Column(
        "notes", "string", "what a person should know of its result, a line each; null: none", True
    ),
    Column("error", "string", "why it has no result; null: it has one", True),
)
"""One row for each image, also of those without instances."""


def instance_columns(
    prediction: Prediction,
    file_name: str = "",
    image_id: int = 1,
    *,
    only: Chosen | None = None,
    masks: bool = True,
) -> dict[str, Any]:
    """The values of `INSTANCE_COLUMNS` for one image.

    Args:
        prediction: what was found.
        file_name: the image's path, address or name.
        image_id: the image's number.
        only: the instances to take; None: all. `instance` stays the index among all of them.
        masks: also encode the masks, which takes the most time.

    Returns:
        Column name → N values: NumPy arrays of the column's type, lists of text. `rle` is a list of
        None for a prediction without masks.

    Raises:
        SettingError: an index in `only` is not here.
    """
    chosen = np.arange(len(prediction)) if only is None else prediction.indices(only)
    class_ids = prediction.class_ids[chosen]
    boxes = prediction.boxes[chosen]
    height, width = prediction.image_size
    categories = np.array(ids_of(prediction), np.int64)
    values: dict[str, Any] = {
        "file_name": [well_formed(file_name)] * len(chosen),
        "image_id": np.full(len(chosen), image_id, np.int64),
        "width": np.full(len(chosen), width, np.int32),
        "height": np.full(len(chosen), height, np.int32),
        "instance": chosen.astype(np.int32),
        "class_id": class_ids.astype(np.int32),
        "class_name": [prediction.class_names[class_id] for class_id in class_ids.tolist()],
        "category_id": categories[class_ids],
        "score": prediction.scores[chosen],
        **{name: boxes[:, side] for side, name in enumerate(("x1", "y1", "x2", "y2"))},
        "area": prediction.areas[chosen],
    }
    values["rle"] = _counts(prediction, chosen.tolist()) if masks else [None] * len(chosen)
    return values


def _counts(prediction: Prediction, chosen: list[int]) -> list[str | None]:
    crops, size = prediction.masks, prediction.image_size
    if crops is None:
        return [None] * len(chosen)
    return [crops[index].rle(size)["counts"] for index in chosen]


def columns_table(columns: tuple[Column, ...]) -> str:
    """Columns as a table for the docs.

    Args:
        columns: `INSTANCE_COLUMNS` or `IMAGE_COLUMNS`.

    Returns:
        Markdown.
    """
    rows = ["| column | type | what it holds |", "|---|---|---|"]
    rows += [f"| `{each.name}` | {each.kind} | {each.meaning} |" for each in columns]
    return "\n".join(rows)
