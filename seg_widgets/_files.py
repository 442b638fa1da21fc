"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from pathlib import Path
from typing import Final

from ._text import PATH_LENGTH, printable
from .errors import ExportError, SettingError

__all__ = ["TEMPORARY", "StrPath", "expanded", "write_bytes"]

TEMPORARY: Final = ".seg-widgets-"
"""What the name of a file begins with while it is written."""

StrPath = str | os.PathLike[str]
"""A path, as text or as an object."""


def expanded(path: StrPath) -> Path:
    """A path with `~` as the home folder; of a user who is not here, it stays.

    Args:
        path: as a person gave it.
    """
    given = Path(path)
    try:
        return given.expanduser()
    except RuntimeError:
        return given


def write_bytes(path: StrPath, content: bytes, *, durable: bool = False) -> Path:
    """Write a file whole or not at all.

    The file is first written under another name in the same folder and then moved to its place. A
    reader never sees half of it, and a failure leaves what was there before.

    Args:
        path: where to; its folder is made if need be.
        content: what to write.
        durable: also wait until it is on the disk, so that not even a power cut leaves an empty
            file of this name.

    Returns:
        The file's path.

    Raises:
        ExportError: it could not be written; the message says why.
        SettingError: `path` is no path.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise SettingError(f"A file is written to a path, and {path!r:.80} is none.")
    target = Path(path)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        # mkstemp's files are for their owner's eyes only; a result is an ordinary file.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except OSError as error:
        raise ExportError(f"{_shown(target)} could not be written: {_why(error)}") from error
    except ValueError as error:  # a NUL in the name
        raise ExportError(f"{_shown(target)!r} can't be the name of a file: {error}.") from None
    finally:
        # Gone by now, unless something went wrong, an interrupt of the kernel included.
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
    return target


def _shown(path: Path) -> str:
    return printable(str(path), PATH_LENGTH)


def _umask() -> int:
    # The only portable way to read it is to set it; Linux has another.
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text()
        found = re.search(r"^Umask:\s*([0-7]+)", status, re.MULTILINE)
        if found:
            return int(found[1], 8)
    return 0o022


def _why(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "you may not write there. Choose another folder."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full. Free some space or choose another folder."
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "a part of its path is a file, not a folder. Choose another folder."
    if error.errno == errno.EISDIR:
        return "there is a folder of that name. Choose another name."
    if error.errno == errno.ENAMETOOLONG:
        return "its name is too long. Choose a shorter one."
    return f"{error.strerror or error}."
