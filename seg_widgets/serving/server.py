"""Running the server: a socket, uvicorn, and what is printed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn

from ..errors import ModelError, SettingError
from .app import Service
from .connections import Connection
from .pool import ModelUnavailable
from .settings import ServerSettings

__all__ = ["address_of", "serve"]

_GRACE_S: Final = 5
_MAX_CONNECTIONS: Final = 512
"""Beyond them, requests get 503 at once. A process may have 1,024 open files on most systems."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def serve(settings: ServerSettings, on_ready: Callable[[str], None] = print) -> None:
    """Serve until a signal ends it.

    Args:
        settings: what it is started with.
        on_ready: is called with the server's address when the model is built and the server
            answers.

    Raises:
        SettingError: the address can't be listened at.
        ModelError: the model can't be built.
    """
    with contextlib.closing(_listen(settings)) as listening:
        asyncio.run(_serve(settings, listening, on_ready))


async def _serve(
    settings: ServerSettings, listening: socket.socket, on_ready: Callable[[str], None]
) -> None:
    service = Service(settings)
    config = uvicorn.Config(
        service.app(),
        # One implementation everywhere, so that all machines behave alike.
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        # It would write the tokens that stand in addresses.
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_S,
    )
    try:
        async with service.running():
            on_ready(address_of(settings, listening))
            await _Server(config).serve(sockets=[listening])
    except ModelUnavailable as error:
        raise ModelError(str(error)) from None


class _Server(uvicorn.Server):
    """uvicorn's, which returns after a signal; its own would end this process before its workers
    are ended."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let the usual signals end the server."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def address_of(settings: ServerSettings, listening: socket.socket) -> str:
    """The server's address as a person opens it, with the token.

    Args:
        settings: the server's.
        listening: its socket, which knows the port.

    Returns:
        Such as "http://127.0.0.1:8090/?token=…".
    """
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if settings.host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    query = f"?token={settings.token}" if settings.token else ""
    return f"http://{host}:{listening.getsockname()[1]}/{query}"


def _listen(settings: ServerSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=128)
    except (OSError, UnicodeError) as error:
        raise SettingError(
            f"The server can't listen at {settings.host}, port {settings.port} "
            f"({getattr(error, 'strerror', None) or error}). Choose another with --port or --host."
        ) from error
