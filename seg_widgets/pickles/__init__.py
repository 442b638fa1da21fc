"""Pickles from strangers: read in a process of its own, into records that can do nothing.

The process has a budget of memory and time. It makes none of the objects that a pickle names: it
notes which numbers lie where, and sends their bytes. It is Python's standard library alone, so it
starts in some 50 ms.
"""

from __future__ import annotations

from .reading import Pickled, PickledTensor, Why, WontReadError, read_pickled

__all__ = ["Pickled", "PickledTensor", "Why", "WontReadError", "read_pickled"]
