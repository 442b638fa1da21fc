"""Pickles are read in a process of their own, with a budget of memory and time."""

from __future__ import annotations

import io
import multiprocessing.spawn
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from seg_widgets.errors import WeightsError
from seg_widgets.modeling import read_checkpoint
from seg_widgets.pickles import WontReadError, read_pickled, reading

from .hostile import PICKLES

ARRAYS: dict[str, npt.NDArray[Any]] = {
    "c": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
    "swapped": np.arange(4, dtype=">i2"),
    "none": np.zeros((0, 3), np.float32),
    "scalar": np.array(7, np.int64),
    "bits": np.array([True, False]),
}


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_come_as_they_were_written(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"model": ARRAYS, "__author__": "x"}, protocol))
    read = read_checkpoint(path).tensors
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        expected = torch.from_numpy(array.astype(array.dtype.newbyteorder("=")).copy())
        assert torch.equal(read[name], expected), name
        assert read[name].dtype == expected.dtype
        assert read[name].is_contiguous()


@pytest.mark.parametrize("suffix", [".pkl", ".pth"])
@pytest.mark.parametrize("wrong", PICKLES)
def test_what_claims_too_much_is_refused(tmp_path: Path, wrong: str, suffix: str) -> None:
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(PICKLES[wrong])
    with pytest.raises(WeightsError, match=r"^bomb") as caught:
        read_checkpoint(path)
    assert len(str(caught.value)) < 500


def test_nothing_of_ours_is_changed_by_a_pickle_that_sets_attributes(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    for wrong in ("a function", "a class", "OrderedDict"):
        path.write_bytes(PICKLES[f"attributes of {wrong}"])
        with pytest.raises(WontReadError, match="it sets the state of a maker"):
            read_pickled(path, "pickle")


def test_a_process_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(PICKLES["keys that take for ever to hash"])
    small = reading._Budget(memory=1 << 28, cpu_s=60, wall_s=0.3)
    monkeypatch.setattr(reading._Budget, "of", lambda _: small)
    with pytest.raises(WontReadError, match="more than 0 s to read"):
        read_pickled(path, "pickle")
    monkeypatch.setattr(
        reading._Budget, "of", lambda _: reading._Budget(memory=1 << 28, cpu_s=1, wall_s=60)
    )
    with pytest.raises(WontReadError, match="more than 1 s to read"):
        read_pickled(path, "pickle")


def test_memory_is_watched_where_the_system_has_no_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(PICKLES["keys that take for ever to hash"])
    # Less than any Python takes; the child's own limit is set far above.
    start = reading._start
    tiny = reading._Budget(memory=1 << 20, cpu_s=60, wall_s=60)
    large = reading._Budget(memory=1 << 30, cpu_s=60, wall_s=60)
    monkeypatch.setattr(reading._Budget, "of", lambda _: tiny)
    monkeypatch.setattr(reading, "_start", lambda path, kind, _: start(path, kind, large))
    with pytest.raises(WontReadError, match="more memory than it can need"):
        read_pickled(path, "pickle")


def test_the_process_knows_the_standard_library_alone() -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1]); import seg_widgets.pickles.child; "
        "print(sorted({'numpy', 'torch', 'psutil'} & set(sys.modules)))"
    )
    root = str(Path(reading.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, root], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_python_that_can_not_be_started_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(ARRAYS))
    monkeypatch.setattr(multiprocessing.spawn, "get_executable", lambda: str(tmp_path / "none"))
    with pytest.raises(WeightsError, match=r"a\.pkl can't be read here.*set_executable.*\.$"):
        read_checkpoint(path)
    # A frozen program would start itself once more.
    monkeypatch.setattr(multiprocessing.spawn, "get_executable", lambda: sys.executable)
    with monkeypatch.context() as frozen:
        frozen.setattr(sys, "frozen", True, raising=False)
        with pytest.raises(WeightsError, match="program of its own"):
            read_checkpoint(path)
    # A program that is no Python sends nothing of use.
    monkeypatch.setattr(multiprocessing.spawn, "get_executable", lambda: b"/bin/true")
    with pytest.raises(WeightsError, match="ended its process"):
        read_checkpoint(path)


def test_tensors_of_one_storage_stay_together(tmp_path: Path) -> None:
    whole = torch.arange(12.0)
    content = {"all": whole.reshape(3, 4), "columns": whole.reshape(3, 4).t(), "part": whole[3:5]}
    for old in (False, True):
        file = io.BytesIO()
        torch.save(content, file, _use_new_zipfile_serialization=not old)
        path = tmp_path / "a.pth"
        path.write_bytes(file.getvalue())
        read = read_checkpoint(path).tensors
        for name, tensor in content.items():
            assert torch.equal(read[name], tensor), name
        assert read["all"].untyped_storage().data_ptr() == read["part"].untyped_storage().data_ptr()
