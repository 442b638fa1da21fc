"""Frames of the websocket's protocol: any bytes are read in no time, or refused."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page.frames import MOST_PARTS, FrameError, read_frame, write_frame

HEADER = json.dumps({"msg_type": "comm_msg", "msg_id": "1"}).encode()
PARTS = [HEADER, b"{}", b"{}", b'{"data": 1}']


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}Q", *numbers)


@given(st.lists(st.binary(max_size=50), max_size=9))
def test_what_was_written_is_read(buffers: list[bytes]) -> None:
    frame = read_frame(write_frame("shell", [*PARTS, *buffers]))
    assert (frame.channel, frame.kind) == ("shell", "comm_msg")
    assert list(frame.parts) == [*PARTS, *buffers]


def test_jupyter_servers_own_frames_are_read() -> None:
    from jupyter_server.services.kernels.connection import base

    jupyter: Any = base
    theirs = jupyter.serialize_msg_to_ws_v1([*PARTS, b"buffer"], "iopub")
    assert read_frame(theirs).parts == (*PARTS, b"buffer")
    assert theirs == write_frame("iopub", [*PARTS, b"buffer"])
    assert jupyter.deserialize_msg_from_ws_v1(theirs) == ("iopub", [*PARTS, b"buffer"])


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    with pytest.raises(FrameError):
        read_frame(data)


@given(st.integers(0, 2**64 - 1), st.integers(0, 12), st.integers(0, 2**64 - 1))
def test_a_number_that_points_elsewhere_is_refused_or_harmless(
    count: int, at: int, number: int
) -> None:
    good = bytearray(write_frame("shell", PARTS))
    good[8 * at : 8 * at + 8] = words(number)
    if count != 6:
        good[:8] = words(count)
    try:
        frame = read_frame(bytes(good))
    except FrameError:
        return
    assert sum(map(len, frame.parts)) <= len(good)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("text", "this is text"),
        (b"", "0 bytes"),
        (words(10**18), "can't have"),
        (words(2**64 - 1) + bytes(80), "can't have"),
        (words(5) + bytes(80), "can't have"),
        (words(MOST_PARTS + 1) + bytes(8 * MOST_PARTS + 800), "can't have"),
        # The older protocol: 4-byte counts, big endian.
        (struct.pack("!III", 1, 8, 0) + b'{"header": {}}' * 9, "can't have"),
        (words(6, 0, 0, 0, 0, 0, 0), "outside"),
        (words(6, 56, 60, 59, 61, 61, 61) + bytes(9), "outside"),
        (words(6, 56, 57, 58, 59, 60, 2**63) + bytes(9), "outside"),
        (write_frame("shell", [b"[" * 50_000, b"", b"", b""]), "no JSON"),
        (write_frame("shell", [b"\xff", b"", b"", b""]), "no JSON"),
        (write_frame("shell", [b" " * 70_000, b"", b"", b""]), "70000 bytes"),
        (write_frame("shell", [b"[]", b"", b"", b""]), "no type"),
        (write_frame("shell", [b'{"msg_type": 1}', b"", b"", b""]), "no type"),
    ],
)
def test_the_reason_is_named(data: object, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        read_frame(data)


def test_a_channel_without_a_name_is_refused() -> None:
    frame = write_frame("shell", PARTS).replace(b"shell{", b"\xff\xfe\xff\xfe\xff{")
    with pytest.raises(FrameError, match="no name"):
        read_frame(frame)
