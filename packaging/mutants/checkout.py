"""What is in the checkout: its files, the tests of a module, and which mutants are equivalent."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.toml"


def copy_checkout(folder: Path) -> None:
    """Copy what git has and what is new: without what is ignored, such as environments and caches.

    Args:
        folder: where to; it is made.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def tests_of(module: Path) -> list[Path]:
    """The test file that is named after a module or after the folder in a folder that it lies in;
    or else those of the modules that import it; or else all of its folder.

    Args:
        module: relative to the checkout, such as seg_widgets/images/tiff.py.

    Returns:
        The test files, relative to the checkout.
    """
    folder, *inner = module.parts[1:-1] or [""]
    own = _named_after(folder, inner or [module.stem])
    if own:
        return own
    imported = re.compile(
        rf"^\s*from \.+{module.stem} import|^from \. import .*\b{module.stem}\b", re.M
    )
    importers = [
        path.stem
        for path in sorted((ROOT / module).parent.glob("*.py"))
        if imported.search(path.read_text())
    ]
    every = (path.relative_to(ROOT) for path in (ROOT / "tests" / folder).glob("test_*.py"))
    return _named_after(folder, importers) or sorted(every)


def _named_after(folder: str, names: Sequence[str]) -> list[Path]:
    files = [Path("tests") / folder / f"test_{name}.py" for name in names]
    return [file for file in files if (ROOT / file).is_file()]


def equivalent(module: Path) -> set[tuple[str, str]]:
    """The changes of a module that change nothing that matters: each line, and what it becomes."""
    listed = tomllib.loads(EQUIVALENT.read_text())["mutant"] if EQUIVALENT.is_file() else []
    here = [entry for entry in listed if entry["module"] == module.as_posix()]
    return {(entry["line"], after) for entry in here for after in _several(entry["becomes"])}


def _several(text: str | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else text
