"""The websocket to a page's kernel: nobody can freeze the server with it, and nothing of the
server's insides comes through it."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import websocket

from ...browser.lab import REPOSITORY
from .visitor import PageServer, Visitor, read, send, texts, wait_until

pytestmark = pytest.mark.slow

OLD_HEADER = {"msg_id": "1", "msg_type": "comm_info_request", "username": "", "session": "test"}
OLD_MESSAGE = {"header": OLD_HEADER, "parent_header": {}, "metadata": {}, "content": {}}

# What would show how the server is made: of a traceback, of paths, of the notebook's source.
SECRETS = (
    *("Traceback", 'File "', "site-packages", "secret", "ZeroDivision", ".py", "line "),
    *(str(REPOSITORY), str(Path.home()), "<module>", "ipykernel"),
)


@pytest.fixture(scope="module")
def somebody(server: PageServer) -> Iterator[Visitor]:
    with server.visitor() as somebody:
        yield somebody


@pytest.fixture
def visitor(somebody: Visitor) -> Iterator[Visitor]:
    yield somebody
    somebody.leave()


def assert_others_are_served(server: PageServer) -> None:
    """Somebody else gets the page, with a kernel that answers."""
    with server.visitor() as other:
        assert other.status == 200
        other.reads_back(other.connect())


@pytest.mark.parametrize("protocols", [(), ("v2.something.else",)], ids=["none", "unknown"])
def test_a_client_without_the_protocol_is_refused(
    visitor: Visitor, protocols: tuple[str, ...]
) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException, match="400"):
        visitor.connect(protocols)
    visitor.reads_back(visitor.connect())


def hostile() -> Iterator[tuple[str, str | bytes]]:
    old = json.dumps(OLD_MESSAGE).encode()
    good = [json.dumps({**OLD_HEADER}).encode(), b"{}", b"{}", b"{}"]
    from page.frames import write_frame

    frame = write_frame("shell", good)
    yield "text", "hello"
    yield "a message of the older protocol as text", old.decode()
    yield "a message of the older protocol with buffers", struct.pack("!II", 1, 8) + old
    yield "the older protocol's largest count", struct.pack("!i", 2**31 - 1) + old
    yield "nothing", b""
    yield "a count of 10^18", (10**18).to_bytes(8, "little") + bytes(64)
    yield "the largest count", b"\xff" * 64
    yield "a count of a billion in 8 MB", (10**9).to_bytes(8, "little") + bytes(8 * 2**20)
    yield "a million parts that are there", (10**6).to_bytes(8, "little") + bytes(9 * 10**6)
    yield "random bytes", bytes(range(256)) * 40
    yield "an end outside of it", frame[:48] + b"\xff" * 8 + frame[56:]
    yield "brackets without end", write_frame("shell", [b"[" * 60_000, *good[1:]])


@pytest.mark.parametrize(
    "message", [message for _, message in hostile()], ids=[name for name, _ in hostile()]
)
def test_a_hostile_message_closes_its_own_websocket_only(
    server: PageServer, visitor: Visitor, message: str | bytes
) -> None:
    before = psutil.Process(server.pid).memory_info().rss
    innocent = visitor.connect()
    socket = visitor.connect()
    if isinstance(message, str):
        socket.send(message)
    else:
        socket.send_binary(message)
    with pytest.raises(websocket.WebSocketConnectionClosedException):
        while socket.recv():
            pass
        raise websocket.WebSocketConnectionClosedException
    visitor.reads_back(innocent)
    assert psutil.Process(server.pid).memory_info().rss - before < 100e6


@pytest.mark.parametrize(
    ("kind", "channel"),
    [
        ("execute_request", "shell"),
        ("complete_request", "shell"),
        ("inspect_request", "shell"),
        ("history_request", "shell"),
        ("debug_request", "control"),
        ("shutdown_request", "control"),
        ("interrupt_request", "control"),
        ("create_subshell_request", "control"),
        ("input_reply", "stdin"),
        ("comm_msg", "iopub"),
        ("comm_msg", "nothing"),
    ],
)
def test_no_message_but_those_of_widgets_is_handed_on(
    visitor: Visitor, kind: str, channel: str
) -> None:
    socket = visitor.connect()
    content = {"code": "1 + 1", "silent": False, "detail_level": 0, "cursor_pos": 1}
    sent = send(socket, kind, content, channel=channel)
    visitor.reads_back(socket)
    replies = [read(data)[0] for data in visitor.heard]
    assert sent not in [reply["parent_header"].get("msg_id") for reply in replies]


def crafted(states: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Messages to each widget of a page, each with something that does not belong there."""
    for model, description in states.items():
        for trait in description["state"]:
            for value in (None, -1, "/etc/passwd", ["x"], {"x": 1}, "IPY_MODEL_none"):
                yield model, {"method": "update", "state": {trait: value}}
        contents: tuple[object, ...] = (None, 1, "x", [], {}, {"action": 1})
        for content in (*contents, {"action": "open", "names": 7}):
            yield model, {"method": "custom", "content": content}
        for action in ("export", "open", "address", "cancel", "show", "remove", "click"):
            wrong: dict[str, object] = {
                "action": action,
                "event": action,
                "id": [],
                "format": {},
                "names": [1],
            }
            yield model, {"method": "custom", "content": {**wrong, "number": "x"}}
        yield model, {"method": "update", "state": 7, "buffer_paths": [["x", 0, "y"]]}
        yield model, {"method": "update", "state": {}, "buffer_paths": [[]]}
        yield model, {"method": "request_state", "x": 1}
        yield model, {"method": []}
        yield model, {}


def assert_nothing_leaks(messages: list[bytes]) -> None:
    for data in messages:
        message, _ = read(data)
        kind = message["header"]["msg_type"]
        assert kind not in ("error", "execute_input"), message
        if kind == "comm_msg" and "_esm" in str(message["content"])[:10_000_000]:
            continue  # the states of all widgets: the browser half's own source is public
        if kind == "kernel_info_reply":
            message["content"].pop("language_info")  # Python's name and its files' ".py"
        for text in texts([message["content"], message["metadata"]]):
            assert not [secret for secret in SECRETS if secret in text], (kind, text[:500])


def test_crafted_comm_messages_show_nothing_of_the_server(
    server: PageServer, visitor: Visitor
) -> None:
    socket = visitor.connect()
    states = visitor.widgets(socket)
    everything = list(crafted(states))
    messages = random.Random(20).sample(everything, 200)
    for number, (model, data) in enumerate(messages):
        send(socket, "comm_msg", {"comm_id": model, "data": data})
        if number % 20 == 0:
            visitor.reads_back(socket)
    odd: tuple[object, ...] = ({}, {"comm_id": "x"}, {"comm_id": "x", "target_name": "x"}, [], 7)
    for content in (*odd, None):
        for kind in ("comm_open", "comm_msg", "comm_close", "comm_info_request"):
            send(socket, kind, content)
    made = {"comm_id": "y", "target_name": "jupyter.widget"}
    for state in ({}, {"_model_name": "x"}, {"_model_module": "os", "_model_name": "system"}):
        opened: dict[str, object] = {**made, "data": {"state": state}}
        send(socket, "comm_open", opened, metadata={"version": "2.1.0"})
    visitor.reads_back(socket)
    assert_nothing_leaks(visitor.heard)
    assert_others_are_served(server)


def test_a_handler_that_raises_shows_nothing_of_the_server(
    server: PageServer, visitor: Visitor
) -> None:
    socket = visitor.connect()
    states = visitor.widgets(socket)
    [button] = [
        model
        for model, description in states.items()
        if description["state"].get("description") == "raises"
    ]
    log = len(server.log.read_text())
    click = {"method": "custom", "content": {"event": "click"}}
    send(socket, "comm_msg", {"comm_id": button, "data": click})
    visitor.reads_back(socket)
    assert_nothing_leaks(visitor.heard)
    # Whoever runs the server is told all the same.
    wait_until(lambda: "secret_line" in server.log.read_text()[log:])


def test_a_cell_that_raises_shows_nothing_of_the_server(visitor: Visitor) -> None:
    assert (
        "There was an error when executing cell [3]. The server&#39;s log says why." in visitor.html
    )
    for secret in ("Traceback", "secret", "site-packages", str(REPOSITORY), "show_tracebacks"):
        assert secret not in visitor.html
