"""Whether the tests of a module notice small mistakes in it: `make mutants MODULE=…`.

One small change at a time (a comparison, a sign, a number, a `not`), made by cosmic-ray in a copy
of the checkout, and the module's own tests are run. A change that no test notices is printed, and
is either a test that is missing, or one that changes nothing that matters; the latter are listed in
tests/equivalent_mutants.toml, with the reason. The exit status is 1 when fewer than 85 % are
noticed.

It runs with .venv-mutants, which has cosmic-ray; the tests run with .venv.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import queue
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from checkout import EQUIVALENT, ROOT, copy_checkout, equivalent, tests_of
from mutations import Mutant, sample

ENOUGH = 0.85
FAST = "not slow and not browser"
PYTEST = (
    *("-x", "-q", "-p", "no:cacheprovider", "--tb=short", "--no-header", "-m", FAST),
    # The libraries are loaded before pytest is, which would like to rewrite some of them.
    *("-W", "ignore:Module already imported so cannot be rewritten"),
)


@dataclass(frozen=True)
class Tried:
    """A mutant, and whether the tests noticed it."""

    mutant: Mutant
    killed: bool
    timed_out: bool


class TestsFailError(Exception):
    """The tests fail with the module as it is; the text is pytest's."""


class Runner:
    """A copy of the checkout, and a process that runs tests in it.

    Args:
        folder: an empty one, for the copy and for the tests' temporary files.
        python: the Python of the tests.
    """

    def __init__(self, folder: Path, python: Path) -> None:
        copy, temporary = folder / "checkout", folder / "tmp"
        temporary.mkdir(parents=True)
        copy_checkout(copy)
        ours = {
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(copy),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(temporary),
        }
        self._process = subprocess.Popen(
            [python, Path(__file__).with_name("forked_tests.py"), copy],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ours},
        )

    def run(self, module: Path, source: str | None, tests: Sequence[Path]) -> dict[str, object]:
        """Run tests with another text of a module.

        Args:
            module: relative to the checkout.
            source: the text; None for the module as it is, which comes first.
            tests: the test files.

        Returns:
            The fields of `forked_tests.Outcome`.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        arguments = [*PYTEST, *map(str, tests)]
        request = {"module": str(module), "source": source, "arguments": arguments}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("The process that runs the tests ended; its own words are above.")
        answer: dict[str, object] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process; its copy is the caller's to remove."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


@contextmanager
def _runners(count: int, python: Path) -> Iterator[list[Runner]]:
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        started: list[Runner] = []
        try:
            for number in range(count):
                started.append(Runner(Path(folder) / str(number), python))
            yield started
        finally:
            for runner in started:
                runner.close()


def _try_all(
    module: Path, mutants: Sequence[Mutant], tests: Sequence[Path], runners: Sequence[Runner]
) -> Iterator[Tried]:
    free: queue.Queue[Runner] = queue.Queue()

    def prepare(runner: Runner) -> None:
        unchanged = runner.run(module, None, tests)
        if unchanged["killed"]:
            raise TestsFailError(str(unchanged["output"]))
        free.put(runner)

    def try_one(mutant: Mutant) -> Tried:
        runner = free.get()
        try:
            answer = runner.run(module, mutant.source, tests)
        finally:
            free.put(runner)
        return Tried(mutant, bool(answer["killed"]), bool(answer["timed_out"]))

    with concurrent.futures.ThreadPoolExecutor(len(runners)) as pool:
        list(pool.map(prepare, runners))
        yield from pool.map(try_one, mutants)


def _show(module: Path, mutant: Mutant) -> None:
    change = f"  - {mutant.before}\n  + {mutant.after}"
    print(f"{module}:{mutant.line}: no test notices\n{change}", flush=True)


def _mutate(module: Path, options: argparse.Namespace, runners: Sequence[Runner]) -> bool:
    """Print what no test of a module notices; whether enough was noticed."""
    tests: list[Path] = options.tests or tests_of(module)
    count = None if options.mutants == "all" else int(options.mutants)
    source = (ROOT / module).read_text()
    known = equivalent(module)
    for line in {before for before, _ in known} - {line.strip() for line in source.splitlines()}:
        print(f"{module}: {EQUIVALENT.name} has a line that is not in it any more:\n  {line}")
    chosen = sample(source, count, options.seed)
    mutants = [mutant for mutant in chosen if (mutant.before, mutant.after) not in known]
    tried: list[Tried] = []
    try:
        for each in _try_all(module, mutants, tests, runners):
            tried.append(each)
            if not each.killed:
                _show(module, each.mutant)
    except TestsFailError as error:
        print(f"{error}\n{module}: its tests fail without a mutant\n", flush=True)
        return False
    killed = sum(each.killed for each in tried)
    timed_out = sum(each.timed_out for each in tried)
    share = killed / len(tried) if tried else 1.0
    print(
        f"{module}: {killed} of {len(tried)} killed, {share:.0%} ({timed_out} of them took too "
        f"long; {len(chosen) - len(mutants)} more are equivalent)\n"
        f"  by {' '.join(map(str, tests))}\n",
        flush=True,
    )
    return share >= ENOUGH


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "modules", type=Path, nargs="+", help="such as seg_widgets/prediction/filter.py"
    )
    parser.add_argument(
        "--mutants", default="60", help="how many of each at most; all: one at each place"
    )
    parser.add_argument("--seed", type=int, default=0, help="another number chooses others")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--tests", type=Path, nargs="*", help="instead of the modules' own")
    parser.add_argument("--python", type=Path, required=True, help="what runs the tests")
    return parser.parse_args()


def main() -> int:
    """Print what was not noticed; the exit status is 1 when that is too much."""
    options = _options()
    for module in options.modules:
        if not (ROOT / module).is_file():
            raise SystemExit(f"There is no module {module} in {ROOT}.")
    with _runners(max(1, options.jobs), options.python) as runners:
        enough = [_mutate(module, options, runners) for module in options.modules]
    return 0 if all(enough) else 1


if __name__ == "__main__":
    sys.exit(main())
