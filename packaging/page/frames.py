"""Messages between a browser and a kernel, as the websocket's protocol v1 frames them.

A frame is a count, that many offsets, and the parts between them: the channel's name, the four
parts of a Jupyter message as JSON, and its buffers. All numbers are unsigned, 8 bytes, little
endian. Jupyter Server makes a list of as many offsets as the count says before it looks at
anything, so a count must be checked before a frame is handed on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

PROTOCOL: Final = "v1.kernel.websocket.jupyter.org"
"""The only subprotocol that is spoken. The older one has no name; its frames have 4-byte counts."""

MOST_PARTS: Final = 1024
"""Parts of one frame, buffers included. An upload of many files has two for each."""

LARGEST_HEADER: Final = 64 * 1024
"""Bytes of a message's header; one of JupyterLab's has 300."""

_JSON_PARTS: Final = 4  # header, parent header, metadata, content
_FEWEST_PARTS: Final = 1 + _JSON_PARTS + 1  # the channel's offset, the four's, and the end's
_WORD: Final = 8


class FrameError(ValueError):
    """What came is no frame of protocol v1, or one that nobody may send."""


@dataclass(frozen=True)
class Frame:
    """What is known of a frame without looking into its content: its channel and its header."""

    channel: str
    kind: str
    """The message's type, such as "comm_msg"."""
    header: dict[str, Any]
    parts: tuple[bytes, ...]
    """Header, parent header, metadata, content and buffers, as they came."""


def read_frame(data: object) -> Frame:
    """Take a frame apart.

    Args:
        data: what came over the websocket.

    Returns:
        Its channel, its message's header and its parts.

    Raises:
        FrameError: It is text; a count or an offset points outside of it; it has more than
            `MOST_PARTS` parts, or a header of more than `LARGEST_HEADER` bytes or without a type.
    """
    if not isinstance(data, bytes):
        raise FrameError("a frame is bytes, and this is text")
    offsets = _offsets(data)
    channel, *parts = (data[start:stop] for start, stop in pairwise(offsets))
    header = _header(parts[0])
    try:
        name = channel.decode("ascii")
    except UnicodeDecodeError as error:
        raise FrameError("the channel has no name") from error
    return Frame(name, header["msg_type"], header, tuple(parts))


def write_frame(channel: str, parts: Sequence[bytes]) -> bytes:
    """Make a frame.

    Args:
        channel: "shell", "control" or "iopub".
        parts: header, parent header, metadata and content as JSON, and then the buffers.

    Returns:
        The frame.
    """
    body = [channel.encode("ascii"), *parts]
    offsets = [_WORD * (len(body) + 2)]
    for part in body:
        offsets.append(offsets[-1] + len(part))
    return b"".join([_word(len(offsets)), *map(_word, offsets), *body])


def _offsets(data: bytes) -> list[int]:
    count = int.from_bytes(data[:_WORD], "little")
    first = _WORD * (1 + count)
    if not _FEWEST_PARTS <= count <= MOST_PARTS or first > len(data):
        raise FrameError(f"{len(data)} bytes can't have {count} parts")
    words = range(_WORD, first, _WORD)
    offsets = [int.from_bytes(data[at : at + _WORD], "little") for at in words]
    if offsets[0] < first or offsets[-1] > len(data) or offsets != sorted(offsets):
        raise FrameError("its parts lie outside of it")
    return offsets


def _header(part: bytes) -> dict[str, Any]:
    if len(part) > LARGEST_HEADER:
        raise FrameError(f"its header has {len(part)} bytes")
    try:
        header = json.loads(part)
    except (ValueError, RecursionError) as error:
        raise FrameError("its header is no JSON") from error
    if not isinstance(header, dict) or not isinstance(header.get("msg_type"), str):
        raise FrameError("its header has no type")
    return header


def _word(number: int) -> bytes:
    return number.to_bytes(_WORD, "little")
