"""Write the list of all locked packages as an SBOM in CycloneDX's JSON: `make sbom`.

CycloneDX's own tool makes it, in an environment of its own, from `requirements.lock` and the
detectron2 that `packaging/detectron2` builds. The packages' hashes are in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

PACKAGING: Final = Path(__file__).resolve().parent
ROOT: Final = PACKAGING.parent
LOCK: Final = PACKAGING / "requirements.lock"
TOOLS: Final = PACKAGING / "sbom.lock"
SBOM: Final = ROOT / "build" / "sbom.cdx.json"
_VENV: Final = ROOT / "build" / "venv-sbom"
_BUILT: Final = PACKAGING / "detectron2"


def locked() -> str:
    """The lock with detectron2, which has no release that can be installed and is built here."""
    sys.path.insert(0, str(_BUILT))
    from build_detectron2 import sdist

    built = f"{sdist.PROJECT}=={sdist.VERSION} --hash=sha256:{sdist.SHA256}\n"
    return built + LOCK.read_text("utf-8")


def without_addresses(text: str) -> str:
    """An SBOM without the addresses that packages may be fetched from."""
    bom = json.loads(text)
    for component in bom.get("components", []):
        component.pop("description", None)  # the lock's line, with its hashes
        kept = [
            reference
            for reference in component.get("externalReferences", [])
            if reference.get("type") != "distribution"
        ]
        # The hashes of a package's files belong to their addresses, and are kept without them.
        hashes = [
            one
            for reference in component.pop("externalReferences", [])
            for one in reference.get("hashes", [])
        ]
        unique = {one["content"]: one for one in hashes}
        if unique:
            component["hashes"] = list(unique.values())
        if kept:
            component["externalReferences"] = kept
    return json.dumps(bom, indent=2, sort_keys=True) + "\n"


def main() -> int:
    """Write the SBOM; the exit status is that of the tools."""
    python = _VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    uv = [sys.executable, "-m", "uv"]
    commands = [
        [*uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(_VENV)],
        [*uv, "pip", "sync", "--quiet", "--python", str(python), "--require-hashes", str(TOOLS)],
    ]
    SBOM.parent.mkdir(exist_ok=True)
    for command in commands:
        failed = subprocess.run(command, cwd=ROOT).returncode
        if failed:
            return failed
    made = subprocess.run(
        [
            *(
                str(python),
                "-W",
                "ignore",
                "-m",
                "cyclonedx_py",
                "requirements",
                "-",
                "--output-reproducible",
            ),
            *("--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "library"),
            *("--output-format", "JSON"),
        ],
        cwd=ROOT,
        input=locked(),
        stdout=subprocess.PIPE,
        text=True,
    )
    if made.returncode:
        return made.returncode
    SBOM.write_text(without_addresses(made.stdout), "utf-8")
    count = len(json.loads(made.stdout)["components"])
    print(f"{count} packages are listed in {SBOM.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
