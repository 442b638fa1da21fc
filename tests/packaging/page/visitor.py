"""A visitor without a browser: the requests that a browser makes, and others that none would."""

from __future__ import annotations

import json
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import websocket


@dataclass
class PageServer:
    """A running server: its address, its log and its process."""

    address: str
    log: Path
    pid: int = 0
    patience_s: float = 60
    """How long its visitors wait for an answer."""

    @contextmanager
    def visitor(self, query: str = "", **headers: str) -> Iterator[Visitor]:
        """Somebody who loads the page, and leaves in the end."""
        with requests.Session() as session:
            visitor = Visitor(self.address, session, self.patience_s)
            visitor.load(query, **headers)
            try:
                yield visitor
            finally:
                visitor.leave()


@dataclass
class Visitor:
    """Somebody who has loaded the page. `heard`: all messages that came over the websockets."""

    address: str
    session: requests.Session
    patience_s: float = 60
    status: int = 0
    html: str = ""
    heard: list[bytes] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)
    panel: tuple[websocket.WebSocket, str] | None = None
    """The websocket and the canvas's id, once the panel is open."""

    def load(self, query: str = "", **headers: str) -> requests.Response:
        """Load the page, or load it again."""
        answer = self.session.get(
            f"{self.address}/{query}", headers=headers, timeout=self.patience_s
        )
        self.status, self.html = answer.status_code, answer.text
        return answer

    @property
    def kernel_id(self) -> str:
        """The id of the page's kernel."""
        match = re.search(r'"kernelId": "([0-9a-f-]{36})"', self.html)
        assert match is not None, self.html[:2000]
        return match[1]

    def connect(
        self,
        protocols: tuple[str, ...] = ("v1.kernel.websocket.jupyter.org",),
        query: str = "",
        origin: str | None = None,
    ) -> websocket.WebSocket:
        """Open a websocket to the page's kernel, with this visitor's cookies."""
        cookies = "; ".join(f"{each.name}={each.value}" for each in self.session.cookies)
        channels = f"{self.address}/api/kernels/{self.kernel_id}/channels{query}"
        where = urlsplit(self.address)
        # The library leaves a connection open that was refused, or closed by the server.
        raw = socket.create_connection((where.hostname, where.port), self.patience_s)
        self.sockets.append(raw)
        return websocket.create_connection(
            channels.replace("http", "ws", 1),
            socket=raw,
            timeout=self.patience_s,
            subprotocols=list(protocols) or None,
            cookie=cookies or None,
            origin=origin,
            suppress_origin=origin is None,
        )

    def leave(self) -> None:
        """Close all websockets, and forget what came over them."""
        while self.sockets:
            self.sockets.pop().close()
        self.heard.clear()

    def listen(
        self, wire: websocket.WebSocket, until: Callable[[dict[str, Any], list[bytes]], bool]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Read messages until one is what is waited for; gives that one and its buffers."""
        deadline = time.monotonic() + self.patience_s
        while True:
            assert time.monotonic() < deadline, "no such message came"  # pings keep it open
            data = wire.recv()
            assert isinstance(data, bytes), data
            self.heard.append(data)
            message, buffers = read(data)
            if until(message, buffers):
                return message, buffers

    def reads_back(self, wire: websocket.WebSocket) -> None:
        """Wait until the kernel has done all that was sent before."""
        sent = send(wire, "kernel_info_request", {})
        self.listen(wire, lambda message, _: is_reply(message, sent, "kernel_info_reply"))

    def widgets(self, wire: websocket.WebSocket) -> dict[str, dict[str, Any]]:
        """The state of each widget by its id, as a page that is loaded asks for it."""
        comm_id = uuid.uuid4().hex
        opened = {"comm_id": comm_id, "target_name": "jupyter.widget.control", "data": {}}
        send(wire, "comm_open", opened, metadata={"version": "1.0.0"})
        send(wire, "comm_msg", {"comm_id": comm_id, "data": {"method": "request_states"}})
        message, _ = self.listen(
            wire,
            lambda message, _: (
                message["header"]["msg_type"] == "comm_msg"
                and message["content"]["comm_id"] == comm_id
            ),
        )
        states: dict[str, dict[str, Any]] = message["content"]["data"]["states"]
        return states

    def open_panel(self) -> None:
        """Connect, and find the panel's canvas."""
        wire = self.connect()
        [canvas] = [
            model
            for model, description in self.widgets(wire).items()
            if "max_file_bytes" in description["state"]
        ]
        self.panel = wire, canvas

    def upload(self, photo: bytes, name: str = "photo.jpg") -> None:
        """Drop a file on the panel."""
        assert self.panel is not None
        wire, canvas = self.panel
        content = {"action": "open", "id": 1, "names": [name]}
        data = {"method": "custom", "content": content}
        send(wire, "comm_msg", {"comm_id": canvas, "data": data}, (photo,))

    def result(self) -> str:
        """Wait until the panel shows a result or an error; gives the error."""
        assert self.panel is not None
        wire, canvas = self.panel

        def has_come(message: dict[str, Any], buffers: list[bytes]) -> bool:
            if message["header"]["msg_type"] != "comm_msg":
                return False
            if message["content"]["comm_id"] != canvas:
                return False
            data = message["content"]["data"]
            has_image = ["content"] in data.get("buffer_paths", []) and len(buffers[0]) > 0
            return bool(data.get("state", {}).get("error")) or has_image

        message, _ = self.listen(wire, has_come)
        return str(message["content"]["data"]["state"].get("error", ""))


def is_reply(message: dict[str, Any], sent: str, kind: str) -> bool:
    """Whether a message is the reply to the one that was sent."""
    header, parent = message["header"], message["parent_header"]
    return bool(header["msg_type"] == kind and parent.get("msg_id") == sent)


def send(
    wire: websocket.WebSocket,
    kind: str,
    content: object,
    buffers: tuple[bytes, ...] = (),
    channel: str = "shell",
    metadata: dict[str, str] | None = None,
) -> str:
    """Send a message as JupyterLab's code does; gives its id."""
    from page.frames import write_frame

    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "username": "", "session": "test"}
    parts = [{**header, "version": "5.3", "date": "2026-01-01T00:00:00Z"}, {}, metadata or {}]
    frame = write_frame(
        channel, [*(json.dumps(part).encode() for part in [*parts, content]), *buffers]
    )
    wire.send_binary(frame)
    return header["msg_id"]


def read(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """A message as a dict of its parts, and its buffers."""
    from page.frames import read_frame

    frame = read_frame(data)
    names = ("header", "parent_header", "metadata", "content")
    message = {name: json.loads(part) for name, part in zip(names, frame.parts, strict=False)}
    return {**message, "channel": frame.channel}, list(frame.parts[4:])


def wait_until(happens: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + timeout_s
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def texts(value: object) -> Iterator[str]:
    """All texts in a message, whatever they are inside of."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield str(name)
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
