"""What the Docker image runs: `lab` (JupyterLab on port 8888), `app` (the panel as a web page on 8080), or a command.

`health` says by its exit status whether either of them answers. Both want a token: what JUPYTER_TOKEN says, else a
new one, which is printed with the address. PORT names another port, SEG_WIDGETS_WORK another work folder.
"""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab import unless_given

HERE = Path(__file__).resolve().parent
PORTS = {"lab": 8888, "app": 8080}


def main(arguments: Sequence[str]) -> int:
    """Prepare what the server needs and become it; returns only where that can't be, with a line that says why."""
    command, *others = arguments or ["lab"]
    if command == "health":
        return health()
    if command not in ("lab", "app"):
        return _become(arguments)
    work = Path(os.environ.get("SEG_WIDGETS_WORK", Path.home() / "work"))
    find_a_home()
    if not os.environ.get("JUPYTER_TOKEN"):
        os.environ.pop("JUPYTER_TOKEN", None)  # an empty one would mean that anybody may come in
    port = int(os.environ.get("PORT") or PORTS[command])
    taken = why_taken(port)
    if taken:
        return _fail(f"{taken} Stop what listens there, or choose another port: PORT.")
    if command == "lab":
        if not can_write(work):
            _say(
                f"{work} can't be written to by user {os.getuid()}: notebooks open, but can't be saved. Give the "
                "folder to the image's user (chown -R 1000:100 FOLDER), or run the container as yours (--user)."
            )
        # JupyterLab makes a token and prints it, unless JUPYTER_TOKEN names one.
        settings = ["--ip=0.0.0.0", f"--port={port}", "--no-browser", f"--folder={work}"]
        return _become([sys.executable, str(HERE / "lab.py"), *unless_given(settings, others), *others])
    if not any(other.startswith("--token") for other in others):
        token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
        _say(f"the panel is at http://127.0.0.1:{port}/?token={token}")
        others.append(f"--token={token}")
    settings = ["--Voila.ip=0.0.0.0", f"--port={port}", "--no-browser"]
    return _become([sys.executable, str(HERE / "web.py"), *unless_given(settings, others), *others])


def health() -> int:
    """0 where a server of ours answers on its port."""
    named = os.environ.get("PORT")
    for port in [int(named)] if named else PORTS.values():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
        try:
            connection.request("GET", "/api")
            if connection.getresponse().status < 500:  # to be asked for a token is an answer too
                return 0
        except (OSError, http.client.HTTPException):
            continue
        finally:
            connection.close()
    return 1


def find_a_home() -> None:
    """Jupyter and IPython keep files below HOME; where it can't be written to (a read-only root), a new one in /tmp."""
    home = Path(os.environ.get("HOME", "/"))
    if not can_write(home):
        os.environ["HOME"] = tempfile.mkdtemp(prefix="home-")


def can_write(folder: Path) -> bool:
    """Whether a file can be made there; asking for permissions alone doesn't tell of read-only file systems."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def why_taken(port: int) -> str:
    """Why nothing can listen on a port, or ""."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            return f"Port {port} can't be used ({error.strerror})."
    return ""


def _become(command: Sequence[str]) -> int:
    sys.stdout.flush()
    try:
        os.execvp(command[0], list(command))
    except OSError as error:
        return _fail(f"{command[0]} can't be run ({error.strerror}); there are lab, app, health, or a program's name.")


def _say(text: str) -> None:
    print(f"seg-widgets: {text}", flush=True)


def _fail(text: str) -> int:
    print(f"seg-widgets: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
