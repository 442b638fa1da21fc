"""Serve a notebook as a web page, without its code: `make web`.

`--notebook` names another than notebooks/panel.ipynb; all other arguments go to Voilà.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from lab import LARGEST_MESSAGE, ROOT


def main() -> int:
    """Run Voilà until it is stopped; the exit status is its own."""
    if importlib.util.find_spec("voila") is None:
        print("seg-widgets: Voilà is not installed here; run `make web`, which installs it.", file=sys.stderr)
        return 1
    # Where the page's template is looked for; Voilà's own is asked for icons by address.
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        filter(None, [str(ROOT / "packaging"), os.environ.get("JUPYTER_PATH", "")])
    )
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in lab.py
    from voila.app import Voila

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--notebook", type=Path, default=ROOT / "notebooks" / "panel.ipynb")
    options, others = parser.parse_known_args()
    arguments = [
        str(options.notebook.resolve()),
        "--template=seg_widgets",
        "--Voila.ip=127.0.0.1",
        f"--Voila.tornado_settings={{'websocket_max_message_size': {LARGEST_MESSAGE}}}",
        *others,
    ]
    Voila.launch_instance(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
