"""`make fuzz`: that it finds what is bad, and that the committed table says there is none."""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from .fuzz import __main__ as program
from .fuzz.addresses import address, answer
from .fuzz.corpus import made_images
from .fuzz.mutations import mutated
from .fuzz.report import HEADS, read_table, render, write_table
from .fuzz.runner import OUTCOMES, Tally, run_target
from .fuzz.targets import TARGETS, Target, target_named

# A process that does with each case what its name says; the last one is tried for ever.
_ACTS = """
import sys, time
name, first = sys.argv[1], int(sys.argv[2])
print("ready\\t", flush=True)
acts = name.split(",")
for number in range(first, 10**6):
    print(f"begin\\t{number}", flush=True)
    act = acts[min(number, len(acts) - 1)]
    if act == "hang":
        time.sleep(60)
    if act == "crash":
        import faulthandler, os
        os.abort()
    if act == "memory":
        taken = bytearray(400_000_000)
        time.sleep(60)
    time.sleep(0.02)
    print(f"{act}\\twhy", flush=True)
"""


class _Acts(Target):
    deadline_s = 3
    memory_mb = 200

    def __init__(self, *acts: str) -> None:
        self.name = ",".join(acts)

    def run(self, number: int) -> None:
        raise NotImplementedError


def _act(name: str, first: int) -> list[str]:
    return [sys.executable, "-c", _ACTS, name, str(first)]


def test_each_bad_end_is_found_and_the_next_case_is_tried() -> None:
    target = _Acts("right", "refused", "foreign", "crash", "memory", "hang", "right")
    tally = run_target(target, 200, most=8, command=_act)
    assert tally.counts == {**dict.fromkeys(OUTCOMES, 1), "right": 3}
    assert [(number, outcome) for number, outcome, _ in tally.faults] == [
        (2, "foreign"),
        (3, "crash"),
        (4, "memory"),
        (5, "hang"),
    ]


def test_a_process_that_can_not_begin_is_an_error_and_no_result() -> None:
    with pytest.raises(RuntimeError, match=r"can't begin: .*no module of this name"):
        run_target(
            _Acts("right"),
            5,
            command=lambda *_: [sys.executable, "-c", "raise SystemExit('no module of this name')"],
        )


@pytest.mark.parametrize("name", TARGETS)
def test_each_target_runs_a_few_cases(name: str) -> None:
    tally = run_target(target_named(name), 250, first=700, most=5)
    assert tally.faults == []
    assert tally.counts.total() == 5


def test_a_number_makes_the_same_case_each_time() -> None:
    files = made_images()
    for make in (
        lambda chooser: mutated(files[0], chooser, files[1]),
        address,
        answer,
    ):
        first, again, other = (make(random.Random(seed)) for seed in (5, 5, 6))
        assert first == again != other
    assert all(mutated(b"", random.Random(seed)) is not None for seed in range(50))


def test_there_is_an_image_of_each_kind() -> None:
    heads = {content[:3] for content in made_images()}
    assert {b"\xff\xd8\xff", b"\x89PN", b"RIF", b"GIF", b"II*", b"BM\x36"[:2]} <= {
        *heads,
        *(head[:2] for head in heads),
    }


def test_a_table_is_written_and_read_back(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- begin: written by make fuzz -->\nold\n<!-- end -->\nafter\n")
    tallies = {"weights": Tally(Counter(right=1234, hang=2), [])}
    for _ in range(2):
        write_table(page, render(tallies, "A note."))
    assert page.read_text().startswith("before\n") and page.read_text().endswith("after\n")
    assert "old" not in page.read_text() and page.read_text().count("A note.") == 1
    [row] = read_table(page).values()
    assert (row["cases"], row["right"], row["hang"], row["crash"]) == (1236, 1234, 2, 0)


def test_the_committed_table_has_all_targets_and_nothing_bad(root: Path) -> None:
    table = read_table(root / "docs" / "reliability.md")
    assert tuple(table) == TARGETS
    for name, row in table.items():
        # A large image takes seconds.
        least = 15 if name == "large images" else 50
        assert row["cases"] == row["right"] + row["refused with a message"] > least, name
        assert {head: row[head] for head in HEADS[4:]} == dict.fromkeys(HEADS[4:], 0), name


def test_an_unknown_target_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        program.main(["wieghts"])
    assert "there is no target 'wieghts'" in capsys.readouterr().err


def test_a_bad_case_is_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "fetch_pillows", lambda: 7)
    monkeypatch.setattr(program, "fetch_gdk_pixbufs", lambda: 3)
    bad = Tally(Counter(right=1, hang=1), [(3, "hang", "more than 30 s")])
    monkeypatch.setattr(program, "run_target", lambda *_, **__: bad)
    assert program.main(["servers", "--minutes", "0.01"]) == 1
    out = capsys.readouterr().out
    assert "case 3: hang: more than 30 s" in out
    assert "7 of Pillow's images, 3 of gdk-pixbuf's" in out
    monkeypatch.setattr(program, "run_target", lambda *_, **__: Tally(Counter(right=1), []))
    assert program.main(["servers", "--minutes", "0.01"]) == 0
