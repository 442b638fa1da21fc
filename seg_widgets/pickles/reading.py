"""Reading a pickle in a process of its own, with a budget of memory and time."""

from __future__ import annotations

import json
import multiprocessing.spawn
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal

from .refusal import Why

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Pickled", "PickledTensor", "Why", "WontReadError", "read_pickled"]

_START: Final = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from seg_widgets.pickles.child import main; main(sys.argv[2:])"
)
_POLL_S: Final = 0.02
_MAX_HEADER_BYTES: Final = 64_000_000


@dataclass(frozen=True)
class PickledTensor:
    """A tensor of a pickle.

    Attributes:
        block: its numbers, maybe shared with other tensors: bytes that may be written to.
        dtype: NumPy's code ("<f4") or torch's name ("bfloat16").
        shape: of the tensor.
        stride: numbers from one to the next on each axis; empty: one after the other.
        offset: of the first number.
    """

    block: npt.NDArray[np.uint8]
    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int


@dataclass(frozen=True)
class Pickled:
    """What a pickle holds.

    Attributes:
        tensors: by their names.
        metadata: texts: `classes`, a JSON list; `layout`.
    """

    tensors: Mapping[str, PickledTensor]
    metadata: Mapping[str, str]


class WontReadError(Exception):
    """A pickle is not read.

    Args:
        why: what kind of fault it is.
        text: the fault; the name of what it asks for where `why` is "asks".
    """

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text)
        self.why: Why = why
        self.text = text


@dataclass(frozen=True)
class _Budget:
    """What reading may take. A file of 178 MB takes 3 times its size and 0.1 to 3 s."""

    memory: int
    cpu_s: int
    wall_s: float

    @classmethod
    def of(cls, size: int) -> _Budget:
        # The clock also counts a slow network drive and a busy machine.
        return cls((256 << 20) + 6 * size, 5 + size // 4_000_000, 60 + size / 2e6)


def read_pickled(path: Path, kind: Literal["torch", "pickle"]) -> Pickled:
    """Read the tensors of a pickle, or of a file of torch's.

    Args:
        path: the file.
        kind: what it is.

    Raises:
        WontReadError: it asks for other objects, claims too much memory or time, or is broken.
    """
    size = path.stat().st_size
    budget = _Budget.of(size)
    process = _start(path, kind, budget)
    watch = _Watch(process, budget)
    assert process.stdout is not None
    try:
        with process.stdout as out:
            found = _receive(out, size)
    finally:
        watch.end()
    if found is None:
        raise WontReadError("claims", watch.reason())
    return found


def _start(path: Path, kind: str, budget: _Budget) -> subprocess.Popen[bytes]:
    """Start the process; without site packages and without what the environment says."""
    python = _python()
    if getattr(sys, "frozen", False) and python == sys.executable:
        raise _not_started(python, "it is a program of its own")  # which would start once more
    command = [
        *(python, "-I", "-S", "-c", _START, str(Path(__file__).parents[2])),
        *(str(path.absolute()), kind, str(budget.memory), str(budget.cpu_s)),
    ]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pipesize=1 << 20,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise _not_started(python, error.strerror or str(error)) from error


def _not_started(python: str, why: str) -> WontReadError:
    return WontReadError(
        "other",
        f"can't be read here: pickles are read by a process of their own, and {python} could not "
        f"be started ({why}). Name a Python by multiprocessing.set_executable(…), or save the "
        "weights as .safetensors",
    )


def _python() -> str:
    """The Python to start: a program that embeds Python names one by
    `multiprocessing.set_executable`."""
    python = os.fsdecode(multiprocessing.spawn.get_executable() or "python")
    if sys.platform == "win32" and python == sys.executable:
        # A venv's python.exe only starts this one, and would be watched in its place.
        return str(getattr(sys, "_base_executable", python))
    return python


class _Watch:
    """Ends a process that takes more than its budget; some systems have no limits of their own."""

    def __init__(self, process: subprocess.Popen[bytes], budget: _Budget) -> None:
        self._process = process
        self._budget = budget
        self._over = threading.Event()
        self._reason = ""
        self._thread = threading.Thread(
            target=self._watch, name="seg_widgets pickle watch", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """End the process and the watch."""
        self._over.set()
        self._thread.join()
        self._process.kill()
        self._process.wait()

    def reason(self) -> str:
        """Return what the process took too much of, as far as that is known."""
        if self._reason:
            return self._reason
        code = self._process.returncode
        if sys.platform != "win32" and code == -_cpu_signal():
            return f"it takes more than {self._budget.cpu_s} s to read"
        return f"reading it ended its process ({code})"

    def _watch(self) -> None:
        deadline = time.monotonic() + self._budget.wall_s
        while not self._over.wait(_POLL_S):
            if _memory_of(self._process.pid) > self._budget.memory:
                self._reason = "it claims more memory than it can need"
            elif time.monotonic() > deadline:
                self._reason = f"it takes more than {self._budget.wall_s:.0f} s to read"
            if self._reason:
                self._process.kill()
                return


def _memory_of(process: int) -> int:
    """The bytes that a process takes; 0 where that can't be had."""
    import psutil

    try:
        return int(psutil.Process(process).memory_info().rss)
    except psutil.Error:
        return 0


def _cpu_signal() -> int:
    import signal

    return int(getattr(signal, "SIGXCPU", 0))


def _receive(out: IO[bytes], size: int) -> Pickled | None:
    """What the process sends; None where it ends before that."""
    length = int.from_bytes(out.read(8), "little")
    text = out.read(min(length, _MAX_HEADER_BYTES))
    if not text or len(text) != length:
        return None
    header = json.loads(text)
    if "why" in header:
        raise WontReadError(header["why"], header["text"])
    sizes: list[int] = header["blocks"]
    if sum(sizes) > size:
        raise WontReadError("claims", "its arrays claim more bytes than the file has")
    blocks = [_exactly(out, count) for count in sizes]
    if any(block is None for block in blocks):
        return None
    return Pickled(
        {entry[0]: _tensor(entry, blocks) for entry in header["tensors"]}, header["metadata"]
    )


def _tensor(entry: Sequence[Any], blocks: Sequence[Any]) -> PickledTensor:
    _, block, dtype, shape, stride, offset = entry
    return PickledTensor(blocks[block], dtype, tuple(shape), tuple(stride), offset)


def _exactly(out: IO[bytes], count: int) -> npt.NDArray[np.uint8] | None:
    """So many bytes, or None where there are fewer."""
    import numpy as np

    block = np.empty(count, np.uint8)
    view, got = block.data, 0
    while got < count:
        more = out.readinto(view[got:])  # type: ignore[attr-defined]
        if not more:
            return None
        got += more
    return block
