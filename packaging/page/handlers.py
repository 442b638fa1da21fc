"""What the server answers besides Voilà's own files: the page, and what it asks about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jupyter_server.base.handlers import APIHandler
from tornado import web
from voila.tornado.handler import TornadoVoilaHandler

from page.house import FullError
from page.identity import refuse_foreign

if TYPE_CHECKING:
    from page.house import House

RETRY_AFTER_S: Final = 60
"""When to come again, in seconds, if there is no place."""


class PageHandler(TornadoVoilaHandler):  # type: ignore[misc]
    """Gives a visitor the page: a new one, or that of before with what is on it."""

    @web.authenticated
    async def get(self, path: str | None = None) -> None:
        """Answer with the page, or with 503 if there is no place."""
        refuse_foreign(self)
        if path:
            self.redirect_to_file(path)
            return
        house: House = self.settings["house"]
        self.set_header("Cache-Control", "no-store")
        try:
            page = await house.page_for(self.current_user.username)
        except FullError:
            self._say(503, "full.html")
        except Exception:
            # What went wrong is in the log; a visitor can do nothing about it.
            self.log.exception("A visitor could not be given a page.")
            self._say(500, "not_prepared.html")
        else:
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.write(page.html)

    def _say(self, status: int, template: str) -> None:
        self.set_status(status)
        self.set_header("Retry-After", str(RETRY_AFTER_S))
        self.write(self.render_template(template, retry_after_s=RETRY_AFTER_S))


class PageStateHandler(APIHandler):
    """Says whether a page that is on somebody's screen still has its kernel."""

    @web.authenticated
    def get(self, kernel_id: str) -> None:
        """Answer 204 if it has, 410 if not."""
        house: House = self.settings["house"]
        self.set_header("Cache-Control", "no-store")
        self.set_status(204 if house.has(kernel_id) else 410)
        self.finish()


class PageLeftHandler(APIHandler):
    """Hears that a page is being closed, or loaded again. Which of both it is shows a moment later:
    the house ends visits that stay away."""

    @web.authenticated
    def post(self, kernel_id: str) -> None:
        """Answer 204. Voilà's own handler would end the kernel, and with it the visitor's
        results."""
        self.set_status(204)
        self.finish()

    def check_xsrf_cookie(self) -> None:
        """Let it pass: nothing happens."""


class PageKernelHandler(APIHandler):
    """Answers what JupyterLab's code in the page asks about its kernel; nobody may end or change
    one."""

    @web.authenticated
    def get(self, kernel_id: str) -> None:
        """Answer with the kernel's id and state."""
        if kernel_id not in self.kernel_manager:
            raise web.HTTPError(404, "This page has ended.")
        manager: Any = self.kernel_manager
        model: dict[str, Any] = manager.kernel_model(kernel_id)
        model.pop("reason", None)
        self.finish(model)
