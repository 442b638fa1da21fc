"""Who a visitor is: the token, the cookie, and saying goodbye."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import PasswordIdentityProvider
from jupyter_server.auth.logout import LogoutHandler
from tornado import web
from tornado.web import HTTPError
from voila.handler import BaseVoilaHandler
from voila.voila_identity_provider import VoilaLoginHandler

if TYPE_CHECKING:
    from page.house import House

COOKIE_DAYS: Final = 7
"""How long a visitor is known, and need not show the token again."""

COOKIE: Final[dict[str, Any]] = {"samesite": "Lax", "httponly": True}
"""Lax: it comes along when a link leads here, and never with a request of another site's page."""


class PageIdentity(PasswordIdentityProvider):
    """Knows visitors by the token at first, and from then on by a cookie.

    A request with the token in its address is checked like any other: Jupyter Server would let it
    come from another site's page, and let that page read the answer.
    """

    def __init__(self, **settings: Any) -> None:
        settings["login_handler_class"] = PageLogin
        settings["logout_handler_class"] = PageLogout
        super().__init__(**settings)
        self.cookie_options = {"expires_days": COOKIE_DAYS, **COOKIE, **self.cookie_options}
        self.get_secure_cookie_kwargs = {
            "max_age_days": COOKIE_DAYS,
            **self.get_secure_cookie_kwargs,
        }

    def is_token_authenticated(self, handler: web.RequestHandler) -> bool:
        """Say that no request is above the check of its origin."""
        return False


def refuse_foreign(handler: Any) -> None:
    """Refuse a request that another site's page has made, without the visitor's doing.

    Args:
        handler: Jupyter Server's handler of the request.

    Raises:
        HTTPError: 403. Its origin is another one, or it is a picture, a script or the like of
            another site's page.
    """
    headers = handler.request.headers
    is_part = headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    if not handler.check_origin() or (
        is_part and headers.get("Sec-Fetch-Site", "none") == "cross-site"
    ):
        raise HTTPError(403, "This request comes from another site's page.")


class PageLogin(VoilaLoginHandler):  # type: ignore[misc]
    """The form that asks for the token."""

    @allow_unauthenticated
    def post(self) -> None:
        """Take what was typed, unless another site's page has sent it."""
        refuse_foreign(self)
        super().post()


class PageLogout(BaseVoilaHandler, LogoutHandler):  # type: ignore[misc]
    """Ends a visit: the page's kernel, and the cookie."""

    def initialize(self) -> None:
        """Find the page's settings where Voilà's other handlers are given them."""
        super().initialize(voila_configuration=self.settings["voila"].voila_configuration)

    @allow_unauthenticated
    async def get(self) -> None:
        """Let go of what the visitor has here."""
        refuse_foreign(self)
        house: House = self.settings["house"]
        if self.current_user is not None:
            await house.end_of(self.current_user.username)
        self.identity_provider.clear_login_cookie(self)
        self.write(self.render_template("logout.html"))  # type: ignore[no-untyped-call]
