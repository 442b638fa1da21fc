"""Make the .venv and put everything in it that seg_widgets needs: `python3 packaging/bootstrap.py`.

With `--ipywidgets7` it makes a second one beside it, for the tests of ipywidgets 7, which has
neither torch nor detectron2: .venv-ipywidgets7. With `--peers` it makes one that has the libraries
whose results `Prediction.of` takes, for tests/peers: .venv-peers. With `--ray` it makes one that
has Ray and no torch, for tests/on_ray: .venv-ray. With `--readers` it makes one that has the
programs that read our exports, for tests/readers: .venv-readers. With `--mutants` it makes a small
one that makes mutants of modules, for packaging/mutants: .venv-mutants. With `--here` it makes
none, but adds what the Python that runs it lacks, and leaves all that is there as it is: so Colab
keeps its torch, NumPy and ipywidgets.

Needs nothing but Python ≥ 3.11. Each step is skipped when what it would do is done already, so that
a second run takes a moment. The environment variable UV_TORCH_BACKEND (such as `cpu`) chooses
another build of torch.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "packaging" / "requirements.lock"
LOCK_OF_7 = ROOT / "packaging" / "ipywidgets7.lock"
LOCK_OF_PEERS = ROOT / "packaging" / "peers.lock"
LOCK_OF_RAY = ROOT / "packaging" / "ray.lock"
LOCK_OF_READERS = ROOT / "packaging" / "readers.lock"
LOCK_OF_MUTANTS = ROOT / "packaging" / "mutants.lock"
PLAIN = ROOT / "packaging" / "requirements.txt"
OLDEST, NEWEST = (3, 11), (3, 14)
_SIZES = {
    LOCK: "a few minutes and 6 GB the first time",
    LOCK_OF_7: "0.5 GB, for the tests",
    LOCK_OF_PEERS: "6 GB, most of it shared with .venv, for the tests",
    LOCK_OF_RAY: "0.8 GB, for the tests",
    LOCK_OF_READERS: "2 GB, for the tests",
    LOCK_OF_MUTANTS: "90 MB",
}
# The option that asks for an environment, with its lock and its folder.
_OTHERS = {
    "ipywidgets7": (LOCK_OF_7, ".venv-ipywidgets7"),
    "peers": (LOCK_OF_PEERS, ".venv-peers"),
    "ray": (LOCK_OF_RAY, ".venv-ray"),
    "readers": (LOCK_OF_READERS, ".venv-readers"),
    "mutants": (LOCK_OF_MUTANTS, ".venv-mutants"),
}
_CUDA_PACKAGES = ("nvidia-", "cuda-", "triton")


def main() -> int:
    """Set everything up; the exit status is 0, or 1 with one line that says what to do."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--venv", type=Path)
    parser.add_argument(
        "--ipywidgets7", action="store_true", help="the one for the tests of ipywidgets 7"
    )
    parser.add_argument(
        "--peers", action="store_true", help="the one for the tests of other libraries' results"
    )
    parser.add_argument("--ray", action="store_true", help="the one for the tests on Ray")
    parser.add_argument(
        "--readers", action="store_true", help="the one for the tests of what reads our exports"
    )
    parser.add_argument(
        "--mutants", action="store_true", help="the one that makes mutants of modules"
    )
    parser.add_argument(
        "--here", action="store_true", help="add what this Python lacks, and change nothing of it"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="with --here: only say what would be added"
    )
    options = parser.parse_args()
    chosen = [each for name, each in _OTHERS.items() if getattr(options, name)]
    lock, folder = chosen[0] if chosen else (LOCK, ".venv")
    venv: Path = (options.venv or ROOT / folder).resolve()
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        wanted = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
        found = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return _fail(
            f"Python {wanted} is needed, but this is {found}. Name another one: make "
            "PYTHON=python3.12 …"
        )
    if not os.environ.get("UV_TORCH_BACKEND"):
        # uv takes an empty one for a mistake, and Docker's ARG is empty unless it is given.
        os.environ.pop("UV_TORCH_BACKEND", None)
    try:
        if options.here:
            _install_here(options.dry_run)
            return 0
        python = _make_venv(venv)
        # Only the lock of .venv has a twin without hashes, which another build of torch needs.
        backend = os.environ.get("UV_TORCH_BACKEND", "") if lock == LOCK else ""
        _install_lock(venv, python, lock, backend)
        if lock == LOCK:
            _run(python, ROOT / "packaging" / "detectron2" / "ensure.py")
        if lock != LOCK_OF_MUTANTS:
            _install_ourselves(venv, python)
        if lock not in (LOCK_OF_MUTANTS, LOCK_OF_RAY):
            _quieten_lab(venv)
    except subprocess.CalledProcessError as error:
        command = " ".join(str(part) for part in error.cmd[:8])
        return _fail(
            f"Setting up stopped at: {command} … (exit status {error.returncode}); its own words "
            "are above."
        )
    return 0


def _install_here(dry_run: bool) -> None:
    """With every installed package held at its version: what can't be had beside them is an error,
    not an upgrade."""
    here = {
        distribution.metadata["Name"]: distribution.version
        for distribution in importlib.metadata.distributions()
    }
    here.pop("seg-widgets", None)
    held = "".join(f"{name}=={version}\n" for name, version in sorted(here.items()) if name)
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text(held)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--constraint",
            constraints,
        ]
        pip += ["--dry-run"] if dry_run else ["--quiet"]
        _run(*pip, f"{ROOT}[detectron2]")
    if not dry_run:
        _run(sys.executable, ROOT / "packaging" / "detectron2" / "ensure.py")


def _make_venv(venv: Path) -> Path:
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        _say(f"making {venv.name} with Python {sys.version.split()[0]}")
        # --clear: a half-made one, from a run that was stopped, has no python to mend it with
        _run(Path(sys.executable), "-m", "venv", "--clear", venv)
    if not _done(venv, "uv", "1"):
        _say("installing uv")
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv>=0.5")
        _mark(venv, "uv", "1")
    return python


def _install_lock(venv: Path, python: Path, lock: Path, backend: str = "") -> None:
    key = hashlib.sha256(lock.read_bytes() + backend.encode()).hexdigest()
    if _done(venv, "lock", key):
        return
    _say(f"installing the locked packages ({_SIZES[lock]})")
    options = ["--require-hashes"]
    if backend:
        # Another index serves other files of torch under the same version, so the lock's hashes
        # don't hold for it.
        lock, options = venv / "requirements-torch.txt", []
        lock.write_text(without_cuda(PLAIN.read_text()))
    _run(python, "-m", "uv", "pip", "install", "--quiet", "--python", python, *options, "-r", lock)
    _mark(venv, "lock", key)


def without_cuda(pins: str) -> str:
    """Leave out the CUDA libraries, which only the locked build of torch needs.

    Args:
        pins: the text of requirements.txt.

    Returns:
        The same without the lines of those libraries.
    """
    return "".join(
        line for line in pins.splitlines(keepends=True) if not line.startswith(_CUDA_PACKAGES)
    )


def _install_ourselves(venv: Path, python: Path) -> None:
    key = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()
    if _done(venv, "seg_widgets", key):
        return
    _say("installing seg_widgets from this folder")
    _run(
        python,
        "-m",
        "uv",
        "pip",
        "install",
        "--quiet",
        "--python",
        python,
        "--no-deps",
        "--editable",
        ROOT,
    )
    _mark(venv, "seg_widgets", key)


def _quieten_lab(venv: Path) -> None:
    """Lab's news and update toasts: a server setting hides neither, only its own overrides file
    does."""
    settings = venv / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    quiet = {
        "@jupyterlab/apputils-extension:notification": {
            "checkForUpdates": False,
            "fetchNews": "false",
        }
    }
    (settings / "overrides.json").write_text(json.dumps(quiet))


def _done(venv: Path, step: str, key: str) -> bool:
    mark = venv / f".done-{step}"
    return mark.is_file() and mark.read_text() == key


def _mark(venv: Path, step: str, key: str) -> None:
    (venv / f".done-{step}").write_text(key)


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT)


def _say(text: str) -> None:
    print(f"seg-widgets: {text}", flush=True)


def _fail(text: str) -> int:
    print(f"seg-widgets: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
