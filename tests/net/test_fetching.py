"""fetch: what may be opened, and that nothing a server does makes it hang, swell or escape."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
from seg_widgets.net import fetching
from seg_widgets.net.fetching import MAX_URL_LENGTH, Fetched, address_refusal, fetch
from seg_widgets.testing import make_jpeg

JPEG = make_jpeg(64, 48)


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────

LOCAL = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "fc00::1",
    "fd12:3456:789a::1",
]

NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::2",
    "::127.0.0.1",
    "::10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:53aa:64c:0:fbd9:7f:fffe",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "2606:4700::5efe:127.0.0.1",
    "2606:4700::200:5efe:10.0.0.1",
    "fe80::5efe:10.0.0.1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%1",
    "febf::1",
    "fec0::1",
    "feff::1",
    "ff02::1",
]

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
]


@pytest.mark.parametrize("address", LOCAL)
def test_local_addresses_need_permission(address: str) -> None:
    assert address_refusal(address)
    assert address_refusal(address, allow_local=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_opened(address: str) -> None:
    assert address_refusal(address)
    assert address_refusal(address, allow_local=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_opened(address: str) -> None:
    assert address_refusal(address) is None


# ── URLs ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Looking up a host fails the test; what was looked up is in the list."""
    asked: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> Any:
        asked.append(host)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "Only http"),
        ("photo.jpg", "Only http"),
        ("ftp://example.org/a.png", "Only http"),
        ("file:///etc/passwd", "Only http"),
        ("gopher://127.0.0.1:6379/_x", "Only http"),
        ("javascript:alert(1)//://", "Only http"),
        ("http://", "names no host"),
        ("http:///path", "names no host"),
        ("https://?x", "names no host"),
        ("http://user:secret@example.org/", "user name or password"),
        ("http://user@example.org/", "user name or password"),
        ("http://@example.org/", "user name or password"),
        ("http://example.org\\@evil.org/", "backslash"),
        ("http://example.org/a b", "a space"),
        ("http://example.org/\r\nHost: evil", "control character"),
        ("http://example.org/\x00", "control character"),
        ("http://example.org:99999/", "proper URL"),
        ("http://example.org:port/", "proper URL"),
        ("http://[::1/", "proper URL"),
        ("http://[bad/", "proper URL"),
        ("http://a%20b.org/", "proper URL"),
        ("http://a'b.org/", "proper URL"),
        ("http://" + "a" * 70 + "é.org/", "proper URL"),
        ("http://example.org/" + "a" * MAX_URL_LENGTH, "8,211 characters"),
    ],
)
def test_urls_that_are_not_opened(url: str, words: str, no_network: list[str]) -> None:
    with pytest.raises(UrlError, match=words) as caught:
        fetch(url)
    assert isinstance(caught.value, ValueError)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert no_network == []


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
    with pytest.raises(SettingError):
        fetch("http://example.org/", **options)


def test_an_unknown_host(no_network: list[str]) -> None:
    with pytest.raises(UnreachableError, match=r"no host 'nowhere\.example'\. Check its spelling"):
        fetch("http://nowhere.example/a.png")
    assert no_network == ["nowhere.example"]


def test_a_look_up_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(10) and [])
    start = time.monotonic()
    with pytest.raises(FetchTimeoutError, match=r"Looking up slow|within 0\.3 s"):
        fetch("http://slow.example/", total_timeout_s=0.3)
    assert time.monotonic() - start < 2
    release.set()


def answers(*addresses: str) -> Callable[..., list[Any]]:
    """A stand-in for getaddrinfo; port 0 means the one that was asked for."""

    def look_up(host: str, port: int, *_: object, **__: object) -> list[Any]:
        found = []
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            place = (address, port, 0, 0) if family == socket.AF_INET6 else (address, port)
            found.append((family, socket.SOCK_STREAM, 6, "", place))
        return found

    return look_up


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["8.8.8.8", "fe80::1"],
        ["::ffff:8.8.8.8"],
    ],
)
def test_one_bad_answer_is_enough(addresses: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not(*_: object) -> Any:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "getaddrinfo", answers(*addresses))
    monkeypatch.setattr(socket.socket, "connect", must_not)
    with pytest.raises(UrlError, match=r"rebound\.example is at .* may not be opened"):
        fetch("http://rebound.example/a.png")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "017700000001", "[::1]", "localhost", "0"],
)
def test_this_machine_under_any_name_is_refused(host: str) -> None:
    with pytest.raises(UrlError, match="may not be opened"):
        fetch(f"http://{host}:9/")


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0.0.0.0"]
)
def test_metadata_is_refused_with_allow_local_too(host: str) -> None:
    with pytest.raises(UrlError, match="may not be opened"):
        fetch(f"http://{host}/latest/meta-data/", allow_local=True)


# ── servers ───────────────────────────────────────────────────────────────────────────────────────


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


def get(url: str, **options: Any) -> Fetched:
    return fetch(url, allow_local=True, **{"total_timeout_s": 10, **options})


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
    with pytest.raises(UrlError, match=r"127\.0\.0\.1 is at 127\.0\.0\.1 \(this machine\)"):
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
    with pytest.raises(UrlError):
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
        with pytest.raises(FetchTooLargeError, match=r"more than 0\.0 MiB"):
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


# ── servers that don't speak HTTP well ────────────────────────────────────────────────────────────


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that answers one connection by `talk`."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(5)

    def serve() -> None:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            with suppress(OSError):
                talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.close()
        thread.join()


def drip(connection: socket.socket, start: bytes = b"", step: bytes = b"x") -> None:
    connection.recv(4096)
    connection.sendall(start)
    for _ in range(60):
        time.sleep(0.05)
        connection.sendall(step)


@pytest.mark.parametrize(
    ("start", "step"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    ],
)
def test_every_way_of_dripping_meets_the_deadline(start: bytes, step: bytes) -> None:
    with raw_server(lambda connection: drip(connection, start, step)) as place:
        begun = time.monotonic()
        with pytest.raises(FetchTimeoutError):
            get(f"http://{place}/a.png", total_timeout_s=0.4)
        assert time.monotonic() - begun < 1.5


def test_silence() -> None:
    done = threading.Event()

    def wait(_: socket.socket) -> None:
        done.wait(5)

    with raw_server(wait) as place:
        begun = time.monotonic()
        with pytest.raises(FetchTimeoutError):
            get(f"http://{place}/a.png", total_timeout_s=0.3)
        assert time.monotonic() - begun < 1.5
        done.set()


def test_a_handshake_that_drips() -> None:
    with raw_server(
        lambda connection: drip(connection, b"\x16\x03\x03\x40\x00\x02", b"\0")
    ) as place:
        begun = time.monotonic()
        with pytest.raises(FetchTimeoutError):
            get(f"https://{place}/a.png", total_timeout_s=0.4)
        assert time.monotonic() - begun < 1.5


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\0\x02\x02\x46",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe\r\n\r\n",
        b"HTTP/1.1 999 What\r\n\r\n",
    ],
    ids=lambda answer: repr(answer[:40]),
)
def test_nonsense_is_an_error_of_ours(answer: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    with raw_server(talk) as place, pytest.raises(FetchError) as caught:
        get(f"http://{place}/a.png")
    assert "0x" not in str(caught.value) and "Pool" not in str(caught.value)


def test_a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(UnreachableError, match=r"could not be reached \(Connection refused\)"):
        get(f"http://127.0.0.1:{port}/")


def test_connecting_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(self: socket.socket, _: object) -> None:
        time.sleep(self.gettimeout() or 0)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "getaddrinfo", answers("8.8.8.8"))
    monkeypatch.setattr(socket.socket, "connect", slow)
    with pytest.raises(FetchTimeoutError, match=r"did not answer within 0\.1 s"):
        fetch("http://far.example/", connect_timeout_s=0.1)


def test_https_without_a_trusted_certificate() -> None:
    def talk(connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with context.wrap_socket(connection, server_side=True):
            pass

    with raw_server(talk) as place, pytest.raises(UnreachableError):
        get(f"https://{place}/a.png")


def test_https_keeps_the_hosts_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to a checked address, but SNI, Host and the certificate are the
    name's."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = [
        openssl,
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-days",
        "2",
    ]
    make += ["-subj", "/CN=good.example", "-addext", "subjectAltName=DNS:good.example"]
    subprocess.run(
        [*make, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    requests_seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            requests_seen.append(secure.recv(4096))
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(JPEG), JPEG))

    monkeypatch.setattr(socket, "getaddrinfo", answers("127.0.0.1"))
    make_session = fetching._session

    def trusting(guard: Any) -> Any:
        session = make_session(guard)
        session.verify = str(certificate)
        return session

    monkeypatch.setattr(fetching, "_session", trusting)
    for name in ("good.example", "other.example"):
        with raw_server(talk) as place:
            url = f"https://{name}:{place.rpartition(':')[2]}/a.jpg"
            if name == "good.example":
                assert get(url).content == JPEG
            else:
                with pytest.raises(UnreachableError, match="no valid certificate"):
                    get(url)
    assert names == ["good.example", "other.example"]
    requests_seen = [seen for seen in requests_seen if seen]
    assert len(requests_seen) == 1
    assert b"Host: good.example:" in requests_seen[0]


def test_all_are_of_our_tree() -> None:
    for kind in (
        UrlError,
        UnreachableError,
        FetchTimeoutError,
        FetchStatusError,
        FetchTooLargeError,
    ):
        assert issubclass(kind, FetchError) and issubclass(kind, SegWidgetsError)
