"""Nothing that a server does makes a fetch hang or escape."""

from __future__ import annotations

import gc
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from seg_widgets.errors import (
    FetchError,
    FetchTimeoutError,
    SettingError,
    UnreachableError,
    UrlError,
)
from seg_widgets.net import connection, fetch, fetching
from seg_widgets.net.connection import Guard, Timeouts

from .servers import JPEG, answers, drip, get, raw_server


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
        with pytest.raises(FetchTimeoutError, match=r"within 0\.4 s"):
            get(f"http://{place}/a.png", total_timeout_s=0.4)
        assert time.monotonic() - begun < 1.5


def test_silence() -> None:
    done = threading.Event()

    def wait(_: socket.socket) -> None:
        done.wait(5)

    with raw_server(wait) as place:
        begun = time.monotonic()
        with pytest.raises(FetchTimeoutError, match=r"within 0\.3 s"):
            get(f"http://{place}/a.png", total_timeout_s=0.3)
        assert time.monotonic() - begun < 1.5
        done.set()


def test_a_handshake_that_drips() -> None:
    with raw_server(
        lambda connection: drip(connection, b"\x16\x03\x03\x40\x00\x02", b"\0")
    ) as place:
        begun = time.monotonic()
        with pytest.raises(FetchTimeoutError, match=r"within 0\.4 s"):
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

    words = "broke off|proper URL|packed|status|nothing"
    with raw_server(talk) as place, pytest.raises(FetchError, match=words) as caught:
        get(f"http://{place}/a.png")
    assert "0x" not in str(caught.value) and "Pool" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_is_gone_at_once_leaves_no_socket(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: left.append(str(found.exc_value)))
    opened = connection.Guard._open

    def slow(self: connection.Guard, *address: Any) -> socket.socket:
        made = opened(self, *address)
        time.sleep(0.05)  # so that the server's RST comes before the handshake begins
        return made

    monkeypatch.setattr(connection.Guard, "_open", slow)

    def leave(connected: socket.socket) -> None:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    for _ in range(6):
        with raw_server(leave) as place, pytest.raises(UnreachableError, match=r"broke|reached"):
            get(f"{scheme}://{place}/a.png")
    gc.collect()
    assert left == []


def test_a_server_that_closes_in_the_handshake_has_shown_no_certificate() -> None:
    with (
        raw_server(lambda connected: None) as place,
        pytest.raises(UnreachableError, match=r"broke off|could not be reached"),
    ):
        get(f"https://{place}/a.png")


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

    words = "no valid certificate"
    with raw_server(talk) as place, pytest.raises(UnreachableError, match=words):
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

    def trusting(*arguments: Any, **options: Any) -> Any:
        session = connection.make_session(*arguments, **options)
        session.verify = str(certificate)
        return session

    monkeypatch.setattr(fetching, "make_session", trusting)
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


def test_a_fetch_that_nobody_needs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, ended = threading.Event(), threading.Event()

    def silent(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
        stop.set()
        # What has no limit of its own here ends with the client's connection.
        connection.settimeout(60)
        assert connection.recv(1) == b""
        ended.set()

    with (
        raw_server(silent) as address,
        pytest.raises(FetchError, match="stopped before all of the image had come"),
    ):
        get(f"http://{address}/a.png", total_timeout_s=120, stop=stop)
    assert ended.wait(60)
    with pytest.raises(FetchError, match="stopped"):
        get("http://127.0.0.1:9/a.png", stop=stop)


def test_a_look_up_that_nobody_needs_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    release, stop = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> list[Any]:
        stop.set()
        assert release.wait(100)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(connection, "_look_ups", threading.BoundedSemaphore(1))
    with pytest.raises(FetchError, match="stopped"):
        fetch("http://slow.example/", total_timeout_s=90, stop=stop)
    # It still counts, so the next one waits for its turn, and not longer than its time.
    with pytest.raises(FetchTimeoutError, match=r"Looking up slow|within 0\.3 s"):
        fetch("http://slow.example/", total_timeout_s=0.3)
    release.set()


class _Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)


def test_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock(monkeypatch)
    guard = Guard(Timeouts(connect_s=5, total_s=20), allow_local=False)
    assert guard.remaining_s() == 20
    clock.now_s += 19.5
    assert guard.remaining_s() == 0.5
    clock.now_s += 0.5
    with pytest.raises(FetchTimeoutError, match="within 20 s"):
        guard.remaining_s()


def test_each_reason_for_an_end_has_its_own_words() -> None:
    stop = threading.Event()
    guard = Guard(Timeouts(5, 20, stall_s=3), False, stop)
    assert "sent nothing for 3 s" in str(guard.too_slow())
    guard.expired = True
    assert "within 20 s" in str(guard.too_slow())
    with pytest.raises(FetchTimeoutError, match="within 20 s"):
        guard.remaining_s()
    stop.set()
    assert "It was stopped" in str(guard.too_slow())
    assert not isinstance(guard.too_slow(), FetchTimeoutError)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), threading.TIMEOUT_MAX * 2])
def test_a_time_limit_is_a_number_of_seconds(seconds: float) -> None:
    with pytest.raises(SettingError, match="connect_timeout_s is a number of seconds over 0"):
        Timeouts(seconds, 20)
    with pytest.raises(SettingError, match="total_timeout_s"):
        Timeouts(5, seconds)
    assert Timeouts(0.001, threading.TIMEOUT_MAX).stall_s is None


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("http://a.example/x.png", 80),
        ("https://a.example/x.png", 443),
        ("http://a.example:8080/x.png", 8080),
        ("https://a.example:444/x.png", 444),
    ],
)
def test_each_scheme_has_its_port(address: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def connect(self: Guard, host: str, port: int) -> socket.socket:
        asked.append((host, port))
        raise UnreachableError("not here")

    monkeypatch.setattr(Guard, "connect", connect)
    with pytest.raises(UnreachableError, match="not here"):
        fetch(address)
    assert asked == [("a.example", port)]


def test_a_connection_that_broke_says_how_much_had_come() -> None:
    assert "after 1,500 of 20,000 bytes. Try again" in str(connection.broken("a", 1500, 20_000))
    assert "after 0 of 1 bytes" in str(connection.broken("a", 0, 1))
    assert "broke off, or it does not speak HTTP" in str(connection.broken("a"))


def test_a_look_up_without_a_thread_leaves_room_for_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "_look_ups", threading.BoundedSemaphore(1))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    guard = Guard(Timeouts(5, 20), allow_local=False)  # its watcher does not run here

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as without_threads:
        without_threads.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="new thread"):
            guard.connect("a.example", 80)
    with pytest.raises(UnreachableError, match=r"no host 'a\.example'"):
        guard.connect("a.example", 80)


def test_all_addresses_are_tried_in_their_order_and_the_last_failure_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[str] = []
    found = [(socket.AF_INET, 0, 0, "", (host, 80)) for host in ("8.8.8.8", "1.1.1.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    def refuse(self: Guard, family: int, address: tuple[Any, ...]) -> socket.socket:
        tried.append(address[0])
        raise ConnectionRefusedError(111, f"{address[0]} refused")

    monkeypatch.setattr(Guard, "_open", refuse)
    guard = Guard(Timeouts(5, 20), allow_local=False)
    with pytest.raises(UnreachableError, match=r"could not be reached \(1\.1\.1\.1 refused\)"):
        guard.connect("a.example", 80)
    assert tried == ["8.8.8.8", "1.1.1.1"]

    def too_slow(self: Guard, family: int, address: tuple[Any, ...]) -> socket.socket:
        raise TimeoutError

    monkeypatch.setattr(Guard, "_open", too_slow)
    with pytest.raises(FetchTimeoutError, match="did not answer within 5 s"):
        guard.connect("a.example", 80)


def test_seconds_between_two_looks_at_a_stop() -> None:
    assert 0 < connection._LOOK_S <= 0.1
