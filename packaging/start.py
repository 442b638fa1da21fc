"""What the Docker image runs: `lab` (JupyterLab on port 8888), `app` (the panel as a web page on
8080), or a command.

`health` says by its exit status whether either of them answers. Both want a token: what
JUPYTER_TOKEN says, else a new one, which is printed with the address. PORT names another port,
SEG_WIDGETS_WORK another work folder.
"""

from __future__ import annotations

import http.client
import importlib.util
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab import unless_given

HERE = Path(__file__).resolve().parent
PORTS = {"lab": 8888, "app": 8080}
LITTLE_DISK_MB = 200


def main(arguments: Sequence[str]) -> int:
    """Prepare what the server needs, and become it.

    Args:
        arguments: "lab", "app" or "health" with what goes to the server, or another command.

    Returns:
        The exit status of `health`, or 1 with a line that says why nothing could be started.
        Otherwise it does not return.
    """
    command, *others = arguments or ["lab"]
    if command == "health":
        return health()
    if command not in PORTS:
        return _become(arguments)

    try:
        find_a_home()
    except OSError:
        return _fail(
            "Nothing can be written to in here. With a read-only root it needs a /tmp: "
            "--read-only --tmpfs /tmp."
        )
    if not os.environ.get("JUPYTER_TOKEN"):
        os.environ.pop("JUPYTER_TOKEN", None)  # an empty one would mean that anybody may come in

    port = port_of(command)
    if not port:
        return _fail(f"PORT must be a number from 1 to 65535, and is {os.environ['PORT']!r}.")
    taken = why_taken(port)
    if taken:
        return _fail(f"{taken} Stop what listens there, or choose another port: PORT.")

    advice = about_the_gpu()
    if advice:
        _say(advice)
    return _become_lab(port, others) if command == "lab" else _become_app(port, others)


def _become_lab(port: int, others: Sequence[str]) -> int:
    work = Path(os.environ.get("SEG_WIDGETS_WORK", Path.home() / "work"))
    if not can_write(work):
        _say(
            f"{work} can't be written to by user {os.getuid()}: notebooks open, but can't be "
            "saved. Give the folder to the image's user (chown -R 1000:100 FOLDER), or run the "
            "container as yours (--user)."
        )
    elif shutil.disk_usage(work).free < LITTLE_DISK_MB * 1e6:
        _say(
            f"The disk of {work} has less than {LITTLE_DISK_MB} MB free: notebooks may not be "
            "saved. Free some space (docker system df shows what Docker has)."
        )
    # JupyterLab makes a token and prints it, unless JUPYTER_TOKEN names one.
    settings = ["--ip=0.0.0.0", f"--port={port}", "--no-browser", f"--folder={work}"]
    return _become([sys.executable, str(HERE / "lab.py"), *unless_given(settings, others), *others])


def _become_app(port: int, others: Sequence[str]) -> int:
    tokens = []
    if not any(other.startswith("--token") for other in others):
        token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
        _say(f"the panel is at http://127.0.0.1:{port}/?token={token}")
        tokens = [f"--token={token}"]
    settings = ["--Voila.ip=0.0.0.0", f"--port={port}", "--no-browser"]
    kept = unless_given(settings, others)
    return _become([sys.executable, str(HERE / "web.py"), *kept, *others, *tokens])


def health() -> int:
    """0 where a server of ours answers on its port."""
    for port in {port_of(command) for command in PORTS}:
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


def port_of(command: str) -> int:
    """Find out the port.

    Args:
        command: "lab" or "app".

    Returns:
        The port that PORT names, or the command's own; 0 where PORT is no port.
    """
    named = os.environ.get("PORT") or str(PORTS[command])
    return int(named) if named.isdecimal() and int(named) < 65536 else 0


def find_a_home() -> None:
    """Make a new HOME in /tmp where the old one can't be written to, as with a read-only root.

    Jupyter and IPython keep files there.

    Raises:
        OSError: /tmp can't be written to either.
    """
    home = Path(os.environ.get("HOME", "/"))
    if not can_write(home):
        os.environ["HOME"] = tempfile.mkdtemp(prefix="home-")


def can_write(folder: Path) -> bool:
    """Find out whether a file can be made in a folder.

    Args:
        folder: where. Its permissions alone don't show a read-only file system.

    Returns:
        True if one was made, and removed again.
    """
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def about_the_gpu() -> str:
    """Find out what is wrong with a GPU that was lent to the container, or "".

    It works without importing torch, which takes seconds.
    """
    program, torch = shutil.which("nvidia-smi"), importlib.util.find_spec("torch")
    if program is None or torch is None or torch.origin is None:
        return ""  # none was lent, or there is nothing that could use it
    try:
        done = subprocess.run([program], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"A GPU was lent, but nvidia-smi can't be run ({error}); the CPU is used."
    if done.returncode != 0:
        why = (done.stdout + done.stderr).strip().splitlines() or ["it says nothing"]
        return (
            f"A GPU was lent, but nvidia-smi fails ({why[0]}); the CPU is used. "
            "Look after the driver on the host."
        )
    driver = re.search(r"Driver Version: (\S+).*CUDA Version: (\d+)\.(\d+)", done.stdout)
    ours = re.search(
        r"^cuda\b.*'(\d+)\.(\d+)'",
        (Path(torch.origin).parent / "version.py").read_text(),
        re.MULTILINE,
    )
    if ours is None:
        return (
            "A GPU was lent, but this image's torch has no CUDA: "
            "build it without TORCH_BACKEND=cpu."
        )
    if driver is not None and int(driver[2]) < int(ours[1]):
        return (
            f"The NVIDIA driver {driver[1]} knows CUDA {driver[2]}.{driver[3]}, but torch is built "
            f"for CUDA {ours[1]}.{ours[2]}: the CPU is used. Update the driver on the host, or "
            "build the image for an older CUDA (TORCH_BACKEND=cu126 scripts/docker build)."
        )
    return ""


def why_taken(port: int) -> str:
    """Find out why nothing can listen on a port.

    Args:
        port: its number.

    Returns:
        The reason as a sentence, or "" if something can.
    """
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
        return _fail(
            f"{command[0]} can't be run ({error.strerror}); there are lab, app, health, or a "
            "program's name."
        )


def _say(text: str) -> None:
    print(f"seg-widgets: {text}", flush=True)


def _fail(text: str) -> int:
    print(f"seg-widgets: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
