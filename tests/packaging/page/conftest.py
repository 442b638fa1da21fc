"""The page's server on loopback, with a stub in the model's place, and visitors without a
browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ...browser.lab import (
    REPOSITORY,
    STUB_CELL,
    environment,
    free_port,
    stop,
    wait_for_server,
    write_notebook,
)
from .visitor import PageServer

sys.path.insert(0, str(REPOSITORY / "packaging"))

RAISING_CELLS = (
    """\
import sys
import ipywidgets

def fail(_):
    print("to stderr: /secret/path", file=sys.stderr)
    secret_line = 1 / 0

button = ipywidgets.Button(description="raises")
button.on_click(fail)
button""",
    "raise OSError('/secret/path of a cell')  # secret_line",
)
"""A button whose handler raises, and a cell that does."""


@contextmanager
def running(
    scratch: Path,
    *arguments: str,
    cells: tuple[str, ...] = (),
    notebook: tuple[str, ...] = (STUB_CELL.format(instances=12, delay_s=0),),
    **variables: str,
) -> Iterator[PageServer]:
    """`make web`'s own launcher on a notebook, with a port and a home of its own."""
    home = scratch / "home"
    home.mkdir(parents=True)
    path, log = scratch / "panel.ipynb", scratch / "web.log"
    write_notebook(path, *notebook, *cells)
    server = PageServer(f"http://127.0.0.1:{free_port()}", log)
    command = [sys.executable, str(REPOSITORY / "packaging" / "web.py"), "--no-browser"]
    port = server.address.rpartition(":")[2]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, f"--notebook={path}", f"--port={port}", *arguments],
            env={**environment(home), "PYTHONUNBUFFERED": "1", **variables},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_for_server(f"{server.address}/voila/static/", process, log)
            server.pid = process.pid
            yield server
        finally:
            stop(process)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server without a token, whose notebook has a button and a cell that raise."""
    scratch = tmp_path_factory.mktemp("page")
    with running(scratch, "--no-service", "--ready=1", cells=RAISING_CELLS) as started:
        yield started


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server that wants the token "secret"."""
    scratch = tmp_path_factory.mktemp("guarded")
    with running(scratch, "--no-service", "--ready=1", "--token=secret") as started:
        yield started
