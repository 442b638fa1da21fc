"""The server's addresses, as a Starlette app."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .. import __version__
from ..export import FORMATS
from ..prediction import DEFAULT_THRESHOLD, check_threshold
from .access import Access
from .answers import PREDICTION, Answer, Work
from .bodies import Given, Limits, read_given
from .jobs import Job, JobQueue
from .metrics import Metrics
from .page import PAGE_POLICY, form_page
from .pool import ModelUnavailable, WorkerPool
from .replies import Refusal, refusal_of, refusal_of_answer, reply_to
from .settings import ServerSettings

__all__ = ["CLIENT_HEADER", "STREAM", "Service"]

CLIENT_HEADER: Final = "X-Client-Id"
"""The header by which a visitor is known: of its requests, only the newest counts."""

STREAM: Final = "application/x-ndjson"
"""The media type of what `/predict` answers: lines of JSON, then the bytes that the last one
announces."""

_CLIENT: Final = re.compile(r"[!-~]{1,64}")
_BEAT_S: Final = 0.25
_FORM_BYTES: Final = 64 * 2**10
"""What a form may have beside its file."""

_OFFERED: Final = {"image/png": "png", "application/json": "coco", "text/csv": "csv"}
"""The format of each media type that a client may accept."""

Handler = Callable[[Request], Awaitable[Response]]


class Service:
    """One server: its queue, its workers, and what it answers.

    Args:
        settings: what it is started with.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        self._queue: JobQueue
        self._pool: WorkerPool

    def app(self) -> Starlette:
        """The ASGI app; it works within `running`."""
        routes = {
            "/": (self._home, ["GET"]),
            "/detect": (self._detect, ["GET", "POST"]),
            "/predict": (self._predict, ["POST"]),
            "/model": (self._model, ["GET"]),
            "/queue": (self._position, ["GET"]),
            "/health": (self._health, ["GET"]),
            "/metrics": (self._figures, ["GET"]),
        }
        return Starlette(
            routes=[
                Route(path, self._guarded(path, handler), methods=methods)
                for path, (handler, methods) in routes.items()
            ],
            middleware=[Middleware(Access, settings=self._settings)],
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Within it, the workers live. It begins when the first of them is ready.

        Raises:
            ModelUnavailable: none of them can build the model.
        """
        settings = self._settings
        # Both belong to the event loop that runs now.
        self._queue = JobQueue(settings.max_queue, settings.max_waiting_bytes, settings.workers)
        self._pool = WorkerPool(settings, self._queue, self._metrics)
        try:
            await self._pool.open()
            yield
        finally:
            await self._pool.close()

    def _guarded(self, route: str, handler: Handler) -> Handler:
        """The handler; whatever it raises becomes a message, and all is counted."""

        async def handle(request: Request) -> Response:
            try:
                response = await handler(request)
            # The last line of defence: a visitor gets a message, and the log the cause.
            except Exception as error:
                response = reply_to(refusal_of(error), request.headers.get("accept", ""))
            self._metrics.replied(route, response.status_code)
            return response

        return handle

    # ── images ────────────────────────────────────────────────────────────────────────────────────

    async def _detect(self, request: Request) -> Response:
        with self._place(request) as job:
            given = await self._given(request, job, self._settings.max_bytes + _FORM_BYTES)
            self._queue.put(job, _work(request, given))
            async for _ in self._until_answered(job):
                if await request.is_disconnected():
                    raise ClientDisconnect
            answer = job.answer.result()
        if answer.error:
            raise refusal_of_answer(answer)
        return _file(answer)

    async def _predict(self, request: Request) -> Response:
        with contextlib.ExitStack() as stack:
            job = stack.enter_context(self._place(request))
            given = await self._given(request, job, self._settings.largest_raw_image)
            self._queue.put(job, Work(given.content, given.name, PREDICTION))
            # From here on, the response gives the place up.
            return _Stream(self._lines(job), stack.pop_all().close)

    async def _lines(self, job: Job) -> AsyncIterator[bytes]:
        """What a client reads while it waits, and the result."""
        async for ahead in self._until_answered(job):
            yield _line({"ahead": ahead, "running": job.started_s > 0})
        try:
            answer = job.answer.result()
            if answer.error:
                raise refusal_of_answer(answer)
        except (Exception, asyncio.CancelledError) as error:
            refusal = refusal_of(error if isinstance(error, Exception) else ClientDisconnect())
            yield _line({"status": refusal.status, "error": refusal.message, "kind": refusal.kind})
        else:
            yield _line({"bytes": len(answer.content), "seconds": answer.seconds})
            yield answer.content

    async def _until_answered(self, job: Job) -> AsyncIterator[int]:
        """Until there is an answer: each quarter of a second, how many are ahead."""
        while not job.answer.done():
            yield self._queue.ahead(job)
            await asyncio.wait({job.answer}, timeout=_BEAT_S)

    @contextlib.contextmanager
    def _place(self, request: Request) -> Iterator[Job]:
        """A place in the queue."""
        if not self._pool.available:
            raise ModelUnavailable
        job = self._queue.enter(_client(request))
        try:
            yield job
        finally:
            self._queue.leave(job)

    async def _given(self, request: Request, job: Job, max_bytes: int) -> Given:
        grow = functools.partial(self._queue.grow, job)
        limits = Limits(max_bytes, self._settings.upload_timeout_s, grow)
        return await read_given(request, self._settings, limits)

    # ── the rest ──────────────────────────────────────────────────────────────────────────────────

    async def _home(self, request: Request) -> Response:
        formats = [(each.name, each.label) for each in FORMATS.values() if each.in_save]
        about = f"The model: {self._pool.about.get('description', '')}."
        page = form_page(about, request.query_params.get("token", ""), formats)
        return HTMLResponse(page, headers={"Content-Security-Policy": PAGE_POLICY})

    async def _model(self, request: Request) -> Response:
        about = {**self._pool.about, "maxPixels": self._settings.model.max_pixels}
        return JSONResponse({**about, "version": __version__})

    async def _position(self, request: Request) -> Response:
        ahead = self._queue.position(_client(request) or request.query_params.get("client", ""))
        waiting, running = self._queue.waiting, self._queue.running
        return JSONResponse({"ahead": ahead, "waiting": waiting, "running": running})

    async def _health(self, request: Request) -> Response:
        ready = "ready" in self._pool.states
        return JSONResponse({"status": "ok" if ready else "loading"}, 200 if ready else 503)

    async def _figures(self, request: Request) -> Response:
        text = await asyncio.to_thread(self._metrics.text, self._queue, self._pool)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


class _Stream(StreamingResponse):
    """Lines that come as they are made; however it ends, `leave` is called."""

    def __init__(self, lines: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        # A proxy must not keep the lines back.
        super().__init__(lines, media_type=STREAM, headers={"X-Accel-Buffering": "no"})
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode("ascii") + b"\n"


def _client(request: Request) -> str:
    """Who asks; "": it does not say."""
    client = request.headers.get(CLIENT_HEADER, "")
    if client and not _CLIENT.fullmatch(client):
        raise Refusal(400, f"{CLIENT_HEADER} has 1 to 64 letters, digits and signs of ASCII.")
    return client


def _work(request: Request, given: Given) -> Work:
    """What the address, or else the form, asks for."""
    query = request.query_params
    threshold = query.get("threshold") or given.fields.get("threshold") or DEFAULT_THRESHOLD
    classes = query.getlist("classes") or [given.fields.get("classes", "")]
    names = (name.strip() for text in classes for name in text.split(","))
    return Work(
        given.content,
        given.name,
        _format(query, given.fields, request.headers.get("accept", "")),
        check_threshold(threshold),
        tuple(name for name in names if name),
    )


def _format(query: QueryParams, fields: dict[str, str], accept: str) -> str:
    asked = query.get("format") or fields.get("format")
    if not asked:
        types = (part.partition(";")[0].strip().lower() for part in accept.split(","))
        return next((_OFFERED[each] for each in types if each in _OFFERED), "png")
    chosen = FORMATS.get(asked)
    if chosen is None or not chosen.in_save:
        offered = ", ".join(each.name for each in FORMATS.values() if each.in_save)
        raise Refusal(400, f"There is no format {asked[:40]!r}; there are {offered}.")
    return asked


def _file(answer: Answer) -> Response:
    headers = {"Content-Disposition": f"inline; filename*=UTF-8''{quote(answer.file_name)}"}
    if answer.media_type == "text/html":
        # The page has a script of its own. It must not act in the name of this server.
        headers["Content-Security-Policy"] = "sandbox allow-scripts allow-downloads"
    return Response(answer.content, media_type=answer.media_type, headers=headers)
