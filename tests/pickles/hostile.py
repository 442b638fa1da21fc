"""Pickles and archives that ask for more than they may; the tests and `make fuzz` share them."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator

import numpy as np
import safetensors.torch
import torch

__all__ = ["PICKLES", "hostile_archives", "sound_files"]


def _doubled(levels: int) -> bytes:
    """A key that is a tuple of the tuple before it, twice, `levels` times."""
    return (
        b"\x80\x02}"
        + b")"
        + b"".join(
            b"q" + bytes([level]) + b"h" + bytes([level]) + b"\x86" for level in range(levels)
        )
        + b"Ns."
    )


def _named(module: str, name: str) -> bytes:
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def _encode(text: bytes, codec: bytes) -> bytes:
    arguments = b"X" + struct.pack("<I", len(text)) + text + b"X" + struct.pack("<I", len(codec))
    return b"\x80\x02" + _named("_codecs", "encode") + b"(" + arguments + codec + b"tR."


PICKLES: dict[str, bytes] = {
    "keys that take for ever to hash": _doubled(60),
    "a key nested too deep to hash": b"\x80\x02}" + b")" + b"\x85" * 200_000 + b"Ns.",
    "a memo of 2^31 places": b"\x80\x02]r\xff\xff\xff\x7f.",
    "a memo of 2^31 places, protocol 0": b"]p2000000000\n.",
    "bytes of 2^62": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"abc",
    "a frame of 2^62": b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"N.",
    "a bytearray of 2^40": b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"N.",
    "an integer of 2^31 bytes": b"\x80\x02\x8b" + struct.pack("<i", (1 << 31) - 1) + b"1",
    "an integer of many digits": b"I" + b"9" * 400_000 + b"\n.",
    "a text decoded by bz2": _encode(b"x" * 100, b"bz2_codec"),
    "a text decoded by rot13": _encode(b"x" * 100, b"rot13"),
    "a text that is not latin1": _encode("Ω".encode(), b"latin1"),
    "attributes of a function": (
        b"\x80\x02" + _named("numpy.core.numeric", "_frombuffer") + b"}X\x01\x00\x00\x00aNsb."
    ),
    "attributes of a class": b"\x80\x02" + _named("numpy", "ndarray") + b"}X\x01\x00\x00\x00aNsb.",
    "attributes of OrderedDict": (
        b"\x80\x02" + _named("collections", "OrderedDict") + b"}X\x01\x00\x00\x00aNsb."
    ),
    "a registered extension": b"\x80\x02\x82\x01.",
    "a persistent name": b"Pabc\n.",
    "a buffer from elsewhere": b"\x80\x05\x97.",
    "nothing on the stack": b"\x80\x02.",
    "lists in lists": b"]" * 300_000 + b"a" * 299_999 + b".",
    "a list that doubles": b"\x80\x02](" + b"2" * 60 + b"e.",
    "names without end": pickle.dumps({f"n{number}": None for number in range(100_000)}),
    "a name of a million letters": pickle.dumps({"n" * 1_000_000: np.zeros(1, np.float32)}),
    "a name that can't be printed": pickle.dumps({"\u202e\0": np.zeros(1, np.float32)}),
    "a name that is no text": pickle.dumps({7: np.zeros(1, np.float32)}),
    "a shape of 2^62": pickle.dumps({"a": np.zeros(2, np.float32)}).replace(
        b"K\x02\x85", b"\x8a\x08" + struct.pack("<q", 1 << 61) + b"\x85"
    ),
    "a shape below 0": pickle.dumps({"a": np.zeros(2, np.float32)}).replace(
        b"K\x02\x85", b"J" + struct.pack("<i", -2) + b"\x85"
    ),
    "dates": pickle.dumps({"a": np.zeros(2, "datetime64[s]")}),
    "texts": pickle.dumps({"a": np.zeros(2, "U5")}),
    "structures": pickle.dumps({"a": np.zeros(2, "f4,i4")}),
    "objects": pickle.dumps({"a": np.array([None], object)}),
    "complex numbers": pickle.dumps({"a": np.zeros(2, np.complex64)}),
}
"""Pickles by what is wrong with them; each is refused, whatever its file is called."""


def archive(data: bytes, **storages: bytes) -> bytes:
    """A zip archive as torch writes it, with a pickle and storages given."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        writer.writestr("a/data.pkl", data)
        for key, content in storages.items():
            writer.writestr(f"a/data/{key}", content)
    return file.getvalue()


def saved(content: object) -> bytes:
    """The bytes that torch writes for something."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def resaved(content: bytes, change: Callable[[zipfile.ZipInfo], None]) -> bytes:
    """An archive whose entries are written anew, each with a change."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as reader, zipfile.ZipFile(file, "w") as writer:
        for entry in reader.infolist():
            new = zipfile.ZipInfo(entry.filename)
            change(new)
            writer.writestr(new, reader.read(entry))
    return file.getvalue()


def hostile_archives() -> Iterator[tuple[str, bytes]]:
    """Files as torch writes them that claim more than they hold, by what is wrong with them."""
    yield "expanded tensors", saved({"a": torch.zeros(1).expand(1 << 30)})
    small = torch.zeros(1 << 18)
    yield "one storage under many names", saved({f"n{number}": small for number in range(50)})
    yield "compressed", resaved(saved({"a": torch.zeros(1 << 22)}), _compressed)
    yield "many entries", archive(b"N.", **{f"n{number}": b"" for number in range(100_000)})
    yield "overlapping", _overlapping()
    yield "quantized", saved({"a": torch.quantize_per_tensor(torch.zeros(4), 0.1, 0, torch.qint8)})
    yield "sparse", saved({"a": torch.eye(3).to_sparse()})
    yield "conjugated", saved({"a": torch.zeros(3, dtype=torch.complex64).conj()})
    yield "big-endian", resaved(saved({"a": torch.zeros(3)}), _none).replace(b"little", b"bigbig")
    yield "a storage that is missing", saved({"a": torch.zeros(3)}).replace(b"data/0", b"data/9")
    yield "keys that take for ever to hash", archive(_doubled(60))
    yield "another archive", archive(b"N.").replace(b"data.pkl", b"what.pkl")
    yield "no pickle", archive(b"hello")
    legacy = io.BytesIO()
    torch.save({"a": torch.zeros(100)}, legacy, _use_new_zipfile_serialization=False)
    yield "an old file cut short", legacy.getvalue()[:-100]
    yield (
        "an old file whose length is wrong",
        legacy.getvalue().replace(struct.pack("<q", 100), struct.pack("<q", 1 << 50)),
    )


def _compressed(entry: zipfile.ZipInfo) -> None:
    entry.compress_type = zipfile.ZIP_DEFLATED


def _none(entry: zipfile.ZipInfo) -> None:
    entry.compress_type = zipfile.ZIP_STORED


def _overlapping() -> bytes:
    """Two storages whose entries are one."""
    content = saved({"a": torch.zeros(1000), "b": torch.zeros(1000)})
    central = content.index(b"PK\x01\x02")
    first, second = (content.index(name, central) for name in (b"data/0", b"data/1"))
    # The offset of an entry lies four bytes before its name, which begins with the archive's.
    starts = [content.rindex(b"PK\x01\x02", 0, place) + 42 for place in (first, second)]
    return content[: starts[1]] + content[starts[0] : starts[0] + 4] + content[starts[1] + 4 :]


def sound_files() -> Iterator[bytes]:
    """Small files of weights in each format, which are read."""
    tensors = {f"layer{number}.weight": torch.randn(4, 3) for number in range(5)}
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    for protocol in (0, 2, 4, 5):
        yield pickle.dumps({"model": arrays, "__author__": "x", "classes": ["a"]}, protocol)
    yield saved({"model": tensors, "iteration": 3, "best": np.float32(2)})
    legacy = io.BytesIO()
    torch.save(tensors, legacy, _use_new_zipfile_serialization=False)
    yield legacy.getvalue()
    yield safetensors.torch.save(tensors, {"classes": '["a", "b"]'})
