"""The process that reads a pickle: it takes a budget, reads, and sends what was found.

What it sends: the length of a header (8 bytes, little-endian), the header as JSON, and the blocks
that the header names one after the other.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from .choosing import Plan, choose
from .refusal import RefusedError, shown
from .torch_files import read_torch
from .unpickling import RecordUnpickler

__all__ = ["main"]

_CHUNK_BYTES = 1 << 20


def main(arguments: Sequence[str]) -> None:
    """Read a file and send what is in it, or why not. The process ends here.

    Args:
        arguments: the file; "torch" or "pickle"; the bytes of memory; the seconds of computing.
    """
    path, kind, memory, seconds = arguments
    _limit(int(memory), int(seconds))
    out = sys.stdout.buffer
    try:
        with Path(path).open("rb") as file:
            plan = _read(file, Path(path), kind)
            _send(out, plan.header())
            _send_blocks(out, plan, file)
    except RefusedError as error:
        _send_reason(out, error)
    except MemoryError:
        _send_reason(out, RefusedError("claims", "it claims more memory than it can need"))
    except Exception as error:  # a broken pickle can raise anything at all
        text = str(error).partition("\n")[0] or type(error).__name__
        _send_reason(out, RefusedError("broken", shown(text, 200)[1:-1]))
    out.flush()
    # Nothing that the file made is cleared away: that can take longer than to make it.
    os._exit(0)


def _read(file: IO[bytes], path: Path, kind: str) -> Plan:
    if kind == "torch":
        data, spans = read_torch(file, path)
        return choose(data, spans, path)
    return choose(RecordUnpickler(file).load(), {}, path)


def _limit(memory: int, seconds: int) -> None:
    """Take the budget, where the system knows such limits; the parent watches as well."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _send(out: IO[bytes], header: bytes) -> None:
    out.write(len(header).to_bytes(8, "little"))
    out.write(header)


def _send_reason(out: IO[bytes], error: RefusedError) -> None:
    _send(out, json.dumps({"why": error.why, "text": error.text}).encode("ascii"))


def _send_blocks(out: IO[bytes], plan: Plan, file: IO[bytes]) -> None:
    for block in plan.blocks:
        if not isinstance(block, tuple):
            out.write(block)
            continue
        start, left = block
        file.seek(start)
        while left:
            chunk = file.read(min(left, _CHUNK_BYTES))
            if not chunk:
                return  # cut short meanwhile; the parent counts
            out.write(chunk)
            left -= len(chunk)
