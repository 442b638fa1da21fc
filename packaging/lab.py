"""Open panel.ipynb in JupyterLab: `make lab`.

`--folder` names another folder than notebooks/; all other arguments go to JupyterLab.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Tornado silently drops a connection whose message is over its default of 10 MiB. An image may have
# seg_widgets.images.MAX_BYTES, and two of them fit into one message (tests/packaging/test_lab.py);
# it is not imported here because the image's health check imports this file every few seconds.
LARGEST_MESSAGE = 64 * 2**20


def unless_given(settings: Sequence[str], given: Sequence[str]) -> list[str]:
    """Leave out the settings that were given by hand, because Jupyter takes no setting twice.

    Args:
        settings: each as "--name=value".
        given: what was typed.

    Returns:
        Those of `settings` whose names are not among `given`.
    """
    names = {argument.partition("=")[0] for argument in given}
    return [setting for setting in settings if setting.partition("=")[0] not in names]


def print_address_once(lab: Any) -> None:
    """Let a server print its address once; Jupyter's prints it four times, under two names.

    Args:
        lab: the class `LabApp`, whose server is replaced.
    """

    class PanelServer(lab.serverapp_class):  # type: ignore[misc]
        @property
        def display_url(self) -> str:
            return str(self.public_url)

        def start_app(self) -> None:
            self.log.addFilter(self._is_news)
            super().start_app()

        def _is_news(self, record: logging.LogRecord) -> bool:
            # The same address comes as an information and, after it, as something critical.
            if record.levelno < logging.CRITICAL or not self.log.isEnabledFor(logging.INFO):
                return True
            text = record.getMessage()
            return self.public_url not in text and self.local_url not in text

    lab.serverapp_class = PanelServer


def main() -> int:
    """Run JupyterLab until it is stopped; the exit status is its own."""
    if importlib.util.find_spec("jupyterlab") is None:
        print(
            "seg-widgets: JupyterLab is not installed here; run `make lab`, which installs it.",
            file=sys.stderr,
        )
        return 1
    from jupyterlab.labapp import LabApp

    # For the kernels, which inherit it: beside a browser that draws, threads that spin while they
    # wait for each other made the starter twice as slow and worse (docs/performance.md).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--folder", type=Path, default=ROOT / "notebooks")
    options, others = parser.parse_known_args()
    arguments = [
        f"--ServerApp.root_dir={options.folder}",
        f"--ServerApp.tornado_settings={{'websocket_max_message_size': {LARGEST_MESSAGE}}}",
        # The extension manager would ask the package index for its list; nothing here needs the
        # network.
        "--LabApp.extension_manager=readonly",
        "--LabApp.default_url=/lab/tree/panel.ipynb",
        *others,
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # A container or a rented machine often has no other user; the server still listens on
        # loopback, with a token.
        arguments.append("--allow-root")
    print_address_once(LabApp)
    LabApp.launch_instance(arguments)  # type: ignore[no-untyped-call, unused-ignore]
    return 0


if __name__ == "__main__":
    sys.exit(main())
