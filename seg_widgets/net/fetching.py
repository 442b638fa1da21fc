"""The only place that opens a URL; the rules for which may be opened, and for how long, live here.

Only http and https. The host's name is looked up once, every address it has is checked against the
table below, and the connection goes to a checked address, so a name that changes its answer in
between gains nothing. Each redirect is checked in the same way. Proxies and passwords from the
environment are not used. What comes back is limited in bytes and in time, whatever the server's
headers say, and is never decoded here.
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urljoin

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import Url, parse_url

from ..errors import (
    FetchError,
    FetchStatusError,
    FetchTimeoutError,
    FetchTooLargeError,
    SegWidgetsError,
    SettingError,
    UnreachableError,
    UrlError,
)

__all__ = [
    "MAX_BYTES",
    "MAX_URL_LENGTH",
    "Fetched",
    "Progress",
    "address_refusal",
    "fetch",
    "fetch_file",
]

MAX_BYTES: Final = 25 * 1024 * 1024
MAX_URL_LENGTH: Final = 8192

_CHUNK_BYTES = 64 * 1024
_FILE_CHUNK_BYTES = 1024 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)

Progress = Callable[[int, int | None], None]
"""Is told the bytes that are there and those that there will be (None: the server doesn't say); may
raise to stop."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Never, also not with allow_local: cloud machines answer there with their own keys, or nothing
# useful does.
_NEVER: Final = tuple(
    (ipaddress.ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this machine under another name"),
        ("100.100.100.200/32", "a cloud machine's metadata"),
        ("168.63.129.16/32", "a cloud machine's metadata"),
        ("169.254.0.0/16", "link-local or a cloud machine's metadata"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "reserved for examples"),
        ("192.31.196.0/24", "reserved for protocols"),
        ("192.52.193.0/24", "reserved for protocols"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.175.48.0/24", "reserved for protocols"),
        ("198.18.0.0/15", "reserved for measurements"),
        ("198.51.100.0/24", "reserved for examples"),
        ("203.0.113.0/24", "reserved for examples"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved or broadcast"),
        ("::ffff:0:0/96", "an IPv4 address in disguise"),
        ("64:ff9b::/96", "an IPv4 address in disguise"),
        ("64:ff9b:1::/48", "an IPv4 address in disguise"),
        ("100::/64", "reserved"),
        ("2001::/32", "an IPv4 address in a Teredo tunnel"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "reserved for examples"),
        ("2002::/16", "an IPv4 address in a 6to4 tunnel"),
        ("2620:4f:8000::/48", "reserved for protocols"),
        ("3fff::/20", "reserved for examples"),
        ("fd00:ec2::254/128", "a cloud machine's metadata"),
        ("fd20:ce::254/128", "a cloud machine's metadata"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)

# Only with allow_local.
_LOCAL: Final = tuple(
    (ipaddress.ip_network(network), what)
    for network, what in (
        ("127.0.0.0/8", "this machine"),
        ("::1/128", "this machine"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a provider's private network"),
        ("172.16.0.0/12", "a private network"),
        ("192.168.0.0/16", "a private network"),
        ("fc00::/7", "a private network"),
    )
)

_IPV6_GLOBAL = ipaddress.IPv6Network("2000::/3")


@dataclass(frozen=True)
class Fetched:
    """What a URL gave: the raw bytes, the URL that they came from after all redirects, and a file
    name for messages."""

    content: bytes = field(repr=False)
    url: str
    name: str


def fetch(
    url: str,
    *,
    max_bytes: int = MAX_BYTES,
    connect_timeout_s: float = 5.0,
    total_timeout_s: float = 20.0,
    max_redirects: int = 5,
    allow_local: bool = False,
) -> Fetched:
    """Get the bytes behind an http(s) URL.

    `max_bytes`: of the body, which must come unpacked (no gzip). `connect_timeout_s`: seconds for
    each address of the host. `total_timeout_s`: seconds for everything together, name look-up and
    redirects included, however slowly bytes drip. `max_redirects`: how many are followed.
    `allow_local`: this machine and private networks may be asked too; link-local addresses and
    clouds' metadata never.

    Raises `UrlError` for a URL that may not be opened, `UnreachableError`, `FetchTimeoutError`,
    `FetchStatusError` (its `.status` is the HTTP status), `FetchTooLargeError`, `FetchError` for an
    answer that can't be used, such as a web page; `SettingError` for a limit that is none.
    """
    _check_settings(max_bytes, connect_timeout_s, total_timeout_s, max_redirects)
    with (
        _Guard(connect_timeout_s, total_timeout_s, allow_local) as guard,
        _session(guard) as session,
    ):
        for _ in range(max_redirects + 1):
            parts = _check_url(url)
            with _get(session, url, parts, guard) as response:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    content = _body(response, parts, max_bytes, guard)
                    return Fetched(content, url, _name(parts))
                url = _redirected(url, response.headers["location"])
    raise FetchError(
        f"{_host(parts)} redirected more than {max_redirects} times. "
        "Open the image in a browser and copy its address."
    )


def fetch_file(
    url: str,
    path: Path,
    *,
    max_bytes: int,
    connect_timeout_s: float = 5.0,
    stall_timeout_s: float = 30.0,
    total_timeout_s: float = 6 * 3600.0,
    max_redirects: int = 5,
    allow_local: bool = False,
    progress: Progress | None = None,
) -> None:
    """Get the bytes behind an http(s) URL into a file, and go on where an earlier try ended.

    `path`: what it holds already is taken for the beginning of the answer, if the server can go on
    from there; after a failure it keeps what has come. `stall_timeout_s`: seconds without a byte.
    The other settings and the errors are those of `fetch`; a file that can't be written is a
    `FetchError`. Whether it is the right file, the caller checks.
    """
    _check_settings(max_bytes, connect_timeout_s, total_timeout_s, max_redirects)
    resume, redirects = True, 0
    with (
        _Guard(connect_timeout_s, total_timeout_s, allow_local, stall_timeout_s) as guard,
        _session(guard) as session,
    ):
        session.headers["Accept"] = "*/*"
        while True:
            parts = _check_url(url)
            start = path.stat().st_size if resume and path.exists() else 0
            session.headers["Range"] = f"bytes={start}-"
            with _get(session, url, parts, guard) as response:
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    redirects += 1
                    if redirects > max_redirects:
                        raise FetchError(
                            f"{_host(parts)} redirected more than {max_redirects} times."
                        )
                    url = _redirected(url, response.headers["location"])
                    continue
                span = re.fullmatch(
                    r"bytes (?:(\d{1,15})-\d{1,15}|\*)/(\d{1,15}|\*)",
                    response.headers.get("content-range", ""),
                )
                if response.status_code == 416 and span and span[2] == str(start):
                    return  # it is all there
                if start and (
                    response.status_code == 416
                    or (response.status_code == 206 and not (span and span[1] == str(start)))
                ):
                    resume = False
                    continue
                _save(
                    response,
                    parts,
                    path,
                    start if response.status_code == 206 else 0,
                    max_bytes,
                    guard,
                    progress,
                )
                return


def _save(
    response: requests.Response,
    parts: Url,
    path: Path,
    start: int,
    max_bytes: int,
    guard: _Guard,
    progress: Progress | None,
) -> None:
    """Write the answer's body behind the file's first `start` bytes."""
    host = _host(parts)
    _check_status(response, host)
    _check_unpacked(response, host)
    declared = _declared_bytes(response)
    total = start + declared if declared else None
    too_large = FetchTooLargeError(f"{host} sends more than {max_bytes / 2**20:,.1f} MiB.")
    if total is not None and total > max_bytes:
        raise too_large
    there = start
    try:
        file = path.open("r+b" if start else "wb")
    except OSError as error:
        raise FetchError(f"{path} could not be written: {error.strerror or error}.") from error
    with file:
        file.seek(start)
        if progress is not None:
            progress(there, total)
        for chunk in response.raw.stream(_FILE_CHUNK_BYTES, decode_content=False):
            there += len(chunk)
            if there > max_bytes:
                raise too_large
            try:
                file.write(chunk)
            except OSError as error:
                raise FetchError(
                    f"{path} could not be written: {error.strerror or error}."
                ) from error
            if progress is not None:
                progress(there, total)
            guard.remaining_s()
    if total is not None and there < total:
        raise _broken(host)


def _check_settings(
    max_bytes: int, connect_timeout_s: float, total_timeout_s: float, max_redirects: int
) -> None:
    if max_bytes < 1:
        raise SettingError(f"max_bytes is 1 or more, not {max_bytes}.")
    for name, value in (
        ("connect_timeout_s", connect_timeout_s),
        ("total_timeout_s", total_timeout_s),
    ):
        if not 0 < value <= threading.TIMEOUT_MAX:
            raise SettingError(f"{name} is a number of seconds over 0, not {value}.")
    if max_redirects < 0:
        raise SettingError(f"max_redirects is 0 or more, not {max_redirects}.")


# ── which URLs, which addresses ───────────────────────────────────────────────────────────────────


def _check_url(url: str) -> Url:
    """The URL's parts, as the library that connects will see them; raises `UrlError` for one that
    may not be opened."""
    if len(url) > MAX_URL_LENGTH:
        raise UrlError(
            f"The URL has {len(url):,} characters, and {MAX_URL_LENGTH:,} are allowed. Use a shorter one."
        )
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise UrlError(
            f"The URL {_short(url)} holds a space, a backslash or a control character. Copy it once more."
        )
    scheme = url.partition(":")[0].lower() if "://" in url else ""
    if scheme not in ("http", "https"):
        raise UrlError(f"Only http:// and https:// addresses are opened, not {_short(url)}.")
    try:
        parts = parse_url(url)
    except (urllib3.exceptions.LocationParseError, ValueError):
        raise UrlError(f"{_short(url)} is not a proper URL. Copy it once more.") from None
    if "@" in re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]:
        raise UrlError(
            "The URL holds a user name or password, which is not sent. Download the image by other means."
        )
    if not parts.host:
        raise UrlError(f"The URL {_short(url)} names no host.")
    if not re.fullmatch(r"[\w.-]+|\[[0-9a-fA-F:.]+(%[\w.-]+)?\]", parts.host):
        raise UrlError(f"{_short(url)} is not a proper URL. Copy it once more.")
    return parts


def address_refusal(address: str, allow_local: bool = False) -> str | None:
    """Why this IP address (IPv4 or IPv6, as text) may not be connected to, in a few words; None: it
    may.

    Raises `ValueError` for a text that is no IP address.
    """
    ip = ipaddress.ip_address(address)
    for network, what in _NEVER:
        if ip in network:
            return what
    for network, what in _LOCAL:
        if ip in network:
            return None if allow_local else what
    if isinstance(ip, ipaddress.IPv6Address):
        # ISATAP: the last 64 bits are 0000:5efe or 0200:5efe and an IPv4 address, under any prefix.
        if int(ip) >> 32 & 0xFDFFFFFF == 0x5EFE:
            return "an IPv4 address in an ISATAP tunnel"
        # What is left and no unicast that is given out, ::127.0.0.1 among it, leads nowhere good.
        if ip not in _IPV6_GLOBAL:
            return "not a public address"
    return None


def _redirected(url: str, location: str) -> str:
    # http.client reads headers as Latin-1; servers that send other characters unquoted mean UTF-8.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(url, location.strip().replace(" ", "%20"))
    except ValueError:
        raise UrlError(
            f"The server redirects to {_short(location)}, which is not a proper URL."
        ) from None


# ── connecting, within the time ───────────────────────────────────────────────────────────────────


class _Guard:
    """Makes the connections of one fetch, only to checked addresses, and cuts them off when the
    time is over."""

    def __init__(
        self,
        connect_timeout_s: float,
        total_timeout_s: float,
        allow_local: bool,
        stall_timeout_s: float | None = None,
    ) -> None:
        self.connect_timeout_s = connect_timeout_s
        self.total_timeout_s = total_timeout_s
        self.stall_timeout_s = stall_timeout_s
        self.allow_local = allow_local
        self.expired = False
        self._end = time.monotonic() + total_timeout_s
        self._sockets: list[socket.socket] = []
        self._handles: list[socket.socket] = []
        self._lock = threading.Lock()
        # A socket's own time-out starts again with each byte; only someone outside can keep to a
        # total.
        self._timer = threading.Timer(total_timeout_s, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Guard:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for opened in (*self._handles, *self._sockets):
                # close() would wait for readers of the socket that nobody has any more.
                descriptor = opened.detach()
                if descriptor >= 0:
                    socket.close(descriptor)
            self._handles.clear()
            self._sockets.clear()

    def _cut(self) -> None:
        with self._lock:
            self.expired = True
            for handle in self._handles:
                with contextlib.suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)

    def remaining_s(self) -> float:
        """Seconds left, over 0; raises `FetchTimeoutError` when there are none."""
        left = self._end - time.monotonic()
        if self.expired or left <= 0:
            raise self.too_slow()
        return left

    def too_slow(self) -> FetchTimeoutError:
        if self.stall_timeout_s is not None and not self.expired:
            return FetchTimeoutError(
                f"The server sent nothing for {self.stall_timeout_s:g} s. Try again later."
            )
        return FetchTimeoutError(
            f"The server did not send the image within {self.total_timeout_s:g} s. Try again later, "
            "or download the image and give the file."
        )

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to one of the host's addresses; none is tried before all are checked."""
        addresses = self._resolve(host, port)
        for _, address in addresses:
            refusal = address_refusal(address[0], self.allow_local)
            if refusal is not None:
                raise UrlError(
                    f"{host} is at {address[0]} ({refusal}), which may not be opened. "
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
                f"{host} did not answer within {self.connect_timeout_s:g} s. Check the address, or try again later."
            ) from None
        raise UnreachableError(
            f"{host} could not be reached ({failure.strerror or failure}). Check the address and your connection."
        ) from None

    def _open(self, family: int, address: tuple[Any, ...]) -> socket.socket:
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.settimeout(min(self.connect_timeout_s, self.remaining_s()))
            opened.connect(address)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # TLS will take the socket's place; a second handle on the same connection can cut
            # either off.
            with self._lock:
                self._handles.append(opened.dup())
        except BaseException:
            opened.close()
            raise
        self.own(opened)
        return opened

    def own(self, opened: socket.socket) -> None:
        """Close this at the end: the HTTP library forgets to after some malformed answers."""
        self._sockets.append(opened)

    def _resolve(self, host: str, port: int) -> list[tuple[int, tuple[Any, ...]]]:
        """The host's (family, socket address) pairs."""
        # The system's look-up knows no time-out, so it happens in a thread that can be left behind.
        answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(
                    list(socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
                )
            except Exception as error:  # it belongs to the thread that asked
                answers.put(error)

        threading.Thread(target=look_up, daemon=True).start()
        try:
            answer = answers.get(timeout=self.remaining_s())
        except queue.Empty:
            raise FetchTimeoutError(
                f"Looking up {host} took too long. Check your connection."
            ) from None
        if isinstance(answer, Exception) or not answer:
            raise UnreachableError(
                f"There is no host {_short(host)!r}. Check its spelling and your connection."
            ) from None
        return [(family, address) for family, _, _, _, address in answer]


def _session(guard: _Guard) -> requests.Session:
    """A session whose every connection is made by `guard`; host name, SNI and certificate check
    stay the URL's."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self.host, self.port or 80)

    class Tls(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self.host, self.port or 443)

        def connect(self) -> None:
            super().connect()
            guard.own(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}

    session = requests.Session()
    session.trust_env = False
    session.headers.clear()
    session.headers.update(
        {
            "User-Agent": "seg-widgets (Jupyter toolkit; python-requests)",
            "Accept": "image/*,*/*;q=0.5",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
    )
    session.mount("http://", Adapter())
    session.mount("https://", Adapter())
    return session


@contextlib.contextmanager
def _get(
    session: requests.Session, url: str, parts: Url, guard: _Guard
) -> Iterator[requests.Response]:
    """One request, without following redirects; whatever goes wrong with it or inside becomes an
    error of our tree."""
    host = _host(parts)
    try:
        left = guard.remaining_s()
        timeout = (min(guard.connect_timeout_s, left), min(left, guard.stall_timeout_s or left))
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
        if guard.expired or isinstance(
            error, (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
        ):
            raise guard.too_slow() from None
        if isinstance(error, (requests.exceptions.InvalidURL, UnicodeError)):
            raise UrlError(f"{_short(url)} is not a proper URL. Copy it once more.") from None
        if isinstance(error, requests.exceptions.SSLError):
            raise UnreachableError(
                f"{host} has no valid certificate for https, so it is not trusted. Download the image by other means."
            ) from None
        raise _broken(host) from None


def _broken(host: str) -> UnreachableError:
    return UnreachableError(
        f"The connection to {host} broke off, or it does not speak HTTP. Try again, or check the address."
    )


# ── the answer ────────────────────────────────────────────────────────────────────────────────────


def _body(response: requests.Response, parts: Url, max_bytes: int, guard: _Guard) -> bytes:
    host = _host(parts)
    _check_status(response, host)
    _check_unpacked(response, host)
    declared = _declared_bytes(response)
    too_large = FetchTooLargeError(
        f"{host} sends more than {max_bytes / 2**20:,.1f} MiB. "
        "Choose a smaller version of the image, or raise max_bytes."
    )
    if declared > max_bytes:
        raise too_large
    is_page = response.headers.get("content-type", "").partition(";")[0].strip().lower() in (
        "text/html",
        "application/xhtml+xml",
    )
    content = bytearray()
    for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
        content += chunk
        # Some servers call every file a web page, so its first bytes have a say too.
        if is_page and content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            raise FetchError(
                f"{_short(response.url)} is a web page, not an image. Open it in a browser, and copy the image's "
                'own address ("Copy image address").'
            )
        if len(content) > max_bytes:
            raise too_large
        guard.remaining_s()
    if len(content) < declared:
        raise _broken(host)
    if not content:
        raise FetchError(f"{host} answered with nothing (0 bytes). Check the address.")
    return bytes(content)


def _check_unpacked(response: requests.Response, host: str) -> None:
    for header in ("content-encoding", "transfer-encoding"):
        codings = {coding.strip().lower() for coding in response.headers.get(header, "").split(",")}
        packed = codings - {"", "identity", "chunked"}
        if packed:
            raise FetchError(
                f"{host} sends the file packed ({_short(', '.join(sorted(packed)))}) though it was asked not to. "
                "Download it and give the file."
            )


def _declared_bytes(response: requests.Response) -> int:
    """How many bytes of body the server promises; 0: it doesn't say."""
    length = response.headers.get("content-length", "")
    if "transfer-encoding" in response.headers or not re.fullmatch(r"[0-9]{1,30}", length):
        return 0
    return int(length)


def _check_status(response: requests.Response, host: str) -> None:
    status = response.status_code
    if 200 <= status < 300:
        return
    advice = {
        401: "It asks for a login: download the image in a browser and give the file.",
        403: "It doesn't give this image to programs: download it in a browser and give the file.",
        404: "There is no such image: check the address.",
        410: "The image is gone: look for another address.",
        429: "It has been asked too often: wait a little.",
    }.get(status, "Try again later." if status >= 500 else "Check the address.")
    raise FetchStatusError(f"{host} answered with status {status}. {advice}", status)


def _name(parts: Url) -> str:
    """What to call the image: the path's last part, else the host."""
    last = unquote((parts.path or "").rstrip("/").rpartition("/")[2])
    return "".join(character for character in last if character.isprintable())[:200] or _host(parts)


def _host(parts: Url) -> str:
    return _short(parts.host or "the server")


def _short(text: str) -> str:
    clean = "".join(character if character.isprintable() else "�" for character in text)
    return clean if len(clean) <= 100 else f"{clean[:97]}…"
