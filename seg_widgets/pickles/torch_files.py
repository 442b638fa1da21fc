"""Where the numbers lie in a file that torch wrote: a zip archive, or the format before it."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import IO, Any, Final

from .records import Storage
from .refusal import RefusedError, shown
from .unpickling import ITEM_BYTES, RecordUnpickler, TorchUnpickler

__all__ = ["MAX_ENTRIES", "Span", "read_torch"]

MAX_ENTRIES: Final = 50_000
"""The most entries of an archive and tensors of a file; the largest models have some thousands."""

Span = tuple[int, int]
"""A part of the file: its first byte, and how many there are."""

_DATA: Final = "data.pkl"
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")


def read_torch(file: IO[bytes], path: Path) -> tuple[object, dict[str, Span]]:
    """Read what torch pickled, and find its storages.

    Args:
        file: the open file.
        path: its path, for its size.

    Returns:
        The records, and where each storage's bytes lie, by its key.

    Raises:
        RefusedError: it is another archive, or its parts are not where they should be.
    """
    is_archive = file.read(4) == b"PK\x03\x04"
    file.seek(0)
    size = path.stat().st_size
    return _read_archive(file, size) if is_archive else _read_legacy(file, size)


# ── the zip archive ───────────────────────────────────────────────────────────────────────────────


def _read_archive(file: IO[bytes], size: int) -> tuple[object, dict[str, Span]]:
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if len(archive.infolist()) > MAX_ENTRIES:
            raise RefusedError("claims", f"it is an archive of {len(archive.infolist()):,} entries")
    _check_archive(list(entries))
    main = next(name for name in entries if name == _DATA or name.endswith(f"/{_DATA}"))
    prefix = main.removesuffix(_DATA)

    order = entries.get(f"{prefix}byteorder")
    if order is not None and _content(file, order, size) != b"little":
        raise RefusedError(
            "other",
            "was saved on a machine of the other byte order (big-endian). Load it with "
            "torch and save it again on a machine of today",
        )
    unpickler = TorchUnpickler(io.BytesIO(_content(file, entries[main], size)))
    data = unpickler.load()

    spans = {}
    for key, storage in unpickler.storages.items():
        entry = entries.get(f"{prefix}data/{key}")
        if entry is None:
            raise RefusedError("broken", f"it lacks {shown(f'data/{key}')}")
        spans[key] = _span(file, entry, size)
        _check_length(storage, spans[key][1])
    _check_apart(list(spans.values()))
    return data, spans


def _check_archive(names: list[str]) -> None:
    """Refuse an archive that is no file of tensors."""
    if any("/code/" in name or name.endswith("constants.pkl") for name in names):
        raise RefusedError(
            "other",
            "is a TorchScript program (torch.jit.save), which is code. Save the state dict of the "
            "original model: torch.save(model.state_dict(), …)",
        )
    if not any(name.endswith(f"/{_DATA}") or name == _DATA for name in names):
        inside = ", ".join(shown(name)[1:-1] for name in names[:3])
        more = " …" if len(names) > 3 else ""
        raise RefusedError("other", f"is a zip archive ({inside}{more}); unpack it first")


def _span(file: IO[bytes], entry: zipfile.ZipInfo, size: int) -> Span:
    """Where an entry's bytes lie. torch stores them as they are."""
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
        raise RefusedError(
            "claims", f"its entry {shown(entry.filename)} is compressed, which torch never does"
        )
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) != _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
        raise RefusedError("broken", "an entry is not where the archive says")
    _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    start = entry.header_offset + _LOCAL_HEADER.size + name_length + extra_length
    if entry.file_size != entry.compress_size or start + entry.file_size > size:
        raise RefusedError("broken", "an entry is longer than the file")
    return start, entry.file_size


def _content(file: IO[bytes], entry: zipfile.ZipInfo, size: int) -> bytes:
    start, length = _span(file, entry, size)
    file.seek(start)
    return file.read(length)


def _check_apart(spans: list[Span]) -> None:
    """Refuse storages that lie in each other: a small file could claim any memory."""
    end = 0
    for start, length in sorted(span for span in spans if span[1]):
        if start < end:
            raise RefusedError("claims", "its entries overlap")
        end = start + length


def _check_length(storage: Storage, length: int) -> None:
    item = 1 if storage.dtype is None else ITEM_BYTES[storage.dtype]
    if storage.numel * item > length:
        raise RefusedError("broken", "a storage is shorter than it should be")


# ── the format before torch 1.6 ───────────────────────────────────────────────────────────────────


def _read_legacy(file: IO[bytes], size: int) -> tuple[object, dict[str, Span]]:
    """Read five pickles (a number, the version, the machine, the records, the keys), then the
    storages."""
    for _ in range(3):
        RecordUnpickler(file).load()
    unpickler = TorchUnpickler(file)
    data = unpickler.load()
    keys: Any = RecordUnpickler(file).load()
    if not isinstance(keys, list) or len(keys) > MAX_ENTRIES:
        raise RefusedError("broken", "the list of its storages is wrong")

    spans = {}
    for key in keys:
        storage = unpickler.storages.get(key) if isinstance(key, str) else None
        head = file.read(8)
        if storage is None or len(head) != 8 or key in spans:
            raise RefusedError("broken", "a storage is missing")
        numel = int.from_bytes(head, "little")
        item = 1 if storage.dtype is None else ITEM_BYTES[storage.dtype]
        start, length = file.tell(), numel * item
        if numel != storage.numel or start + length > size:
            raise RefusedError("broken", "a storage is shorter than it should be")
        spans[key] = (start, length)
        file.seek(start + length)
    return data, spans
