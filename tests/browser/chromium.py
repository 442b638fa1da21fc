"""See that there is a browser for the browser tests: an installed one, else Playwright's, else
Debian's chromium.

`python -m tests.browser.chromium` finds or installs one and says which.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome: SEG_WIDGETS_CHROMIUM, one on PATH, or Playwright's own;
    None: there is none."""
    return installed_chromium() or (
        None if os.environ.get("SEG_WIDGETS_CHROMIUM") else _playwright_browser()
    )


def installed_chromium() -> str | None:
    """The same without Playwright's own, which can't be asked for where Playwright runs already."""
    named = os.environ.get("SEG_WIDGETS_CHROMIUM")
    if named:
        return named if Path(named).is_file() else None
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def _playwright_browser() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def main() -> int:
    """Find or install one and say which; the exit status is 1, with what to do, when there is none
    in the end."""
    steps = [
        ("Playwright's chromium", [[sys.executable, "-m", "playwright", "install", "chromium"]])
    ]
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        apt = ["apt-get", "-qq", "-o=Dpkg::Use-Pty=0"]
        steps.append(
            (
                "Debian's chromium",
                [[*apt, "update"], [*apt, "install", "-y", "chromium", "fonts-dejavu-core"]],
            )
        )
    for what, commands in steps:
        if found := find_chromium():
            break
        print(
            f"seg-widgets: no browser is installed; installing {what} for the browser tests",
            flush=True,
        )
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in commands:
            if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode:
                break
    found = find_chromium()
    if found is None:
        print(
            "seg-widgets: the browser tests need Chromium or Chrome. Install one (Debian: "
            "sudo apt-get install chromium), or set SEG_WIDGETS_CHROMIUM to its path.",
            file=sys.stderr,
        )
        return 1
    print(f"seg-widgets: the browser tests use {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
