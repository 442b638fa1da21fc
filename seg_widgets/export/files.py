"""Writing files: whole or not at all, under names that every system takes."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import tempfile
from pathlib import Path

from .._text import PATH_LENGTH, printable, well_formed
from ..errors import ExportError

__all__ = ["StrPath", "as_json", "as_text", "file_stem", "write_bytes"]

# What Windows refuses, and what turns the rest of a name around where it is shown.
_REFUSED = re.compile(
    r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+'
)
_DEVICE = re.compile(r"(?i)con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$")

StrPath = str | os.PathLike[str]
"""A path, as text or as an object."""


def write_bytes(path: StrPath, content: bytes) -> Path:
    """Write a file whole or not at all.

    The file is first written under another name in the same folder and then moved to its place. A
    reader never sees half of it, and a failure leaves what was there before.

    Args:
        path: where to; its folder is made if need be.
        content: what to write.

    Returns:
        The file's path.

    Raises:
        ExportError: it could not be written; the message says why.
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".seg-widgets-", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
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


def file_stem(text: str, length: int = 100, *, ending: str = "") -> str:
    """A text as a part of a file name on every system.

    Args:
        text: any text.
        length: the most characters, and five bytes of UTF-8 for each four of them.
        ending: goes behind it, and counts.

    Returns:
        It without separators and what Windows refuses; "image" if nothing is left. The names of
        Windows's devices (con, nul, com1 …) begin with "_".
    """
    # Cut first: it may be a million letters.
    room = length - len(ending)
    clean = _REFUSED.sub("_", well_formed(text.strip(". ")[:room])).strip(". ")
    # File systems count bytes, and most letters of the world take two or three of them.
    while len(clean.encode("utf-8")) > room + room // 4:
        clean = clean[:-1]
    clean = clean.rstrip(". ")
    # After the cut, which may leave nothing but such a name.
    if _DEVICE.fullmatch(clean.split(".")[0].rstrip()):
        clean = f"_{clean}"
    return (clean or "image") + ending


def as_text(name: str) -> str:
    """A file's name as text that can travel: a name on Linux need not be text.

    Args:
        name: what a path gave.

    Returns:
        It with "_" in place of what can't be written in UTF-8.
    """
    return well_formed(name)


def as_json(value: object) -> bytes:
    """A value as the bytes of a JSON file.

    Args:
        value: what `json.dumps` takes.

    Returns:
        One line of UTF-8 without spaces between the parts.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # The name of a file need not be text: what can't be written becomes "?".
    return f"{text}\n".encode("utf-8", "replace")


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
