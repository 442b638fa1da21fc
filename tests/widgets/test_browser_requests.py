from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from seg_widgets.errors import ExportError
from seg_widgets.images import Upload
from seg_widgets.widgets.canvas import SegmentationCanvas


@pytest.fixture
def requesting(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[SegmentationCanvas, Callable[..., list[Any]]]]:
    """A canvas, and a function that sends it a request as the browser does and returns what comes
    back."""
    canvas = SegmentationCanvas()
    sent: list[Any] = []
    monkeypatch.setattr(
        canvas, "send", lambda content, buffers=None: sent.append((content, buffers))
    )

    def send(content: object, buffers: list[Any] | None = None) -> list[Any]:
        sent.clear()
        canvas._handle_custom_msg(content, buffers)
        return list(sent)

    yield canvas, send
    canvas.close()


def test_an_export_is_sent_as_bytes_and_its_failure_is_told(
    requesting: tuple[SegmentationCanvas, Any],
) -> None:
    canvas, send = requesting
    request = {"action": "export", "format": "csv", "id": "x-1"}
    heard = ({"received": "x-1"}, None)
    failed: Any = ({"reply": "x-1", "failed": True}, [])
    assert send(request, []) == [heard, failed]
    canvas.on_export = lambda name: (f"a.{name}", "text/csv", b"1,2")
    assert send(request, []) == [
        heard,
        ({"reply": "x-1", "file": "a.csv", "mediaType": "text/csv"}, [b"1,2"]),
    ]
    assert send("something else", []) == []
    assert send({"action": 3}, []) == []

    def fail(name: str) -> tuple[str, str, bytes]:
        raise ExportError("It can't be written.")

    canvas.on_export = fail
    assert send(request, []) == [heard, failed]
    assert canvas.error == "It can't be written."


def test_dropped_images_and_addresses_are_handed_on(
    requesting: tuple[SegmentationCanvas, Any],
) -> None:
    canvas, send = requesting
    opened: list[Any] = []
    canvas.on_open = opened.append
    canvas.on_address = opened.append
    canvas.on_cancel = lambda: opened.append("cancel")
    done: list[Any] = [({"received": 1}, None), ({"reply": 1}, [])]
    assert (
        send({"action": "open", "names": ["a.jpg", "b.png"], "id": 1}, [memoryview(b"a"), b"b"])
        == done
    )
    assert send({"action": "address", "address": "https://example.org/a.jpg", "id": 1}) == done
    assert send({"action": "cancel", "id": 1}) == done
    assert opened == [
        [Upload("a.jpg", b"a"), Upload("b.png", b"b")],
        "https://example.org/a.jpg",
        "cancel",
    ]


@pytest.mark.parametrize("names", [None, [], ["a.jpg", "b.jpg"], "a.jpg"])
def test_a_message_without_its_images_is_refused(
    requesting: tuple[SegmentationCanvas, Any], names: object
) -> None:
    canvas, send = requesting
    opened: list[Any] = []
    canvas.on_open = opened.append
    assert send({"action": "open", "names": names, "id": 2}, [b"a"])[1] == (
        {"reply": 2, "failed": True},
        [],
    )
    assert "once more" in canvas.error
    assert opened == []
