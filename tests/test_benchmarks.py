"""`make bench`: which parts run, how figures are kept and compared, and that the docs show them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import __main__, first_start, gpu, measuring, parts, report
from benchmarks.checking import compare
from benchmarks.differences import difference
from benchmarks.figures import RESULTS, Curve, Figure, Results, Summary, read_results
from seg_widgets.prediction import Prediction
from seg_widgets.testing import StubPredictor, make_picture

from .browser import chromium

KNOWN = parts.find_parts()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is done instead of measuring and keeping, in order."""
    called: list[object] = []

    def run(name: str, quick: bool) -> Results:
        called.append((name, quick))
        return results(name)

    monkeypatch.setattr(chromium, "main", lambda: called.append("chromium"))
    monkeypatch.setattr(__main__, "_in_own_process", run)
    monkeypatch.setattr(Results, "write", lambda self: called.append(f"kept {self.part}"))
    monkeypatch.setattr(report, "plot", lambda results: [])
    monkeypatch.setattr(report, "write_page", lambda: called.append("page"))
    return called


def results(part: str = "drawing", theirs: float = 20.0, slope: float = 1.0) -> Results:
    """Ours takes 2 ms, theirs `theirs`; a curve that grows with a given exponent."""
    values = {"ours": Summary.of([1, 2, 3]), "theirs": Summary.of([theirs])}
    line = [(x, 5 * x**slope) for x in (1.0, 2.0, 4.0, 8.0)]
    curve = Curve("time of a stage", "megapixels", "ms", {"drawing": line})
    return Results(part, "2026-11-26", measuring.machine(), [Figure("a", "ms", values)], [curve])


def test_all_parts_run_and_the_browser_comes_first(calls: list[object]) -> None:
    assert __main__.main([]) == 0
    assert calls[0] == "chromium"
    expected = [(name, False) for name, part in KNOWN.items() if not part.by_name]
    assert [call for call in calls if isinstance(call, tuple)] == expected
    assert calls[-2:] == [f"kept {expected[-1][0]}", "page"]


@pytest.mark.parametrize("option", ["--quick", "--check"])
def test_a_short_run_and_a_check_keep_nothing(calls: list[object], option: str) -> None:
    assert __main__.main([option, "drawing"]) == 0
    assert calls == [("drawing", option == "--quick")]


def test_the_short_run_leaves_out_what_has_no_short_form(calls: list[object]) -> None:
    assert __main__.main(["--quick"]) == 0
    ran = {call[0] for call in calls if isinstance(call, tuple)}
    assert ran == {name for name, part in KNOWN.items() if part.quick and not part.by_name}
    assert "weights" not in ran


def test_named_parts_alone_and_in_their_order(
    calls: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A part's name is no argument of another part.
    monkeypatch.setattr("sys.argv", ["benchmarks", "page", "canvas", "--quick"])
    assert __main__.main() == 0
    assert calls == ["chromium", ("page", True), ("canvas", True)]


def test_without_a_browser_nothing_is_timed(
    calls: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "main", lambda: 1)
    assert __main__.main([]) == 1
    assert calls == []
    assert __main__.main(["drawing", "--quick"]) == 0  # it needs none


def test_an_unknown_part_is_refused(
    calls: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        __main__.main(["wieghts"])
    assert "there is no part 'wieghts'" in capsys.readouterr().err
    assert calls == []


def test_a_part_that_fails_does_not_end_the_others(
    calls: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(name: str, quick: bool) -> Results | None:
        return None if name == "drawing" else results(name)

    monkeypatch.setattr(__main__, "_in_own_process", run)
    assert __main__.main(["drawing", "weights"]) == 1
    assert calls == ["kept weights", "page"]
    assert "failed: drawing (see above)" in capsys.readouterr().err


def test_a_worse_ratio_is_named(
    calls: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(__main__, "read_results", lambda name: results(name, theirs=40))
    assert __main__.main(["--check", "drawing"]) == 1
    assert "worse: drawing: a: 10.00 times better than theirs" in capsys.readouterr().err
    assert __main__.main(["drawing"]) == 0  # kept: it is the new measure


@pytest.mark.parametrize(
    ("new", "worse"),
    [
        (results(theirs=14), 0),
        (results(theirs=13), 1),
        (results(theirs=900), 0),
        (results(slope=1.3), 0),
        (results(slope=1.4), 1),
        (results(theirs=1, slope=2), 2),
        (Results("drawing", "2026-11-26", {}), 0),
    ],
)
def test_what_is_called_worse(new: Results, worse: int) -> None:
    assert len(compare(results(), new)) == worse


def test_throughput_is_better_when_it_is_more() -> None:
    values = {"ours": Summary.of([30.0]), "theirs": Summary.of([10.0])}
    assert Figure("a", "images/s", values, more_is_better=True).ratios == {"theirs": 3.0}
    assert Figure("a", "s", values).ratios == {"theirs": pytest.approx(1 / 3)}


def test_results_are_kept_as_they_are(tmp_path: Path) -> None:
    written = results()
    assert json.loads(written.write(tmp_path).read_text())["part"] == "drawing"
    kept = read_results("drawing", tmp_path)
    assert kept == written
    assert read_results("canvas", tmp_path) is None
    assert [path.name for path in report.plot(written, tmp_path)] == ["drawing-time-of-a-stage.svg"]
    first = (tmp_path / "drawing-time-of-a-stage.svg").read_bytes()
    report.plot(written, tmp_path)
    assert (tmp_path / "drawing-time-of-a-stage.svg").read_bytes() == first


def test_contenders_take_turns_and_none_is_always_first() -> None:
    order: list[str] = []

    def contender(name: str, seconds: Sequence[float]) -> Callable[[], float]:
        left = iter(seconds)

        def run() -> float:
            order.append(name)
            return next(left)

        return run

    both = {"ours": contender("a", [9, 1, 2, 3]), "theirs": contender("b", [9, 6, 4, 5])}
    found = measuring.alternate(both, rounds=3)
    assert "".join(order) == "abbaabba"
    assert found == {"ours": Summary(2, 1, 3, 3), "theirs": Summary(5, 4, 6, 3)}


def test_a_worker_has_a_process_of_its_own() -> None:
    with measuring.worker("tests.benchmark_cases", "doubled", number=21) as process:
        assert process.result() == 42
        assert process.seconds() >= 0
        assert process.peak_mb() >= 0
    with (
        pytest.raises(RuntimeError, match="could not prepare 'missing'"),
        measuring.worker("tests.benchmark_cases", "missing"),
    ):
        raise AssertionError("it was prepared")


def test_peak_memory_is_what_the_work_takes() -> None:
    import numpy as np

    def work() -> None:
        np.ones(50_000_000, np.uint8)

    assert 45 < measuring.peak_mb(work) < 60


def test_each_part_with_results_is_in_the_docs_as_it_is() -> None:
    text = report.PAGE.read_text("utf-8")
    assert report.filled(text) == text, "run python -m benchmarks --page"
    for path in RESULTS.glob("*.json"):
        assert path.stem in KNOWN
        assert f"<!-- figures: {path.stem} -->" in text
        kept = read_results(path.stem)
        assert kept is not None
        assert kept.figures or kept.curves


def test_the_page_has_a_place_for_each_part() -> None:
    places = re.findall(r"<!-- figures: ([\w-]+) -->", report.PAGE.read_text("utf-8"))
    assert sorted(places) == sorted(parts.find_parts())


def test_the_plots_are_there() -> None:
    for path in RESULTS.glob("*.json"):
        kept = read_results(path.stem)
        assert kept is not None
        for curve in kept.curves:
            drawn = (report.PLOTS / report.file_name(kept.part, curve)).read_text("utf-8")
            assert f"<!-- {curve.name} -->" in drawn


def test_figures_have_seven_runs_or_are_not_timed() -> None:
    for path in RESULTS.glob("*.json"):
        kept = read_results(path.stem)
        assert kept is not None
        for figure in kept.figures:
            for value in figure.values.values():
                assert not figure.compared or value.runs >= measuring.ROUNDS, figure.name


class Part:
    """A network's part that tells who listens when it begins and when it is done."""

    def __init__(self) -> None:
        self.begun: list[Callable[..., None]] = []
        self.done: list[Callable[..., None]] = []

    def __call__(self) -> None:
        for listener in (*self.begun, *self.done):
            listener()

    def register_forward_pre_hook(self, listener: Callable[..., None]) -> Handle:
        return Handle(self.begun, listener)

    def register_forward_hook(self, listener: Callable[..., None]) -> Handle:
        return Handle(self.done, listener)


class Handle:
    """Takes a listener away again."""

    def __init__(self, listeners: list[Callable[..., None]], listener: Callable[..., None]) -> None:
        listeners.append(listener)
        self.remove = lambda: listeners.remove(listener)


class Network(StubPredictor):
    """A predictor with a network of three parts, and with batches."""

    def __init__(self) -> None:
        super().__init__(5)
        self.model = SimpleNamespace(backbone=Part(), proposal_generator=Part(), roi_heads=Part())

    def __call__(self, image: Any, /) -> Prediction:
        for part in vars(self.model).values():
            part()
        return super().__call__(image)

    def predict_batch(self, images: Sequence[Any]) -> list[Prediction]:
        return [self(image) for image in images]


def test_the_part_for_gpus_runs_to_its_end_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Network()
    monkeypatch.setattr(gpu, "_ours", lambda *_, half=False: ours)
    monkeypatch.setattr(gpu, "_default_predictor", lambda *_: StubPredictor(5))
    setting = gpu.Setting("cpu", (96, 64), 32, rounds=1, batch=2)
    gpu._make_images(setting)
    assert [image.shape for image in setting.photographs] == [(64, 96, 3)] * 2
    figures = {figure.name: figure for figure in gpu._figures(setting, Path())}
    stages = figures["stages of one image, 96×64 on the CPU"]
    assert list(stages.values) == ["whole", "backbone", "proposal generator", "roi heads"]
    assert not any(part.begun or part.done for part in vars(ours.model).values())
    for name in ("one image", "2 images", "2 uploads", "upload to canvas", "memory"):
        assert f"{name}, 96×64 on the CPU" in figures
    found = figures["instances, 96×64 on the CPU"]
    assert found.ratios == {"DefaultPredictor": 1.0}
    changed = figures["half precision, difference"].values
    assert {name: value.median for name, value in changed.items()} == {
        "same instances": 1.0,
        "largest score": 0.0,
        "mean mask IoU": 1.0,
    }
    assert "float32 again" in figures["half precision, one image, 96×64 on the CPU"].values
    assert all(value.median >= 0 for each in figures.values() for value in each.values.values())


def test_what_half_precision_changes_is_found_by_pairs() -> None:
    image = make_picture(64, 48)
    expected = StubPredictor(4)(image)
    assert difference(expected, expected) == {
        "same instances": 1.0,
        "largest score": 0.0,
        "mean mask IoU": 1.0,
    }
    fewer = expected.filter(float(expected.scores[1]))
    assert difference(expected, fewer)["same instances"] == len(fewer) / len(expected) < 1
    assert difference(expected, expected.filter(1.0)) == {"same instances": 0.0}


def test_the_import_of_a_process_is_counted_by_package(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:      4000 |       4000 |   torch.nn\n"
        "import time:      3000 |       3000 |     torch._dynamo.utils\n"
        "import time:     12500 |      19500 | torch\n"
    )
    done = subprocess.CompletedProcess([], 0, stderr=lines)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert first_start.import_ms("import torch") == {"torch": 16, "torch._dynamo": 3}
