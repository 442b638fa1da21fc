"""Ending a run whose model fails on every image: with a dead GPU, nothing more can come of it."""

from __future__ import annotations

import re
from typing import Final

from .._text import printable_message
from ..errors import InferenceError, OutOfMemoryError
from .outcome import Outcome

__all__ = ["MOST_FAILURES", "FailureWatch"]

MOST_FAILURES: Final = 20
"""So many images in a row for which the model failed in the same way end a run."""

_MOST_OF_A_DEAD_GPU: Final = 3
# After one of these, a process can't use the GPU any more.
_DEAD_GPU: Final = re.compile(
    r"device-side assert|unspecified launch failure|illegal memory access|misaligned address"
    r"|cuda error|cudnn_status|cublas_status|no cuda-capable device|uncorrectable ecc",
    re.IGNORECASE,
)
_OUT_OF_MEMORY: Final = re.compile(r"out of memory|allocate memory", re.IGNORECASE)
# Counts and addresses differ from image to image.
_NUMBER: Final = re.compile(r"0x[0-9a-f]+|\d+", re.IGNORECASE)
_LONGEST_CAUSE: Final = 300


class FailureWatch:
    """Holds back what the model failed on, until it is known whether it fails on everything.

    So a run that is ended has not noted those images as failed, and does them when it goes on.
    Images that could not be opened neither count nor are they held against the model.
    """

    def __init__(self) -> None:
        self._held: list[list[Outcome]] = []
        self._cause = ""
        self._count = 0

    def pass_on(self, outcomes: list[Outcome]) -> list[list[Outcome]]:
        """Take what came of a group.

        Args:
            outcomes: of each of its images.

        Returns:
            The groups that can be used, in their order; [] while that isn't known.

        Raises:
            InferenceError: the model has failed on too many images in a row in the same way.
        """
        for outcome in outcomes:
            if outcome.prediction is not None:
                self._cause, self._count = "", 0
            elif outcome.image is not None and outcome.error is not None:
                # There may be many: their pixels are of no use, and what the model had in memory
                # is held by the tracebacks.
                outcome.image = None
                _forget_tracebacks(outcome.error)
                self._add(outcome.error)
        self._held.append(outcomes)
        return [] if self._count else self.rest()

    def rest(self) -> list[list[Outcome]]:
        """What is held back, when no more images come."""
        held, self._held = self._held, []
        return held

    def _add(self, error: Exception) -> None:
        cause = f"{type(error).__name__}: {_NUMBER.sub('#', str(error))}"
        self._count = self._count + 1 if cause == self._cause else 1
        self._cause = cause
        text = str(error)
        is_dead = bool(_DEAD_GPU.search(text)) and not _OUT_OF_MEMORY.search(text)
        if self._count >= (_MOST_OF_A_DEAD_GPU if is_dead else MOST_FAILURES):
            raise InferenceError(_message(error, self._count, is_dead)) from error


def _forget_tracebacks(error: BaseException) -> None:
    """Let go of the frames in which an error, and those that led to it, were raised."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            waiting += [one.__cause__, one.__context__]


def _message(error: Exception, count: int, is_dead: bool) -> str:
    text = " ".join(str(error).split())[:_LONGEST_CAUSE]
    cause = printable_message(f"{type(error).__name__}: {text}".rstrip(": ."))
    if is_dead:
        fix = (
            "The GPU can't be used any more by this process: begin a new one (restart the kernel). "
            "If it happens again, use the CPU (device cpu), and see what nvidia-smi says"
        )
    elif isinstance(error, OutOfMemoryError) or _OUT_OF_MEMORY.search(text):
        fix = "End what else uses the memory of the device, or use a smaller model or the CPU"
    else:
        fix = "Try the model with one of these images"
    return (
        f"The run was stopped, as the model failed on {count} images in a row: {cause}. {fix}. "
        "What was done is kept, and the images that failed last are not counted as done: the same "
        "call goes on with them (segment: with --resume)."
    )
