"""Every failure as an HTTP status and a message for a person; nothing of the server shows in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from .answers import Answer, public_failure
from .jobs import QueueFull, Superseded
from .page import PAGE_POLICY, error_page
from .pool import JobOverdue, ModelUnavailable, WorkerLost

__all__ = ["Refusal", "refusal_of", "refusal_of_answer", "reply_to"]

_STATUSES: Final = {
    "ImageTooLargeError": 413,
    "FetchTooLargeError": 413,
    "ImageFormatError": 415,
    "ImageDamagedError": 422,
    "ImageError": 422,
    "SettingError": 400,
    "PredictionError": 422,
    "UrlError": 400,
    "UnreachableError": 502,
    "FetchStatusError": 502,
    "FetchError": 502,
    "FetchTimeoutError": 504,
    "OutOfMemoryError": 503,
    "InferenceError": 500,
}
"""The HTTP status of each error that an answer may hold, by its class."""

_RETRY_S: Final = 5


@dataclass(eq=False)
class Refusal(Exception):
    """A request that gets no result.

    Args:
        status: the HTTP status.
        message: for a person: what was wrong, and what to do about it.
        kind: what programs know it by.
        headers: of the response.
    """

    status: int
    message: str
    kind: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal_of_answer(answer: Answer) -> Refusal:
    """The refusal that a worker's answer with an error means."""
    return Refusal(_STATUSES.get(answer.kind, 500), answer.error, answer.kind)


def refusal_of(error: Exception) -> Refusal:
    """Any error as a refusal.

    Args:
        error: what was raised on the way to an answer.

    Returns:
        The refusal; its message may leave the machine.
    """
    if isinstance(error, Refusal):
        return error
    if isinstance(error, QueueFull):
        return Refusal(
            429,
            "The server has no room for another image at the moment. Try again in "
            f"{error.retry_after_s} s.",
            "QueueFull",
            {"Retry-After": str(error.retry_after_s)},
        )
    known = _KNOWN.get(type(error))
    if known is not None:
        return known
    return refusal_of_answer(public_failure(error))


_AGAIN: Final = {"Retry-After": str(_RETRY_S)}
_KNOWN: Final[dict[type[Exception], Refusal]] = {
    Superseded: Refusal(409, "A newer image of yours took the place of this one.", "Superseded"),
    ClientDisconnect: Refusal(499, "The client left.", "Superseded"),
    JobOverdue: Refusal(
        504, "The model took too long over this image. Send it smaller.", "JobOverdue"
    ),
    WorkerLost: Refusal(
        503,
        "The model's process ended over this image, twice. It starts again; try another image, or "
        "send this one smaller.",
        "WorkerLost",
        _AGAIN,
    ),
    ModelUnavailable: Refusal(
        503,
        "The model can't be loaded at the moment. The server's log says why; try again later.",
        "ModelUnavailable",
        _AGAIN,
    ),
}


def reply_to(refusal: Refusal, accept: str) -> Response:
    """A refusal as a response.

    Args:
        refusal: what to say.
        accept: the request's header of this name: JSON, a web page, or else plain text.

    Returns:
        The response.
    """
    headers = dict(refusal.headers)
    first = accept.split(",")[0].partition(";")[0].strip().lower()
    if first == "application/json":
        body = {"error": refusal.message, "kind": refusal.kind}
        return JSONResponse(body, refusal.status, headers)
    if first == "text/html":
        headers["Content-Security-Policy"] = PAGE_POLICY
        return HTMLResponse(error_page(refusal.message), refusal.status, headers)
    return PlainTextResponse(f"{refusal.message}\n", refusal.status, headers)
