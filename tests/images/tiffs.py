"""Uncompressed TIFFs of any samples, for the tests of `images`."""

from __future__ import annotations

import struct
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

GREY = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (48, 1))

Entries = dict[int, tuple[int, list[int] | bytes]]


def tiff(
    values: npt.NDArray[Any],
    photometric: int = 1,
    *,
    planar: bool = False,
    order: Literal["<", ">"] = "<",
    entries: Entries | None = None,
    bits: int = 0,
    size: tuple[int, int] | None = None,
) -> bytes:
    """H×W or H×W×C as a TIFF of one strip, or of one for each channel.

    `entries` are further tags: a type (2 bytes, 3 shorts, 4 longs) and its values. With `bits` and
    `size` the values are the bytes themselves.
    """
    samples = 1 if values.ndim == 2 or size else values.shape[2]
    height, width = size[::-1] if size else values.shape[:2]
    kinds = {"u": 1, "i": 2, "f": 3, "c": 6}
    data = values.astype(values.dtype.newbyteorder(order))
    planes = [data[..., one].tobytes() for one in range(samples)] if planar else [data.tobytes()]
    strips = [len(plane) for plane in planes]
    tags: Entries = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits or values.dtype.itemsize * 8] * samples),
        259: (3, [1]),
        262: (3, [photometric]),
        273: (4, [8 + sum(strips[:one]) for one in range(len(strips))]),
        277: (3, [samples]),
        278: (4, [height]),
        279: (4, strips),
        284: (3, [2 if planar else 1]),
        339: (3, [kinds[values.dtype.kind]] * samples),
        **(entries or {}),
    }
    start = 8 + sum(strips)
    head, tail = struct.pack(order + "H", len(tags)), b""
    behind = start + 2 + 12 * len(tags) + 4
    for number, (kind, given) in sorted(tags.items()):
        form = {2: "s", 3: "H", 4: "I"}[kind]
        packed = (
            given if isinstance(given, bytes) else struct.pack(f"{order}{len(given)}{form}", *given)
        )
        inline = packed.ljust(4, b"\0")
        if len(packed) > 4:
            inline, tail = struct.pack(order + "I", behind + len(tail)), tail + packed
        head += struct.pack(order + "HHI", number, kind, len(given)) + inline
    mark = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return mark + b"".join(planes) + head + bytes(4) + tail
