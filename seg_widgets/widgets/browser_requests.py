"""What the browser requests of a canvas, each handed to the function that does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..errors import ImageError
from ..images import Upload

__all__ = ["Handlers", "OnExport", "OnOpen", "reply_to"]

OnExport = Callable[[str], tuple[str, str, bytes]]
"""Makes the file of a format by its name: (file name, media type, bytes)."""

OnOpen = Callable[[list[Upload]], None]
"""Takes images that were dropped, pasted or photographed."""


class Handlers(Protocol):
    """The functions that do what is requested; None where nobody does it."""

    on_export: OnExport | None
    on_open: OnOpen | None
    on_address: Callable[[str], None] | None
    on_cancel: Callable[[], None] | None


def reply_to(
    handlers: Handlers, content: dict[str, Any], buffers: list[Any]
) -> tuple[dict[str, Any], list[bytes]]:
    """Do what the browser requests.

    Args:
        handlers: Who does it.
        content: The request, as `viewer/protocol.md` describes it.
        buffers: The bytes that came with it.

    Returns:
        The reply and the bytes that go with it.

    Raises:
        ImageError: It should open images, and none came.
        SegWidgetsError: What the function that does it raises.
    """
    action = content["action"]
    if action == "export" and handlers.on_export is not None:
        name, media_type, data = handlers.on_export(str(content.get("format")))
        return {"file": name, "mediaType": media_type}, [data]
    if action == "open" and handlers.on_open is not None:
        handlers.on_open(_uploads(content.get("names"), buffers))
    elif action == "address" and handlers.on_address is not None:
        handlers.on_address(str(content.get("address")))
    elif action == "cancel" and handlers.on_cancel is not None:
        handlers.on_cancel()
    else:
        return {"failed": True}, []
    return {}, []


def _uploads(names: object, buffers: list[Any]) -> list[Upload]:
    """The files of a message: `names` and `buffers` belong together one by one."""
    if not isinstance(names, list) or not names or len(names) != len(buffers):
        raise ImageError("The browser sent no image. Drop or paste it once more.")
    return [Upload(str(name), bytes(data)) for name, data in zip(names, buffers, strict=True)]
