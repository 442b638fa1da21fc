"""Paths and open files that are wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from seg_widgets.errors import (
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
)
from seg_widgets.images import load

from .pictures import PNG


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(
        ImageNotFoundError, match=r"no file '.*missing\.jpg'.*Check the name"
    ) as caught:
        load(tmp_path / "missing.jpg")
    assert isinstance(caught.value, FileNotFoundError)
    for path in ("a\0b.png", "x" * 5000, "~nobody-here-at-all/x.png", ""):
        with pytest.raises(ImageError, match=r"no file|name of a file|can't be read|is a folder"):
            load(path)


def test_folders_and_pipes(tmp_path: Path) -> None:
    with pytest.raises(ImageFormatError, match="is a folder"):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageFormatError, match="pipe is not an ordinary file"):
        load(tmp_path / "pipe")
    with pytest.raises(ImageFormatError, match="zero is not an ordinary file"):
        load("/dev/zero")


def test_unreadable_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(PNG)

    def refuse(*_: object, **__: object) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImageError, match=r"secret\.png may not be read"):
        load(path)


def test_files_open_in_the_wrong_way(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(PNG)
    with (
        path.open(encoding="latin-1") as file,
        pytest.raises(ImageFormatError, match=r"photo\.png is open as text"),
    ):
        load(file)
    with path.open(encoding="utf-8") as file, pytest.raises(ImageFormatError, match="open as text"):
        load(file)
    with pytest.raises(ImageError, match="can't be read: I/O operation on closed file"):
        load(file)
    with path.open("ab") as appending, pytest.raises(ImageError, match="can't be read"):
        load(appending)
