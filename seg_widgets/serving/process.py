"""One worker process, as the server sees it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from .answers import Answer, Work, pack_works
from .settings import ModelSettings, as_header
from .wire import FRAME_LENGTHS, pack_frame, unpack_lengths

__all__ = ["WorkerEnded", "WorkerProcess", "WorkerRefused"]

_COMMAND: Final = (sys.executable, "-m", "seg_widgets.serving.worker")
_GRACE_S: Final = 2.0
_PIPE_BYTES: Final = 2**20


class WorkerEnded(Exception):
    """The process ended, or broke its protocol."""


class WorkerRefused(Exception):
    """The process can't build its model; the message says why, for the one who runs the server."""


class WorkerProcess:
    """A process with a model; `start` makes one.

    Attributes:
        about: what its model is.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.about: dict[str, Any] = {}
        self._process = process

    @classmethod
    async def start(cls, settings: ModelSettings) -> WorkerProcess:
        """Start a process, and wait until its model is built.

        Args:
            settings: which model.

        Returns:
            The worker, ready for work.

        Raises:
            WorkerRefused: the model can't be built.
            WorkerEnded: the process ended before it was ready.
        """
        pipe = asyncio.subprocess.PIPE
        worker = cls(
            await asyncio.create_subprocess_exec(
                *_COMMAND, stdin=pipe, stdout=pipe, limit=_PIPE_BYTES
            )
        )
        try:
            await worker._write(pack_frame(as_header(settings)))
            header, _ = await worker._receive()
        except BaseException:
            await worker.kill()
            raise
        if "ready" not in header:
            await worker.kill()
            raise WorkerRefused(str(header.get("failed", "")))
        worker.about = header["ready"]
        return worker

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def ended(self) -> None:
        """Wait until the process has ended."""
        await self._process.wait()

    @property
    def max_batch(self) -> int:
        """How many images its model takes at once."""
        return max(1, int(self.about.get("maxBatch", 1)))

    async def answers(self, works: Sequence[Work]) -> AsyncIterator[Answer]:
        """Let it answer for images.

        Args:
            works: the images, and what is to be made of each.

        Yields:
            An answer for each, in their order, as soon as it is there.

        Raises:
            WorkerEnded: the process ended meanwhile.
        """
        await self._write(*pack_works(works))
        for _ in works:
            header, content = await self._receive()
            yield Answer(content, **header)

    async def kill(self) -> None:
        """End the process at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _GRACE_S)

    async def _write(self, *pieces: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # a pipe was asked for
        try:
            for piece in pieces:
                stdin.write(piece)
                await stdin.drain()
        except (OSError, RuntimeError) as error:
            raise WorkerEnded from error

    async def _receive(self) -> tuple[dict[str, Any], bytes]:
        stdout = self._process.stdout
        assert stdout is not None  # a pipe was asked for
        try:
            head, payload = unpack_lengths(await stdout.readexactly(FRAME_LENGTHS))
            header: dict[str, Any] = json.loads(await stdout.readexactly(head))
            return header, await stdout.readexactly(payload)
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            raise WorkerEnded from error
