"""Where a run's files are: a folder of this machine, or one in an object store."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol

from .._files import expanded, require_writable, sweep, write_bytes
from .._text import PATH_LENGTH, printable
from ..errors import ExportError, SettingError
from .cloud import file_system, is_cloud

__all__ = ["Store", "open_store"]

_AT_ONCE: Final = 32


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

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, as far as they are there, and the subfolders that are empty then.

        Args:
            names: their paths below the folder.

        Raises:
            ExportError: one can't be removed.
        """
        ...

    def require_writable(self) -> None:
        """Check that files can be written, as far as that can be known before.

        Raises:
            ExportError: they can't.
        """
        ...

    def sweep(self, folders: Iterable[str]) -> None:
        """Remove what `kill -9` has left of files that were being written.

        Args:
            folders: the subfolders of a run, of which no other process writes any.
        """
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

    def remove(self, names: Iterable[str]) -> None:
        folders: set[Path] = set()
        for name in names:
            path = self._folder / name
            try:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    path.unlink()
            except OSError as error:
                raise _not_removed(f"{self}/{name}", error.strerror or str(error)) from error
            folders.update(path.relative_to(self._folder).parents[:-1])
        # Deeper ones first; one that has other files stays.
        for folder in sorted(folders, reverse=True):
            with contextlib.suppress(OSError):
                (self._folder / folder).rmdir()

    def require_writable(self) -> None:
        require_writable(self._folder)

    def sweep(self, folders: Iterable[str]) -> None:
        for folder in folders:
            sweep(self._folder / folder)


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

    def remove(self, names: Iterable[str]) -> None:
        def remove(name: str) -> None:
            try:
                with contextlib.suppress(FileNotFoundError):
                    self._system.rm_file(f"{self._path}/{name}")
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
                raise _not_removed(f"{self}/{name}", why) from error

        # An object store answers many at once, and each only after a while.
        with ThreadPoolExecutor(_AT_ONCE, "seg_widgets remover") as pool:
            for _ in pool.map(remove, names):
                pass

    def require_writable(self) -> None:
        # Whether an object can be written is known only when one is; a run's first one is small.
        return

    def sweep(self, folders: Iterable[str]) -> None:
        # An object is there whole or not at all.
        return


def _not_removed(name: str, why: str) -> ExportError:
    return ExportError(f"{name} could not be removed: {why}. Remove it, or choose another folder.")


def open_store(out: str | os.PathLike[str]) -> Store:
    """Open the folder of a run.

    Args:
        out: a path, or an address of an object store.

    Returns:
        The folder; it is made with its first file.

    Raises:
        DependencyError: the address needs a package that is not installed.
        SettingError: its scheme is unknown, or it is empty.
    """
    text = os.fsdecode(out) if isinstance(out, (str, os.PathLike)) else ""
    if not text.strip():
        # A variable that is empty; as a path it is the folder where the program runs.
        raise SettingError(
            f"out is the folder of the results, not {out!r}. For this one, give '.'."
        )
    return _CloudStore(text) if is_cloud(text) else _LocalStore(expanded(text))
