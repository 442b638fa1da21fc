"""Training images from a data set: reproducible, in this process and in spawned ones."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seg_widgets.finetuning import LabelledImage, read_dataset
from seg_widgets.finetuning.sampler import PhotoSampler

from ..shapes import write_shapes


@pytest.fixture
def images(tmp_path: Path) -> list[LabelledImage]:
    write_shapes(tmp_path, 20)
    return list(read_dataset(tmp_path).images)


def test_the_same_seed_sees_the_same(images: list[LabelledImage]) -> None:
    first, second = PhotoSampler(images, 5, 128), PhotoSampler(images, 5, 128)
    second.sample(3)
    for index in (0, 9, 41):
        one, other = first.sample(index), second.sample(index)
        assert np.array_equal(one.image, other.image)
        assert one.class_ids == other.class_ids
    assert not np.array_equal(first.sample(0).image, PhotoSampler(images, 6, 128).sample(0).image)
    assert first.sample(0).image.shape[0] % 32 == 0


def test_it_can_be_sent_to_another_process(images: list[LabelledImage]) -> None:
    sampler = PhotoSampler(images, 5, 128)
    fresh = len(pickle.dumps(sampler))
    expected = sampler.sample(3)
    sent = pickle.dumps(sampler)
    assert len(sent) == fresh, "decoded images are not sent along"
    again = pickle.loads(sent)
    assert np.array_equal(again.sample(3).image, expected.image)
    assert np.array_equal(again.sample(9).image, sampler.sample(9).image)


_SPAWNED = """
import multiprocessing, sys
from seg_widgets import finetune

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    result = finetune(
        sys.argv[1], sys.argv[2], steps=2, min_size=64, device="cpu", workers=int(sys.argv[3])
    )
    print("made", result.steps)
"""


@pytest.mark.slow
def test_workers_are_spawned_as_on_macos_and_windows(tmp_path: Path) -> None:
    write_shapes(tmp_path / "data", 3)
    script = tmp_path / "spawned.py"
    script.write_text(_SPAWNED)
    logs = []
    for workers in ("0", "1"):
        out = tmp_path / workers
        command = [sys.executable, str(script), str(tmp_path / "data"), str(out), workers]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "made 2" in done.stdout
        rows = (out / "log.csv").read_text().splitlines()[1:]
        logs.append([row.split(",")[6:] for row in rows])
    assert logs[0] == logs[1], "the same images, whoever made them"
