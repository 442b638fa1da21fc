"""How the benchmarks measure: contenders that take turns, peers in processes of their own, the peak
of memory, and the machine's name."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import psutil

from .figures import Summary

__all__ = [
    "ROOT",
    "ROUNDS",
    "Case",
    "Worker",
    "alternate",
    "machine",
    "peak_mb",
    "peers_python",
    "serve",
    "timed",
    "worker",
]

ROOT: Final = Path(__file__).resolve().parent.parent
"""The checkout."""

ROUNDS: Final = 7
"""How often each contender has its turn, at least, for a figure that is kept."""

Case = Callable[..., Callable[[], object]]
"""What a worker can do: prepares with its arguments, and returns what is then timed."""

_PACKAGES: Final = ("torch", "detectron2", "numpy", "opencv-python-headless")


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """A contender of this process.

    Args:
        work: what is timed.

    Returns:
        A function that does it and returns the seconds it took.
    """

    def run() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return run


def alternate(
    contenders: Mapping[str, Callable[[], float]], rounds: int = ROUNDS, warmups: int = 1
) -> dict[str, Summary]:
    """Measure contenders in turn, so that what the machine does beside it meets all of them.

    Who comes first changes from round to round.

    Args:
        contenders: by name, ours first; each does its work once and returns seconds (or another
            unit): `timed(work)`, or a `Worker`'s `seconds`.
        rounds: how often each has its turn.
        warmups: rounds before those, which are not counted.

    Returns:
        By name, in the order of `contenders`.
    """
    names = list(contenders)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(warmups + rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            taken[name].append(contenders[name]())
    return {name: Summary.of(values[warmups:]) for name, values in taken.items()}


def peak_mb(work: Callable[[], object]) -> float:
    """The most memory that work takes above what the process has before it.

    It is the resident set's high-water mark, which Linux counts itself, so that no peak is missed.
    Call the work once before, with something small: what it imports is not its own.

    Args:
        work: what is measured.

    Returns:
        MB (10⁶ bytes).

    Raises:
        OSError: this system has no such counter (it is Linux's).
    """
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status_mb("VmRSS")
    work()
    return max(_status_mb("VmHWM") - before, 0.0)


def _status_mb(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024 / 1e6


def peers_python() -> Path | None:
    """The Python that has the other libraries (supervision, Ultralytics, …).

    Returns:
        SEG_WIDGETS_PEERS, or that of `.venv-peers` (`make peers-test` and `make bench` make it);
        None: there is none, and a part leaves those peers out.
    """
    path = Path(os.environ.get("SEG_WIDGETS_PEERS") or ROOT / ".venv-peers" / "bin" / "python")
    return path if path.is_file() else None


class Worker:
    """One case of a module, prepared in a process of its own.

    So a peer has the packages that it needs, and memory that is its own.
    """

    def __init__(self, process: subprocess.Popen[str], module: str) -> None:
        """Speak with a process that runs `serve`.

        Args:
            process: with pipes of text.
            module: its name, for messages.
        """
        self._process = process
        self._module = module

    def seconds(self) -> float:
        """Let it do its work once.

        Returns:
            How long it took there.
        """
        return float(self._ask("seconds"))

    def peak_mb(self) -> float:
        """Let it do its work once.

        Returns:
            The most memory above what it had before, in MB.
        """
        return float(self._ask("peak_mb"))

    def result(self) -> Any:
        """Let it do its work once.

        Returns:
            What it returned, as JSON brings it.
        """
        return self._ask("result")

    def _ask(self, wanted: str) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(wanted + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._module} ended; its own words are above.")
        return json.loads(line)


@contextmanager
def worker(
    module: str, case: str, *, python: Path | str = sys.executable, **arguments: Any
) -> Iterator[Worker]:
    """Start a worker, and end it in the end.

    Args:
        module: that calls `serve(CASES)` when it is run, such as "benchmarks.drawing_peers".
        case: one of its cases.
        python: that runs it; `peers_python()` for other libraries.
        **arguments: of the case; JSON has to know their types.

    Yields:
        The worker, once it is prepared.
    """
    command = [str(python), "-W", "ignore", "-m", module, case, json.dumps(arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    ) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError(f"{module} could not prepare {case!r}; its own words are above.")
        try:
            yield Worker(process, module)
        finally:
            process.terminate()


def serve(cases: Mapping[str, Case]) -> None:
    """Be a worker: prepare the case of the command line, then do it as often as asked.

    Args:
        cases: by name.
    """
    # What a library prints must not reach the pipe of the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    work = cases[sys.argv[1]](**json.loads(sys.argv[2]))
    ways: dict[str, Callable[[], Any]] = {
        "seconds": timed(work),
        "peak_mb": lambda: peak_mb(work),
        "result": work,
    }
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(ways[line.strip()]()), file=answers, flush=True)


def machine() -> dict[str, str]:
    """What the figures were measured on.

    Returns:
        Processor, cores, memory, GPU if there is one, system, and the versions that matter.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = {
        "processor": _processor(),
        "cores": str(cores),
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "GPU": _gpu(),
        "system": platform.system(),
        "Python": platform.python_version(),
    }
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _processor() -> str:
    with suppress(OSError):
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
        if found is not None:
            return found[1].strip()
    return platform.processor() or platform.machine()


def _gpu() -> str:
    """By its driver's program, which costs no import of torch."""
    with suppress(OSError, subprocess.SubprocessError):
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
        return done.stdout.splitlines()[0].strip()
    return "none"
