"""Where an image comes from: what it is called, its path or address, and how it is opened."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

import numpy as np
import numpy.typing as npt

from .. import images
from ..errors import UrlError

__all__ = ["Limits", "Source", "is_address", "name_of"]

RGBArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Limits:
    """What may be opened.

    Args:
        max_pixels: Pixels of the largest image.
        allow_local: Whether addresses may point to this machine and to private networks.
    """

    max_pixels: int
    allow_local: bool = False


@dataclass(frozen=True, eq=False)
class Source:
    """An image to open.

    Args:
        name: What the image is called; "" when it has no name.
        uri: Its path or address; "" for bytes and arrays.
        load: Opens it: H×W×3 uint8 RGB.
    """

    name: str
    uri: str
    load: Callable[[], RGBArray]

    @classmethod
    def of(cls, source: object, limits: Limits, name: str | None = None) -> Source:
        """Anything that `images.load` takes.

        Args:
            source: A path, an address, bytes, an array, a PIL image or an upload.
            limits: What may be opened.
            name: What to call it; None (default) takes its file name.
        """
        called = name or name_of(source)

        def load() -> RGBArray:
            return images.load(
                source,
                max_pixels=limits.max_pixels,
                allow_local=limits.allow_local,
                name=called or None,
            )

        return cls(called, str(source) if isinstance(source, (str, PurePath)) else "", load)

    @classmethod
    def of_address(cls, address: str, limits: Limits) -> Source:
        """A text that may not be trusted: an address, and never a path.

        Its `load` raises `UrlError` for everything that does not start with http:// or https://.

        Args:
            address: The text; spaces around it are ignored.
            limits: What may be opened.
        """
        text = address.strip()

        def load() -> RGBArray:
            if not is_address(text):
                raise UrlError(
                    f"{text!r} is not the address of an image: it starts with https:// or http://."
                )
            return images.load(text, max_pixels=limits.max_pixels, allow_local=limits.allow_local)

        return cls(name_of(text), text, load)

    @classmethod
    def of_array(cls, image: RGBArray, name: str = "", uri: str = "") -> Source:
        """An image that is open already.

        Args:
            image: H×W×3 uint8 RGB.
            name: What it is called (default "").
            uri: Its path or address (default "").
        """
        return cls(name, uri, lambda: image)


def is_address(text: str) -> bool:  # becomes images.is_address
    """Whether a text is the address of something on a web server."""
    return re.match(r"\s*https?://", text, re.IGNORECASE) is not None


def name_of(source: object) -> str:  # becomes images.name_of
    """What to call an image: the last part of its path or address; "" when it has no name.

    Args:
        source: What `images.load` takes. Of an address the name is percent-decoded and has no
            query; without a path it is the host. An upload has its own `name` or `filename`.
    """
    name = getattr(source, "name", None) or getattr(source, "filename", None)
    if isinstance(source, str):
        if "://" in source:
            parts = urlsplit(source.strip())
            return unquote(PurePath(parts.path).name) or parts.hostname or ""
        return PurePath(source).name
    if isinstance(source, PurePath):
        return source.name
    return PurePath(name).name if isinstance(name, str) else ""
