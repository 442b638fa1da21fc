"""Addresses and servers' answers that were made to mislead."""

from __future__ import annotations

import random
from typing import Final

from .mutations import mutated

__all__ = ["PLACES", "address", "answer"]

PLACES: Final = (
    *("127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.5.5", "169.254.169.254", "0.0.0.0"),
    *("100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1", "8.8.8.8", "1.1.1.1"),
    *("::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1"),
    *("64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "fe80::5efe:127.0.0.1"),
    *("2606:4700:4700::1111", "fd00:ec2::254"),
)
"""Places that a name may turn out to have; a few are public."""

_SPELLINGS: Final = (
    *("127.1", "0177.0.0.1", "0x7f.1", "2130706433", "0x7f000001", "017700000001", "127.0.0.1."),
    *(
        "localhost",
        "LOCALHOST.",
        "localhost.localdomain",
        "a.localhost",
        "metadata.google.internal",
    ),
    *("①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "ⓛocalhost", "example.com", "xn--a", "a..b", ""),
    *("a" * 64 + ".com", "a." * 130 + "com", "%31%32%37.0.0.1", "[::1", "::1]", "[fe80::1%25eth0]"),
)
_SCHEMES: Final = (
    *("http", "http", "https", "HTTP", "ftp", "file", "gopher", "data", "javascript", "ht tp", ""),
)
_USERS: Final = ("", "", "", "user@", "user:secret@", "example.com@", "@", "a\\@")
_PORTS: Final = ("", "", ":80", ":0", ":65536", ":99999999999", ":-1", ":x", ":22", ":８０")
_PATHS: Final = ("", "/", "/a.jpg", "/../../etc/passwd", "/%00", "/\r\nHost: b", "?a", "#b", "/\\")


def address(random: random.Random) -> str:
    """An address in one of many spellings."""
    place = random.choice((*PLACES, *_SPELLINGS))
    host = f"[{place}]" if ":" in place and "[" not in place and "]" not in place else place
    slashes = random.choice(("://", "://", "://", ":/", ":", ":///", ":\\\\"))
    parts = (
        random.choice(_SCHEMES),
        slashes,
        random.choice(_USERS),
        host,
        random.choice(_PORTS),
        random.choice(_PATHS),
    )
    text = "".join(parts)
    if random.random() < 0.3:
        text = mutated(text.encode(), random, b"\0\t\r\n @:/\\#?%[]").decode("utf-8", "replace")
    return text[:20_000]


def answer(random: random.Random) -> list[bytes]:
    """What a server sends, in parts; some of it is no HTTP."""
    status = random.choice((b"200 OK", b"206 Partial", b"301 Moved", b"404 No", b"999 X", b"-1 ?"))
    body = random.randbytes(random.choice((0, 10, 3000, 150_000)))
    length = str(random.choice((len(body), 0, 5, 10**12, -1))).encode()
    headers = [
        b"Content-Type: " + random.choice((b"image/jpeg", b"text/html", b"x" * 70_000, b"\xff")),
        b"Content-Length: " + length,
        b"Content-Encoding: " + random.choice((b"identity", b"gzip", b"br", b"x")),
        b"Transfer-Encoding: " + random.choice((b"chunked", b"gzip, chunked", b"identity")),
        b"Location: " + random.choice((b"file:///etc/passwd", b"http://[::1/", b"//", b"\x00")),
        b"Set-Cookie: " + b"a" * 5000,
    ]
    chosen = random.sample(headers, random.randint(0, 4))
    if random.random() < 0.1:
        chosen += [b"X-%d: y" % number for number in range(300)]
    head = b"\r\n".join([b"HTTP/1.1 " + status, *chosen, b"", b""])
    whole = head + body
    if random.random() < 0.6:
        whole = mutated(whole, random, b"\r\n\r\nffffffff\r\n0\r\n")
    middle = random.randrange(len(whole) + 1)
    return [whole[:middle], whole[middle:]]
