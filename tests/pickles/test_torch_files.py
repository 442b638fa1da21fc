"""Files of torch's: what they may hold, and archives that claim more than they have."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import torch

from seg_widgets.errors import WeightsError
from seg_widgets.modeling import read_checkpoint

from .hostile import hostile_archives

HOSTILE = dict(hostile_archives())


@pytest.mark.parametrize("wrong", HOSTILE)
def test_what_claims_too_much_is_refused(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "bomb.pth"
    path.write_bytes(HOSTILE[wrong])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(WeightsError, match=r"^bomb\.pth") as caught:
        read_checkpoint(path)
    assert len(str(caught.value)) < 500
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("expanded tensors", "claim more bytes than the file has"),
        ("compressed", "is compressed, which torch never does"),
        ("many entries", "100,001 entries"),
        ("overlapping", "its entries overlap"),
        ("quantized", "'a' is a quantized tensor"),
        ("sparse", "'a' is a sparse tensor"),
        ("big-endian", "other byte order.*save it again"),
        ("a storage that is missing", r"lacks 'data/0'"),
    ],
)
def test_the_cause_is_named(tmp_path: Path, wrong: str, words: str) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(HOSTILE[wrong])
    with pytest.raises(WeightsError, match=words):
        read_checkpoint(path)


def test_what_trainers_save_is_read(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.note = "an attribute"  # type: ignore[attr-defined]
    state = {**model.state_dict(), "extra": parameter}
    content = {
        "model": state,
        "optimizer": optimizer.state_dict(),
        "dtype": torch.float16,
        "device": torch.device("cpu"),
        "size": torch.Size([1, 2]),
        "seen": {1, 2},
        "sparse": torch.eye(2).to_sparse(),
        "iteration": 9,
    }
    for old in (False, True):
        torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=not old)
        read = read_checkpoint(tmp_path / "a.pth").tensors
        assert read.keys() == state.keys()
        for name, tensor in state.items():
            assert torch.equal(read[name], tensor), name


def test_a_state_dict_keeps_its_metadata_to_itself(tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 2)
    torch.save(model.state_dict(), tmp_path / "a.pth")
    assert read_checkpoint(tmp_path / "a.pth").tensors.keys() == {"weight", "bias"}


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "uint16", "complex64"])
def test_rarer_numbers_come_as_they_were_written(tmp_path: Path, dtype: str) -> None:
    tensor = torch.arange(8, dtype=torch.uint8).view(getattr(torch, dtype))
    torch.save({"a": tensor}, tmp_path / "a.pth")
    read = read_checkpoint(tmp_path / "a.pth").tensors["a"]
    assert read.dtype == tensor.dtype
    assert read.view(torch.uint8).tolist() == tensor.view(torch.uint8).tolist()
