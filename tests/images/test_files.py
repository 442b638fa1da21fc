"""Paths and open files that are wrong."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from seg_widgets.errors import (
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
    ImageTooLargeError,
)
from seg_widgets.images import load
from seg_widgets.images.files import looks_like_image, read_open_file, read_path
from seg_widgets.images.limits import Limits

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


def test_which_files_of_a_folder_are_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "image.bin").write_bytes(PNG)
    (tmp_path / "text.bin").write_bytes(b"a text")
    (tmp_path / "pdf.bin").write_bytes(b"%PDF-1.7")
    (tmp_path / "folder").mkdir()
    (tmp_path / "set.zarr").mkdir()
    (tmp_path / "set.zarr" / ".zattrs").write_text("{}")
    os.mkfifo(tmp_path / "pipe")
    names = ["gone.HEIC", "gone.jpg", "image.bin", "set.zarr"]
    assert [name for name in names if looks_like_image(tmp_path / name)] == names
    for name in ("gone.bin", "text.bin", "pdf.bin", "folder", "pipe"):
        assert not looks_like_image(tmp_path / name), name

    def refuse(*_: object, **__: object) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert not looks_like_image(tmp_path / "image.bin")


class _Counting(io.BytesIO):
    """A file that never ends, and remembers how much was asked of it."""

    asked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        self.asked += size
        return b"x" * size


def test_one_byte_more_than_the_limit_is_read_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _Counting()
    assert read_open_file(file, "photo", Limits(max_bytes=1000)) == b"x" * 1001
    assert file.asked == 1001
    # A file that grows while it is read.
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"x" * 1000)
    growing = _Counting()
    monkeypatch.setattr(Path, "open", lambda *_, **__: growing)
    with pytest.raises(ImageTooLargeError, match=r"photo\.jpg has 1,001 bytes, over the limit of"):
        read_path(path, "", Limits(max_bytes=1000))
    assert growing.asked == 1001


def test_an_empty_file_is_not_one_that_was_read_before(tmp_path: Path) -> None:
    file = io.BytesIO(PNG)
    file.seek(0, io.SEEK_END)
    with pytest.raises(ImageFormatError, match=r"read to its end already\. Call its seek\(0\)"):
        load(file)

    class OnlyRead:
        def read(self, _: int) -> Any:
            return self.content

        content: Any = b""

    odd = OnlyRead()
    for empty in (io.BytesIO(), odd):
        with pytest.raises(ImageFormatError, match=r"is empty \(0 bytes\)"):
            load(empty)
    odd.content = bytearray(PNG)
    assert load(odd).shape == (30, 40, 3)
    odd.content = [1, 2]
    with pytest.raises(ImageFormatError, match="gives a list when read, not bytes"):
        load(odd)


def test_the_folder_of_a_user_who_is_not_here() -> None:
    with pytest.raises(ImageNotFoundError, match=r"no file '~nobody-here/cat\.jpg'"):
        load("~nobody-here/cat.jpg")
