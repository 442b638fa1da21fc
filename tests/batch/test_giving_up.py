"""A model that fails on everything ends a run; images that can't be opened never do."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from seg_widgets import segment_folder
from seg_widgets.batch import Reading, segment_groups
from seg_widgets.errors import InferenceError, OutOfMemoryError
from seg_widgets.prediction import Prediction
from seg_widgets.testing import StubPredictor, make_jpeg


class Failing(StubPredictor):
    """Fails with `words` from one image on, up to another."""

    name = "stub"

    def __init__(self, words: str, start: int = 0, end: int = 10**9) -> None:
        super().__init__(4)
        self.words, self.start, self.end = words, start, end
        self.tried = 0

    def __call__(self, image: npt.NDArray[np.uint8]) -> Prediction:
        self.tried += 1
        if self.start < self.tried <= self.end:
            kind = OutOfMemoryError if "memory" in self.words else RuntimeError
            raise kind(self.words.format(self.tried))
        return super().__call__(image)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("in")
    for number in range(40):
        (path / f"{number:02}.jpg").write_bytes(make_jpeg(32, 24))
    return path


@pytest.mark.parametrize(
    ("error", "images", "fix"),
    [
        ("CUDA error: device-side assert triggered", 3, "begin a new one"),
        ("CUDA error: unspecified launch failure", 3, "nvidia-smi"),
        ("not enough memory for image {}", 20, "uses the memory of the device"),
        ("shape mismatch at image {}", 20, "Try the model with one of these"),
    ],
)
def test_a_run_that_can_come_to_nothing_ends_and_goes_on_later(
    error: str, images: int, fix: str, folder: Path, tmp_path: Path
) -> None:
    broken = Failing(error, start=10)
    message = rf"failed on {images} images in a row: \w+: {error[:20]}.*{fix}.*the same call"
    with pytest.raises(InferenceError, match=message):
        segment_folder(folder, tmp_path / "out", broken, progress=False, images_per_part=8)
    assert "failed" not in (tmp_path / "out" / "failures.csv").read_text()
    # Images that the dead model was tried on are not done: no --retry-failed is needed.
    whole = StubPredictor(4)
    whole.name = "stub"  # type: ignore[attr-defined]
    summary = segment_folder(folder, tmp_path / "out", whole, progress=False, images_per_part=8)
    assert (summary.done, summary.failed, summary.is_complete) == (40, 0, True)
    assert summary.done_before == 10


def test_some_failures_in_a_row_end_nothing_and_stay_in_order(folder: Path, tmp_path: Path) -> None:
    weak = Failing("not enough memory", start=5, end=24)
    groups = [[str(path)] for path in sorted(folder.iterdir())]
    found = [outcomes[0] for outcomes in segment_groups(groups, weak, Reading())]
    assert [outcome.source for outcome in found] == [group[0] for group in groups]
    assert [outcome.error is None for outcome in found] == [True] * 5 + [False] * 19 + [True] * 16
    at_the_end = Failing("not enough memory", start=30)
    found = [outcomes[0] for outcomes in segment_groups(groups, at_the_end, Reading())]
    assert [outcome.error is None for outcome in found] == [True] * 30 + [False] * 10


def test_images_that_can_not_be_opened_end_nothing(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number:02}.jpg").write_bytes(b"\xff\xd8 no image")
    groups = [[str(path)] for path in sorted(tmp_path.iterdir())]
    found = [outcomes[0] for outcomes in segment_groups(groups, StubPredictor(4), Reading())]
    assert len(found) == 60 and all(outcome.error is not None for outcome in found)


def test_different_failures_are_no_sign_of_a_dead_model(folder: Path) -> None:
    class Picky(Failing):
        def __call__(self, image: npt.NDArray[np.uint8]) -> Prediction:
            self.words = f"no {'odd' if self.tried % 2 else 'even'} images"
            return super().__call__(image)

    groups = [[str(path)] for path in sorted(folder.iterdir())]
    assert len(list(segment_groups(groups, Picky(""), Reading()))) == 40


class Holding(StubPredictor):
    """Runs out of memory on its third image, and on all others while that one's array is alive."""

    name = "stub"

    def __init__(self) -> None:
        super().__init__(4)
        self.tried = 0
        self.large: weakref.ref[npt.NDArray[np.uint8]] | None = None

    def __call__(self, image: npt.NDArray[np.uint8]) -> Prediction:
        self.tried += 1
        if self.tried == 3:
            large = np.zeros(1_000, np.uint8)
            self.large = weakref.ref(large)
            raise MemoryError("out of memory")
        if self.large is not None and self.large() is not None:
            raise MemoryError("out of memory")
        return super().__call__(image)


def test_what_an_image_had_in_memory_is_let_go(folder: Path, tmp_path: Path) -> None:
    summary = segment_folder(folder, tmp_path / "out", Holding(), progress=False)
    assert (summary.done, summary.failed) == (40, 1)


def test_addresses_in_a_message_are_no_other_cause(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InferenceError, match="on 20 images in a row"):
        segment_folder(folder, tmp_path / "out", Failing("at {:#018x}"), progress=False)
