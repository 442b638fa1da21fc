"""Run the tests of modules again and again, each time in a fork of this process, which has all
libraries loaded: `python forked_tests.py FOLDER [PATIENCE]`.

FOLDER is a copy of the checkout, and PATIENCE how many seconds longer a mutant may take. Each line
on standard input asks for a run, and is answered by a line on standard output; both are JSON
objects, the fields of `Request` and `Outcome`. Importing torch takes longer than most modules'
tests, so that forking makes the difference between a minute and ten.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

# A mutant that asks for more memory than this, beyond what is loaded, has failed.
_MORE_MEMORY = 4 << 30
# A mutant may never end. It may take this much longer than the module as it is, and PATIENCE more.
_FACTOR = 4.0


@dataclass(frozen=True)
class Request:
    """Tests to be run.

    Args:
        module: the file to change, relative to the folder.
        source: its text for this run; None leaves it as it is, and loads what its tests load.
        arguments: what pytest is called with.
    """

    module: str
    source: str | None
    arguments: list[str]


@dataclass(frozen=True)
class Outcome:
    """How one run of the tests ended: killed when a test failed, or when they took too long."""

    killed: bool
    timed_out: bool
    seconds: float
    output: str


class ForkedTests:
    """Tests of modules, to be run with other texts of them.

    Args:
        folder: a copy of the checkout; files in it are changed while tests run.
        patience_s: how much longer a mutant may take.
    """

    def __init__(self, folder: Path, patience_s: float = 20.0) -> None:
        self._folder = folder
        self._patience_s = patience_s
        self._limit_s = 300.0

    def answer(self, request: Request) -> Outcome:
        """Run the tests once, or, for a module as it is, as often as it takes to know how long they
        take once all is loaded.

        Args:
            request: what to run.

        Returns:
            The outcome.
        """
        file = self._folder / request.module
        if request.source is None:
            return self._prepare(file, request.arguments)

        before = file.read_text()
        file.write_text(request.source)
        try:
            return self._run(request.arguments)
        finally:
            file.write_text(before)

    def _prepare(self, file: Path, arguments: list[str]) -> Outcome:
        self._limit_s = 300.0
        sys.dont_write_bytecode = False
        with tempfile.NamedTemporaryFile("r") as names:
            outcome = self._run(arguments, names_to=Path(names.name))
            loaded = [name for name in names.read().split() if name not in sys.modules]
        if outcome.killed:
            return outcome

        # Looking a module up imports what it lies in, so that only the outermost is looked up.
        ours = {name for name in loaded if self._is_ours(name)}
        others = [name for name in loaded if name.split(".")[0] not in ours]
        for name in others:
            _load(name)
        _settle_hypothesis()

        # From now on no bytecode is written, and there is none of the module: Python compares times
        # in seconds only, and would take one mutant's for the next one's.
        sys.dont_write_bytecode = True
        Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
        if others:
            outcome = self._run(arguments)
        self._limit_s = self._patience_s + _FACTOR * outcome.seconds
        return outcome

    def _is_ours(self, name: str) -> bool:
        if "." in name:
            return False
        try:
            found = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            # What was made at run time, such as `__main__`, has no file.
            return True
        return found is None or Path(found.origin or "").is_relative_to(self._folder)

    def _run(self, arguments: list[str], names_to: Path | None = None) -> Outcome:
        begin = time.monotonic()
        with tempfile.TemporaryFile() as output:
            child = os.fork()
            if child == 0:
                _be_the_child(arguments, output.fileno(), names_to)
            status = _wait(child, begin + self._limit_s)
            _end_group(child)
            output.seek(0)
            text = output.read().decode(errors="replace")
        return Outcome(status != 0, status is None, time.monotonic() - begin, text[-4000:])


def _be_the_child(arguments: list[str], output: int, names_to: Path | None) -> None:
    """Never returns."""
    status = 70
    try:
        # A group of its own, so that what the tests started ends with them.
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        if names_to is None:
            _limit_memory()
        import pytest

        status = int(pytest.main(arguments))
        if names_to is not None:
            names_to.write_text("\n".join(sys.modules))
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        # Without what the libraries do at the end of a process: it is the parent's.
        os._exit(status)


def _load(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            importlib.import_module(name)
        except Exception:
            # Loaded in a way of its own by a test: the forks do so again.
            return


def _settle_hypothesis() -> None:
    """The same examples in each run; and a failing one says enough without being made smaller."""
    if "hypothesis" in sys.modules:
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", phases=phases, derandomize=True, database=None)
        settings.load_profile("mutants")


def _wait(child: int, deadline: float) -> int | None:
    """The exit status of a child; None, and the child is gone, when it took too long."""
    pause_s = 0.005
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.1)
    _end_group(child)
    os.waitpid(child, 0)
    return None


def _end_group(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        return


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    limit = pages * resource.getpagesize() + _MORE_MEMORY
    if pages:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> None:
    """Answer the lines of standard input, until it ends."""
    folder = Path(sys.argv[1])
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    # Tests use the standard ones; what is asked and answered goes through others.
    asked, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    tests = ForkedTests(folder, *map(float, sys.argv[2:]))
    for line in asked:
        outcome = tests.answer(Request(**json.loads(line)))
        print(json.dumps(asdict(outcome)), file=answers, flush=True)


if __name__ == "__main__":
    main()
