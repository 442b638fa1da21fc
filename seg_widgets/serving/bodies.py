"""The image of a request: in its body, in a form, or behind an address; all of it limited."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import anyio.to_thread
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from ..images import printable
from ..net import fetch, size_text
from .replies import Refusal
from .settings import ServerSettings

__all__ = ["Given", "Limits", "read_given"]

_FORM: Final = "multipart/form-data"
_MAX_FIELDS: Final = 16
_MAX_FIELD_BYTES: Final = 16 * 2**10


@dataclass(frozen=True)
class Limits:
    """How much of a request is read.

    Args:
        max_bytes: the most bytes of its body.
        timeout_s: seconds for all of them to come.
        grow: is called with the bytes of each piece; may raise to stop.
    """

    max_bytes: int
    timeout_s: float
    grow: Callable[[int], None]


@dataclass(frozen=True)
class Given:
    """An image's bytes with its name, and the fields of the form that it came in."""

    content: bytes = field(repr=False)
    name: str = ""
    fields: dict[str, str] = field(default_factory=dict)


async def read_given(request: Request, settings: ServerSettings, limits: Limits) -> Given:
    """Read the image of a request.

    Args:
        request: with a file as its body, or a form with a field `file` or `url`, or with `url` in
            its query.
        settings: the server's.
        limits: how much is read.

    Returns:
        What it holds.

    Raises:
        Refusal: it has no image, or is too large or too slow.
        FetchError: its address gives no image.
    """
    url = request.query_params.get("url", "")
    if url or request.method == "GET":
        return await _behind(url, {}, settings, limits)
    request = _limited(request, limits)
    try:
        async with asyncio.timeout(limits.timeout_s):
            content_type = request.headers.get("content-type", "")
            if not content_type.lower().startswith(_FORM):
                return Given(await request.body())
            given = await _from_form(request)
    except TimeoutError:
        raise Refusal(
            408, f"The image did not come within {limits.timeout_s:.0f} s. Send it smaller."
        ) from None
    if given.content:
        return given
    return await _behind(given.fields.get("url", ""), given.fields, settings, limits)


async def _from_form(request: Request) -> Given:
    try:
        async with request.form(
            max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES
        ) as form:
            upload = _upload(form)
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            if upload is None:
                return Given(b"", "", fields)
            # A browser may send the path on the visitor's machine, with separators of that.
            name = re.split(r"[/\\]", upload.filename or "")[-1]
            return Given(await upload.read(), printable(name), fields)
    except HTTPException as error:
        raise Refusal(400, f"The form can't be read: {error.detail}") from error
    # Older versions of Starlette let these through.
    except (FormParserError, KeyError) as error:
        raise Refusal(
            400, "The form can't be read: it has no boundary, or a broken one."
        ) from error


def _upload(form: FormData) -> UploadFile | None:
    """The file in a form; a browser sends an empty one where none was chosen."""
    uploads = (value for value in form.values() if isinstance(value, UploadFile))
    return next((upload for upload in uploads if upload.size), None)


async def _behind(
    url: str, fields: dict[str, str], settings: ServerSettings, limits: Limits
) -> Given:
    """The image behind an address."""
    if not url.strip():
        raise Refusal(
            400,
            "There is no image in this request. Send a file (POST, as the body or as the field "
            "“file” of a form), or name its address: ?url=https://…",
        )
    get = functools.partial(
        fetch, url.strip(), max_bytes=settings.max_bytes, allow_local=settings.allow_local
    )
    fetched = await anyio.to_thread.run_sync(get, abandon_on_cancel=True)
    limits.grow(len(fetched.content))
    return Given(fetched.content, printable(fetched.name), fields)


def _limited(request: Request, limits: Limits) -> Request:
    """The same request, whose body ends with a refusal when it is too large."""
    too_large = Refusal(
        413,
        f"The image has more than {size_text(limits.max_bytes)}. Save it smaller or as a JPEG.",
        "ImageTooLargeError",
    )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.max_bytes:
        raise too_large
    came = 0

    async def receive() -> Message:
        nonlocal came
        message = await request.receive()
        count = len(message.get("body", b""))
        came += count
        if came > limits.max_bytes:
            raise too_large
        limits.grow(count)
        return message

    return Request(request.scope, receive)
