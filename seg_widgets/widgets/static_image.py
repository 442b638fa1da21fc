"""A picture of what a widget shows, saved with the notebook: for whoever opens it without a kernel.

A widget's output holds only the number of its model, which means nothing once the kernel has ended.
So the bundle has a PNG beside it, which GitHub, nbviewer and nbconvert show. A panel is often
displayed before there is a result. Then an output of its own follows it, which is updated with each
result. The style sheet hides it wherever the panel itself is on screen.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
from IPython import get_ipython
from IPython.display import display, update_display
from PIL import Image

from ..drawing import overlay, shrink
from ..images import RGBArray
from ..prediction import Filter, Prediction
from ..style import Style
from .at_rest import AtRest

__all__ = [
    "PNG_MAX_BYTES",
    "PNG_MAX_WIDTH",
    "FollowingStaticImage",
    "StaticImage",
    "StaticOutputs",
    "StaticView",
]

PNG_MAX_WIDTH: Final = 640
"""Pixels of a row of the picture at most."""

PNG_MAX_BYTES: Final = 150_000
"""Bytes of the picture's file at most, before Base64."""

_MAX_HEIGHT: Final = 960
_SMALLER: Final = 0.8
_SAMPLED: Final = 4

# What is so many times too large when it is made quickly is too large in any way.
_HOPELESS: Final = 2
_VIEW: Final = "application/vnd.jupyter.widget-view+json"
_REST_S: Final = 0.5
_MOST_OUTPUTS: Final = 8

# By both together the style sheet knows the output that is ours; see css/panel.css. JupyterLab
# reads the second from the output itself, not from the media type.
_METADATA: Final = {
    "image/png": {"unconfined": True},
    "needs_background": "light",
    "seg_widgets": {"static_image": True},
}


@dataclass(frozen=True, eq=False)
class StaticView:
    """What the picture is made of: an image, what was found in it, what of it is shown, and how."""

    image: RGBArray
    prediction: Prediction
    shown: Filter
    style: Style

    def png(self) -> bytes:
        """The picture: at most `PNG_MAX_WIDTH` pixels wide, and of `PNG_MAX_BYTES` bytes.

        A photograph gets 256 colours, and fewer pixels where that is not enough.
        """
        width, height = float(PNG_MAX_WIDTH), float(_MAX_HEIGHT)
        while True:
            data = self._png(round(width), round(height))
            if len(data) <= PNG_MAX_BYTES or width < 64:
                return data
            width, height = width * _SMALLER, height * _SMALLER

    def _png(self, width: int, height: int) -> bytes:
        reshaped = self.shown.reshaped(self.prediction)
        small, shrunk = shrink(self.image, reshaped, width, height)
        drawn = overlay(small, shrunk, self.style, only=self.shown.keep(self.prediction))
        picture = Image.fromarray(drawn)
        if _quick_size(drawn) <= _HOPELESS * PNG_MAX_BYTES:
            data = _encoded(picture)
            if len(data) <= PNG_MAX_BYTES:
                return data
        return _encoded(_with_few_colors(picture))


def _quick_size(drawn: RGBArray) -> int:
    """Bytes of a PNG that is made in a tenth of the time, and is somewhat larger."""
    done, data = cv2.imencode(".png", drawn, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done, "OpenCV encodes every uint8 RGB array"
    return len(data)


def _with_few_colors(picture: Image.Image) -> Image.Image:
    """The picture in 256 colours, chosen from every fourth pixel of every fourth row.

    Choosing them from all pixels takes ten times as long, in which no other thread of the kernel
    runs, for an error that is 5 to 15 % smaller.
    """
    size = max(1, picture.width // _SAMPLED), max(1, picture.height // _SAMPLED)
    palette = picture.resize(size, Image.Resampling.NEAREST).quantize(256)
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


class StaticImage:
    """The part of a widget that gives a picture of itself to whoever saves the notebook."""

    static_image = True
    """Whether saved notebooks hold a picture of what is shown."""

    def _static_view(self) -> StaticView | None:
        """What is shown now; None while there is nothing."""
        raise NotImplementedError

    def _static_png(self) -> str:
        """The picture in Base64; "" where there is none."""
        view = self._static_view() if self.static_image else None
        return "" if view is None else base64.b64encode(view.png()).decode("ascii")

    def _repr_mimebundle_(self, **settings: Any) -> Any:
        inherited: Callable[..., Any] | None = getattr(super(), "_repr_mimebundle_", None)
        if inherited is None:  # ipywidgets 7
            number = getattr(self, "model_id", None)
            view = {"version_major": 2, "version_minor": 0, "model_id": number}
            bundle: Any = {"text/plain": repr(self), **({_VIEW: view} if number else {})}
        else:
            bundle = inherited(**settings)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        png = self._static_png() if data else ""
        if png:
            data["image/png"] = png
        return bundle

    def _ipython_display_(self, **settings: Any) -> None:
        """Leave it to the bundle, which ipywidgets 7 doesn't know."""
        displayed: Callable[..., None] | None = getattr(self, "_handle_displayed", None)
        if displayed is not None:
            displayed(**settings)
        raise NotImplementedError  # IPython goes on to the next way to show it


class StaticOutputs:
    """The outputs that follow a panel which was displayed before it had a result.

    Args:
        png: A method that gives the picture in Base64, or "" while there is none.
        is_busy: Whether a person waits for something; the picture then waits, too, because making
            it takes as long as opening a photograph.
    """

    def __init__(self, png: Callable[[], str], is_busy: Callable[[], bool]) -> None:
        self._numbers: list[str] = []
        self._is_stale = False
        self._update = AtRest(self._follow, _REST_S)
        self._png = png
        self._is_busy = is_busy

    @staticmethod
    def can_follow() -> bool:
        """Whether the front end keeps such an output, and hides it below a panel.

        In Google Colab and Visual Studio Code the style sheet doesn't reach it, and without a
        kernel there is no output at all.
        """
        shell: Any = get_ipython()
        is_elsewhere = "google.colab" in sys.modules or "VSCODE_PID" in os.environ
        return getattr(shell, "kernel", None) is not None and not is_elsewhere

    def display_below(self, bundle: dict[str, Any]) -> None:
        """Display a panel, and below it one more output with nothing to see in it.

        Args:
            bundle: The panel's representations by media type.
        """
        number = uuid.uuid4().hex
        display(bundle, raw=True)  # type: ignore[no-untyped-call]
        display(  # type: ignore[no-untyped-call]
            {"image/png": _nothing()}, metadata=_METADATA, raw=True, display_id=number
        )
        self._numbers = [*self._numbers, number][-_MOST_OUTPUTS:]

    def touch(self) -> None:
        """What is shown has changed: the outputs follow a moment after the last change."""
        if self._numbers:
            self._is_stale = True
            self._update.touch()

    def _follow(self) -> None:
        if self._is_busy():
            self._update.touch()
        else:
            self.flush()

    def flush(self) -> None:
        """Update the outputs now, if they are not up to date."""
        if not self._is_stale:
            return
        self._is_stale = False
        data = {"image/png": self._png() or _nothing()}
        for number in self._numbers:
            update_display(  # type: ignore[no-untyped-call]
                data, metadata=_METADATA, raw=True, display_id=number
            )


class FollowingStaticImage(StaticImage):
    """A `StaticImage` of a widget that is often displayed before it has an image."""

    _static_outputs: StaticOutputs

    def _follow(self) -> None:
        """Make what follows; before the widget is displayed."""
        self._static_outputs = StaticOutputs(self._static_png, self._is_waited_for)

    def _is_waited_for(self) -> bool:
        """Whether a person waits for the next result."""
        raise NotImplementedError

    def _awaits_image(self) -> bool:
        """Whether it has no image yet, but may have one."""
        raise NotImplementedError

    def _show_static(self, _change: object = None) -> None:
        """What is shown has changed."""
        self._static_outputs.touch()

    def _ipython_display_(self, **settings: Any) -> None:
        if not (self.static_image and self._awaits_image() and StaticOutputs.can_follow()):
            super()._ipython_display_(**settings)
            return
        with contextlib.suppress(NotImplementedError):
            super()._ipython_display_(**settings)
        self._static_outputs.display_below(self._repr_mimebundle_())


def _nothing() -> str:
    """One transparent pixel."""
    return base64.b64encode(_encoded(Image.new("RGBA", (1, 1), (0, 0, 0, 0)))).decode("ascii")
