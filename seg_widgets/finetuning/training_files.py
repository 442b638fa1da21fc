"""What a training writes along the way, so that a crash or a kill loses little: checkpoint and log.

Both are replaced whole, never written over.
"""

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

__all__ = ["opened_log", "read_training_state", "write_checkpoint"]

_PARTS: Final = {"model", "average", "optimizer", "position"}


def write_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all, also when the machine loses power.

    Args:
        state: tensors, numbers and texts.
        path: the file.

    Raises:
        OSError: it can't be written; the one before it is still there.
    """
    import torch

    temporary = path.with_suffix(".part")
    try:
        with temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except RuntimeError as error:
        # On a full disk torch raises an error of its own about what it could not write.
        raise OSError(str(error)) from error
    finally:
        # Gone by now, unless something went wrong.
        with contextlib.suppress(OSError):
            temporary.unlink()


def read_training_state(path: Path) -> dict[str, Any] | None:
    """Return what a checkpoint holds, without running code in it; None where there is none.

    Args:
        path: the file.

    Raises:
        ValueError: it is damaged, or no checkpoint.
    """
    import torch

    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        raise ValueError(f"{path} is no whole checkpoint") from error
    if not isinstance(state, dict) or not set(state) >= _PARTS:
        raise ValueError(f"{path} is no checkpoint of a training")
    return state


@contextmanager
def opened_log(path: Path, head: str, step: int) -> Iterator[TextIO]:
    """Open a log to be appended to; rows after `step` are about to be written again.

    Args:
        path: the file.
        head: its first line.
        step: the last one whose row is kept; 0: all begins anew.

    Yields:
        The file.
    """
    kept = [f"{head}\r\n"]
    if path.is_file() and step > 0:
        with path.open(newline="", errors="replace") as file:
            kept += [row for row in file if _is_row_until(row, step)]
    # A process that is killed here loses neither the old rows nor the new ones.
    temporary = path.with_suffix(".part")
    with temporary.open("w", newline="") as file:
        file.writelines(kept)
    temporary.replace(path)
    with path.open("a", newline="") as file:
        yield file


def _is_row_until(row: str, step: int) -> bool:
    """Whether a line of the log is whole, and of a step that is not made again."""
    number = row.split(",", 1)[0]
    return row.endswith("\n") and number.isdecimal() and int(number) <= step
