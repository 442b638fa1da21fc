"""Sequences of requests to a session: whatever was asked for, it comes to rest."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from seg_widgets.errors import SegWidgetsError
from seg_widgets.prediction import Prediction
from seg_widgets.session import SegmentationSession
from seg_widgets.testing import StubPredictor, make_jpeg, make_picture

from .mutations import mutated

__all__ = ["run_sequence"]

_JPEG: Final = make_jpeg(32, 24)


class _Fails:
    """A predictor that raises."""

    name = "fails"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Prediction:
        raise self._error


def _source(random: random.Random) -> object:
    return random.choice(
        (
            *(_JPEG, _JPEG, make_picture(20, 10), mutated(_JPEG, random, _JPEG)),
            *("http://127.0.0.1:9/a.jpg", "/no/such/file.png", b"", 7, None, np.zeros((0, 3))),
            *(np.full((4, 4), np.nan), "\0", "x" * 5000),
        )
    )


def _predictor(random: random.Random) -> Any:
    errors = (RuntimeError("out of memory"), MemoryError(), ValueError("bad"), KeyError("k"))
    return random.choice((StubPredictor(3), StubPredictor(0), _Fails(random.choice(errors))))


_STEPS: Final[tuple[Callable[[SegmentationSession, random.Random], object], ...]] = (
    lambda session, random: session.segment(_source(random)),
    lambda session, random: session.segment(_source(random)),
    lambda session, random: session.segment_url(str(_source(random))[:100]),
    lambda session, random: session.segment_all([_source(random) for _ in range(3)]),
    lambda session, random: session.show(random.randint(-2, 9)),
    lambda session, random: session.forget(random.randint(-2, 9)),
    lambda session, random: session.use(_predictor(random)),
    lambda session, _: session.clear(),
    lambda session, _: session.undo_clear(),
    lambda session, _: session.cancel(),
    lambda session, random: session.wait(random.choice((0, 0.01, 5))),
)


def _watch(session: SegmentationSession, random: random.Random) -> None:
    """Observe it as somebody does whose code has a mistake."""
    errors: tuple[type[BaseException], ...] = (RuntimeError, KeyError, SystemExit)

    def fail(_: object) -> None:
        raise random.choice(errors)("a mistake of an observer")

    names = ("result", "image", "history", "busy", "status", "error", "notes", "predictor")
    session.observe(fail, random.sample(names, random.randint(1, 3)))


def run_sequence(random: random.Random) -> None:
    """Do up to thirty things, then wait until nothing is left to do, and close the session.

    Every other session has an observer that raises.
    """
    session = SegmentationSession(_predictor(random))
    if random.random() < 0.5:
        _watch(session, random)
    try:
        for _ in range(random.randint(1, 30)):
            try:
                random.choice(_STEPS)(session, random)
            except (SegWidgetsError, TimeoutError):
                continue  # a refusal that the person sees, or a wait that was short
        with contextlib.suppress(SegWidgetsError):
            session.wait(30)
        assert not session.busy, "it is busy for ever"
        assert not session.working, "it works for ever"
    finally:
        session.close(10)
    assert session.closed
