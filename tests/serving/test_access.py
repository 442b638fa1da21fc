"""Who may come in."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from seg_widgets.testing import make_jpeg

from .servers import TOKEN, Served, served

JPEG = make_jpeg(64, 48)


def ask(server: Served, path: str = "/model", **headers: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return session.get(f"{server.url}{path}", headers=headers, timeout=30).status_code


def test_the_token_is_asked_for_everywhere_but_for_health(server: Served) -> None:
    for path in ("/", "/model", "/queue", "/metrics", "/detect", "/nowhere"):
        assert ask(server, path) == 401, path
    assert ask(server, "/health") == 200
    assert requests.post(f"{server.url}/detect", data=JPEG, timeout=30).status_code == 401


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("/model", f"Bearer {TOKEN}", 200),
        ("/model", f"bearer  {TOKEN} ", 200),
        (f"/model?token={TOKEN}", "", 200),
        ("/model", "Bearer wrong", 401),
        ("/model", "Bearer ", 401),
        ("/model", f"Basic {TOKEN}", 401),
        ("/model?token=", "", 401),
        ("/model?token=%ff%00", "", 401),
        (f"/model?token=wrong&token={TOKEN}", "", 200),
    ],
)
def test_the_token_in_header_or_address(
    server: Served, path: str, authorization: str, status: int
) -> None:
    assert (
        ask(server, path, **({"Authorization": authorization} if authorization else {})) == status
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "navigate"}, 200),
    ],
)
def test_another_web_page_may_not_ask(server: Served, headers: dict[str, str], status: int) -> None:
    assert ask(server, Authorization=f"Bearer {TOKEN}", **headers) == status


def test_its_own_page_may_ask_and_a_link_may_lead_to_it(server: Served) -> None:
    own = {"Origin": server.url, "Authorization": f"Bearer {TOKEN}"}
    assert ask(server, **own) == 200
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert ask(server, f"/?token={TOKEN}", **link) == 200


def test_the_answers_are_not_kept_and_the_address_goes_nowhere(server: Served) -> None:
    for path in ("/health", "/model"):
        headers = requests.get(f"{server.url}{path}", timeout=30).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_without_a_token_only_names_of_this_machine_count(tmp_path: Path) -> None:
    with served(tmp_path, "--token", "") as open_server:
        assert ask(open_server) == 200
        assert ask(open_server, Host="rebound.example") == 403
        assert ask(open_server, Host="[") == 403
        assert ask(open_server, Host="localhost:80") == 200
