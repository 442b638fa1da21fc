from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import pytest

from seg_widgets.pickles.records import Array, Names, Other, Storage, StorageType, Tensor
from seg_widgets.pickles.refusal import RefusedError
from seg_widgets.pickles.unpickling import ITEM_BYTES, RecordUnpickler, TorchUnpickler

torch = pytest.importorskip("torch")


def test_each_type_of_numbers_has_torchs_size() -> None:
    for name, size in ITEM_BYTES.items():
        assert getattr(torch, name).itemsize == size, name


def _unpickler() -> TorchUnpickler:
    return TorchUnpickler(io.BytesIO())


@pytest.mark.parametrize("module", ["torch", "torch.storage", "torch.cuda"])
def test_each_storage_has_its_type(module: str) -> None:
    for kind, name in torch.storage._dtype_to_storage_type_map().items():
        if name in ("QUInt4x2Storage", "QUInt2x4Storage"):  # several numbers in a byte
            with pytest.raises(RefusedError, match=name):
                _unpickler().find_class(module, name)
            continue
        dtype = _unpickler().find_class(module, name).dtype
        # Quantized numbers are refused by their tensors; here they are what they are stored as.
        assert dtype == str(kind).removeprefix("torch.").removeprefix("q"), name
    assert _unpickler().find_class(module, "UntypedStorage").dtype is None
    with pytest.raises(RefusedError):
        _unpickler().find_class(f"{module}.other", "FloatStorage")


def test_types_are_known_by_their_names_alone_in_torch() -> None:
    assert _unpickler().find_class("torch", "bfloat16").dtype == "bfloat16"
    with pytest.raises(RefusedError):
        _unpickler().find_class("numpy", "bfloat16")
    with pytest.raises(RefusedError):
        RecordUnpickler(io.BytesIO()).find_class("torch", "float32")


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_the_names_of_numpy_1_and_2(core: str) -> None:
    for unpickler in (RecordUnpickler(io.BytesIO()), _unpickler()):
        assert isinstance(unpickler.find_class(f"{core}.multiarray", "_reconstruct")(), Array)
        assert isinstance(unpickler.find_class(f"{core}.multiarray", "scalar")("f4", b""), Other)
        made = unpickler.find_class(f"{core}.numeric", "_frombuffer")(b"1", "u1", (1,), "C")
        assert made.content == b"1"


def test_what_weights_do_not_need_is_refused_by_its_name() -> None:
    for value in (print, pickle.loads, np.load, io.BytesIO):
        content = pickle.dumps(value)
        with pytest.raises(RefusedError) as info:
            RecordUnpickler(io.BytesIO(content)).load()
        assert value.__name__ in info.value.text


_KIND = StorageType("float32")
_SOUND: tuple[Any, ...] = ("storage", _KIND, "0", "cpu", 12)


@pytest.mark.parametrize("pid", [_SOUND, (*_SOUND, None)])
def test_a_storage_is_the_same_for_all_who_name_it(pid: tuple[Any, ...]) -> None:
    unpickler = _unpickler()
    found = unpickler.persistent_load(pid)
    assert isinstance(found, Storage)
    assert (found.key, found.dtype, found.numel) == ("0", "float32", 12)
    assert unpickler.persistent_load(pid) is found
    other = unpickler.persistent_load(("storage", StorageType("int8"), "1", "cpu", 0))
    assert unpickler.storages == {"0": found, "1": other}
    for changed in (StorageType("int32"), 13):
        again = [*pid]
        again[1 if isinstance(changed, StorageType) else 4] = changed
        with pytest.raises(RefusedError, match="two storages have one name"):
            unpickler.persistent_load(tuple(again))


@pytest.mark.parametrize(
    "pid",
    [
        "storage",
        list(_SOUND),
        _SOUND[:4],
        (*_SOUND, None, None),
        (*_SOUND, 1),
        ("module", *_SOUND[1:]),
        ("storage", "float32", *_SOUND[2:]),
        ("storage", _KIND, 0, "cpu", 12),
        ("storage", _KIND, ["0"], "0", 12),
        (*_SOUND[:4], "12"),
        (*_SOUND[:4], True),
        (*_SOUND[:4], -1),
        (*_SOUND[:4], 1 << 48),
    ],
)
def test_a_storage_that_can_not_be_is_refused(pid: Any) -> None:
    with pytest.raises(RefusedError, match="a storage's record is wrong"):
        _unpickler().persistent_load(pid)
    assert _unpickler().persistent_load((*_SOUND[:4], (1 << 48) - 1)).numel == (1 << 48) - 1


def _rebuilt(name: str, *args: Any) -> Any:
    return _unpickler().find_class("torch._utils", name)(*args)


def test_tensors_take_their_type_from_their_storage_or_name_it() -> None:
    storage, raw = Storage("0", "float16", 12), Storage("1", None, 48)
    for name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
        tensor = _rebuilt(name, storage, 2, (3,), (1,))
        assert isinstance(tensor, Tensor)
        assert (tensor.dtype, tensor.offset, tensor.shape) == ("float16", 2, (3,))
    tensor = _rebuilt("_rebuild_tensor_v2", storage, 2, (3,), (1,), True, Names(), None)
    assert tensor.end == 5
    tensor = _rebuilt("_rebuild_tensor_v3", raw, 0, (3,), (1,), False, None, StorageType("int64"))
    assert tensor.dtype == "int64"
    with pytest.raises(RefusedError, match="a tensor's record is wrong"):
        _rebuilt("_rebuild_tensor_v2", raw, 0, (3,), (1,))
    # Other numbers than those that lie there.
    for name, kind in (("_rebuild_tensor_v2", ()), ("_rebuild_tensor_v3", (StorageType("int8"),))):
        found = _rebuilt(name, storage, 0, (3,), (1,), False, None, *kind, {"conj": True})
        assert isinstance(found, Other)
    assert _rebuilt("_rebuild_parameter", tensor, True, Names()) is tensor
    kept = _unpickler().find_class("torch._tensor", "_rebuild_from_type_v2")
    make = _unpickler().find_class("torch._utils", "_rebuild_tensor_v2")
    assert kept(make, "type", (storage, 0, (3,), (1,)), {}).shape == (3,)
    with pytest.raises(RefusedError, match="a tensor's record is wrong"):
        kept(print, "type", ("ran",), {})


def test_what_is_kept_beside_weights_says_what_it_is() -> None:
    assert _rebuilt("_rebuild_sparse_tensor", 1, 2).what == "a sparse tensor"
    assert _unpickler().find_class("torch", "device")("cpu").what == "a device"
    assert _unpickler().find_class("builtins", "set")([1]).what == "a set"
    assert _unpickler().find_class("torch", "Size")((1, 2)) == (1, 2)
    assert _unpickler().find_class("collections", "defaultdict")(list, 3) == {}
    assert _unpickler().find_class("collections", "OrderedDict")([("a", 1)]) == {"a": 1}
    assert _unpickler().find_class("__builtin__", "bytes")() == b""
