"""What a server is started with."""

from __future__ import annotations

import importlib
import ipaddress
import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from ..errors import ModelError, SettingError
from ..images import MAX_BYTES, MAX_PIXELS
from ..prediction import Predictor

__all__ = [
    "DEFAULT_PORT",
    "SERVER_VARIABLE",
    "TOKEN_VARIABLE",
    "ModelSettings",
    "ServerSettings",
    "as_header",
    "environment",
]

DEFAULT_PORT: Final = 8090
"""The port that a server listens at where none is named."""

SERVER_VARIABLE: Final = "SEG_WIDGETS_SERVER"
"""The environment variable with a server's address."""

TOKEN_VARIABLE: Final = "SEG_WIDGETS_SERVER_TOKEN"
"""The environment variable with a server's token."""


@dataclass(frozen=True)
class ModelSettings:
    """Which model each worker builds, and how."""

    model: str | None = None
    """A model's name or folder, as for `load_predictor`; None: the starter."""

    config: str | None = None
    """A detectron2 config of your own, with `weights`."""

    weights: str | None = None
    """The weights that go with `config`."""

    device: str = "auto"
    """"auto", "cpu", "cuda", "cuda:1" or "mps"."""

    min_size: int | None = None
    """Pixels of the shorter side for the model; None: the model's own."""

    half: bool = False
    """Compute in half precision, on a CUDA device."""

    speed: str = "exact"
    """"exact", "balanced" or "fast", as for `load_predictor`."""

    factory: str = ""
    """Instead of all others: a function without arguments that builds a `Predictor`, as
    "module:function"."""

    max_pixels: int = 25_000_000
    """The most pixels of an image."""

    def build(self) -> Predictor:
        """Build the model.

        Returns:
            The predictor.

        Raises:
            ModelError: it can't be built.
            SettingError: a setting is out of its range.
        """
        if self.factory:
            return self._made()
        from ..modeling import STARTER, load_predictor

        named = self.model or (None if self.config else STARTER)
        return load_predictor(
            named,
            config=self.config,
            weights=self.weights,
            device=self.device,
            min_size=self.min_size,
            half=self.half,
            speed=self.speed,
        )

    def _made(self) -> Predictor:
        module, _, name = self.factory.partition(":")
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        try:
            function = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ModelError(
                f"There is no function {self.factory!r} ({error}). Name it as MODULE:FUNCTION, and "
                "start the server in the folder of the module."
            ) from error
        made: Predictor = function()
        if not callable(made):
            raise ModelError(f"{self.factory} made {type(made).__name__}, which is no Predictor.")
        return made


@dataclass(frozen=True)
class ServerSettings:
    """What a server is started with.

    Raises:
        SettingError: one of them is out of its range.
    """

    model: ModelSettings = ModelSettings()
    """Which model, and how."""

    host: str = "127.0.0.1"
    """The address that it listens at; the default is reached from this machine only."""

    port: int = DEFAULT_PORT
    """The port; 0: any that is free."""

    token: str = ""
    """What a request must show; "": none is asked for."""

    workers: int = 1
    """Processes with a model each."""

    max_queue: int = 32
    """Requests that wait at most; the next one is told to come again later."""

    max_bytes: int = MAX_BYTES
    """The most bytes of an image's file."""

    max_waiting_bytes: int = 512 * 2**20
    """The most bytes of all images that wait."""

    upload_timeout_s: float = 60.0
    """Seconds for all bytes of a request to come."""

    job_timeout_s: float = 120.0
    """Seconds for one image in a worker; a worker that takes longer is ended."""

    allow_local: bool = False
    """Whether a URL may point to this machine or a private network. Only for tests: it gives every
    visitor a way into the network of the server."""

    def __post_init__(self) -> None:
        ranges = {
            "port": (0, 65_535),
            "workers": (1, 256),
            "max_queue": (1, 10_000),
            "max_pixels": (1, MAX_PIXELS),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name, self.model.max_pixels)
            if not low <= value <= high:
                raise SettingError(f"{name} is a whole number from {low} to {high}, not {value}.")
        for field in fields(self):
            value = getattr(self, field.name)
            # NaN is not over 0 either.
            if field.name.endswith(("_s", "_bytes")) and not value > 0:
                raise SettingError(f"{field.name} is over 0, not {value}.")
        if not self.token.isascii() or any(not letter.isprintable() for letter in self.token):
            raise SettingError("A token has only letters, digits and signs of ASCII.")

    @property
    def largest_raw_image(self) -> int:
        """The bytes of the largest image that `/predict` takes without loss."""
        return max(3 * self.model.max_pixels + 64, self.max_bytes)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def environment(name: str) -> str:
    """An environment variable's text, without white space around it; "" where it is not set."""
    return os.environ.get(name, "").strip()


def as_header(settings: ModelSettings) -> dict[str, Any]:
    """The settings as a frame's header; `ModelSettings(**header)` makes them again."""
    return {field.name: getattr(settings, field.name) for field in fields(settings)}
