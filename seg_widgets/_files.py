"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from ._text import PATH_LENGTH, printable
from .errors import ExportError, SettingError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "TEMPORARY",
    "StrPath",
    "expanded",
    "require_writable",
    "require_writable_file",
    "scratch_folder",
    "sweep",
    "write_bytes",
]

TEMPORARY: Final = ".seg-widgets-"
"""What the name of a file begins with while it is written."""

# As `tempfile` makes such names.
_SCRATCH: Final = ".saving-"
_LEFT_BEHIND: Final = re.compile(r"\.saving-[a-z0-9_]{8}")
_DAY_S: Final = 86_400

StrPath = str | os.PathLike[str]
"""A path, as text or as an object."""

# A file system that is full still takes the name of a file, and maybe a few bytes.
_TRIED_BYTES: Final = 1 << 16


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

    The file is first written without a name, or where the system can't do that under another name
    in the same folder, and then moved to its place. A reader never sees half of it, and a failure
    leaves what was there before.

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
        temporary = target.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
        if not _write_nameless(temporary, content, durable):
            with temporary.open("xb") as file:
                _write(file, content, durable)
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


def require_writable(folder: StrPath) -> None:
    """Check that files can be written into a folder, before long work is done for them.

    Args:
        folder: the folder; where it is not there yet, the nearest one above it is tried. Nothing is
            left behind.

    Raises:
        ExportError: no file can be written there; the message says why.
    """
    path = Path(folder)
    try:
        with tempfile.TemporaryFile(prefix=TEMPORARY, dir=_nearest(path.absolute())) as file:
            _write(file, bytes(_TRIED_BYTES), durable=False)
            file.flush()
    except OSError as error:
        raise ExportError(f"Nothing can be written into {_shown(path)}: {_why(error)}") from error
    except ValueError as error:  # a NUL in the name
        raise ExportError(f"{_shown(path)!r} can't be the name of a folder: {error}.") from None


def require_writable_file(path: StrPath) -> None:
    """Check that a file can be written, before long work is done for it.

    Args:
        path: where it will be; one that is there stays as it is.

    Raises:
        ExportError: it can't be written; the message says why.
    """
    target = Path(path)
    if target.is_dir():
        raise ExportError(f"{_shown(target)} could not be written: {_why(IsADirectoryError())}")
    require_writable(target.parent)


def sweep(folder: StrPath, *, older_than_s: float = 0) -> None:
    """Remove what `kill -9` has left of files that were being written into a folder.

    Args:
        folder: the folder; its subfolders are left as they are.
        older_than_s: seconds since anything was written into such a file: where another process
            may be writing right now, what it writes is younger.
    """
    # As the files' own times are.
    now = time.time()
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(TEMPORARY):
                with contextlib.suppress(OSError):
                    if now - entry.stat(follow_symlinks=False).st_mtime >= older_than_s:
                        Path(entry).unlink()


@contextlib.contextmanager
def scratch_folder(folder: StrPath) -> Iterator[Path]:
    """A folder for files that are moved into the folder around it when they are whole.

    What `kill -9` has left of others is removed first: at once where no other process is writing
    there, and after a day where the system can't say so (it has no locks, such as Windows).

    Args:
        folder: the folder around it, which is there.

    Yields:
        The path; in the end it is removed, with what is still in it.
    """
    with contextlib.ExitStack() as stack:
        is_alone = False
        if fcntl is not None:
            # All that write there share a lock, which ends with their process.
            with contextlib.suppress(OSError):
                handle = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, handle)
                is_alone = _is_alone(handle)
        _remove_left_behind(folder, 0 if is_alone else _DAY_S)
        if is_alone:
            fcntl.flock(handle, fcntl.LOCK_SH)
        yield Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder)))


def _is_alone(handle: int) -> bool:
    """Lock a folder until its handle is closed: for this process alone, else with the others."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(handle, fcntl.LOCK_SH)
        return False
    return True


def _remove_left_behind(folder: StrPath, older_than_s: float) -> None:
    now = time.time()
    with contextlib.suppress(OSError):
        for left in Path(folder).iterdir():
            if not _LEFT_BEHIND.fullmatch(left.name) or left.is_symlink():
                continue
            with contextlib.suppress(OSError):
                if now - left.stat().st_mtime >= older_than_s:
                    for file in left.iterdir():
                        file.unlink()
                    left.rmdir()


def _nearest(path: Path) -> Path:
    """A folder, or the first above it that is there."""
    for each in (path, *path.parents):
        with contextlib.suppress(FileNotFoundError):
            each.lstat()
            return each
    return path


def _write(file: IO[bytes], content: bytes, durable: bool) -> None:
    file.write(content)
    if durable:
        file.flush()
        os.fsync(file.fileno())


def _write_nameless(temporary: Path, content: bytes, durable: bool) -> bool:
    """Write a file that gets a name only when it is whole: `kill -9` then leaves nothing.

    Args:
        temporary: the name that it gets.
        content: what to write.
        durable: whether to wait until it is on the disk.

    Returns:
        False where it can't be done, which is everywhere but on Linux's own file systems; nothing
        is left then. Where the disk is full, the other way says so.
    """
    nameless = getattr(os, "O_TMPFILE", None)
    if nameless is None:
        return False
    try:
        handle = os.open(temporary.parent, nameless | os.O_WRONLY, 0o666)
        with os.fdopen(handle, "wb") as file:
            _write(file, content, durable)
            file.flush()
            # With a folder's handle, which a path from the root ignores: without one, Python calls
            # a function of the system that doesn't follow links.
            os.link(f"/proc/self/fd/{handle}", temporary, src_dir_fd=handle, follow_symlinks=True)
    except OSError:
        return False
    return True


def _shown(path: Path) -> str:
    return printable(str(path), PATH_LENGTH)


def _why(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "you may not write there. Choose another folder."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full. Free some space or choose another folder."
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "a part of its path is a file, not a folder. Choose another folder."
    if isinstance(error, IsADirectoryError):
        return "there is a folder of that name. Choose another name."
    if error.errno == errno.ENAMETOOLONG:
        return "its name is too long. Choose a shorter one."
    return f"{error.strerror or error}."
