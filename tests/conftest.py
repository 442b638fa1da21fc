"""What several tests share."""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# These need environments of their own: `make peers-test`, `make readers-test`.
collect_ignore = ["peers", "readers"]

# What is started in the background ignores Ctrl+C, and so would all that it starts: the tests of
# Ctrl+C need it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The tests' own servers are on loopback; a proxy of the machine must not stand between.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost,::1"


# What tests fetch and convert must not meet what a person has in the cache; it goes when the
# process ends.
_CACHE = tempfile.TemporaryDirectory(prefix="seg-widgets-cache-")
os.environ["SEG_WIDGETS_CACHE"] = _CACHE.name
# And no test may fetch weights from the real server: nobody listens here.
os.environ["SEG_WIDGETS_MIRROR"] = "http://127.0.0.1:9"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker has one of them left at the end.

    A file stays together: `make test` gives whole files to its workers.
    """
    ranks: dict[Path, int] = {}
    for item in items:
        is_long = item.get_closest_marker("browser") or item.path.suffix == ".ipynb"
        rank = 0 if is_long else 1 if item.get_closest_marker("slow") else 2
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: (ranks[item.path], -sizes[item.path]))


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT
