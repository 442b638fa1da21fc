"""The websocket between a visitor's browser and the kernel of the page: what passes, and what does
not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tornado.web import HTTPError
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from page.frames import PROTOCOL, Frame, FrameError, read_frame, write_frame

if TYPE_CHECKING:
    from page.house import House

FROM_VISITORS: Final = frozenset(
    ["comm_open", "comm_msg", "comm_close", "comm_info_request", "kernel_info_request"]
)
"""What a page with widgets sends. Voilà lets `shutdown_request` pass, too; no page of it sends
one."""

CHANNELS: Final = frozenset(["shell", "control"])
"""Where the kernel listens to a browser."""

TO_VISITORS: Final = frozenset(
    [
        *("status", "comm_open", "comm_msg", "comm_close"),
        *("display_data", "update_display_data", "execute_result", "clear_output", "stream"),
        *("comm_info_reply", "kernel_info_reply"),
    ]
)
"""What a page needs to hear. Not among them: `error`, whose traceback shows source lines and paths,
and `execute_input`, which is source."""

_UNACCEPTABLE: Final = 1007  # RFC 6455: data that is not what its type says


class PageSocket(VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """A websocket to a kernel that speaks protocol v1 only, checks each frame before it is read,
    and passes nothing to the browser that tells how the kernel is made.

    Voilà takes every binary message that leaves for one of protocol v1. To a client that has not
    asked for v1, Jupyter Server sends the older kind, whose first eight bytes then are read as a
    count of about 10^18: the server never comes back from making that list. A count that a client
    sends is believed in the same way, in both protocols.
    """

    async def get(self, kernel_id: str) -> None:
        """Refuse a client that does not speak protocol v1, before there is a connection."""
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in [name.strip() for name in offered.split(",")]:
            raise HTTPError(400, f"This server speaks {PROTOCOL} only.")
        if kernel_id not in self.kernel_manager:
            raise HTTPError(404, "This page has ended.")
        await super().get(kernel_id=kernel_id)

    async def open(self, kernel_id: str) -> None:
        """Note that the visitor is here."""
        self.house.came(kernel_id)
        await super().open(kernel_id)

    def on_message(self, message: str | bytes) -> None:
        """Hand a message on to the kernel if it is one that a page sends."""
        try:
            frame = read_frame(message)
        except FrameError as error:
            self.log.warning("A message was refused and its websocket closed: %s.", error)
            self.close(_UNACCEPTABLE, "no message of this protocol")
            return
        if frame.channel not in CHANNELS or frame.kind not in FROM_VISITORS:
            self.log.warning("A %s on %s was ignored.", frame.kind[:40], frame.channel[:40])
            return
        if frame.kind.startswith("comm_"):
            self.house.used(self.kernel_id)
        super().on_message(message)

    def on_close(self) -> None:
        """Note that the visitor is gone."""
        if self.connection is not None:
            self.house.went(self.kernel_id)
            super().on_close()

    def write_message(self, message: Any, binary: bool = False) -> Any:
        """Pass a message on to the browser if it is one for visitors."""
        if not isinstance(message, bytes):
            return None  # The older protocol's; nobody here has asked for it.
        passed = for_visitors(read_frame(message), message)
        return None if passed is None else super().write_message(passed, binary)

    @property
    def house(self) -> House:
        """Who is here."""
        house: House = self.settings["house"]
        return house


def for_visitors(frame: Frame, data: bytes) -> bytes | None:
    """Decide what a visitor may see of a message of the kernel's.

    Args:
        frame: the message.
        data: its frame as it came.

    Returns:
        The frame to pass on, without what describes the machine; None for none.
    """
    if frame.kind not in TO_VISITORS:
        return None
    header, parent, metadata, content, *buffers = frame.parts
    if frame.kind == "stream" and json.loads(content).get("name") != "stdout":
        # What a handler raises goes to stderr, with its traceback.
        return None
    if not frame.kind.endswith("_reply"):
        return data
    bare = _without_details(content)
    return write_frame(frame.channel, [header, parent, metadata, bare, *buffers])


def _without_details(content: bytes) -> bytes:
    """A reply without what describes the kernel, and without why it failed."""
    reply = json.loads(content)
    if reply.get("status") == "error":
        reply = {"status": "error", "ename": "Error", "evalue": "", "traceback": []}
    if "banner" in reply:
        reply.update(banner="", help_links=[])
    return json.dumps(reply).encode()
