"""`make bench`: which parts run, and that a browser is there before anything is timed."""

from __future__ import annotations

import pytest

from benchmarks import __main__, canvas, first_light, page, weights

from .browser import chromium


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is called instead of measuring, in order."""
    called: list[object] = []

    def note(name: str) -> object:
        return lambda *arguments: called.append((name, *arguments))

    monkeypatch.setattr(chromium, "main", note("chromium"))
    monkeypatch.setattr(first_light, "main", note("first_light"))
    monkeypatch.setattr(weights, "main", note("weights"))
    monkeypatch.setattr(canvas, "main", note("canvas"))
    monkeypatch.setattr(page, "main", note("page"))
    return called


def test_all_parts_run_and_the_browser_comes_first(calls: list[object]) -> None:
    assert __main__.main([]) == 0
    assert calls == [("chromium",), ("first_light",), ("weights", 3), ("canvas",)]


def test_one_part_alone(calls: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    assert __main__.main(["weights", "--runs", "1"]) == 0
    assert calls == [("weights", 1)]
    calls.clear()
    assert __main__.main(["page", "--visitors", "3"]) == 0
    assert calls == [("page", 3)]
    calls.clear()
    # A part's name is no number of pixels, and no argument of another part.
    monkeypatch.setattr("sys.argv", ["benchmarks", "canvas", "first_light"])
    assert __main__.main() == 0
    assert calls == [("chromium",), ("first_light",), ("canvas",)]


def test_without_a_browser_nothing_is_timed(
    calls: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "main", lambda: 1)
    assert __main__.main([]) == 1
    assert calls == []


def test_an_unknown_part_is_refused(
    calls: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        __main__.main(["wieghts"])
    assert "there is no part 'wieghts'" in capsys.readouterr().err
    assert calls == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], (canvas.SIZES, canvas.INSTANCES)),
        (["640", "480"], ([(640, 480)], canvas.INSTANCES)),
        (["640", "480", "7"], ([(640, 480)], 7)),
    ],
)
def test_the_size_of_the_canvas_benchmark(arguments: list[str], expected: object) -> None:
    assert canvas.read_arguments(arguments) == expected
