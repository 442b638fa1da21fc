"""Predictions as Arrow data, which pandas, polars, DuckDB and others take without a copy.

The library is arro3: 8 ms to import and a fifth of pyarrow's size. It is
imported when it is needed.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from ..errors import DependencyError, SettingError
from .columns import INSTANCE_COLUMNS, Column, instance_columns
from .selection import Chosen

if TYPE_CHECKING:
    from arro3.core import Array, RecordBatch, Schema

    from .prediction import Prediction

__all__ = [
    "arrow_schema",
    "arrow_stream",
    "data_frame",
    "instance_batch",
    "record_batch",
    "require_arro3",
    "to_df",
]

_LIBRARIES: Final = ("pandas", "polars")
_INSTALL: Final = "pip install 'seg-widgets[table]'"


def require_arro3() -> None:
    """Check that Arrow data can be made here.

    Raises:
        DependencyError: arro3 is missing or broken.
    """
    try:
        import arro3.core  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            f"Tables need the packages arro3-core and arro3-io, which can't be imported ({error}). "
            f"Install them with: {_INSTALL}"
        ) from None


def arrow_schema(columns: Sequence[Column], metadata: Mapping[str, str] | None = None) -> Schema:
    """Columns as an Arrow schema.

    Args:
        columns: such as `INSTANCE_COLUMNS`.
        metadata: goes with the schema.

    Returns:
        The schema.

    Raises:
        DependencyError: arro3 is missing or broken.
    """
    require_arro3()
    from arro3.core import DataType, Field, Schema

    types = {
        "int32": DataType.int32(),
        "int64": DataType.int64(),
        "float32": DataType.float32(),
        "string": DataType.utf8(),
    }
    fields = [Field(each.name, types[each.kind], nullable=each.nullable) for each in columns]
    return Schema(fields, metadata=dict(metadata or {}))


def record_batch(columns: Sequence[Column], values: Mapping[str, Any]) -> RecordBatch:
    """Values by column as one Arrow record batch.

    Args:
        columns: such as `INSTANCE_COLUMNS`.
        values: column name → N values: an array of the column's type, or a list.

    Returns:
        The batch.

    Raises:
        DependencyError: arro3 is missing or broken.
    """
    schema = arrow_schema(columns)
    from arro3.core import RecordBatch

    arrays = [_array(values[each.name], schema.field(each.name).type) for each in columns]
    return RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Any, kind: Any) -> Array:
    from arro3.core import Array

    if isinstance(values, np.ndarray):
        return Array.from_numpy(np.ascontiguousarray(values))
    return Array(values, kind)


def instance_batch(
    prediction: Prediction, file_name: str = "", image_id: int = 1, *, only: Chosen | None = None
) -> RecordBatch:
    """One image's instances as an Arrow record batch with the columns `INSTANCE_COLUMNS`.

    Args:
        prediction: what was found.
        file_name: the image's path, address or name.
        image_id: the image's number.
        only: the instances to take; None: all. `instance` stays the index among all of them.

    Returns:
        The batch.

    Raises:
        SettingError: an index in `only` is not here.
        DependencyError: arro3 is missing or broken.
    """
    require_arro3()
    values = instance_columns(prediction, file_name, image_id, only=only)
    return record_batch(INSTANCE_COLUMNS, values)


def arrow_stream(prediction: Prediction, requested_schema: object | None = None) -> object:
    """The instances as an Arrow stream, so that `polars.DataFrame(prediction)` and the like work.

    It is the method `Prediction.__arrow_c_stream__` of Arrow's PyCapsule interface.

    Args:
        prediction: what was found.
        requested_schema: a capsule of the schema that the reader would like.

    Returns:
        A capsule.

    Raises:
        DependencyError: arro3 is missing or broken.
    """
    batch = instance_batch(prediction)
    from arro3.core import Table

    return Table.from_batches([batch], schema=batch.schema).__arrow_c_stream__(requested_schema)


def to_df(
    prediction: Prediction,
    library: Literal["pandas", "polars"] | None = None,
    *,
    file_name: str = "",
    image_id: int = 1,
) -> Any:
    """The instances as a data frame with the columns `INSTANCE_COLUMNS`.

    It is the method `Prediction.to_df`.

    Args:
        prediction: what was found.
        library: "pandas" or "polars"; None: the one that is imported already, else the one that is
            installed, pandas first.
        file_name: the image's path, address or name, in each row.
        image_id: the image's number, in each row.

    Returns:
        A `pandas.DataFrame` or a `polars.DataFrame` with a row for each instance.

    Raises:
        SettingError: `library` is something else.
        DependencyError: the library is not installed.
    """
    values = instance_columns(prediction, file_name, image_id)
    return data_frame(INSTANCE_COLUMNS, values, library)


def data_frame(
    columns: Sequence[Column],
    values: Mapping[str, Any],
    library: Literal["pandas", "polars"] | None = None,
) -> Any:
    """Values by column as a data frame; needs no arro3.

    Args:
        columns: such as `INSTANCE_COLUMNS`.
        values: column name → N values: an array of the column's type, or a list.
        library: "pandas" or "polars"; None: the one that is there.

    Returns:
        A `pandas.DataFrame` or a `polars.DataFrame`.

    Raises:
        SettingError: `library` is something else.
        DependencyError: the library is not installed.
    """
    chosen = _frame_library(library)
    frames = importlib.import_module(chosen)
    if chosen == "polars":
        types = {"int32": frames.Int32, "int64": frames.Int64, "float32": frames.Float32}
        schema = {each.name: types.get(each.kind, frames.String) for each in columns}
        return frames.DataFrame({each.name: values[each.name] for each in columns}, schema=schema)
    kinds = {each.name: each.kind for each in columns if each.kind != "string"}
    frame = frames.DataFrame({each.name: values[each.name] for each in columns})
    return frame.astype(kinds)


def _frame_library(library: str | None) -> str:
    if library not in (None, *_LIBRARIES):
        raise SettingError(f'A data frame is one of "pandas" or "polars", not of {library!r}.')
    wanted = [library] if library else sorted(_LIBRARIES, key=lambda each: each not in sys.modules)
    for each in wanted:
        if each in sys.modules or importlib.util.find_spec(each) is not None:
            return each
    raise DependencyError(
        f"A data frame needs {' or '.join(wanted)}, which is not installed. Install it with: "
        f"pip install {wanted[0]}"
    )
