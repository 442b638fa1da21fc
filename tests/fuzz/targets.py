"""What is tried: each target makes a case of a number, and says whether its result is right."""

from __future__ import annotations

import contextlib
import ipaddress
import random
import socket
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

__all__ = ["TARGETS", "Target", "target_named"]


class Target(ABC):
    """A way in.

    Attributes:
        name: its row in the table.
        deadline_s: seconds that a case may take on a busy machine.
        memory_mb: what a case may take over the process before it, with its own processes.
        share: of the time, beside the other targets.
    """

    name: str
    deadline_s: float = 30
    memory_mb: float = 500
    share: float = 1

    def prepare(self) -> None:  # noqa: B027, most have nothing to prepare
        """Make what all cases share."""

    @abstractmethod
    def run(self, number: int) -> None:
        """Run a case. An error of ours is a refusal; AssertionError: the result is wrong."""

    def random(self, number: int) -> random.Random:
        """The generator of a case."""
        return random.Random(f"{self.name} {number}")


class Images(Target):
    """Bytes as images: first each as it is, then changed."""

    memory_mb = 400

    def __init__(self, name: str) -> None:
        self.name = name

    def prepare(self) -> None:
        """Read or make the images that the cases begin with."""
        from .corpus import gdk_pixbufs_images, made_images, pillows_images

        given = {TARGETS[0]: pillows_images, TARGETS[1]: gdk_pixbufs_images}
        files = given.get(self.name, list)()
        self._contents = [path.read_bytes() for path in files] or made_images()

    def run(self, number: int) -> None:
        """Decode one."""
        from seg_widgets import images

        from .mutations import mutated

        count, random = len(self._contents), self.random(number)
        content = self._contents[number % count]
        if number >= count:
            content = mutated(content, random, random.choice(self._contents))
        array = images.read(content).pixels
        assert array.dtype == "uint8" and array.ndim == 3 and array.shape[2] == 3


class LargeImages(Images):
    """Images of 49 megapixels, as they are and changed: what they take stays under the limit."""

    deadline_s = 90
    memory_mb = 450  # 400, and what the allocator keeps of the cases before
    share = 3  # a case takes seconds

    def __init__(self) -> None:
        super().__init__("large images")

    def prepare(self) -> None:
        """Have them made."""
        from .corpus import large_images

        with tempfile.TemporaryDirectory(prefix="fuzz-images-") as folder:
            self._contents = large_images(Path(folder))


class Weights(Target):
    """Files of weights: the hostile ones, sound ones, and both changed."""

    name = "weights"
    deadline_s = 60
    memory_mb = 700
    share = 5  # a case starts a process, and some take all of their 5 s

    def prepare(self) -> None:
        """Make the files that the cases begin with."""
        from tests.pickles.hostile import PICKLES, hostile_archives, sound_files

        self._contents = [*PICKLES.values(), *dict(hostile_archives()).values(), *sound_files()]
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-weights-")

    def run(self, number: int) -> None:
        """Read one."""
        from seg_widgets.modeling import read_checkpoint

        from .mutations import mutated

        count, random = len(self._contents), self.random(number)
        content = self._contents[number % count]
        if number >= count:
            content = mutated(content, random, random.choice(self._contents)[:100_000])
        path = Path(self._folder.name) / f"model{random.choice(('.pkl', '.pth', '.safetensors'))}"
        path.write_bytes(content)
        checkpoint = read_checkpoint(path)
        total = sum(tensor.nbytes for tensor in checkpoint.tensors.values())
        assert total <= 2 * len(content) + (1 << 20)
        checkpoint.classes()


class Configs(Target):
    """YAML configs: the hostile ones, whole ones of detectron2, and both changed."""

    name = "configs"

    def prepare(self) -> None:
        """Read the configs that the cases begin with."""
        from detectron2.config import get_cfg
        from detectron2.model_zoo import get_config_file

        from tests.modeling.hostile_configs import HOSTILE

        zoo = ("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml", "Base-RCNN-FPN.yaml")
        files = [Path(get_config_file(name)).read_text() for name in zoo]
        self._contents = [text.encode() for text in (*HOSTILE.values(), *files, get_cfg().dump())]
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-configs-")

    def run(self, number: int) -> None:
        """Read one."""
        from seg_widgets.modeling import read_config

        from .mutations import mutated

        count, random = len(self._contents), self.random(number)
        content = self._contents[number % count]
        if number >= count:
            content = mutated(content, random, random.choice(self._contents)[:5_000])
        path = Path(self._folder.name) / "config.yaml"
        path.write_bytes(content)
        assert read_config(path).classes >= 0


class Addresses(Target):
    """Addresses that may not be opened, in many spellings. No connection is ever made."""

    name = "addresses"
    deadline_s = 20

    def run(self, number: int) -> None:
        """Ask for one; dialling a place that is not public is wrong."""
        from seg_widgets.net import fetch

        from .addresses import address

        random = self.random(number)
        dialled: list[str] = []
        with _network(random, dialled):
            try:
                fetch(address(random), total_timeout_s=2)
            finally:
                wrong = [place for place in dialled if not ipaddress.ip_address(place).is_global]
                assert not wrong, f"{wrong} was dialled"


@contextlib.contextmanager
def _network(random: random.Random, dialled: list[str]) -> Iterator[None]:
    """Names have any address, and whoever connects is noted and refused."""
    from .addresses import PLACES

    def look_up(host: str, port: int, *_: object, **__: object) -> list[Any]:
        place = random.choice(PLACES)
        with contextlib.suppress(ValueError):
            place = str(ipaddress.ip_address(host.strip("[]")))
        family = socket.AF_INET6 if ":" in place else socket.AF_INET
        where = (place, port, 0, 0) if ":" in place else (place, port)
        return [(family, socket.SOCK_STREAM, 6, "", where)]

    def connect(_: socket.socket, where: Any) -> None:
        dialled.append(where[0])
        raise ConnectionRefusedError(111, "refused")

    real = socket.getaddrinfo, socket.socket.connect
    socket.getaddrinfo = look_up  # type: ignore[assignment]
    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        socket.getaddrinfo, socket.socket.connect = real  # type: ignore[method-assign]


class Servers(Target):
    """Servers on loopback that lie, drip and break off."""

    name = "servers"
    deadline_s = 20

    def run(self, number: int) -> None:
        """Fetch from one."""
        from seg_widgets.net import fetch
        from tests.net.servers import raw_server

        from .addresses import answer

        random = self.random(number)
        parts = answer(random)

        def talk(connection: socket.socket) -> None:
            connection.recv(4096)
            for part in parts:
                connection.sendall(part)

        with raw_server(talk) as place:
            fetched = fetch(
                f"http://{place}/photo.jpg",
                allow_local=True,
                total_timeout_s=1.5,
                max_bytes=100_000,
                max_redirects=0,
            )
        assert len(fetched.content) <= 100_000


class Sessions(Target):
    """Sequences of what a person can do with a session."""

    name = "sessions"
    deadline_s = 60

    def run(self, number: int) -> None:
        """Do some of it, and wait for the end."""
        from .sequences import run_sequence

        run_sequence(self.random(number))


_KINDS: Final = (Weights, Configs, Addresses, Servers, Sessions)
_KIND_OF: Final = {kind.name: kind for kind in _KINDS}
TARGETS: Final = (
    *("Pillow's images", "gdk-pixbuf's images", "our images", "large images"),
    *_KIND_OF,
)
"""The targets' names, in the order of the table."""


def target_named(name: str) -> Target:
    """Return a target by its name."""
    if name in TARGETS[:3]:
        return Images(name)
    return LargeImages() if name == TARGETS[3] else _KIND_OF[name]()
