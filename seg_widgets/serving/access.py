"""Who may come in: the token, and requests that another web page sends."""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .replies import Refusal, reply_to
from .settings import ServerSettings

__all__ = ["Access"]

_OPEN: Final = ("/health",)
"""What is answered without a token: whether the server is well, and nothing else."""

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")

_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    # The address may hold the token.
    (b"referrer-policy", b"no-referrer"),
)


class Access:
    """ASGI middleware that lets only those in who may come in.

    Args:
        app: what they come to.
        settings: the token, and where the server listens.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._token = settings.token.encode("ascii")
        # Without a token, a name that points to this machine would let any web page in.
        self._own_names_only = settings.is_loopback and not settings.token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
        else:
            response = reply_to(refusal, headers.get("accept", ""))
            await response(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        host = headers.get("host", "")
        if self._own_names_only and _host_name(host) not in _LOOPBACK:
            return Refusal(
                403, "This server is for its own machine: open it by the address 127.0.0.1."
            )
        if _is_foreign(scope, headers, host):
            return Refusal(403, "Another web page sent this request. Only this server's own may.")
        if scope["path"] in _OPEN or not self._token or self._shows_token(scope, headers):
            return None
        return Refusal(
            401,
            "The token is missing or wrong. The server printed it when it started; send it as the "
            "header “Authorization: Bearer TOKEN” or as ?token=TOKEN.",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _shows_token(self, scope: Scope, headers: Headers) -> bool:
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            shown = QueryParams(scope["query_string"]).get("token", "")
        return secrets.compare_digest(shown.strip().encode("utf-8", "replace"), self._token)


def _host_name(host: str) -> str:
    """The name in a `Host` header, without the port; "" where it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_foreign(scope: Scope, headers: Headers, host: str) -> bool:
    """Whether a browser says that another site's page sent it."""
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in (
        f"http://{host}".lower(),
        f"https://{host}".lower(),
    ):
        return True
    # A link on another page may lead to the form, and nowhere else.
    follows_link = headers.get("sec-fetch-mode") == "navigate" and scope["path"] == "/"
    site = headers.get("sec-fetch-site", "none")
    return site not in ("same-origin", "none") and not follows_link
