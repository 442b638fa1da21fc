"""Connections that go only to checked addresses, and end when the time is over.

The host's name is looked up once, every address that it has is checked, and the connection goes to
a checked address. So a name that changes its answer in between gains nothing.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import Url
from urllib3.util.ssl_ import create_urllib3_context

from ..errors import (
    FetchError,
    FetchTimeoutError,
    SegWidgetsError,
    SettingError,
    UnreachableError,
    UrlError,
)
from .addresses import address_refusal, host_of, improper, shorten

__all__ = ["Guard", "Timeouts", "broken", "make_session", "request"]

_LOOK_S: Final = 0.05
"""Seconds between two looks at whether a fetch is still wanted."""

_MOST_LOOK_UPS: Final = 16
# A look-up has no time limit of its own: those that nobody waits for any more count, too.
_look_ups = threading.BoundedSemaphore(_MOST_LOOK_UPS)

_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)


@dataclass(frozen=True)
class Timeouts:
    """How long one fetch may take; all in seconds.

    Args:
        connect_s: for each address of the host.
        total_s: for everything together, look-up and redirects included.
        stall_s: without a byte. None: only the total counts.

    Raises:
        SettingError: one of them is not a number of seconds over 0.
    """

    connect_s: float
    total_s: float
    stall_s: float | None = None

    def __post_init__(self) -> None:
        for name, value in (
            ("connect_timeout_s", self.connect_s),
            ("total_timeout_s", self.total_s),
        ):
            if not 0 < value <= threading.TIMEOUT_MAX:
                raise SettingError(f"{name} is a number of seconds over 0, not {value}.")


class Guard:
    """Makes the connections of one fetch, and cuts them off when its time is over.

    Use it in a `with` statement: the time begins when it is made, and all connections are closed at
    the end.

    Args:
        timeouts: how long the fetch may take.
        allow_local: whether this machine and private networks may be opened, too.
        stop: ends the fetch within a moment when another thread sets it. None (default): nothing
            ends it before its time.
    """

    def __init__(
        self, timeouts: Timeouts, allow_local: bool, stop: threading.Event | None = None
    ) -> None:
        self.timeouts = timeouts
        self.allow_local = allow_local
        self.expired = False
        self._stop = stop
        self._end = time.monotonic() + timeouts.total_s
        self._sockets: list[socket.socket] = []
        self._handles: list[socket.socket] = []
        self._lock = threading.Lock()
        # A socket's own time-out starts again with each byte; only someone outside can keep to a
        # total.
        self._done = threading.Event()
        self._watcher = threading.Thread(
            target=self._watch, name="seg_widgets fetch watcher", daemon=True
        )

    def __enter__(self) -> Guard:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        with self._lock:
            for opened in (*self._handles, *self._sockets):
                # close() would wait for readers of the socket that nobody has any more.
                descriptor = opened.detach()
                if descriptor >= 0:
                    socket.close(descriptor)
            self._handles.clear()
            self._sockets.clear()

    def _watch(self) -> None:
        """Cut the connections off when the time is over, or the fetch is no longer wanted."""
        while (left_s := self._end - time.monotonic()) > 0 and not self._is_stopped():
            if self._done.wait(left_s if self._stop is None else min(left_s, _LOOK_S)):
                return
        self._cut()

    def _is_stopped(self) -> bool:
        return self._stop is not None and self._stop.is_set()

    def _cut(self) -> None:
        with self._lock:
            self.expired = True
            for handle in self._handles:
                with contextlib.suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)

    def remaining_s(self) -> float:
        """Find out how much time is left.

        Returns:
            Seconds, over 0.

        Raises:
            FetchTimeoutError: there are none.
            FetchError: the fetch was stopped.
        """
        left = self._end - time.monotonic()
        if self.expired or left <= 0 or self._is_stopped():
            raise self.too_slow()
        return left

    def too_slow(self) -> FetchError:
        """Make the error for a server that took too long, or for a fetch that was stopped."""
        if self._is_stopped():
            return FetchError("It was stopped before all of the image had come.")
        if self.timeouts.stall_s is not None and not self.expired:
            return FetchTimeoutError(
                f"The server sent nothing for {self.timeouts.stall_s:g} s. Try again later."
            )
        return FetchTimeoutError(
            f"The server did not send the image within {self.timeouts.total_s:g} s. "
            "Try again later, or download the image and give the file."
        )

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to one of a host's addresses; none is tried before all are checked.

        Args:
            host: a name or an IP address.
            port: the TCP port.

        Returns:
            The connected socket.

        Raises:
            UrlError: one of the addresses may not be opened.
            UnreachableError: there is no such host, or none of its addresses answers.
            FetchTimeoutError: it took too long.
        """
        addresses = _look_up(host, port, self)
        for _, address in addresses:
            refusal = address_refusal(address[0], self.allow_local)
            if refusal is not None:
                is_itself = host.strip("[]") == address[0]
                place = refusal if is_itself else f"at {address[0]} ({refusal})"
                raise UrlError(
                    f"{host} is {place}, which may not be opened. "
                    "Use a public address, or download the image and give the file."
                )

        failure: OSError = OSError("no address")
        for family, address in addresses:
            try:
                return self._open(family, address)
            except OSError as error:
                failure = error

        self.remaining_s()
        if isinstance(failure, TimeoutError):
            raise FetchTimeoutError(
                f"{host} did not answer within {self.timeouts.connect_s:g} s. "
                "Check the address, or try again later."
            ) from None
        raise UnreachableError(
            f"{host} could not be reached ({failure.strerror or failure}). "
            "Check the address and your connection."
        ) from None

    def _open(self, family: int, address: tuple[Any, ...]) -> socket.socket:
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.settimeout(min(self.timeouts.connect_s, self.remaining_s()))
            opened.connect(address)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # TLS will take the socket's place; a second handle on the same connection can cut
            # either off.
            with self._lock:
                self._handles.append(opened.dup())
        except BaseException:
            opened.close()
            raise
        self.close_at_end(opened)
        return opened

    def close_at_end(self, opened: socket.socket) -> None:
        """Remember a socket, because the HTTP library forgets some after malformed answers.

        Args:
            opened: the socket, to be closed when the fetch ends.
        """
        self._sockets.append(opened)


def _look_up(host: str, port: int, guard: Guard) -> list[tuple[int, tuple[Any, ...]]]:
    """The host's (family, socket address) pairs."""
    slots = _look_ups
    while not slots.acquire(timeout=_LOOK_S):
        guard.remaining_s()
    # The system's look-up knows no time-out, so it happens in a thread that can be left behind.
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
            answers.put(list(found))
        except Exception as error:  # it belongs to the thread that waits for the answer
            answers.put(error)
        finally:
            slots.release()

    try:
        threading.Thread(target=look_up, name="seg_widgets look-up", daemon=True).start()
    except BaseException:  # there can be no more threads
        slots.release()
        raise
    answer = _answer_of(answers, host, guard)
    if isinstance(answer, Exception) or not answer:
        raise UnreachableError(
            f"There is no host {shorten(host)!r}. Check its spelling and your connection."
        ) from None
    return [(family, address) for family, _, _, _, address in answer]


def _answer_of(
    answers: queue.SimpleQueue[list[Any] | Exception], host: str, guard: Guard
) -> list[Any] | Exception:
    """What a look-up has found, as soon as it is there."""
    while True:
        try:
            return answers.get(timeout=min(guard.remaining_s(), _LOOK_S))
        except queue.Empty:
            continue
        except FetchTimeoutError:
            raise FetchTimeoutError(
                f"Looking up {host} took too long. Check your connection."
            ) from None


# ── HTTP ──────────────────────────────────────────────────────────────────────────────────────────


def make_session(guard: Guard, accept: str) -> requests.Session:
    """Make a session whose every connection is made by a guard.

    The host's name, SNI and the certificate's check stay those of the URL. Proxies and passwords of
    the environment are not used.

    Args:
        guard: makes the connections.
        accept: the `Accept` header.

    Returns:
        The session, to be closed by the caller.
    """
    session = requests.Session()
    session.trust_env = False
    session.headers.clear()
    session.headers.update(
        {
            "User-Agent": "seg-widgets (Jupyter toolkit; python-requests)",
            "Accept": accept,
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
    )
    session.mount("http://", _adapter(guard))
    session.mount("https://", _adapter(guard))
    return session


def _adapter(guard: Guard) -> HTTPAdapter:
    """What connects for a session: requests' own, but with sockets that the guard opens."""

    class Remembered(ssl.SSLSocket):
        # When the server is gone before the handshake, Python forgets to close the socket
        # that it has made, and nobody else has it.
        def __new__(cls, *_: Any, **__: Any) -> Self:
            made = super().__new__(cls)
            guard.close_at_end(made)
            return made

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self.host, self.port or 80)

    class Tls(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self.host, self.port or 443)

        def connect(self) -> None:
            self.ssl_context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
            self.ssl_context.sslsocket_class = Remembered
            super().connect()

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}

    return Adapter()


@contextlib.contextmanager
def request(
    session: requests.Session, url: str, parts: Url, guard: Guard
) -> Iterator[requests.Response]:
    """Make one request, without following redirects.

    Whatever goes wrong with it, or inside the `with` block, becomes an error of ours.

    Args:
        session: made by `make_session`.
        url: where to.
        parts: of the checked URL.
        guard: the session's.

    Yields:
        The answer, its body not read yet.

    Raises:
        UrlError: the URL is not a proper one after all.
        UnreachableError: the connection broke, or is not trusted.
        FetchTimeoutError: it took too long.
    """
    try:
        left = guard.remaining_s()
        stall_s = guard.timeouts.stall_s or left
        timeout = (min(guard.timeouts.connect_s, left), min(left, stall_s))
        with session.get(url, stream=True, allow_redirects=False, timeout=timeout) as response:
            yield response
            if guard.expired:
                raise guard.too_slow()
    except SegWidgetsError:
        # A connection that was cut off can also look like an answer that ended early, or was empty.
        if guard.expired:
            raise guard.too_slow() from None
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        if guard.expired or isinstance(error, _TIMEOUTS):
            raise guard.too_slow() from None
        raise _explain(error, url, host_of(parts)) from None


def _explain(error: Exception, url: str, host: str) -> SegWidgetsError:
    if isinstance(error, (requests.exceptions.InvalidURL, UnicodeError)):
        return improper(url)
    # A server that closes the connection in the handshake has shown no certificate.
    if isinstance(error, requests.exceptions.SSLError) and "EOF occurred" not in str(error):
        return UnreachableError(
            f"{host} has no valid certificate for https, so it is not trusted. "
            "Download the image by other means."
        )
    return broken(host)


def broken(host: str, there: int = 0, expected: int = 0) -> UnreachableError:
    """Make the error for a connection that broke.

    Args:
        host: what messages call the server.
        there: the bytes that had come.
        expected: the bytes that the server had promised; 0: it had not.

    Returns:
        The error, to be raised.
    """
    if expected:
        return UnreachableError(
            f"The connection to {host} broke off after {there:,} of {expected:,} bytes. Try again."
        )
    return UnreachableError(
        f"The connection to {host} broke off, or it does not speak HTTP. "
        "Try again, or check the address."
    )
