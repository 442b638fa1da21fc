"""Waiting for what another thread does."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["until"]


def until(is_so: Callable[[], object], timeout_s: float = 30) -> None:
    """Wait until something is so.

    Args:
        is_so: says whether it is.
        timeout_s: seconds after which it is a failure that it isn't.
    """
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)
