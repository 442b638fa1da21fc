"""`segment_dataset`: a Ray Data set of images gets columns of what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from ..images import Channels, Contrast
from ..modeling import STARTER
from ..prediction import (
    DEFAULT_FILTER,
    Filter,
    Prediction,
    Predictor,
    check_class_names,
    instance_batch,
)
from .failures import failure_of
from .job import Job, Model
from .on_ray import MakePredictor, Workers, maker_of, ray_data
from .outcome import Outcome
from .pipeline import Reading, batch_size, segment_groups

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset

__all__ = ["OBJECT_COLUMNS", "segment_dataset"]

OBJECT_COLUMNS: Final = (
    *("instance", "class_id", "class_name", "category_id", "score"),
    *("x1", "y1", "x2", "y2", "area", "rle"),
)
"""The fields of each of a row's `objects`: columns of the working table."""


def segment_dataset(
    dataset: Dataset,
    predictor: Predictor | str | Any = STARTER,
    *,
    column: str = "path",
    filter: Filter = DEFAULT_FILTER,
    only: Sequence[str] = (),
    contrast: Contrast = "auto",
    channels: Channels = None,
    page: int | None = None,
    batch_size: int = 16,
    workers: Workers = Workers(),  # noqa: B008 - it is frozen
) -> Dataset:
    """Find the objects in the images of a Ray Data set.

    It is lazy, as all of Ray Data: nothing runs before the rows are taken or written. Each worker
    builds the model once. What comes too fast waits, and what is lost with a worker is done again.
    For files that say where a run was stopped, use `segment_folder(…, ray=True)`, or Ray Data's
    own checkpoints.

    Args:
        dataset: its rows are images.
        predictor: a model's name, a function that builds a predictor, or one that can be pickled.
        column: the column that has the images: paths or addresses, the bytes of files (as
            `ray.data.read_binary_files` gives them), or H×W×3 uint8 arrays (`read_images`). Bytes
            and arrays are not in the result.
        filter: which instances are in the results, as in the panel.
        only: the names of the classes that are in the results; empty: all.
        contrast: how values of more than 8 bits are shown; see `load`.
        channels: which channels are shown; see `load`.
        page: which page or frame; see `load`.
        batch_size: images that are sent to a worker at a time.
        workers: how many workers there are, and what each gets.

    Returns:
        The data set with these columns more: `width` and `height` in pixels; `objects`, a list of
        structs with the fields `OBJECT_COLUMNS`; `notes`, what a person should know of the result;
        and `error`, why there is none. What fails in one row costs no other.

    Raises:
        DependencyError: Ray is not installed.
        SettingError: a number is out of its range.
    """
    ray_data()
    job = Job(
        Model("", ""),
        filter,
        check_class_names("only", only),
        (),
        Reading(contrast, channels, page),
    )
    segmented: Dataset = dataset.map_batches(
        _RowActor,
        batch_size=batch_size,
        batch_format="pyarrow",
        fn_constructor_args=(maker_of(predictor), column, job),
        **workers.options(),
    )
    return segmented


class _RowActor:
    """A worker: builds the model once, and adds the columns to one batch after the other.

    Args:
        make: builds the model.
        column: the column that has the images.
        job: what is done with each.
    """

    def __init__(self, make: MakePredictor, column: str, job: Job) -> None:
        self._predictor = make()
        job.check_names(tuple(getattr(self._predictor, "class_names", ())))
        self._column, self._job = column, job

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Add the columns.

        Args:
            batch: rows with the column of images.

        Returns:
            The same rows with the columns more.
        """
        import pyarrow as pa

        sources = _values(batch.column(self._column))
        size = batch_size(self._predictor)
        groups = [sources[start : start + size] for start in range(0, len(sources), size)]
        rows = [
            self._row(outcome)
            for outcomes in segment_groups(
                groups, self._predictor, self._job.reading, self._job.keep
            )
            for outcome in outcomes
        ]
        if not all(isinstance(source, str) for source in sources):
            batch = batch.drop_columns([self._column])
        predictions = [prediction for prediction, _ in rows]
        sizes = [(None, None) if one is None else one.image_size for one in predictions]
        notes = ["" if one is None else "\n".join(one.notes) for one in predictions]
        columns = {
            "width": pa.array([width for _, width in sizes], pa.int32()),
            "height": pa.array([height for height, _ in sizes], pa.int32()),
            "objects": self._objects(predictions),
            "notes": pa.array([text or None for text in notes], pa.string()),
            "error": pa.array([error for _, error in rows], pa.string()),
        }
        for name, values in columns.items():
            batch = batch.append_column(name, values)
        return batch

    def _row(self, outcome: Outcome) -> tuple[Prediction | None, str | None]:
        if outcome.prediction is None:
            return None, failure_of(outcome.error)[1]
        return outcome.prediction, None

    def _objects(self, predictions: Sequence[Prediction | None]) -> pa.ListArray:
        """What is shown of several images, as a list of structs for each."""
        import pyarrow as pa

        batches = [self._objects_of(one) for one in predictions]
        offsets = [0]
        for one in batches:
            offsets.append(offsets[-1] + one.num_rows)
        table = pa.Table.from_batches(batches).select(list(OBJECT_COLUMNS)).combine_chunks()
        arrays = [table.column(name).combine_chunks() for name in OBJECT_COLUMNS]
        structs = pa.StructArray.from_arrays(arrays, fields=list(table.schema))
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs)

    def _objects_of(self, prediction: Prediction | None) -> pa.RecordBatch:
        import pyarrow as pa

        if prediction is None:
            return pa.record_batch(instance_batch(Prediction.empty((1, 1))))
        keep = self._job.keep(prediction)
        shown = self._job.filter.reshaped(prediction)
        return pa.record_batch(instance_batch(shown, only=keep))


def _values(column: pa.ChunkedArray) -> list[Any]:
    """The images of a column: texts, bytes or arrays."""
    import pyarrow as pa

    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    if any(is_kind(column.type) for is_kind in (*kinds, pa.types.is_large_binary)):
        values: list[Any] = column.to_pylist()
        return values
    return list(column.combine_chunks().to_numpy(zero_copy_only=False))
