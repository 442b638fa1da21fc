"""Voilà with places for a limited number of visitors, each of whom keeps the page that was given
out first."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, Final

from tornado.ioloop import IOLoop, PeriodicCallback
from traitlets import Float, Integer, default
from voila.app import Voila
from voila.notebook_renderer import NotebookRenderer
from voila.tornado.handler import TornadoVoilaHandler
from voila.utils import ENV_VARIABLE, get_page_config

from page.handlers import PageHandler, PageKernelHandler, PageLeftHandler, PageStateHandler
from page.house import House, Page
from page.identity import PageIdentity
from page.ready import ReadyPool
from page.service import Service
from page.sockets import PageSocket

_KERNEL: Final = r"(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"
_TIDY_MS: Final = 5000
_KERNELS_AT_ONCE: Final = 2
# What Voilà answers by other means than ours, and what would bypass a visitor's place.
_REPLACED: Final = ("/api/kernels/", "/voila/api/shutdown/", "/voila/query/", "/voila/execution/")


class PageServer(Voila):  # type: ignore[misc]
    """Voilà for one notebook and strangers.

    Voilà starts a kernel for each time that the page is loaded, and ends it when the page is left.
    Here pages are made in advance, there are so many and no more, and loading one again shows what
    was on it.
    """

    max_visitors = Integer(20, min=1, config=True, help="Visitors at the same time.")
    ready_pages = Integer(2, min=0, config=True, help="Pages that wait for the next visitors.")
    away_s = Float(600.0, min=0, config=True, help="A page that nobody looks at ends after this.")
    idle_s = Float(3600.0, min=0, config=True, help="A page that nobody uses ends after this.")

    house: House
    service: Service | None = None

    @default("identity_provider_class")
    def _identity_class(self) -> type:
        return PageIdentity

    def init_settings(self) -> dict[str, Any]:
        """Add who is here, and how cookies are set."""
        configuration = self.voila_configuration
        # A page is made for anybody, before it is asked for; so no address may change it.
        configuration.allow_template_override = configuration.allow_theme_override = "NOTEBOOK"
        configuration.preheat_kernel = configuration.progressive_rendering = False
        settings: dict[str, Any] = super().init_settings()
        self._pool = ReadyPool(self.make_page, self.ready_pages, _KERNELS_AT_ONCE, self.log)
        self.house = House(
            take=self._take,
            end=self.end_kernel,
            is_alive=self._is_alive,
            most=self.max_visitors,
            away_s=self.away_s,
            idle_s=self.idle_s,
            log=self.log,
        )
        return {**settings, "house": self.house, "xsrf_cookie_kwargs": {"samesite": "Lax"}}

    def init_handlers(self) -> list[Any]:
        """Put our handlers in the place of Voilà's."""
        kept = [
            handler
            for handler in super().init_handlers()
            if not any(part in handler[0] for part in _REPLACED)
            and handler[1] is not TornadoVoilaHandler
        ]
        root = self.server_url.rstrip("/")
        page = {
            "notebook_path": os.path.relpath(self.notebook_path, self.root_dir),
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        return [
            (rf"{root}/api/kernels/{_KERNEL}", PageKernelHandler),
            (rf"{root}/api/kernels/{_KERNEL}/channels", PageSocket),
            (rf"{root}/voila/api/shutdown/{_KERNEL}", PageLeftHandler),
            (rf"{root}/voila/api/page/{_KERNEL}", PageStateHandler),
            *kept,
            (rf"{root}/(.*)", PageHandler, page),
        ]

    def listen(self) -> None:
        """Listen until the server is stopped; the first pages are made meanwhile."""
        loop = IOLoop.current()
        self._tidying = PeriodicCallback(self.house.tidy, _TIDY_MS)
        self._tidying.start()
        loop.add_callback(self._open)
        super().listen()

    def stop(self) -> None:
        """End everything that was started."""
        self._tidying.stop()
        IOLoop.current().run_sync(self._pool.close)
        if self.service is not None:
            self.service.stop()
        super().stop()

    async def make_page(self) -> Page:
        """Start a kernel, run the notebook in it, and render the page.

        Returns:
            The page; its kernel runs on.
        """
        renderer = self._renderer()
        await renderer.initialize()
        _give_title(renderer.notebook)
        kernel_id = await self.kernel_manager.start_kernel(
            kernel_name=renderer.notebook.metadata.kernelspec.name,
            path=str(Path(renderer.notebook_path).parent),
            env=self._kernel_environment(),
        )
        try:
            kernel = self.kernel_manager.get_kernel(kernel_id)
            html = await renderer.generate_content_str(kernel_id, kernel)
        except BaseException:
            await self.end_kernel(kernel_id)
            raise
        # A kernel that dies is started again by its manager, without the widgets of the page.
        self.kernel_manager.add_restart_callback(kernel_id, lambda: self._crashed(kernel_id))
        return Page(kernel_id, html)

    async def end_kernel(self, kernel_id: str) -> None:
        """End a kernel, whatever state it is in.

        Args:
            kernel_id: its id.
        """
        if kernel_id not in self.kernel_manager:
            return
        try:
            await self.kernel_manager.shutdown_kernel(kernel_id, now=True)
        except Exception:
            self.log.exception("The kernel of a page could not be ended.")

    async def _open(self) -> None:
        if self.service is not None:
            await self.service.start()
        self._pool.fill()

    async def _take(self) -> Page:
        while True:
            page = await self._pool.take()
            if await self._is_alive(page.kernel_id):
                return page

    async def _is_alive(self, kernel_id: str) -> bool:
        if kernel_id not in self.kernel_manager:
            return False
        return bool(await self.kernel_manager.get_kernel(kernel_id).is_alive())

    def _crashed(self, kernel_id: str) -> None:
        self.log.warning("The kernel of a page has crashed; that visit has ended.")
        IOLoop.current().add_callback(self._end_crashed, kernel_id)

    async def _end_crashed(self, kernel_id: str) -> None:
        with contextlib.suppress(KeyError):
            await self.house.end_page(kernel_id)
        await self.end_kernel(kernel_id)

    def _kernel_environment(self) -> dict[str, str]:
        return {
            **os.environ,
            ENV_VARIABLE.VOILA_PREHEAT: "True",
            ENV_VARIABLE.VOILA_BASE_URL: self.base_url,
            ENV_VARIABLE.VOILA_SERVER_URL: self.server_url,
            ENV_VARIABLE.VOILA_APP_PORT: str(self.port),
            # Visitors are offered the models that are here, and can make nobody fetch others.
            "SEG_WIDGETS_OFFLINE": "1",
            **({} if self.service is None else self.service.for_kernels),
        }

    def _renderer(self) -> Any:
        settings = self.app.settings
        page_config = get_page_config(
            base_url=self.base_url,
            settings=settings,
            log=self.log,
            voila_configuration=self.voila_configuration,
        )
        return NotebookRenderer(
            voila_configuration=self.voila_configuration,
            traitlet_config=self.config,
            notebook_path=os.path.relpath(self.notebook_path, self.root_dir),
            template_paths=self.template_paths,
            config_manager=self.config_manager,
            contents_manager=self.contents_manager,
            base_url=self.base_url,
            kernel_spec_manager=self.kernel_spec_manager,
            page_config=page_config,
            mathjax_config=settings.get("mathjax_config"),
            mathjax_url=settings.get("mathjax_url"),
        )


def _give_title(notebook: Any) -> None:
    """Call the page what its first heading says, and not what its file is called."""
    markdown = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    headings = (line[2:] for text in markdown for line in text.splitlines() if line[:2] == "# ")
    notebook.metadata.setdefault("title", next(headings, "Instance segmentation").strip())
