"""Weights are read from each format, and nothing in a file is ever run."""

from __future__ import annotations

import json
import os
import pickle
import resource
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from seg_widgets.errors import WeightsError, WeightsNotFoundError
from seg_widgets.modeling import checkpoint as checkpointing
from seg_widgets.modeling.checkpoint import read_checkpoint
from seg_widgets.modeling.fit import load_into
from seg_widgets.pickles import Pickled, read_pickled

TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([0.5, -0.5])}


def _model() -> torch.nn.Linear:
    return torch.nn.Linear(3, 2)


def _zoo_pickle(path: Path, protocol: int) -> None:
    arrays = {name: tensor.numpy() for name, tensor in TENSORS.items()}
    path.write_bytes(
        pickle.dumps({"model": OrderedDict(arrays), "__author__": "someone"}, protocol=protocol)
    )


def test_every_format_gives_the_same_tensors(tmp_path: Path) -> None:
    save_file(
        TENSORS, tmp_path / "a.safetensors", metadata={"classes": json.dumps(["cell", "débris"])}
    )
    torch.save(TENSORS, tmp_path / "b.pth")
    torch.save({"model": TENSORS, "iteration": 7}, tmp_path / "c.pt")
    for protocol in (2, 4, 5):
        _zoo_pickle(tmp_path / f"d{protocol}.pkl", protocol)
    for path in tmp_path.iterdir():
        checkpoint = read_checkpoint(path)
        model = _model()
        load_into(model, checkpoint)
        assert torch.equal(model.weight, TENSORS["weight"]), path.name
        assert torch.equal(model.bias, TENSORS["bias"]), path.name
    assert read_checkpoint(tmp_path / "a.safetensors").classes() == ("cell", "débris")
    assert read_checkpoint(tmp_path / "b.pth").classes() is None


@pytest.mark.parametrize("suffix", ["pkl", "pth"])
def test_what_was_read_once_comes_from_the_kept_copy(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, kept = tmp_path / f"model.{suffix}", tmp_path / "kept"
    if suffix == "pkl":
        _zoo_pickle(path, 2)
    else:
        torch.save(TENSORS, path)
    first = read_checkpoint(path, kept)
    [copy] = kept.iterdir()
    assert copy.name.startswith("model-") and copy.suffix == ".safetensors"
    calls: list[Path] = []
    real = read_pickled

    def count(path: Path, kind: Literal["torch", "pickle"]) -> Pickled:
        calls.append(path)
        return real(path, kind)

    monkeypatch.setattr(checkpointing, "read_pickled", count)
    second = read_checkpoint(path, kept)
    assert calls == []
    assert second.path == path, "messages name the file that the person knows"
    assert second.tensors.keys() == first.tensors.keys()
    for name, tensor in first.tensors.items():
        assert torch.equal(second.tensors[name], tensor)
        assert second.tensors[name].dtype == tensor.dtype
    # Another file in its place is read itself, and so is one whose copy was damaged.
    os.utime(path, ns=(1, 1))
    read_checkpoint(path, kept)
    assert len(calls) == 1
    for copy in kept.iterdir():
        copy.write_bytes(copy.read_bytes()[:-5])
    assert torch.equal(read_checkpoint(path, kept).tensors["weight"], TENSORS["weight"])
    assert len(calls) == 2
    read_checkpoint(path, kept)
    assert len(calls) == 2


def test_only_a_few_copies_are_kept_and_never_half_a_one(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for number in range(11):
        path = tmp_path / f"{number}.pkl"
        _zoo_pickle(path, 2)
        read_checkpoint(path, kept)
    names = sorted(path.name for path in kept.iterdir())
    assert len(names) == 8
    assert all(name.endswith(".safetensors") and not name.startswith(".") for name in names)
    assert not any(name.startswith(("0-", "1-", "2-")) for name in names)
    # safetensors itself needs no copy, and where there is no room for one the file is read all the
    # same.
    save_file(TENSORS, tmp_path / "a.safetensors")
    read_checkpoint(tmp_path / "a.safetensors", tmp_path / "other")
    assert not (tmp_path / "other").exists()
    (tmp_path / "file").write_text("a file where a folder should be")
    assert read_checkpoint(tmp_path / "0.pkl", tmp_path / "file").tensors.keys() == TENSORS.keys()


class _Runs:
    """What a hostile pickle does: it asks for a function to be called."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("suffix", [".pkl", ".pth"])
def test_code_in_a_file_is_never_run(tmp_path: Path, suffix: str) -> None:
    marker = tmp_path / "marker"
    path = tmp_path / f"hostile{suffix}"
    if suffix == ".pkl":
        path.write_bytes(pickle.dumps({"model": _Runs(marker)}))
    else:
        torch.save({"model": _Runs(marker)}, path)
    with pytest.raises(WeightsError, match="hostile"):
        read_checkpoint(path)
    assert not marker.exists()


def _call(module: str, name: str, argument: bytes = b"", protocol: int = 2) -> bytes:
    """A pickle that calls module.name(argument), however it is named there."""
    if protocol == 0:
        return b"c" + module.encode() + b"\n" + name.encode() + b"\n(S'" + argument + b"'\ntR."
    parts = (module.encode(), name.encode())
    names = b"".join(b"\x8c" + bytes([len(part)]) + part for part in parts)
    text = b"X" + struct.pack("<I", len(argument)) + argument
    return b"\x80\x04" + names + b"\x93(" + text + b"tR."


@pytest.mark.parametrize("protocol", [0, 4])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("subprocess", "getoutput"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("builtins", "__import__"),
        ("__builtin__", "eval"),
        ("pickle", "loads"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("numpy", "load"),
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy.testing._private.utils", "runstring"),
        ("functools", "partial"),
        ("operator", "attrgetter"),
        ("pip._internal", "main"),
        ("collections", "OrderedDict.__class__"),
        ("_codecs", "encode.__self__.open_code"),
    ],
)
def test_a_pickle_may_name_nothing_but_arrays(
    tmp_path: Path, module: str, name: str, protocol: int
) -> None:
    marker, path = tmp_path / "marker", tmp_path / "hostile.pkl"
    path.write_bytes(_call(module, name, f"touch {marker}".encode(), protocol))
    with pytest.raises(WeightsError, match=rf"asks for {module}\.{name}") as caught:
        read_checkpoint(path)
    assert "hostile.pkl was refused" in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02]r\xff\xff\xff\x7f.",
        b"]p2000000000\n.",
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"abc",
        b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"N.",
        b"\x80\x02\x8b" + struct.pack("<i", (1 << 31) - 1) + b"1",
    ],
)
def test_a_few_bytes_may_not_take_all_memory(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bomb.pkl"
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(WeightsError, match="bomb"):
        read_checkpoint(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_arrays_of_objects_and_of_another_byte_order(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(
        pickle.dumps({"model": {"a": np.array([None, "x"], object)}, "__author__": "x"})
    )
    with pytest.raises(WeightsError, match=r"a\.pkl"):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps({"model": {"a": np.arange(3, dtype=">f4")}, "__author__": "x"}))
    assert read_checkpoint(path).tensors["a"].tolist() == [0, 1, 2]
    path.write_bytes(pickle.dumps({"model": {"a": np.zeros(2, np.longdouble)}, "__author__": "x"}))
    with pytest.raises(WeightsError, match="torch has no type for"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "float16", "bfloat16", "int64", "int32", "uint8", "bool"]
)
@pytest.mark.parametrize("suffix", ["safetensors", "pth", "pkl"])
def test_every_format_goes_there_and_back_bit_by_bit(
    tmp_path: Path, suffix: str, dtype: str
) -> None:
    random = torch.Generator().manual_seed(3)
    tensor = torch.randint(0, 256, (3, 8, 8), generator=random, dtype=torch.uint8).view(
        getattr(torch, dtype)
    )
    if dtype == "bool":
        tensor = torch.randint(0, 2, (3, 8), generator=random).bool()
    tensors = {"a": tensor, "scalar": tensor.flatten()[0].clone(), "none": tensor[:0].clone()}
    path = tmp_path / f"a.{suffix}"
    if suffix == "pkl":
        if dtype == "bfloat16":
            pytest.skip("NumPy has no bfloat16")
        content = {
            "model": {name: value.numpy() for name, value in tensors.items()},
            "__author__": "x",
        }
        path.write_bytes(pickle.dumps(content, 2))
    elif suffix == "pth":
        torch.save(tensors, path)
    else:
        save_file(tensors, path)
    for _ in range(2):  # from the file, and from the copy that was kept
        read = read_checkpoint(path, tmp_path / "kept").tensors
        assert read.keys() == tensors.keys()
        for name, value in tensors.items():
            assert read[name].dtype == value.dtype
            assert read[name].shape == value.shape
            bits = [
                one.contiguous().reshape(-1).view(torch.uint8).tolist()
                for one in (read[name], value)
            ]
            assert bits[0] == bits[1]


def test_a_small_file_may_not_claim_much_memory(tmp_path: Path) -> None:
    path = tmp_path / "claims.pkl"
    # Ten names for one array: a file of 1 MB that would become 10.
    shared = np.zeros(1 << 18, np.float32)
    path.write_bytes(pickle.dumps({f"layer{number}": shared for number in range(10)}))
    with pytest.raises(WeightsError, match="claim more bytes"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.safetensors", b"", "empty"),
        (
            "text.safetensors",
            b"hello, this is no tensor file at all",
            "truncated or no safetensors",
        ),
        ("header.safetensors", struct.pack("<Q", 1 << 40) + b"{}", "truncated or no safetensors"),
        ("text.pth", b"<html>not found</html>", "web page"),
        ("text.pkl", b"no pickle", "truncated or no model-zoo"),
        ("list.pkl", pickle.dumps([1, 2]), "holds a list"),
        ("object.pkl", pickle.dumps({"model": {"a": "text"}}), "not an array"),
        ("nothing.pkl", pickle.dumps({"model": {}}), "no tensors"),
        ("model.bin", b"1234", "are read from"),
    ],
)
def test_a_wrong_file_is_named_with_its_cause(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=words) as caught:
        read_checkpoint(path)
    assert name in str(caught.value)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pkl"])
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"whole{suffix}"
    if suffix == ".safetensors":
        save_file(TENSORS, path)
    elif suffix == ".pth":
        torch.save(TENSORS, path)
    else:
        _zoo_pickle(path, 4)
    whole = path.read_bytes()
    for length in range(1, len(whole) - 1, max(len(whole) // 40, 1)):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError):
            read_checkpoint(path)


def test_numpy_scalars_beside_the_weights_are_no_matter(tmp_path: Path) -> None:
    beside = {
        "best": np.float64(37.2),
        "step": np.int64(9),
        "done": np.bool_(True),
        "curve": np.arange(3.0),
        "name": np.str_("cells"),
    }
    for suffix, save in (("pth", torch.save), ("pkl", _dump)):
        path = tmp_path / f"a.{suffix}"
        save({"model": {name: t.numpy() for name, t in TENSORS.items()}, **beside}, path)
        assert torch.equal(read_checkpoint(path).tensors["weight"], TENSORS["weight"]), suffix


def _dump(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


def test_the_largest_file_of_the_zoo_passes_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checkpointing.MAX_WEIGHTS_BYTES > 1.08e9
    path = tmp_path / "a.safetensors"
    save_file(TENSORS, path)
    monkeypatch.setattr(checkpointing, "MAX_WEIGHTS_BYTES", 100)
    with pytest.raises(WeightsError, match=r"over the limit of 100\..*state_dict\(\)"):
        read_checkpoint(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"gone\.pth"):
        read_checkpoint(tmp_path / "gone.pth")
