"""Which URLs and which IP addresses may be opened, and what a URL's image is called."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urljoin, urlsplit

from .._text import printable
from ..errors import UrlError

if TYPE_CHECKING:
    from urllib3.util import Url

__all__ = [
    "MAX_URL_LENGTH",
    "address_refusal",
    "check_url",
    "host_of",
    "improper",
    "redirected_url",
    "shorten",
    "url_name",
]

MAX_URL_LENGTH: Final = 8192
"""How many characters a URL may have."""

_LONGEST_NAME = 200
_LONGEST_SHOWN = 100

# Never opened, not even with allow_local. A cloud machine hands out its own keys at some of them,
# and nothing useful is at the others.
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

# Opened only with allow_local.
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

_IPV6_GLOBAL: Final = ipaddress.IPv6Network("2000::/3")


# ── IP addresses ──────────────────────────────────────────────────────────────────────────────────


def address_refusal(address: str, allow_local: bool = False) -> str | None:
    """Find out why an IP address may not be connected to.

    The ranges are those of the IANA special-purpose address registries (RFC 6890) and the metadata
    services of cloud providers.

    Args:
        address: IPv4 or IPv6, as text.
        allow_local: whether this machine and private networks may be opened, too.

    Returns:
        What the address is, in a few words; None if it may be opened.

    Raises:
        ValueError: the text is no IP address.
    """
    ip = ipaddress.ip_address(address)
    for network, what in _NEVER:
        if ip in network:
            return what
    for network, what in _LOCAL:
        if ip in network:
            return None if allow_local else what
    return _ipv6_refusal(ip) if isinstance(ip, ipaddress.IPv6Address) else None


def _ipv6_refusal(ip: ipaddress.IPv6Address) -> str | None:
    # ISATAP: the last 64 bits are 0000:5efe or 0200:5efe and an IPv4 address, under any prefix.
    if int(ip) >> 32 & 0xFDFFFFFF == 0x5EFE:
        return "an IPv4 address in an ISATAP tunnel"
    # What is left and is not assigned as public unicast leads nowhere good; ::127.0.0.1 is one.
    return None if ip in _IPV6_GLOBAL else "not a public address"


# ── URLs ──────────────────────────────────────────────────────────────────────────────────────────


def check_url(url: str) -> Url:
    """Take a URL apart, in the same way as the library that connects.

    Args:
        url: what was given. It is not encoded or mended.

    Returns:
        Its parts.

    Raises:
        UrlError: it is not a proper http(s) URL, is too long, or holds a password.
    """
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    _check_characters(url)
    try:
        parts = parse_url(url)
    except (LocationParseError, ValueError):
        raise improper(url) from None
    if "@" in re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]:
        raise UrlError(
            "The URL holds a user name or password, which is not sent. "
            "Download the image by other means."
        )
    if not parts.host:
        raise UrlError(f"The URL {shorten(url)} names no host.")
    if not re.fullmatch(r"[\w.-]+|\[[0-9a-fA-F:.]+(%[\w.-]+)?\]", parts.host):
        raise improper(url)
    return parts


def _check_characters(url: str) -> None:
    if len(url) > MAX_URL_LENGTH:
        raise UrlError(
            f"The URL has {len(url):,} characters, and {MAX_URL_LENGTH:,} are allowed. "
            "Use a shorter one."
        )
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise UrlError(
            f"The URL {shorten(url)} holds a space, a backslash or a control character. "
            "Copy it once more."
        )
    scheme = url.partition(":")[0].lower() if "://" in url else ""
    if scheme not in ("http", "https"):
        raise UrlError(f"Only http:// and https:// addresses are opened, not {shorten(url)}.")


def improper(url: str) -> UrlError:
    """Make the error for a text that is no proper URL.

    Args:
        url: the text.

    Returns:
        The error, to be raised.
    """
    return UrlError(f"{shorten(url)} is not a proper URL. Copy it once more.")


def redirected_url(url: str, location: str) -> str:
    """Find out where a redirect leads.

    Args:
        url: what was asked for.
        location: the answer's `Location` header.

    Returns:
        The next URL, not checked yet.

    Raises:
        UrlError: the header holds no URL.
    """
    # http.client reads headers as Latin-1; servers that send other characters unquoted mean UTF-8.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(url, location.strip().replace(" ", "%20"))
    except ValueError:
        raise UrlError(
            f"The server redirects to {shorten(location)}, which is not a proper URL."
        ) from None


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def url_name(url: str) -> str:
    """Find out what to call the image behind a URL.

    Args:
        url: of any scheme, and perhaps not a proper one.

    Returns:
        The last part of its path, percent-decoded, without the query and at most 200 characters
        long; the host if there is no path; "" if there is neither.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    last = PurePosixPath(unquote(parts.path)).name
    clean = "".join(character for character in last if character.isprintable())
    # ".." names a folder, and no result may be written there.
    return clean[:_LONGEST_NAME] if clean.strip(".") else parts.hostname or ""


def host_of(parts: Url) -> str:
    """Find out what messages call the server.

    Args:
        parts: of a checked URL.

    Returns:
        Its host, or "the server".
    """
    return shorten(parts.host or "the server")


def shorten(text: str) -> str:
    """Make a text fit for a message.

    Args:
        text: such as a URL, which may hold anything.

    Returns:
        The text on one line, of 100 characters at most.
    """
    return printable(text, _LONGEST_SHOWN)
