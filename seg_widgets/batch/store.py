"""Where a run's files are: a folder of this machine, or one in an object store."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, Protocol

from .._files import TEMPORARY, write_bytes
from .._text import PATH_LENGTH, printable
from ..errors import ExportError
from .cloud import file_system, is_cloud

__all__ = ["Store", "open_store"]


class Store(Protocol):
    """A folder in which files are written whole or not at all."""

    @property
    def local(self) -> Path | None:
        """The folder's path; None: it is not on this machine's file systems."""
        ...

    def write(self, name: str, content: bytes, *, durable: bool = False) -> None:
        """Write a file.

        Args:
            name: its path below the folder, with `/`.
            content: what to write.
            durable: also wait until not even a power cut loses it.

        Raises:
            ExportError: it can't be written.
        """
        ...

    def read(self, name: str) -> bytes | None:
        """Read a file; None: there is none, or it can't be read."""
        ...

    def size(self, name: str) -> int | None:
        """The bytes of a file; None: there is none."""
        ...

    def names(self, folder: str) -> list[str]:
        """The names of the files of a subfolder, sorted; [] if there is none."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...

    def sweep(self) -> None:
        """Remove what `kill -9` has left of files that were being written, in all subfolders."""
        ...


class _LocalStore:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return printable(str(self._folder), PATH_LENGTH)

    @property
    def local(self) -> Path | None:
        return self._folder

    def write(self, name: str, content: bytes, *, durable: bool = False) -> None:
        write_bytes(self._folder / name, content, durable=durable)

    def read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    def size(self, name: str) -> int | None:
        try:
            return (self._folder / name).stat().st_size
        except OSError:
            return None

    def names(self, folder: str) -> list[str]:
        try:
            with os.scandir(self._folder / folder) as entries:
                return sorted(entry.name for entry in entries if entry.is_file())
        except OSError:
            return []

    def remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            (self._folder / name).unlink()

    def sweep(self) -> None:
        for folder, _, names in os.walk(self._folder):
            for name in names:
                if name.startswith(TEMPORARY):
                    with contextlib.suppress(OSError):
                        Path(folder, name).unlink()


class _CloudStore:
    def __init__(self, address: str) -> None:
        self._address = address
        self._system, self._path = file_system(address.rstrip("/"))

    def __str__(self) -> str:
        return printable(self._address, PATH_LENGTH)

    # A connection can't go to another process, where the address opens one anew.
    def __reduce__(self) -> tuple[Any, ...]:
        return _CloudStore, (self._address,)

    @property
    def local(self) -> Path | None:
        return None

    def write(self, name: str, content: bytes, *, durable: bool = False) -> None:
        # An object store shows an object whole or not at all.
        path = f"{self._path}/{name}"
        try:
            self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._system.pipe_file(path, content)
        # Each of these systems has errors of its own: of the network, of credentials, of quotas.
        except Exception as error:
            raise ExportError(
                f"{self}/{name} could not be written: {type(error).__name__}: {error}"
            ) from error

    def read(self, name: str) -> bytes | None:
        try:
            return bytes(self._system.cat_file(f"{self._path}/{name}"))
        except FileNotFoundError:
            return None

    def size(self, name: str) -> int | None:
        try:
            return int(self._system.info(f"{self._path}/{name}")["size"])
        except FileNotFoundError:
            return None

    def names(self, folder: str) -> list[str]:
        self._system.invalidate_cache()
        try:
            found = self._system.ls(f"{self._path}/{folder}", detail=False)
        except FileNotFoundError:
            return []
        return sorted(str(each).rpartition("/")[2] for each in found)

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._system.rm_file(f"{self._path}/{name}")

    def sweep(self) -> None:
        # An object is there whole or not at all.
        return


def open_store(out: str | os.PathLike[str]) -> Store:
    """Open the folder of a run.

    Args:
        out: a path, or an address of an object store.

    Returns:
        The folder; it is made with its first file.

    Raises:
        DependencyError: the address needs a package that is not installed.
        SettingError: its scheme is unknown.
    """
    text = os.fsdecode(out)
    return _CloudStore(text) if is_cloud(text) else _LocalStore(Path(text).expanduser())
