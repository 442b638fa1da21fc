"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seg_widgets import _files, export
from seg_widgets.errors import ExportError
from seg_widgets.export.files import as_json


def test_writing_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    assert export.write_bytes(path, b"new") == path
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
    os.umask(mask := os.umask(0))
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EACCES, "you may not write there. Choose another folder"),
        (errno.EROFS, "you may not write there"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_failure_keeps_the_old_file(
    number: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*_: object) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ExportError, match=rf"a\.txt could not be written: {words}"):
        export.write_bytes(path, b"new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_written_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So `kill -9` leaves nothing; where the system can't do that, it has one."""
    seen: list[list[str]] = []
    write = _files._write

    def look(file: Any, content: bytes, durable: bool) -> None:
        write(file, content, durable)
        seen.append(os.listdir(tmp_path))  # noqa: PTH208

    monkeypatch.setattr(_files, "_write", look)
    if hasattr(os, "O_TMPFILE"):
        export.write_bytes(tmp_path / "a", b"x")
        assert seen.pop() == []
        monkeypatch.delattr(os, "O_TMPFILE")
    export.write_bytes(tmp_path / "a", b"y")
    assert any(name.startswith(".seg-widgets-") for name in seen.pop())
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"y"


def test_what_was_left_is_removed_but_not_what_is_being_written(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in (".seg-widgets-a", ".seg-widgets-b", "c"))
    for path in (old, young, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (1e9, 1e9))
    _files.sweep(tmp_path, older_than_s=600)
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, "c"]
    _files.sweep(tmp_path / "none")


_SAVING = """
import sys, time
from pathlib import Path
from seg_widgets._files import scratch_folder
with scratch_folder(sys.argv[1]) as scratch:
    (scratch / "half").write_bytes(b"x")
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there, what is left stays for a day")
def test_what_a_killed_process_left_is_removed_but_not_what_a_living_one_writes(
    tmp_path: Path,
) -> None:
    (tmp_path / ".saving-for-later").mkdir()
    (tmp_path / ".saving-mine_too" / "folder").mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", _SAVING, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        names = {path.name for path in tmp_path.iterdir()}
        assert len(names) == 3
        with _files.scratch_folder(tmp_path) as scratch, _files.scratch_folder(tmp_path) as other:
            assert {path.name for path in tmp_path.iterdir()} == {*names, scratch.name, other.name}
        assert {path.name for path in tmp_path.iterdir()} == names
        process.kill()
    with _files.scratch_folder(tmp_path) as scratch:
        (scratch / "a").write_bytes(b"whole")
        (scratch / "a").replace(tmp_path / "a")
    assert {path.name for path in tmp_path.iterdir()} == {
        ".saving-for-later",
        ".saving-mine_too",
        "a",
    }


def test_whether_a_folder_can_be_written_is_known_before(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "new" / "er"):
        _files.require_writable(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    for name, words in (
        ("file", "is a file, not a folder"),
        ("file/a/b", "is a file, not a folder"),
        ("x" * 300, "too long"),
        ("a\0b", "can't be the name of a folder"),
    ):
        with pytest.raises(ExportError, match=words):
            _files.require_writable(tmp_path / name)
    _files.require_writable_file(tmp_path / "file")
    with pytest.raises(ExportError, match="there is a folder of that name"):
        _files.require_writable_file(tmp_path)


def test_a_full_disk_for_real() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(ExportError):
        export.write_bytes("/dev/full/a", b"x")


def test_places_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ExportError, match="is a file, not a folder"):
        export.write_bytes(tmp_path / "file" / "a.txt", b"x")
    with pytest.raises(ExportError, match="there is a folder of that name"):
        export.write_bytes(tmp_path / "folder", b"x")
    with pytest.raises(ExportError, match="too long"):
        export.write_bytes(tmp_path / ("x" * 300), b"x")
    with pytest.raises(ExportError, match="can't be the name of a file"):
        export.write_bytes(tmp_path / "a\0b", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("a/b:c*d", "a_b_c_d"),
        ("con", "_con"),
        ("Com1.backup", "_Com1.backup"),
        ("console", "console"),
        (" . ", "image"),
        ("x" * 300, "x" * 100),
        ("写" * 300, "写" * 41),
    ],
)
def test_stems_are_fit_for_every_system(text: str, stem: str) -> None:
    assert export.file_stem(text) == stem
    assert export.file_stem(stem) == stem
    numbered = export.file_stem(text, ending="-12")
    assert numbered.endswith("-12") and export.file_stem(numbered) == numbered
    assert len(f"{stem}-cutout-000-{'写' * 16}.png".encode()) < 255


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says its umask")
def test_a_file_has_the_rights_that_a_person_asked_for(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = export.write_bytes(tmp_path / "a.txt", b"x")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_json_is_short_and_in_utf_8() -> None:
    content = as_json({"name": "Ωmega", "box": [1, 2.5], "file": "a\udcff.jpg"})
    assert content == '{"name":"Ωmega","box":[1,2.5],"file":"a?.jpg"}\n'.encode()
    # JSON has no NaN, and other programs refuse it.
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json([float("nan")])
