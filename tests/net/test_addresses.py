"""Which addresses and URLs may be opened."""

from __future__ import annotations

import pytest

from seg_widgets.errors import (
    UrlError,
)
from seg_widgets.net import MAX_URL_LENGTH, address_refusal, fetch, url_name
from seg_widgets.net.addresses import check_url, redirected_url, shorten

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
    ("url", "host"),
    [
        ("http://example.org/" + "a" * (MAX_URL_LENGTH - 19), "example.org"),
        ("HTTPS://Example.org:8080/a@b/c?d@e#f@g", "example.org"),
        ("http://[2001:db8::1]/", "[2001:db8::1]"),
        ("http://a_b-c.example/", "a_b-c.example"),
    ],
)
def test_urls_that_are_proper(url: str, host: str) -> None:
    assert check_url(url).host == host


def test_a_url_is_no_longer_than_is_allowed() -> None:
    with pytest.raises(UrlError, match="8,193 characters, and 8,192 are allowed"):
        check_url("http://example.org/" + "a" * (MAX_URL_LENGTH - 18))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://example.org/a/" + "b" * 200, "b" * 200),
        ("http://example.org/a/" + "b" * 201, "b" * 200),
        ("http://example.org/a%0Ab/c%00d.jpg", "cd.jpg"),
        ("http://example.org/..", "example.org"),
        ("http://example.org/...", "example.org"),
        ("http://example.org/", "example.org"),
        ("http:///", ""),
        ("http://[bad/a.jpg", ""),
        (" s3://bucket/a%20b.jpg ", "a b.jpg"),
    ],
)
def test_what_is_behind_a_url_has_a_name(url: str, name: str) -> None:
    assert url_name(url) == name


def test_a_text_for_a_message_is_one_short_line() -> None:
    assert shorten("a" * 100) == "a" * 100
    assert shorten("a" * 69 + "b" + "c" * 31) == "a" * 68 + "…" + "c" * 31
    assert shorten("a\nb\x00ü") == "a�b�ü"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b.jpg", "http://example.org/b.jpg"),
        (" c d.jpg ", "http://example.org/a/c%20d.jpg"),
        ("//other.example/b", "http://other.example/b"),
        ("/ü".encode().decode("latin-1"), "http://example.org/ü"),
        ("/\xfc", "http://example.org/\xfc"),
        ("/ж", "http://example.org/ж"),
    ],
)
def test_where_a_redirect_leads(location: str, url: str) -> None:
    assert redirected_url("http://example.org/a/x.jpg", location) == url


def test_a_redirect_to_no_url_is_refused() -> None:
    with pytest.raises(UrlError, match=r"redirects to http://\[bad/, which is not a proper URL"):
        redirected_url("http://example.org/", "http://[bad/")
