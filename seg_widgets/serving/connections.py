"""Connections that send no request are closed; uvicorn would keep them for ever."""

from __future__ import annotations

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["HEADERS_S", "Connection"]

HEADERS_S: Final = 10.0
"""How long a connection may be without a whole request; at most twice as long passes."""


class Connection(H11Protocol):
    """uvicorn's HTTP/1.1, with a limit on how long a request's headers may take to come."""

    _was_silent = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch the connection."""
        super().connection_made(transport)
        self._look_again()

    def _look_again(self) -> None:
        self.loop.call_later(HEADERS_S, self._close_if_silent)

    def _close_if_silent(self) -> None:
        """Close it where two looks in a row have found no request."""
        if self.transport.is_closing():
            return
        is_silent = self.conn.their_state is h11.IDLE
        if is_silent and self._was_silent:
            self.transport.close()
            return
        self._was_silent = is_silent
        self._look_again()
