"""Build the real Dockerfile and start what is in it, without a Docker daemon: `make docker-test`.

Needs root on Debian, and its packages buildah, mmdebstrap and iproute2. The base image is made by
mmdebstrap and called as the FROM line does, so that nothing is pulled; its Python is Debian's. The
image runs in a network namespace that has nothing but a loopback device, as its own user, and once
with a root that can't be written to. What is built stays in .cache/docker, so that a second run
takes only what has changed; `--clean` removes it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser import chromium

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / ".cache" / "docker"
NETWORK = f"seg-widgets-{os.getpid()}"
TOOLS = {
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "unshare": "util-linux",
}
# What this machine may need to reach its package index, lent to the build and never part of the
# image.
LENT = (
    "/etc/ssl/certs",
    "/usr/share/ca-certificates",
    "/etc/pip.conf",
    "/etc/apt/sources.list.d",
    "/etc/apt/apt.conf.d",
)


def main() -> int:
    """Build, check, tell; the exit status is 0 when everything is as it should be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--clean", action="store_true", help="remove what earlier runs have built, and nothing else"
    )
    parser.add_argument("--upload-to", metavar="ADDRESS", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.upload_to:
        upload_to(options.upload_to)
        return 0
    if options.clean:
        buildah("rm", "--all")
        buildah("rmi", "--all", "--force")
        return 0
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing or os.geteuid() != 0:
        print(
            f"docker-test needs root, and: apt-get install {' '.join(missing) or '(all there)'}",
            file=sys.stderr,
        )
        return 1
    if chromium.main():
        return 1
    STORE.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    make_base()
    build()
    say(f"built in {time.monotonic() - started:.0f} s")
    container = buildah("from", "--pull-never", "seg-widgets")
    try:
        root = Path(buildah("mount", container))
        image = json.loads(buildah("inspect", "--type", "image", "seg-widgets"))["Docker"]["config"]
        with network():
            check(root, image)
    finally:
        buildah("rm", container)
    say(f"all as it should be, after {time.monotonic() - started:.0f} s")
    return 0


def say(text: str) -> None:
    print(f"docker-test: {text}", flush=True)


def buildah(*arguments: str, quiet: bool = True) -> str:
    """Run buildah on a storage of our own; what it prints."""
    command = [
        "buildah",
        "--root",
        str(STORE / "root"),
        "--runroot",
        str(STORE / "run"),
        *arguments,
    ]
    done = subprocess.run(
        command, stdout=subprocess.PIPE if quiet else None, text=True, check=True, cwd=ROOT
    )
    return (done.stdout or "").strip()


def make_base() -> None:
    [name] = re.findall(r"^FROM (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    if f"docker.io/library/{name}" in buildah("images", "--format", "{{.Name}}:{{.Tag}}"):
        return
    say(f"making a base image in the place of {name}")
    packages = "python3,python3-venv,python-is-python3,ca-certificates"
    with tempfile.TemporaryDirectory(dir=STORE) as scratch:
        archive = Path(scratch) / "base.tar"
        subprocess.run(
            [
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--include={packages}",
                "bookworm",
                archive,
            ],
            check=True,
        )
        container = buildah("from", "scratch")
        buildah("add", "--quiet", container, str(archive), "/")
        buildah(
            "commit",
            "--quiet",
            "--rm",
            "--format",
            "docker",
            container,
            f"docker.io/library/{name}",
        )


def build() -> None:
    uv = STORE / "uv.toml"
    uv.write_text("native-tls = true\n")
    # Detectron2's sources, where they were fetched before; the build runs as root.
    cache, there = (Path(home).expanduser() / ".cache" / "seg-widgets" for home in ("~", "~root"))
    lent = [(path, path) for path in LENT if Path(path).exists()]
    lent += [(str(uv), "/etc/uv/uv.toml"), *([(str(cache), str(there))] if cache.is_dir() else [])]
    volumes = [part for source, target in lent for part in ("--volume", f"{source}:{target}:ro")]
    options = [
        "--isolation",
        "chroot",
        "--format",
        "docker",
        "--pull-never",
        "--layers",
        "--network",
        "host",
    ]
    buildah("bud", *options, *volumes, "--tag", "seg-widgets", ".", quiet=False)


@contextmanager
def network() -> Iterator[None]:
    """A network namespace of our own, which reaches no other machine."""
    subprocess.run(["ip", "netns", "add", NETWORK], check=True)
    try:
        subprocess.run(["ip", "-n", NETWORK, "link", "set", "lo", "up"], check=True)
        yield
    finally:
        subprocess.run(["ip", "netns", "delete", NETWORK], check=True)


def inside(
    root: Path, image: dict[str, Any], arguments: Sequence[str], read_only: bool, **variables: str
) -> list[str]:
    """The command that does what `docker run` would do with these arguments."""
    assert image["User"] == "1000:100", "the image must not run as root"
    mounts = (
        f"mount --bind {root} {root} && mount -t proc proc {root}/proc && "
        f"mount --rbind /dev {root}/dev"
    )
    if read_only:
        mounts += (
            f" && mount -o remount,bind,ro {root} && mount -t tmpfs -o mode=1777 tmpfs {root}/tmp"
        )
    environment = [*image["Env"], *(f"{name}={value}" for name, value in variables.items())]
    change = 'cd "$0" && exec "$@"'
    return [
        *(
            "ip",
            "netns",
            "exec",
            NETWORK,
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
        ),
        f'{mounts} && exec chroot --userspec={image["User"]} {root} "$@"',
        *("sh", "env", "-i", *environment, "sh", "-c", change, image["WorkingDir"]),
        *image["Entrypoint"],
        *arguments,
    ]


def ask(address: str) -> tuple[int, str, str]:
    """Status, last address and text of an answer, asked for inside the namespace."""
    code = (
        "import json, sys, urllib.error, urllib.request\n"
        "try: answer = urllib.request.urlopen(sys.argv[1], timeout=60)\n"
        "except urllib.error.HTTPError as error: answer = error\n"
        "print(json.dumps([answer.status, answer.url, answer.read().decode('utf-8', 'replace')]))"
    )
    command = ["ip", "netns", "exec", NETWORK, sys.executable, "-c", code, address]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise ConnectionError(done.stderr.strip().splitlines()[-1])
    status, url, text = json.loads(done.stdout)
    return int(status), str(url), str(text)


@contextmanager
def running(command: list[str], address: str) -> Iterator[tuple[Path, float]]:
    """A server, ended in the end; gives its log and the seconds until it answered."""
    with tempfile.NamedTemporaryFile("w", prefix="docker-test-", suffix=".log") as log:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            while True:
                try:
                    ask(address)
                    break
                except ConnectionError:
                    said = Path(log.name).read_text()
                    assert process.poll() is None and time.monotonic() - started < 90, (
                        f"nothing answers:\n{said}"
                    )
                    time.sleep(0.3)
            yield Path(log.name), time.monotonic() - started
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """As `docker stop` does it: the first process of the namespace is asked, and after ten seconds
    it is killed."""
    # unshare hears no signal while it waits, and its --kill-child is void once chroot has changed
    # the user. With the first process the kernel ends all others of its namespace.
    inner = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for number in (signal.SIGTERM, signal.SIGKILL):
        for child in inner:
            os.kill(int(child), number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return
    raise RuntimeError(f"What runs in the image can't be ended: {inner}")


def output(root: Path, image: dict[str, Any], *arguments: str, read_only: bool = False) -> str:
    """What a command in the image prints."""
    done = subprocess.run(
        inside(root, image, arguments, read_only),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def check(root: Path, image: dict[str, Any]) -> None:
    assert output(root, image, "id", "-u") == "1000"
    assert output(root, image, "id", "-g") == "100"
    assert image["Healthcheck"]["Test"][0] == "CMD"
    assert set(image["ExposedPorts"]) == {"8888/tcp", "8080/tcp"}
    assert "Ready to segment." in output(root, image, "python", "-m", "seg_widgets", "doctor")
    found = output(
        *(
            root,
            image,
            "python",
            "-m",
            "seg_widgets",
            "segment",
            "images/cat.jpg",
            "--out",
            "/tmp/out",
        ),
        read_only=True,
    )
    assert "0  cat " in found
    say(
        "the command line works as user 1000, without a network, on a root that can't be written to"
    )

    lab = inside(root, image, ["lab"], False, JUPYTER_TOKEN="secret")
    with running(lab, "http://127.0.0.1:8888/api") as (_, seconds):
        assert ask("http://127.0.0.1:8888/api/contents/panel.ipynb")[0] == 403
        assert (
            ask("http://127.0.0.1:8888/api/contents/panel.ipynb?token=secret&content=0")[0] == 200
        )
        assert ask("http://127.0.0.1:8888/lab?token=secret")[0] == 200
        output(root, image, "health")
        say(f"JupyterLab answered after {seconds:.1f} s, with its token alone")

    app = inside(root, image, ["app"], True)
    with running(app, "http://127.0.0.1:8080/voila/static/") as (log, seconds):
        assert "/login" in ask("http://127.0.0.1:8080/")[1]
        match = re.search(r"http://127\.0\.0\.1:8080/\?token=\w+", log.read_text())
        assert match is not None, log.read_text()
        before = time.monotonic()
        status, _, page = ask(match[0])
        took_s = time.monotonic() - before
        assert status == 200
        assert "SegmentationPanel" in page
        assert "from seg_widgets import" not in page
        output(root, image, "health")
        say(
            f"the app answered after {seconds:.1f} s, its first page took {took_s:.1f} s, on a "
            "read-only root"
        )
        in_the_namespace = [
            "ip",
            "netns",
            "exec",
            NETWORK,
            sys.executable,
            "-m",
            "tests.docker_image",
        ]
        done = subprocess.run(
            [*in_the_namespace, "--upload-to", match[0]], cwd=ROOT, check=False, timeout=300
        )
        assert done.returncode == 0


def upload_to(address: str) -> None:
    """Upload a photograph to the panel at an address in a real browser, and look at what it
    finds."""
    from playwright.sync_api import sync_playwright

    from tests.browser.lab import PanelPage, launch, quiet_page

    with sync_playwright() as playwright:
        browser = launch(playwright)
        with quiet_page(browser) as (page, strays):
            page.goto(address)
            panel = PanelPage(page, strays)
            panel.wait_for_panel()
            panel.upload(ROOT / "notebooks" / "images" / "cat.jpg")
            panel.wait_for_result(120, "cat.jpg")
            found = panel.canvas.locator(".sgw-chip-main").all_inner_texts()
            assert any(re.match(r"cat\s+[1-9]", chip) for chip in found), (
                found
            )  # at least one is shown
            assert panel.marks() > 1000
            assert strays == []
        browser.close()
    say("a photograph uploaded in a browser is segmented, and nothing is asked of another machine")


if __name__ == "__main__":
    sys.exit(main())
