"""fetch: answers of servers, good and bad."""

from __future__ import annotations

import gzip
import inspect
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from seg_widgets import images
from seg_widgets.errors import (
    FetchError,
    FetchStatusError,
    FetchTimeoutError,
    FetchTooLargeError,
    ImageFormatError,
    SegWidgetsError,
    SettingError,
    UnreachableError,
    UrlError,
)
from seg_widgets.net import MAX_BYTES, Fetched, fetch, fetch_file, size_text

from .servers import JPEG, answers, get


@pytest.mark.parametrize(
    "options",
    [
        {"max_bytes": 0},
        {"connect_timeout_s": 0},
        {"total_timeout_s": float("nan")},
        {"total_timeout_s": -1},
        {"max_redirects": -1},
    ],
)
def test_settings_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(options))):
        fetch("http://example.org/", **options)


class Handler(BaseHTTPRequestHandler):
    """One path for each thing that a server may do."""

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int = 200, body: bytes = JPEG, **headers: str) -> None:
        self.send_response(status)
        for name, value in {
            "Content_Type": "image/jpeg",
            "Content_Length": str(len(body)),
            **headers,
        }.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        name, _, argument = self.path.lstrip("/").partition("/")
        with suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, f"get_{name.partition('?')[0].replace('.', '_')}")(argument)

    def get_photo_jpg(self, _: str) -> None:
        self.answer()

    def get_status(self, status: str) -> None:
        self.answer(int(status), b"no")

    def get_chain(self, left: str) -> None:
        self.answer(
            302, b"", Location=f"/chain/{int(left) - 1}" if int(left) else "/photo.jpg?a=1#part"
        )

    def get_loop(self, _: str) -> None:
        self.answer(301, b"", Location="/loop")

    def get_to(self, target: str) -> None:
        self.answer(307, b"", Location=target)

    def get_spaced(self, _: str) -> None:
        self.answer(302, b"", Location=" /photo.jpg?a b/ü ".encode().decode("latin-1"))

    def get_nolocation(self, _: str) -> None:
        self.answer(302, b"")

    def get_page(self, _: str) -> None:
        self.answer(
            body=b"\n <!DOCTYPE html><html></html>", Content_Type="text/html; charset=utf-8"
        )

    def get_mislabelled(self, _: str) -> None:
        self.answer(Content_Type="text/html")

    def get_empty(self, _: str) -> None:
        self.answer(body=b"")

    def get_gzip(self, _: str) -> None:
        self.answer(body=gzip.compress(JPEG), Content_Encoding="gzip")

    def get_identity(self, _: str) -> None:
        self.answer(Content_Encoding="identity")

    def get_bomb(self, _: str) -> None:
        self.answer(body=gzip.compress(b"\0" * 10_000_000), Content_Encoding="br, gzip")

    def get_big(self, size: str) -> None:
        self.answer(body=b"x" * int(size))

    def get_liar(self, _: str) -> None:
        self.answer(Content_Length="99999999999999999999999999")

    def get_short(self, _: str) -> None:
        self.answer(Content_Length=str(len(JPEG) + 100))

    def get_nolength(self, _: str) -> None:
        self.answer(Content_Length="")

    def get_chunked(self, _: str) -> None:
        self.protocol_version = "HTTP/1.1"
        self.answer(body=b"", Content_Length="", Transfer_Encoding="chunked", Connection="close")
        for start in range(0, len(JPEG), 1000):
            part = JPEG[start : start + 1000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def get_endless(self, _: str) -> None:
        self.answer(body=b"", Content_Length="")
        for _i in range(10_000):
            self.wfile.write(b"x" * 10_000)

    def get_drip(self, _: str) -> None:
        self.answer(body=b"", Content_Length="1000")
        for _i in range(100):
            self.wfile.write(b"x")
            time.sleep(0.05)


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    running.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=running.serve_forever, args=(0.02,))
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def base(server: ThreadingHTTPServer) -> str:
    server.seen.clear()  # type: ignore[attr-defined]
    return f"http://127.0.0.1:{server.server_port}"


def test_an_image(base: str, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    fetched = get(f"{base}/photo.jpg")
    assert fetched == Fetched(JPEG, f"{base}/photo.jpg", "photo.jpg")
    path, headers = server.seen[0]
    assert path == "/photo.jpg"
    assert headers["Accept-Encoding"] == "identity"
    assert headers["Host"] == base.removeprefix("http://")
    assert "seg-widgets" in headers["User-Agent"]


def test_load_takes_a_url(base: str) -> None:
    assert images.load(f"{base}/photo.jpg", allow_local=True).shape == (48, 64, 3)
    with pytest.raises(UrlError, match=r"^127\.0\.0\.1 is this machine, which may not be opened"):
        images.load(f"{base}/photo.jpg")
    with pytest.raises(ImageFormatError, match=r"^10 is a text file"):
        images.load(f"{base}/big/10", allow_local=True)


def test_names_for_messages(base: str) -> None:
    assert get(f"{base}/photo.jpg?name=x#y").name == "photo.jpg"
    assert (
        get(f"{base}/big/%D0%BA%D0%BE%D1%82.png".replace("/big/", "/photo.jpg/")).name == "кот.png"
    )
    assert get(f"{base}/chain/0").name == "photo.jpg"


def test_redirects_are_followed_to_a_limit(base: str) -> None:
    fetched = get(f"{base}/chain/4")
    assert fetched.content == JPEG
    assert fetched.url == f"{base}/photo.jpg?a=1#part"
    with pytest.raises(FetchError, match="redirected more than 5 times"):
        get(f"{base}/chain/5")
    with pytest.raises(FetchError, match="redirected more than 0 times"):
        get(f"{base}/chain/0", max_redirects=0)
    with pytest.raises(FetchError, match="redirected more than 5 times"):
        get(f"{base}/loop")


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "//169.254.169.254/",
        "http://[fe80::1]/",
        "http://user:pass@127.0.0.1/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
        "http://[bad/",
    ],
)
def test_redirects_are_checked_again(base: str, target: str) -> None:
    with pytest.raises(UrlError, match=r"may not be opened|Only http|proper URL|no host|password"):
        get(f"{base}/to/{target}")


def test_a_redirect_from_a_public_host_into_this_machine(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer counts as public; the second, to the same port, is what it is."""
    port = int(base.rpartition(":")[2])
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *_, **__: answers("8.8.8.8" if "public" in host else "127.0.0.1")(host, port),
    )
    connect = socket.socket.connect
    tried: list[Any] = []

    def to_our_server(self: socket.socket, address: Any) -> None:
        tried.append(address)
        connect(self, ("127.0.0.1", port))

    monkeypatch.setattr(socket.socket, "connect", to_our_server)
    assert fetch("http://public.example/photo.jpg").content == JPEG
    with pytest.raises(UrlError, match=r"inside\.example is at 127\.0\.0\.1"):
        fetch("http://public.example/to/http://inside.example/photo.jpg")
    assert tried == [("8.8.8.8", port)] * 2


def test_the_next_address_is_tried(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers("127.0.0.2", "127.0.0.1"))
    assert get(base.replace("127.0.0.1", "two.example") + "/photo.jpg").content == JPEG


@pytest.mark.parametrize(
    ("status", "words"), [(404, "check the address"), (403, "browser"), (500, "Try again later")]
)
def test_error_statuses(base: str, status: int, words: str) -> None:
    with pytest.raises(FetchStatusError, match=f"answered with status {status}.*{words}") as caught:
        get(f"{base}/status/{status}")
    assert caught.value.status == status


def test_sloppy_redirects(base: str, server: Any) -> None:
    assert get(f"{base}/spaced").content == JPEG
    assert server.seen[-1][0] == "/photo.jpg?a%20b/%C3%BC"


def test_a_redirect_without_a_target(base: str) -> None:
    with pytest.raises(FetchStatusError, match="status 302"):
        get(f"{base}/nolocation")


def test_a_web_page(base: str) -> None:
    with pytest.raises(FetchError, match=r"is a web page, not an image.*address"):
        get(f"{base}/page")
    assert get(f"{base}/mislabelled").content == JPEG


def test_bodies(base: str) -> None:
    for path in ("nolength", "chunked", "identity"):
        assert get(f"{base}/{path}").content == JPEG
    with pytest.raises(FetchError, match="nothing"):
        get(f"{base}/empty")
    for path in ("gzip", "bomb"):
        with pytest.raises(FetchError, match=r"packed \(.*gzip\)"):
            get(f"{base}/{path}")
    with pytest.raises(UnreachableError, match="broke off"):
        get(f"{base}/short")


def test_the_limit_of_bytes(base: str) -> None:
    assert len(get(f"{base}/big/5000", max_bytes=5000).content) == 5000
    for path in ("big/5001", "liar", "endless"):
        with pytest.raises(FetchTooLargeError, match=r"more than 5,000 bytes"):
            get(f"{base}/{path}", max_bytes=5000)


def test_a_dripping_body(base: str) -> None:
    start = time.monotonic()
    with pytest.raises(FetchTimeoutError, match=r"within 0\.5 s"):
        get(f"{base}/drip", total_timeout_s=0.5)
    assert time.monotonic() - start < 2


def test_no_threads_stay_behind(base: str) -> None:
    before = threading.active_count()
    for _ in range(5):
        get(f"{base}/photo.jpg")
    time.sleep(0.2)
    # The server's own threads end with their connections.
    assert threading.active_count() <= before + 1


def test_all_are_of_our_tree() -> None:
    for kind in (
        UrlError,
        UnreachableError,
        FetchTimeoutError,
        FetchStatusError,
        FetchTooLargeError,
    ):
        assert issubclass(kind, FetchError) and issubclass(kind, SegWidgetsError)


# ── into a file ───────────────────────────────────────────────────────────────────────────────────


class Parts(BaseHTTPRequestHandler):
    """Sends `content` from where a request's range begins; /whole knows no ranges, /short ends
    early, /endless says no length, /moved/STATUS leads to /file."""

    content = bytes(range(256)) * 12_000  # 3,072,000 bytes, in three pieces of 1 MiB

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        kind, _, status = self.path[1:].partition("/")
        if kind == "moved":
            self.send_response(int(status))
            self.send_header("Location", "/file")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        size = len(self.content)
        if start >= size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = 0 if kind == "whole" else start
        body = self.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if kind != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:-1] if kind == "short" else body)
        self.close_connection = True


@pytest.fixture(scope="module")
def parts() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Parts) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def into(url: str, path: Path, **options: Any) -> list[tuple[int, int | None]]:
    """Fetch into a file, and return what progress was told."""
    told: list[tuple[int, int | None]] = []
    size = len(Parts.content)
    settings = {"max_bytes": size, "allow_local": True} | options
    fetch_file(url, path, progress=lambda *said: told.append(said), **settings)
    return told


def test_a_file_comes_piece_by_piece(parts: str, tmp_path: Path) -> None:
    path, size = tmp_path / "file", len(Parts.content)
    assert into(f"{parts}/file", path) == [
        *[(0, size), (2**20, size), (2 * 2**20, size), (size, size)]
    ]
    assert path.read_bytes() == Parts.content


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_each_kind_of_redirect_is_followed(parts: str, tmp_path: Path, status: int) -> None:
    into(f"{parts}/moved/{status}", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == Parts.content
    with pytest.raises(FetchError, match="redirected more than 0 times"):
        into(f"{parts}/moved/{status}", tmp_path / "file", max_redirects=0)


@pytest.mark.parametrize("status", [300, 304, 305])
def test_another_status_with_a_location_is_no_redirect(
    parts: str, tmp_path: Path, status: int
) -> None:
    with pytest.raises(FetchError):
        into(f"{parts}/moved/{status}", tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_what_is_there_already_is_not_fetched_again(parts: str, tmp_path: Path) -> None:
    path, size = tmp_path / "file", len(Parts.content)
    path.write_bytes(Parts.content[:-5])
    assert into(f"{parts}/file", path) == [(size - 5, size), (size, size)]
    assert path.read_bytes() == Parts.content
    # All of it is there, and the server says that there is no more.
    assert into(f"{parts}/file", path) == []
    # One that knows no ranges sends all of it once more.
    path.write_bytes(b"something else")
    assert into(f"{parts}/whole", path)[0] == (0, size)
    assert path.read_bytes() == Parts.content


def test_a_file_that_ends_early_is_kept_and_said(parts: str, tmp_path: Path) -> None:
    path, size = tmp_path / "file", len(Parts.content)
    with pytest.raises(FetchError, match="broke off after 3,071,999 of 3,072,000 bytes"):
        into(f"{parts}/short", path)
    assert path.stat().st_size == size - 1
    # Without a length nobody can say whether all has come.
    told = into(f"{parts}/endless", tmp_path / "other")
    assert told[-1] == (size, None) and (tmp_path / "other").read_bytes() == Parts.content


@pytest.mark.parametrize("kind", ["file", "endless"])
def test_a_file_may_have_its_limit_and_no_byte_more(parts: str, tmp_path: Path, kind: str) -> None:
    with pytest.raises(FetchTooLargeError, match=r"sends more than 2\.9 MiB"):
        into(f"{parts}/{kind}", tmp_path / "file", max_bytes=len(Parts.content) - 1)


def test_a_file_that_can_not_be_written_is_said(parts: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="could not be written: Is a directory"):
        into(f"{parts}/file", tmp_path)
    with pytest.raises(FetchError, match="could not be written: No space left on device"):
        into(f"{parts}/file", Path("/dev/full"))


def test_sizes_in_words() -> None:
    assert MAX_BYTES == 26_214_400
    assert [size_text(count) for count in (0, 900, 2**20 - 1, 2**20, 3 * 2**19)] == [
        *("0 bytes", "900 bytes", "1,048,575 bytes", "1.0 MiB", "1.5 MiB")
    ]


def test_one_byte_and_no_redirect_are_limits(base: str) -> None:
    with pytest.raises(FetchTooLargeError, match="more than 1 bytes"):
        get(f"{base}/photo.jpg", max_bytes=1)
    assert get(f"{base}/photo.jpg", max_redirects=0).content == JPEG


def test_times_are_those_that_are_documented() -> None:
    defaults = {
        name: setting.default for name, setting in inspect.signature(fetch_file).parameters.items()
    }
    assert defaults["connect_timeout_s"] == 5
    assert defaults["stall_timeout_s"] == 30
    assert defaults["total_timeout_s"] == 6 * 3600
    assert defaults["max_redirects"] == 5
