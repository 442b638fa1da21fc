"""The same run on several processes or machines, by Ray Data: https://docs.ray.io/en/latest/data/.

Ray schedules, restarts what is lost, and holds back what comes too fast. Each actor builds the
model once, and does whole parts of a run, with the functions of the run on one machine. So the
files are the same, whoever wrote them and however often.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from ..errors import DependencyError, SegWidgetsError, SettingError
from ..modeling import as_predictor, load_predictor
from ..prediction import Predictor
from .giving_up import FailureWatch
from .job import Described, Job, described_by
from .journal import absolute
from .mending import MendedPart
from .part import Part, PartSummary, finished_part
from .pipeline import batch_size, segment_groups
from .plan import Plan
from .progress import Bar
from .run import Run
from .store import open_store

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "MakePredictor",
    "Workers",
    "connect",
    "describe",
    "do_on_ray",
    "maker_of",
    "ray_data",
]

MakePredictor = Callable[[], Predictor]
"""Builds the model, in the process that needs it."""

_MOST_BLOCKS: Final = 4096
"""Ray's driver keeps a record of each block."""


@dataclass(frozen=True)
class Workers:
    """How many processes there are, and what each of them gets.

    Raises:
        SettingError: a number is out of its range.
    """

    count: int | None = None
    """How many there are at most; None: one for each GPU, or one for each `cpus` cores."""

    gpus: float | None = None
    """GPUs of each; a fraction is shared. None: 1 where the cluster has any."""

    cpus: float = 1
    """CPU cores of each, which are also torch's threads."""

    def __post_init__(self) -> None:
        if self.count is not None and (type(self.count) is not int or self.count < 1):
            raise SettingError(f"The workers are a whole number from 1 on, not {self.count!r}.")
        if not self.cpus > 0 or not (self.gpus is None or self.gpus >= 0):
            raise SettingError(
                f"A worker has more than 0 cores and 0 GPUs or more, not {self.cpus!r} and "
                f"{self.gpus!r}."
            )

    def options(self) -> dict[str, Any]:
        """The arguments of `Dataset.map_batches`, for the cluster that is connected."""
        there = import_ray().cluster_resources()
        gpus = self.gpus
        if gpus is None:
            gpus = 1 if there.get("GPU", 0) else 0
        kind, each = ("GPU", gpus) if gpus else ("CPU", self.cpus)
        most = self.count or max(1, int(there.get(kind, 1) // each))
        # Ray sets OMP_NUM_THREADS of a worker to its cores.
        pool = ray_data().ActorPoolStrategy(min_size=1, max_size=most)
        return {"num_cpus": self.cpus, "num_gpus": gpus, "compute": pool}


def import_ray() -> Any:
    """Import Ray.

    Returns:
        The package.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise DependencyError(
            f"Several machines need the package ray, which can't be imported ({error}). Install "
            "it: pip install 'seg-widgets[ray]'"
        ) from None
    return ray


def ray_data() -> Any:
    """Import Ray Data, which needs pyarrow.

    Returns:
        The module `ray.data`.

    Raises:
        DependencyError: it is not installed.
    """
    import_ray()
    try:
        import ray.data
    except ImportError as error:
        raise DependencyError(
            f"Ray Data can't be imported ({error}). Install it: pip install 'seg-widgets[ray]'"
        ) from None
    return ray.data


def maker_of(predictor: Any) -> MakePredictor:
    """How a worker gets its model.

    Args:
        predictor: a model's name or folder, a function without arguments that builds a predictor,
            or a predictor that can be pickled.

    Returns:
        A function that can be sent to a worker.
    """
    if isinstance(predictor, (str, Path)):
        return partial(load_predictor, os.fsdecode(predictor))
    # A class is called, too; a predictor takes an image.
    if isinstance(predictor, (type, partial)) or _takes_nothing(predictor):
        return _Built(predictor)
    return partial(as_predictor, predictor)


def connect(address: str | None) -> None:
    """Connect to a cluster, or start one on this machine.

    Args:
        address: as `ray.init` takes it; "" or None: the one that `RAY_ADDRESS` names, else one of
            this machine. Nothing happens where a program is connected already.
    """
    ray = import_ray()
    if not ray.is_initialized():
        ray.init(address=address or None, log_to_driver=False, include_dashboard=False)


def describe(make: MakePredictor, workers: Workers) -> Described:
    """Let a worker build the model, to see what it is.

    Args:
        make: builds it.
        workers: what the worker gets.

    Returns:
        What it is.

    Raises:
        ModelError: it can't be built.
    """
    ray = import_ray()
    options = workers.options()
    remote = ray.remote(num_cpus=options["num_cpus"], num_gpus=options["num_gpus"])(_describe)
    try:
        found: Described = ray.get(remote.remote(make))
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    return found


def _describe(make: MakePredictor) -> Described:
    return described_by(make())


def do_on_ray(
    run: Run, make: MakePredictor, workers: Workers, bar: Bar
) -> Generator[None, None, None]:
    """Do the parts of a run that are left.

    Args:
        run: the run.
        make: builds the model.
        workers: how many there are.
        bar: is updated as parts are done.

    Yields:
        After each part, so that the caller can stop.

    Raises:
        InferenceError: the model of a worker has failed on too many images in a row.
        SegWidgetsError: what else ends a run, such as a disk that is full.
    """
    images = {number: len(tasks) for number, tasks in run.pending()}
    bar.update(run.done_before)
    left = list(images)
    given = make, absolute(run.out), run.job, run.retry
    # A second time for what a worker could not tell: whether its model fails on everything.
    for is_last in (False, True):
        if not left:
            return
        undecided = []
        parts = {number: run.missing.get(number, ()) for number in left}
        for row in _rows(parts, (*given, is_last), workers):
            number = int(row["part"])
            if row["error"]:
                raise _error_of(row["error"])
            if not row["summary"]:
                undecided.append(number)
                continue
            run.finish(number, PartSummary.from_json(row["summary"]))
            bar.update(images[number])
            if run.failed:
                bar.set_postfix_str(f"{run.failed} failed")
            yield
        left = undecided


def _rows(
    parts: Mapping[int, tuple[str, ...]], arguments: tuple[Any, ...], workers: Workers
) -> Generator[dict[str, Any], None, None]:
    """What workers, made with these arguments, say of each part, which may have missing files."""
    data = ray_data()
    # The run has a bar of its own.
    context = data.DataContext.get_current()
    had_bars, context.enable_progress_bars = context.enable_progress_bars, False
    dataset = data.from_items(
        [{"part": number, "missing": json.dumps(files)} for number, files in parts.items()],
        override_num_blocks=min(len(parts), _MOST_BLOCKS),
    )
    done = dataset.map_batches(
        _PartActor, batch_size=1, fn_constructor_args=arguments, **workers.options()
    )
    try:
        yield from done.iter_rows()
    finally:
        context.enable_progress_bars = had_bars


def _text_of(error: SegWidgetsError) -> str:
    """An error as a row has it. As an exception it would come out of Ray as one of Ray's, with
    the worker's lines instead of the message."""
    return json.dumps([type(error).__name__, str(error)])


def _error_of(text: str) -> SegWidgetsError:
    name, message = json.loads(text)
    kind = getattr(errors, name, SegWidgetsError)
    try:
        error: SegWidgetsError = kind(message)
    except TypeError:  # it is made of more than a message
        error = SegWidgetsError(message)
    return error


class _PartActor:
    """A worker: builds the model once, and does one part after the other.

    Args:
        make: builds the model.
        out: the run's folder.
        job: what is done with each image.
        retry: whether images that failed before are tried again.
        is_last: whether the images at a part's end that the model failed on have failed; else the
            part is left to a worker that knows whether its model fails on everything.
    """

    def __init__(self, make: MakePredictor, out: str, job: Job, retry: bool, is_last: bool) -> None:
        self._predictor = make()
        self._store = open_store(out)
        self._plan = Plan(self._store)
        self._job, self._retry, self._is_last = job, retry, is_last
        self._watch = FailureWatch()

    def __call__(self, batch: dict[str, npt.NDArray[Any]]) -> dict[str, list[Any]]:
        """Do the parts of a batch.

        Args:
            batch: the numbers of the parts, as "part"; and as "missing" the exported files that
                are gone of each, as JSON.

        Returns:
            The numbers, with what came of each ("": it is not known yet whether its last images
            have failed), and the error that ends the run, or "".
        """
        numbers = [int(number) for number in batch["part"]]
        summaries, failures = [], []
        for number, missing in zip(numbers, batch["missing"], strict=True):
            summary, failure = None, ""
            try:
                summary = self._do(number, json.loads(missing))
            except SegWidgetsError as error:
                failure = _text_of(error)
            summaries.append("" if summary is None else summary.to_json())
            failures.append(failure)
        return {"part": numbers, "summary": summaries, "error": failures}

    def _do(self, number: int, missing: Sequence[str]) -> PartSummary | None:
        tasks = self._plan.tasks(number)
        done = finished_part(self._store, number, tasks)
        size = batch_size(self._predictor)
        if done is None or (self._retry and done.failures):
            part = Part(self._store, number, tasks, self._job, size, retry=self._retry)
        elif missing:
            part = MendedPart(self._store, number, tasks, self._job, size, done, missing)
        else:
            # One that another worker finished before it was lost.
            return done
        left = iter(part.groups)
        groups = ([tasks[index].source for index in group] for group in part.groups)
        found = segment_groups(
            groups, self._predictor, self._job.reading, self._job.keep, self._watch
        )
        for outcomes in found:
            part.add(next(left), outcomes)
        held = self._watch.rest()
        if held and not self._is_last:
            return None
        for outcomes in held:
            part.add(next(left), outcomes)
        return part.finish()


@dataclass(frozen=True)
class _Built:
    """A function that builds a predictor, or what becomes one."""

    build: Callable[[], Any]

    def __call__(self) -> Predictor:
        predictor: Predictor = as_predictor(self.build())
        return predictor


def _takes_nothing(function: Any) -> bool:
    import inspect

    try:
        return not inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
