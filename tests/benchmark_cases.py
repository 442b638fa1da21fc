"""What tests/test_benchmarks.py has a worker do."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.measuring import serve


def doubled(number: int) -> Callable[[], int]:
    """Prepares, and returns what is then done."""
    print("this is no answer")
    return lambda: 2 * number


if __name__ == "__main__":
    serve({"doubled": doubled})
