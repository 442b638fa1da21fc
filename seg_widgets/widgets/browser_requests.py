"""What the browser requests of a canvas, each handed to the function that does it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from ..errors import ImageError
from ..export import ExportedFile
from ..images import Upload

__all__ = ["File", "Handlers", "OnExport", "OnOpen", "Reply", "file_reply", "reply_to"]

File = tuple[str, str, bytes]
"""A file's name, its media type, its content."""

OnExport = Callable[[str], File | Future[ExportedFile]]
"""Makes the file of a format by its name, at once or in a while."""

Reply = tuple[dict[str, Any], list[bytes]]
"""A reply, and the bytes that go with it."""

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
) -> Reply | Future[ExportedFile]:
    """Do what the browser requests.

    Args:
        handlers: Who does it.
        content: The request, as `viewer/protocol.md` describes it.
        buffers: The bytes that came with it.

    Returns:
        The reply; or a file that is still being made, whose reply is `file_reply`.

    Raises:
        ImageError: It should open images, and none came.
        SegWidgetsError: What the function that does it raises.
    """
    action = content["action"]
    if action == "export" and handlers.on_export is not None:
        made = handlers.on_export(str(content.get("format")))
        return made if isinstance(made, Future) else file_reply(made)
    if action == "open" and handlers.on_open is not None:
        handlers.on_open(_uploads(content.get("names"), buffers))
    elif action == "address" and handlers.on_address is not None:
        handlers.on_address(str(content.get("address")))
    elif action == "cancel" and handlers.on_cancel is not None:
        handlers.on_cancel()
    else:
        return {"failed": True}, []
    return {}, []


def file_reply(file: File) -> Reply:
    """The reply with a file.

    Args:
        file: The file.
    """
    name, media_type, data = file
    return {"file": name, "mediaType": media_type}, [data]


def _uploads(names: object, buffers: list[Any]) -> list[Upload]:
    """The files of a message: `names` and `buffers` belong together one by one."""
    if not isinstance(names, list) or not names or len(names) != len(buffers):
        raise ImageError("The browser sent no image. Drop or paste it once more.")
    return [Upload(str(name), bytes(data)) for name, data in zip(names, buffers, strict=True)]
