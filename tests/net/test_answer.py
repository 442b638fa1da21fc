"""Answers that are not what was asked for: other parts, fewer bytes, nothing at all."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from seg_widgets.errors import FetchError, FetchStatusError, SegWidgetsError, UnreachableError
from seg_widgets.net import fetch_file

from .servers import JPEG, get, raw_server

SIZE = len(JPEG)
ALL = f"bytes 0-{SIZE - 1}/{SIZE}"


def _answer(status: str, body: bytes = b"", **headers: object) -> bytes:
    """The bytes of an answer; `content_length=None` leaves that header out."""
    given = {"content_length": len(body), **headers}
    lines = [f"HTTP/1.1 {status}"]
    lines += [
        f"{name.replace('_', '-')}: {value}" for name, value in given.items() if value is not None
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _talk(answer: bytes | Callable[[bytes], bytes]) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        request = connection.recv(4096)
        connection.sendall(answer if isinstance(answer, bytes) else answer(request))

    return talk


def _fetch(answer: bytes) -> bytes:
    with raw_server(_talk(answer)) as place:
        return get(f"http://{place}/a.jpg").content


@pytest.mark.parametrize(
    ("content_range", "words"),
    [
        (f"bytes 0-99/{SIZE}", rf"status 206, bytes 0 to 99 of {SIZE:,}\)"),
        ("bytes 0-99/*", r"status 206, bytes 0 to 99\)"),
        (f"bytes 100-199/{SIZE}", "bytes 100 to 199"),
        (None, r"status 206, which it doesn't name\)"),
        ("bytes 0-99/50", "which it doesn't name"),
        ("bytes 99-0/100", "which it doesn't name"),
        ("pages 0-99/100", "which it doesn't name"),
    ],
)
def test_a_part_that_nobody_asked_for_is_no_image(content_range: str | None, words: str) -> None:
    answer = _answer("206 Partial Content", JPEG[:100], content_range=content_range)
    with pytest.raises(FetchError, match=f"sends only a part of the image .*{words}"):
        _fetch(answer)


def test_a_part_that_is_all_of_it_is_taken_when_it_is() -> None:
    assert _fetch(_answer("206 Partial Content", JPEG, content_range=ALL)) == JPEG
    lying = _answer("206 Partial Content", JPEG[:100], content_range=ALL)
    with pytest.raises(UnreachableError, match=rf"broke off after 100 of {SIZE:,} bytes"):
        _fetch(lying)


def test_several_parts_in_one_are_refused() -> None:
    body = b"--x\r\nContent-Range: bytes 0-9/20\r\n\r\n" + JPEG[:10] + b"\r\n--x--\r\n"
    kind = "multipart/byteranges; boundary=x"
    for name in (None, ALL):
        with pytest.raises(FetchError, match="status 206, several parts in one"):
            _fetch(_answer("206 Partial Content", body, content_type=kind, content_range=name))


@pytest.mark.parametrize("promised", [SIZE + 1, SIZE * 100])
def test_a_body_that_is_short_is_said_with_its_bytes(promised: int) -> None:
    words = rf"broke off after {SIZE:,} of {promised:,} bytes\. Try again"
    with pytest.raises(UnreachableError, match=words):
        _fetch(_answer("200 OK", JPEG, content_length=promised))


def test_a_body_that_is_longer_ends_where_it_was_said() -> None:
    assert _fetch(_answer("200 OK", JPEG + b"more", content_length=SIZE)) == JPEG


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("204 No Content", "status 204. It has nothing to send"),
        ("205 Reset Content", "status 205. It has nothing to send"),
        ("304 Not Modified", "status 304. It says that nothing has changed"),
        ("300 Multiple Choices", "status 300. Check the address"),
        ("416 Range Not Satisfiable", "status 416. Check the address"),
    ],
)
def test_a_status_without_a_file(status: str, words: str, tmp_path: Path) -> None:
    answer = _answer(status)
    with pytest.raises(FetchStatusError, match=words) as caught:
        _fetch(answer)
    assert caught.value.status == int(status[:3])
    with pytest.raises(FetchStatusError, match=words):
        _download(tmp_path / "file", _both(answer))
    assert not (tmp_path / "file").exists()


# ── into a file ───────────────────────────────────────────────────────────────────────────────────


def _both(answer: bytes) -> Callable[[bytes], bytes]:
    return lambda request: answer


def _resumed(answer: bytes, whole: bytes) -> Callable[[bytes], bytes]:
    """Another answer where the whole is asked for."""
    return lambda request: whole if b"bytes=0-" in request else answer


def _download(path: Path, answer: Callable[[bytes], bytes]) -> bytes:
    """Fetch into a file from a server that answers twice, if it is asked twice."""

    def twice(connection: socket.socket) -> None:
        _talk(answer)(connection)

    with raw_server(twice, connections=2) as place:
        fetch_file(
            f"http://{place}/w.bin", path, max_bytes=10**6, total_timeout_s=5, allow_local=True
        )
    return path.read_bytes()


REST = _answer("206 Partial Content", JPEG[10:], content_range=f"bytes 10-{SIZE - 1}/{SIZE}")
WHOLE = _answer("200 OK", JPEG)


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        _answer("206 Partial Content", JPEG[5:], content_range=f"bytes 5-{SIZE - 1}/{SIZE}"),
        _answer("206 Partial Content", JPEG[10:], content_range="bytes 10-5/20"),
        _answer("206 Partial Content", JPEG[10:], content_range=f"bytes 10-{SIZE}/{SIZE}"),
        _answer("206 Partial Content", JPEG[10:]),
        _answer("206 Partial Content", b"--x\r\n", content_type="multipart/byteranges; boundary=x"),
        _answer("416 Range Not Satisfiable", content_range=f"bytes */{SIZE - 2}"),
    ],
    ids=["200", "other-start", "backwards", "over-the-end", "unnamed", "several", "416"],
)
def test_what_does_not_continue_a_file_is_fetched_anew(answer: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    assert _download(path, _resumed(answer, WHOLE)) == JPEG


def test_a_file_is_resumed_and_a_short_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(JPEG[:10])
    assert _download(path, _both(REST)) == JPEG

    # The server says that it sends the rest, and sends 90 bytes of it.
    path.write_bytes(JPEG[:10])
    promised = f"bytes 10-{SIZE - 1}/{SIZE}"
    for length in (None, 90, SIZE):
        path.write_bytes(JPEG[:10])
        short = _answer(
            "206 Partial Content", JPEG[10:100], content_range=promised, content_length=length
        )
        with pytest.raises(UnreachableError, match=r"broke off after .* bytes"):
            _download(path, _both(short))
        assert path.read_bytes() == JPEG[:100]

    # A smaller part than was asked for is a beginning as good as any.
    path.write_bytes(JPEG[:10])
    smaller = _answer("206 Partial Content", JPEG[10:50], content_range=f"bytes 10-49/{SIZE}")
    with pytest.raises(UnreachableError, match=rf"broke off after 50 of {SIZE:,} bytes"):
        _download(path, _both(smaller))
    assert path.read_bytes() == JPEG[:50]


def test_another_part_than_the_first_is_never_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    other = _answer("206 Partial Content", JPEG[5:], content_range=f"bytes 5-{SIZE - 1}/{SIZE}")
    for answer in (other, _answer("206 Partial Content", JPEG)):
        with pytest.raises(SegWidgetsError, match="sends another part of the file"):
            _download(path, _both(answer))
        assert not path.exists()


def test_nothing_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(FetchError, match="answered with nothing"):
        _download(path, _both(_answer("200 OK")))
