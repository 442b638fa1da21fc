"""Who comes in, what the cookie allows, and what another site's page can't do."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import pytest
import requests
import websocket

from .visitor import PageServer, wait_until

pytestmark = pytest.mark.slow

FOREIGN = "https://elsewhere.example"


def test_the_cookie_is_for_this_site_and_a_week(guarded: PageServer) -> None:
    with requests.Session() as session:
        answer = session.get(f"{guarded.address}/?token=secret", timeout=60)
    cookie = answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in cookie
    assert "HttpOnly" in cookie
    fields = dict(part.strip().partition("=")[::2] for part in cookie.split(";"))
    lasts_s = parsedate_to_datetime(fields["expires"]).timestamp() - time.time()
    assert 6.9 * 86400 < lasts_s < 7.1 * 86400


def test_the_cookie_is_enough_after_the_token(guarded: PageServer) -> None:
    with guarded.visitor("?token=secret") as visitor:
        kernel_id = visitor.kernel_id
        answer = visitor.load()
        assert (answer.status_code, answer.history) == (200, [])
        assert visitor.kernel_id == kernel_id


def test_each_cookie_of_the_login_form_is_for_this_site(guarded: PageServer) -> None:
    answer = requests.get(f"{guarded.address}/login", timeout=60)
    for cookie in answer.raw.headers.getlist("Set-Cookie"):
        assert "SameSite=Lax" in cookie


def test_logging_out_ends_the_visit(guarded: PageServer) -> None:
    with guarded.visitor("?token=secret") as visitor:
        kernel_id = visitor.kernel_id
        answer = visitor.load("logout")
        assert answer.status_code == 200
        assert "You are logged out" in answer.text
        assert visitor.load().history, "the form asks for the token again"
    wait_until(lambda: f"Kernel shutdown: {kernel_id}" in guarded.log.read_text())


def test_logging_out_works_without_a_token_too(server: PageServer) -> None:
    with server.visitor() as visitor:
        kernel_id = visitor.kernel_id
        assert visitor.load("logout").status_code == 200
        visitor.load()
        assert visitor.kernel_id != kernel_id


@pytest.mark.parametrize("path", ["", "logout"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": FOREIGN},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    ],
    ids=["origin", "no origin", "picture"],
)
def test_another_sites_page_is_refused_even_with_the_token(
    guarded: PageServer, path: str, headers: dict[str, str]
) -> None:
    kernels = guarded.log.read_text().count("Kernel started")
    answer = requests.get(
        f"{guarded.address}/{path}?token=secret", headers=headers, timeout=60, allow_redirects=False
    )
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert guarded.log.read_text().count("Kernel started") <= kernels + 1  # a ready page


def test_another_sites_websocket_is_refused_even_with_the_token(guarded: PageServer) -> None:
    with guarded.visitor("?token=secret") as visitor:
        with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
            visitor.connect(query="?token=secret", origin=FOREIGN)
        visitor.reads_back(visitor.connect(query="?token=secret", origin=guarded.address))


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_another_site_can_ask_nothing_about_a_kernel(guarded: PageServer, method: str) -> None:
    with guarded.visitor("?token=secret") as visitor:
        for path in ("api/kernels", "voila/api/shutdown", "voila/api/page"):
            address = f"{guarded.address}/{path}/{visitor.kernel_id}?token=secret"
            answer = requests.request(method, address, headers={"Origin": FOREIGN}, timeout=60)
            assert answer.status_code in (403, 404, 405)
            assert "Traceback" not in answer.text
        visitor.reads_back(visitor.connect())


def test_a_link_from_another_site_opens_the_page(guarded: PageServer) -> None:
    with guarded.visitor("?token=secret") as visitor:
        visitor.load(
            **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Referer": FOREIGN}
        )
        assert visitor.status == 200
