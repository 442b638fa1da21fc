"""Masks and predictions for the tests beside this."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seg_widgets.prediction import Prediction

BoolArray = npt.NDArray[np.bool_]


NAMES = ("cat", "dog", "Ωmega <b>")


sides = st.integers(1, 24)


planes = hnp.arrays(np.bool_, st.tuples(sides, sides), elements=st.booleans())


# Blobs too: hypothesis' own arrays are mostly empty or noise.
blobs = st.tuples(planes, st.integers(1, 3)).map(
    lambda pair: pair[0].repeat(pair[1], 0).repeat(pair[1], 1)
)


stacks = hnp.arrays(np.bool_, st.tuples(st.integers(0, 6), sides, sides), elements=st.booleans())


def from_stack(stack: BoolArray, seed: int = 0) -> Prediction:
    random = np.random.default_rng(seed)
    count = len(stack)
    return Prediction.from_dense(
        stack, random.random(count), random.integers(0, len(NAMES), count), NAMES
    )


def small(masks: bool = True) -> Prediction:
    stack = np.zeros((3, 10, 20), bool)
    stack[0, 1:5, 2:8] = True
    stack[1, 0:10, 0:20] = True
    stack[2, 9:, 19:] = True
    whole = Prediction.from_dense(stack, [0.5, 0.9, 0.7], [1, 0, 2], NAMES)
    return whole if masks else dataclasses.replace(whole, masks=None)
