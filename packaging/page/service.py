"""The inference service that the kernels of all visitors share: started, watched, started again."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import http.client
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from typing import Final

ADDRESS: Final = "SEG_WIDGETS_SERVER"
"""The variable that names the service's address; a service that is named already is used as it
is."""

TOKEN: Final = "SEG_WIDGETS_SERVER_TOKEN"

_READY_S: Final = 120.0
_LOOK_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_STEADY_S: Final = 60.0
_END_S: Final = 10.0
_NICER: Final = 5
_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG


class Service:
    """One process with the model, on a port of this machine's own that only its token opens.

    If it ends, it is started again with the same address and token, at once at first and later
    after a pause. Visitors' kernels notice nothing but an error message of what was under way.

    Args:
        log: where starts and ends are written.
        arguments: further arguments of `python -m seg_widgets serve`.
    """

    def __init__(self, log: logging.Logger, arguments: tuple[str, ...] = ()) -> None:
        self._log, self._arguments = log, arguments
        self._port = _free_port()
        self._token = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def for_kernels(self) -> dict[str, str]:
        """The variables by which a panel finds the service."""
        return {ADDRESS: f"http://127.0.0.1:{self._port}", TOKEN: self._token}

    @property
    def pid(self) -> int | None:
        """The process that runs now, or None."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start it, watch it from now on, and wait until it answers, for at most two minutes."""
        self._spawn()
        self._watch = asyncio.ensure_future(self._keep_running())
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            if await asyncio.to_thread(self._answers):
                return
            await asyncio.sleep(_LOOK_S)
        self._log.warning("The inference service does not answer yet; pages are made meanwhile.")

    def stop(self) -> None:
        """End it."""
        if self._watch is not None:
            self._watch.cancel()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _spawn(self) -> None:
        command = [sys.executable, "-m", "seg_widgets", "serve", "--host", "127.0.0.1"]
        # The token goes by the environment: all users of a machine see the arguments.
        environment = {k: v for k, v in os.environ.items() if k != ADDRESS}
        self._process = subprocess.Popen(
            [*command, "--port", str(self._port), *self._arguments],
            env={**environment, TOKEN: self._token},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # It prints its address with the token.
            preexec_fn=_before_it_starts,
        )

    async def _keep_running(self) -> None:
        pause_s = 0.0
        started = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._process is None or self._process.poll() is None:
                continue
            code = self._process.returncode
            steady = time.monotonic() - started > _STEADY_S
            pause_s = 0.0 if steady else min(max(2 * pause_s, 1.0), _LONGEST_PAUSE_S)
            self._log.error(
                "The inference service has ended (exit status %s); it starts again.", code
            )
            await asyncio.sleep(pause_s)
            self._spawn()
            started = time.monotonic()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
        with contextlib.closing(connection):
            try:
                connection.request("GET", "/health")
                return connection.getresponse().status < 500
            except (OSError, http.client.HTTPException):
                return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _before_it_starts() -> None:
    """Called in the child."""
    # Pages are made in a second or two, and are waited for; a result is waited for anyway.
    os.nice(_NICER)
    if sys.platform == "linux":
        # A server that is killed takes the service with it.
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)
