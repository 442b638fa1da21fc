"""Fetching the weights of detectron2's model zoo, and checking that they are what they should be.

A file comes into the cache whole or not at all: it is fetched under another name, checked, and then
renamed. A broken download is resumed by the next one. One process fetches a file at a time; the
others wait and find it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from pathlib import Path
from typing import Final

import filelock

from ..errors import (
    ConfigError,
    FetchError,
    FetchStatusError,
    FetchTimeoutError,
    FetchTooLargeError,
    SettingError,
    UnreachableError,
    UrlError,
    WeightsError,
    WeightsFetchError,
)
from ..net import Progress
from .callers import as_raised, marked
from .catalogue import STARTER, ModelCard, cache_folder, find_model, weight_folders
from .checkpoint import MAX_WEIGHTS_BYTES
from .zoo_names import card_meant, names_like

__all__ = ["CHECKSUMS", "download", "verify"]

CHECKSUMS: Final = "SHA256SUMS"
"""The file beside the weights in which their SHA-256 are recorded, in the format of `sha256sum`."""

_LOCK_POLL_S = 0.2
_REASONS: Final = (
    (FetchTimeoutError, "the server is too slow, or sends nothing"),
    (UnreachableError, "the server can't be reached, or the connection broke off"),
    (UrlError, "its address may not be opened"),
    (FetchTooLargeError, "the server sends more than weights may have"),
)


@as_raised()
def download(
    name: str,
    *,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    stall_timeout_s: float = 30.0,
) -> Path:
    """Fetch the weights of a model of the zoo into the cache, unless they are on this machine.

    The file's MD5 must begin as its name says. Its SHA-256 is recorded in `CHECKSUMS` when it first
    comes, and must be the same each time after.

    Args:
        name: a model of the zoo, by any name that `load_predictor` takes.
        progress: called with the bytes that are here and the bytes in all (None: not known).
        cancel: ends the download once it is set; the next one resumes it.
        stall_timeout_s: seconds without a byte after which the connection is given up.

    Returns:
        The path of the weights.

    Raises:
        ConfigError: the name is no model of the zoo.
        WeightsFetchError: the weights could not be fetched or written.
        WeightsError: what came is another file.
        Exception: what `progress` raises, as it is.
    """
    card = _zoo_card(name)
    if card.weights is not None:
        return card.weights
    folder = cache_folder()
    target, part = folder / card.file_name, folder / f"{card.file_name}.part"

    def report(there: int, total: int | None) -> None:
        _check(cancel, card)
        _check_size(card, total)
        if progress is not None:
            # An OSError of its own says nothing of the folder.
            marked(progress)(there, total)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / f".{card.file_name}.lock", cancel, card):
            _check(cancel, card)
            if not target.is_file():  # another process may have been quicker
                _check_space(card, part, folder)
                _fetch(card, part, report, stall_timeout_s)
                _accept(card, part, folder)
                part.replace(target)
    except OSError as error:
        raise WeightsFetchError(
            f"The weights of {card.name!r} could not be written to {folder} "
            f"({error.strerror or error}). Free some space, or name another folder in "
            "SEG_WIDGETS_CACHE."
        ) from error
    return target


def verify(name: str) -> str:
    """Check the weights of a model of the zoo that are on this machine.

    Args:
        name: a model of the zoo.

    Returns:
        What was checked, as a sentence without a full stop.

    Raises:
        ConfigError: the name is no model of the zoo.
        WeightsNotFoundError: the weights are not on this machine.
        WeightsError: the file is not what it should be.
    """
    card = _zoo_card(name)
    path = find_model(card.name).weights
    checked = []
    md5, sha256 = _digests(path)
    if path.suffix == ".pkl":
        _check_md5(card, md5)
        checked.append(f"its MD5 begins with {card.md5_prefix}")
    known = _recorded(path.name, path.parent)
    if known is not None and known != sha256:
        raise WeightsError(
            f"{path} is not the file that was recorded in {CHECKSUMS}: its SHA-256 is {sha256}. "
            "Remove it and get it again, or remove its line if you replaced it on purpose."
        )
    if known is not None:
        checked.append("its SHA-256 is the recorded one")
    if not checked:
        return f"{path} has no checksum to compare with"
    return f"{path} is as it should be: {' and '.join(checked)}"


def _zoo_card(name: str) -> ModelCard:
    card = card_meant(name)
    if card is None or not card.file:
        what = "comes with the package" if card is not None else "is no model of the zoo"
        close = [] if card is not None else names_like(name)
        meant = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise ConfigError(
            f"{name!r} {what}.{meant} `python -m seg_widgets weights list` lists those that can "
            "be fetched."
        )
    return card


def _locked(path: Path, cancel: threading.Event | None, card: ModelCard) -> filelock.BaseFileLock:
    """Acquire the lock; leaving the context that it is releases it."""
    lock = filelock.FileLock(path)
    while True:
        try:
            lock.acquire(timeout=_LOCK_POLL_S)
        except filelock.Timeout:
            _check(cancel, card)
        else:
            return lock


def _check(cancel: threading.Event | None, card: ModelCard) -> None:
    if cancel is not None and cancel.is_set():
        raise WeightsFetchError(
            f"The download of {card.name!r} was cancelled; the next one resumes it."
        )


def _check_size(card: ModelCard, total: int | None) -> None:
    """Refuse at once what can't be the file, such as a web page that asks for a password."""
    if total is None or card.megabytes is None or 0.8 < total / (card.megabytes * 1e6) < 1.25:
        return
    raise WeightsError(
        f"{card.address} is not {card.file_name}: it has {total:,} bytes instead of about "
        f"{card.megabytes:.0f} MB. It may be a web page or another version; see what a browser "
        "shows there, and check SEG_WIDGETS_MIRROR."
    )


def _check_space(card: ModelCard, part: Path, folder: Path) -> None:
    lacking = (card.megabytes or 0) * 1e6 - (part.stat().st_size if part.exists() else 0)
    free = shutil.disk_usage(folder).free
    if free < lacking:
        raise WeightsFetchError(
            f"The weights of {card.name!r} need {lacking / 1e6:.0f} MB more, but {folder} has "
            f"{free / 1e6:.0f} MB free. Free some space, or name another folder in "
            "SEG_WIDGETS_CACHE."
        )


def _fetch(card: ModelCard, part: Path, progress: Progress, stall_timeout_s: float) -> None:
    from ..net import fetch_file

    # Whoever names a mirror means it, also one on this machine.
    own = bool(os.environ.get("SEG_WIDGETS_MIRROR", "").strip())
    try:
        fetch_file(
            card.address,
            part,
            max_bytes=MAX_WEIGHTS_BYTES,
            stall_timeout_s=stall_timeout_s,
            allow_local=own,
            progress=progress,
        )
    except FetchStatusError as error:
        why = f"the server answered with status {error.status}"
    except FetchError as error:
        why = next(
            (reason for kind, reason in _REASONS if isinstance(error, kind)), str(error).rstrip(".")
        )
    except SettingError as error:
        raise WeightsFetchError(str(error)) from error
    else:
        return
    kept = f" {part.stat().st_size / 1e6:.0f} MB have come and are kept." if part.exists() else ""
    raise WeightsFetchError(
        f"The weights of {card.name!r} could not be fetched: {why}.{kept} Try again, or get "
        f"{card.address} by other means and put it into {part.parent}; the model {STARTER!r} needs "
        "no download."
    )


def _accept(card: ModelCard, part: Path, folder: Path) -> None:
    """Check what has come, and record it; what is wrong is removed."""
    md5, sha256 = _digests(part)
    try:
        _check_md5(card, md5)
        known = _recorded(card.file_name, *weight_folders())
        if known is not None and known != sha256:
            raise WeightsError(
                f"The weights of {card.name!r} from {card.address} are not those that were "
                f"recorded in {CHECKSUMS}: their SHA-256 is {sha256}. They were not kept."
            )
    except WeightsError:
        part.unlink()
        raise
    if known is None:
        with (folder / CHECKSUMS).open("a") as file:
            file.write(f"{sha256}  {card.file_name}\n")


def _check_md5(card: ModelCard, md5: str) -> None:
    if not md5.startswith(card.md5_prefix):
        raise WeightsError(
            f"What came for {card.name!r} is not {card.file_name}: its MD5 begins with {md5[:6]} "
            f"and not with {card.md5_prefix}. It may be a web page or another version; get "
            f"{card.address} again."
        )


def _recorded(file_name: str, *folders: Path) -> str | None:
    """The SHA-256 that is recorded of a file, in the first folder that knows it."""
    for folder in folders:
        path = folder / CHECKSUMS
        if path.is_file():
            for line in path.read_text("utf-8", "replace").splitlines():
                digest, _, name = line.partition(" ")
                if name.lstrip(" *") == file_name:
                    return digest
    return None


def _digests(path: Path) -> tuple[str, str]:
    """A file's MD5 and SHA-256, as hexadecimal digits."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            md5.update(chunk)
            sha256.update(chunk)
    return md5.hexdigest(), sha256.hexdigest()
