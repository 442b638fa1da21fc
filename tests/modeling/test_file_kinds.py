"""Files that are no weights, or weights of another kind, are named as what they are."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from seg_widgets.errors import WeightsError
from seg_widgets.modeling.checkpoint import read_checkpoint
from seg_widgets.modeling.file_kinds import format_of, why_refused

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 252499933\n"


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".pkl", ".safetensors"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LFS, "Git LFS pointer.*git lfs pull"),
        (b"<!DOCTYPE html><title>Virus scan warning</title>", r"web page \(HTML\).*browser"),
        (b"\xef\xbb\xbf \n<HTML>", "web page"),
        (b"", "is empty"),
        (b"\x1f\x8b\x08", "gzip archive; unpack"),
        (b"\0" * 2000, "zeros, whose download never finished"),
        (b"\x08\x08\x12\x07pytorch\x1a", "ONNX"),
        (b"\x89HDF\r\n", "HDF5"),
    ],
)
def test_what_is_no_weights_is_named(
    tmp_path: Path, suffix: str, content: bytes, words: str
) -> None:
    path = tmp_path / f"model_final{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=words) as caught:
        read_checkpoint(path)
    assert "model_final" in str(caught.value)
    assert "run its code" not in str(caught.value)


def test_archives_and_programs_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("output/model_final.pth", "x")
    with pytest.raises(WeightsError, match=r"zip archive \(output/model_final\.pth\); unpack"):
        read_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py"):
            archive.writestr(f"scripted/{name}", "x")
    with pytest.raises(WeightsError, match=r"TorchScript program.*state_dict"):
        read_checkpoint(path)


def test_a_whole_model_is_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save(torch.nn.Linear(2, 2), path)
    with pytest.raises(WeightsError, match=r"would run its code \(torch\.nn.*Linear\)"):
        read_checkpoint(path)
    ours = why_refused(path, "ultralytics.nn.tasks.SegmentationModel")
    assert "a model of Ultralytics" in ours
    assert "Prediction.of" in ours
    assert "run its code" not in ours


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(3.0)}
    save_file(tensors, tmp_path / "a.pth")
    torch.save(tensors, tmp_path / "b.pkl")
    torch.save(tensors, tmp_path / "c.pth", _use_new_zipfile_serialization=False)
    content = {"model": {"a": np.arange(3, dtype=np.float32)}, "__author__": "someone"}
    (tmp_path / "d.pth").write_bytes(pickle.dumps(content))
    formats = []
    for path in sorted(tmp_path.iterdir()):
        assert torch.equal(read_checkpoint(path).tensors["a"], tensors["a"]), path.name
        formats.append(format_of(path))
    assert formats == ["safetensors", "torch", "torch", "pickle"]
