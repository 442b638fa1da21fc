"""Each test of tests/viewer/js/*.test.mjs is a test of pytest's; node runs each file once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .node import run_node

_NAME = re.compile(r'^test\("((?:[^"\\]|\\.)*)"', re.MULTILINE)
_REPORTER = Path(__file__).parent / "js" / "reporter.mjs"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> NodeFile | None:
    """Take the files of node's tests."""
    if file_path.name.endswith(".test.mjs"):
        return NodeFile.from_parent(parent, path=file_path)
    return None


class NodeFile(pytest.File):
    """A file of node's tests, each with its name as a plain string: `test("…", …)`."""

    _problems: dict[str, str | None] | None = None
    output = ""

    def collect(self) -> Iterator[NodeTest]:
        """Its tests, without running any."""
        for name in _NAME.findall(self.path.read_text("utf-8")):
            yield NodeTest.from_parent(self, name=json.loads(f'"{name}"'))

    def problems(self) -> dict[str, str | None]:
        """What is wrong with each test, or None; the first call runs the file."""
        if self._problems is None:
            done = run_node("--test", f"--test-reporter={_REPORTER}", str(self.path))
            self.output = done.stdout + done.stderr
            lines = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]
            self._problems = {line["name"]: line["problem"] for line in lines}
        return self._problems


class NodeTest(pytest.Item):
    """One test of node's."""

    def runtest(self) -> None:
        """Fail as it did in node."""
        assert isinstance(self.parent, NodeFile)
        problems = self.parent.problems()
        if self.name not in problems:
            pytest.fail(f"node did not run it:\n{self.parent.output}", pytrace=False)
        if problem := problems[self.name]:
            pytest.fail(problem, pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it is, for the report."""
        return self.path, None, f"{self.path.name}: {self.name}"
