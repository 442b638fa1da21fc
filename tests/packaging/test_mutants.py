"""`make mutants`: what runs a module's tests with small changes of it. What makes the changes,
cosmic-ray, is in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path("packaging") / "mutants"
MODULE = "def is_adult(age):\n    while age < 0:\n        age += 1\n    return age >= 18\n"
TESTS = """
from ages import is_adult

def test_is_adult():
    assert is_adult(19)
    assert not is_adult(-1)
"""


@pytest.fixture
def scripts(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(root / FOLDER))
    return root / FOLDER


def _module(scripts: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.delitem(sys.modules, name, raising=False)
    namespace: dict[str, ModuleType] = {}
    exec(f"import {name} as found", namespace)
    assert Path(str(namespace["found"].__file__)).parent == scripts
    return namespace["found"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_tests_run_again_and_again_with_other_texts_of_a_module(root: Path, tmp_path: Path) -> None:
    (tmp_path / "ages.py").write_text(MODULE)
    (tmp_path / "test_ages.py").write_text(TESTS)
    texts = [
        None,
        MODULE.replace(">= 18", "< 18"),
        MODULE.replace(">= 18", "> 18"),
        # As long as the first one, and within the same second: bytecode would be taken for it.
        MODULE.replace(">= 18", ">= 20"),
        MODULE.replace("age += 1", "age -= 1"),
        MODULE.replace("return", "return not"),
    ]
    arguments = ["-q", "-p", "no:cacheprovider", "test_ages.py"]
    asked = [{"module": "ages.py", "source": text, "arguments": arguments} for text in texts]
    done = subprocess.run(
        [sys.executable, root / FOLDER / "forked_tests.py", tmp_path, "2"],
        input="".join(f"{json.dumps(request)}\n" for request in asked),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["killed"] for answer in answers] == [False, True, False, True, True, True]
    assert [answer["timed_out"] for answer in answers] == [False] * 4 + [True, False]
    assert (
        "assert not is_adult(-1)" in answers[1]["output"] or "is_adult(19)" in answers[1]["output"]
    )
    assert (tmp_path / "ages.py").read_text() == MODULE


def test_only_what_python_runs_is_changed(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_differently = _module(scripts, "running_code", monkeypatch).runs_differently
    source = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    LIMIT = 1\n"
        "@given(2)\ndef f(a: int | None = 3) -> int | None:\n"
        "    b: int | str = a * 4\n    assert a != 5\n    return b\n"
        "def g(c=6, *, d=7):\n    return zip(c, d, strict=True)\n"
    )
    for before, after in [
        ("LIMIT = 1", "LIMIT = 2"),
        ("given(2)", "given(3)"),
        ("(a: int | None", "(a: int & None"),
        ("-> int | None", "-> int ^ None"),
        ("b: int | str", "b: int >> str"),
        ("return b", "return b b"),
        ("a != 5", "a == 5"),
        ("*, d", "/, d"),
        ("strict=True", "strict=False"),
    ]:
        assert not runs_differently(source, source.replace(before, after)), before
    for before, after in [("= 3", "= 4"), ("a * 4", "a / 4"), ("c=6", "c=8"), ("d=7", "d=8")]:
        assert runs_differently(source, source.replace(before, after)), before


@pytest.mark.parametrize(
    ("module", "tests"),
    [
        ("prediction/filter.py", ["prediction/test_filter.py"]),
        ("prediction/adapters/masks.py", ["prediction/test_adapters.py"]),
        # It has none of its own; a module that imports it has.
        ("images/webp.py", ["images/test_decode.py"]),
    ],
)
def test_a_modules_tests_are_found_by_its_name(
    scripts: Path, monkeypatch: pytest.MonkeyPatch, module: str, tests: list[str]
) -> None:
    checkout = _module(scripts, "checkout", monkeypatch)
    found = checkout.tests_of(Path("seg_widgets") / module)
    assert found == [Path("tests") / name for name in tests]


def test_what_is_listed_as_equivalent_has_a_reason(root: Path) -> None:
    listed = tomllib.loads((root / "tests" / "equivalent_mutants.toml").read_text())["mutant"]
    for entry in listed:
        # `make mutants` names lines that a module does not have any more.
        assert (root / entry["module"]).is_file(), entry
        assert entry["line"] == entry["line"].strip(), entry
        assert entry["line"] not in entry["becomes"], entry
        assert len(entry["why"]) > 20, entry
