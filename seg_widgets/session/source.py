"""Where an image comes from: what it is called, its path or address, and how it is opened."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any, Final, Protocol, Self, Unpack

from .. import images
from ..errors import SettingError, UrlError
from ..images import Choices, Reading, RGBArray, is_address, name_of

__all__ = ["Limits", "Opened", "Source", "completed"]

# A host with a dot in its name, its port, and a path: what an address without https:// looks like.
# Names that end in digits are IP addresses.
_WITHOUT_SCHEME: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:[a-z]{2,}|[0-9]{1,3})(?::[0-9]{1,5})?/[^\s\\]*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Limits:
    """What may be opened, and what is taken of it.

    Args:
        max_pixels: Pixels of the largest image.
        allow_local: Whether addresses may point to this machine and to private networks.
        choices: What is taken of values of more than 8 bits, of many channels, and of pages.
    """

    max_pixels: int
    allow_local: bool = False
    choices: Choices = field(default_factory=Choices)

    def __post_init__(self) -> None:
        most = self.max_pixels
        if isinstance(most, bool) or not isinstance(most, int) or most < 1:
            raise SettingError(f"max_pixels is a whole number of 1 or more, not {most!r}.")

    def reading(self, **choices: Unpack[Reading]) -> Self:
        """The same limits with other choices; what is not given stays."""
        return replace(self, choices=replace(self.choices, **choices))


@dataclass(frozen=True, eq=False)
class Opened:
    """An image that was opened: H×W×3 uint8 RGB, and what the reading changed or left out."""

    image: RGBArray
    notes: tuple[str, ...] = ()


class Load(Protocol):
    """Opens an image, until an event is set."""

    def __call__(self, stop: threading.Event | None = None, /) -> Opened: ...


@dataclass(frozen=True, eq=False)
class Source:
    """An image to open.

    Args:
        name: What the image is called; "" when it has no name.
        uri: Its path or address; "" for bytes and arrays.
        load: Opens it; takes an event that ends the opening when it is set, or None (default).
        again: Opens its file once more, much later; None where there is no file of its own.
    """

    name: str
    uri: str
    load: Load
    again: Callable[[], RGBArray] | None = None

    @classmethod
    def of(cls, source: object, limits: Limits, name: str | None = None) -> Source:
        """Anything that `images.load` takes.

        Args:
            source: A path, an address, bytes, an array, a PIL image or an upload.
            limits: What may be opened.
            name: What to call it; None (default) takes its file name.
        """
        called = name or name_of(source)

        def load(stop: threading.Event | None = None) -> Opened:
            return _open(source, limits, called or None, stop)

        uri = str(source) if isinstance(source, (str, PurePath)) else ""
        if not uri or "://" in uri:
            return cls(called, uri, load)
        # The working directory may be another one by then.
        path = str(Path(uri).absolute())
        return cls(called, uri, load, lambda: _open(path, limits, called or None).image)

    @classmethod
    def of_address(cls, address: str, limits: Limits) -> Source:
        """A text that may not be trusted: an address, and never a path.

        An address without https:// is completed. `load` raises `UrlError` for everything that is no
        http(s) address.

        Args:
            address: The text; spaces around it are ignored.
            limits: What may be opened.
        """
        text = completed(address)

        def load(stop: threading.Event | None = None) -> Opened:
            if not is_address(text):
                raise UrlError(
                    f"{text!r} is not the address of an image: it starts with https:// or http://."
                )
            return _open(text, limits, stop=stop)

        return cls(name_of(text), text, load)

    @classmethod
    def of_array(
        cls, image: RGBArray, name: str = "", uri: str = "", notes: tuple[str, ...] = ()
    ) -> Source:
        """An image that is open already.

        Args:
            image: H×W×3 uint8 RGB.
            name: What it is called (default "").
            uri: Its path or address (default "").
            notes: What its reading changed or left out (default none).
        """
        opened = Opened(image, notes)
        return cls(name, uri, lambda _stop=None: opened)


def completed(text: str) -> str:
    """An address as it was meant: `example.org/cat.jpg` gets https:// in front.

    Args:
        text: What was typed. A path, a single word and an address of another kind stay as they are.

    Returns:
        The text without spaces around it.
    """
    text = text.strip()
    if text.startswith("//") and _WITHOUT_SCHEME.fullmatch(text[2:]):
        return f"https:{text}"
    return f"https://{text}" if _WITHOUT_SCHEME.fullmatch(text) else text


def _open(
    source: object,
    limits: Limits,
    name: str | None = None,
    stop: threading.Event | None = None,
) -> Opened:
    settings: dict[str, Any] = {
        "max_pixels": limits.max_pixels,
        "allow_local": limits.allow_local,
        "contrast": limits.choices.contrast,
        "channels": limits.choices.channels,
        "page": limits.choices.page,
        "name": name,
        "stop": stop,
    }
    loaded = images.read(source, **settings)
    return Opened(loaded.pixels, loaded.notes)
