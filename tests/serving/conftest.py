"""What the tests of the server share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .servers import Served, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of the test model, with two places in its queue."""
    with served(tmp_path_factory.mktemp("server"), "--max-queue", "2") as running:
        yield running


@pytest.fixture(autouse=True)
def closed_gate(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nobody has opened the gate of the module's server yet, and nobody waits there afterwards."""
    running = request.getfixturevalue("server") if "server" in request.fixturenames else None
    if running is not None:
        running.gate.unlink(missing_ok=True)
    yield
    if running is not None:
        running.gate.touch()
        running.wait_for_queue(0, 0)
