"""An image and its instances in the browser: threshold, classes, pointer and selection never need
the kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import anywidget
import ipywidgets
import numpy as np
import numpy.typing as npt
import traitlets

from ..errors import ImageError, SegWidgetsError, SettingError
from ..images import Upload
from ..prediction import Prediction
from ..session import ClassNames, ClassThresholds, Indices, ThreadSafeTraits, Threshold
from ..viewer import IMAGE_FORMATS, LazyText, encode_content, script, stylesheet

__all__ = ["SegmentationCanvas"]

RGBArray = npt.NDArray[np.uint8]
Exporter = Callable[[str], tuple[str, str, bytes]]
Opener = Callable[[list[Upload]], None]

_SHOWS: Final = ("masks", "outlines", "boxes", "labels")
_EXPORTS: Final = ("png", "cutouts", "coco", "csv", "html", "python")
_ASKS: Final = ("open", "camera", "cancel")
_WHOLE: Final = (0.5, 0.5)


if TYPE_CHECKING:
    _NamesTrait = traitlets.TraitType[tuple[str, ...], Iterable[str]]
    _FloatTrait = traitlets.TraitType[float, object]
    _TextTrait = traitlets.TraitType[str, str]
    _PointTrait = traitlets.TraitType[tuple[float, float], Iterable[float]]
else:
    # traitlets 5.7 (Colab's) takes no type parameters.
    _NamesTrait = _FloatTrait = _TextTrait = _PointTrait = traitlets.TraitType


class _SomeOf(_NamesTrait):
    """Some of a few words, as a tuple in the words' own order."""

    def __init__(self, words: tuple[str, ...], default: tuple[str, ...] = ()) -> None:
        self.words = words
        super().__init__(default)

    def validate(self, obj: Any, value: Any) -> tuple[str, ...]:
        chosen = (value,) if isinstance(value, str) else tuple(value)
        for name in chosen:
            if name not in self.words:
                raise SettingError(
                    f"{self.name} takes {', '.join(map(repr, self.words))}, not {name!r}."
                )
        return tuple(name for name in self.words if name in chosen)


class _Opacity(_FloatTrait):
    """0 to 1."""

    default_value = 0.45

    def validate(self, obj: Any, value: Any) -> float:
        if isinstance(value, (int, float)) and 0 <= value <= 1:
            return float(value)
        raise SettingError(f"{self.name} is a number from 0 to 1, not {value!r}.")


class _Zoom(_FloatTrait):
    """1 or more."""

    default_value = 1.0

    def validate(self, obj: Any, value: Any) -> float:
        if isinstance(value, (int, float)) and 1 <= value < float("inf"):
            return float(value)
        raise SettingError(f"{self.name} is a number from 1 (the whole image) on, not {value!r}.")


class _Point(_PointTrait):
    """Two fractions, each 0 to 1."""

    default_value = _WHOLE

    def validate(self, obj: Any, value: Any) -> tuple[float, float]:
        try:
            x, y = (float(part) for part in value)
        except (TypeError, ValueError):
            x = y = float("nan")
        if 0 <= x <= 1 and 0 <= y <= 1:
            return x, y
        raise SettingError(
            f"{self.name} is a point of the image (x, y), each from 0 to 1, not {value!r}."
        )


class _ColorBy(_TextTrait):
    """One of three words."""

    default_value = "class"

    def validate(self, obj: Any, value: Any) -> str:
        if value in ("class", "instance", "score"):
            return str(value)
        raise SettingError(f'{self.name} is "class", "instance" or "score", not {value!r}.')


def _to_list(value: Iterable[Any], _widget: object) -> list[Any]:
    return list(value)


class SegmentationCanvas(ThreadSafeTraits, anywidget.AnyWidget):
    """An image with its instances: outlined, named, filtered by score and class, explored with
    pointer and keys.

    `image`: H×W×3 uint8 RGB; `prediction`: what was found in it; both or neither. `name`: what to
    call the image. `image_format`: how the image travels, "jpeg" (quality 90), "png" (without
    loss), or "auto": PNG for images of up to 256 colours, JPEG for all others. Further keywords set
    traits. Raises `SettingError` for a value out of range and `PredictionError` for a prediction of
    another image's size.
    """

    # As texts: of a path anywidget keeps every widget alive, to tell it of changes in the file.
    _esm = LazyText(script, "canvas")
    _css = LazyText(stylesheet, "canvas")

    content = traitlets.Bytes(b"").tag(sync=True, echo_update=False)
    """Image, masks and metadata as one message, so that the masks of one image never lie on another
    (bytes; default b"": no image). `encode_content` makes it; the browser never writes it, and it
    is not echoed."""

    threshold = Threshold().tag(sync=True)
    """The lowest score that is shown, 0 to 1 (default 0.5). Link a slider to it in the browser with
    `jslink`."""

    class_thresholds = ClassThresholds().tag(sync=True)
    """Thresholds of single classes by name, each 0 to 1, in place of `threshold` (default none)."""

    hidden_classes = ClassNames().tag(sync=True, to_json=_to_list)
    """Names of the classes that are not shown (default none); the chips under the image write
    it."""

    hidden_instances = Indices().tag(sync=True, to_json=_to_list)
    """Places in the prediction of single instances that are not shown (default none)."""

    selected = Indices().tag(sync=True, to_json=_to_list)
    """Places in the prediction of the selected instances (default none); clicks and keys write
    it."""

    hovered = traitlets.Int(None, allow_none=True).tag(sync=True)
    """The place in the prediction of the instance under the pointer, or None (default)."""

    color_by = _ColorBy().tag(sync=True)
    """What a colour tells: "class" (default; the same in every image), "instance" or "score"."""

    opacity = _Opacity().tag(sync=True)
    """How much of the colour covers the image inside a mask, 0 (none) to 1 (all); default 0.45."""

    show = _SomeOf(_SHOWS, ("masks", "outlines", "labels")).tag(sync=True, to_json=_to_list)
    """What is drawn: some of "masks", "outlines", "boxes" and "labels" (default: all but the
    boxes)."""

    zoom = _Zoom().tag(sync=True)
    """How much larger the image is shown than it fits, 1 (default: the whole image) or more."""

    pan = _Point().tag(sync=True, to_json=_to_list)
    """The point of the image in the middle of the view: fractions (x, y) of its width and height, 0
    to 1 (default (0.5, 0.5)). A view whose edge it would show beside the image takes the nearest
    point that it can."""

    legend = traitlets.Bool(True).tag(sync=True)
    """Whether the classes are listed, with their colours and counts (default True)."""

    table = traitlets.Bool(True).tag(sync=True)
    """Whether the instances are listed, sortable and linked with the image (default True)."""

    busy = traitlets.Bool(False).tag(sync=True)
    """Whether to show that something is under way (default False)."""

    status = traitlets.Unicode("").tag(sync=True)
    """What is under way, in words, shown while `busy` (default "")."""

    error = traitlets.Unicode("").tag(sync=True)
    """A message over the image, which stays (default "": none); the reader can dismiss it, which
    empties it."""

    hint = traitlets.Unicode("The image appears here as soon as there is one.").tag(sync=True)
    """What to do while there is no image, in words."""

    exports = _SomeOf(_EXPORTS).tag(sync=True, to_json=_to_list)
    """The files that can be saved from the canvas: some of "png", "cutouts", "coco", "csv", "html"
    and "python" (default none); see `exporter`."""

    asks = _SomeOf(_ASKS).tag(sync=True, to_json=_to_list)
    """What the person may ask for from the canvas (default nothing): "open" (images and addresses
    by drag and drop or paste; see `opener`), "camera" (an image from the webcam, where the browser
    allows it), "cancel" (what is under way; see `canceller`)."""

    upload = traitlets.Instance(ipywidgets.FileUpload, allow_none=True).tag(
        sync=True, **ipywidgets.widget_serialization
    )
    """The upload button whose files end on this canvas, or None (default): the browser tells when
    one of them was lost on its way to the kernel."""

    def __init__(
        self,
        image: RGBArray | None = None,
        prediction: Prediction | None = None,
        *,
        name: str = "",
        image_format: str = "auto",
        **settings: Any,
    ) -> None:
        self._shown: tuple[str, int, int, Prediction] | None = None
        self.exporter: Exporter | None = None
        """Makes the file of an export by its name, one of `exports`: (file name, media type,
        bytes)."""
        self.opener: Opener | None = None
        """Takes the images that were dropped, pasted or photographed."""
        self.address_opener: Callable[[str], None] | None = None
        """Takes an address that was dropped or pasted."""
        self.canceller: Callable[[], None] | None = None
        """Ends what is under way."""
        if image_format not in IMAGE_FORMATS:
            raise SettingError(f'image_format is "auto", "jpeg" or "png", not {image_format!r}.')
        self._format = image_format
        if (image is None) != (prediction is None):
            raise SettingError(
                "A canvas shows an image with its prediction: give both, or neither."
            )
        if image is not None and prediction is not None:
            settings["content"] = encode_content(image, prediction, name, image_format)
            self._shown = (name, image.shape[1], image.shape[0], prediction)
        super().__init__(**settings)
        self.on_msg(self._on_message)

    def set_result(self, image: RGBArray, prediction: Prediction, name: str = "") -> None:
        """Show another image (H×W×3 uint8 RGB) and its result; thresholds and hidden classes stay
        as they are.

        The same image with another result keeps its zoom. Raises `PredictionError` when the
        prediction is of a image of another size.
        """
        content = encode_content(image, prediction, name, self._format)
        before, self._shown = self._shown, (name, image.shape[1], image.shape[0], prediction)
        with self.hold_trait_notifications():
            self._forget_choices(zoom=before is None or before[:3] != self._shown[:3])
            self.content = content

    def clear(self) -> None:
        """Show no image."""
        self._shown = None
        with self.hold_trait_notifications():
            self._forget_choices()
            self.content = b""

    def _forget_choices(self, zoom: bool = True) -> None:
        self.selected = ()
        self.hidden_instances = ()
        self.hovered = None
        if zoom:
            self.zoom = 1.0
            self.pan = _WHOLE

    # ── what the browser asks for ─────────────────────────────────────────────────────────────────

    def _on_message(self, _widget: object, content: Any, buffers: Any) -> None:
        """Answer a question of the browser by a message of its own, so that no server path is
        needed."""
        if not isinstance(content, dict) or not isinstance(content.get("ask"), str):
            return
        number = content.get("number")
        # At once, so that the browser knows that the question has come, however long the answer
        # takes.
        self.send({"got": number})
        try:
            answer, data = self._answer(content, list(buffers or ()))
        except SegWidgetsError as error:
            self.error = str(error)
            answer, data = {"failed": True}, []
        self.send({"answer": number, **answer}, data)

    def _answer(
        self, content: dict[str, Any], buffers: list[Any]
    ) -> tuple[dict[str, Any], list[bytes]]:
        asked = content["ask"]
        if asked == "export" and self.exporter is not None:
            name, media_type, data = self.exporter(str(content.get("kind")))
            return {"file": name, "mediaType": media_type}, [data]
        if asked == "open" and self.opener is not None:
            self.opener(_uploads(content.get("names"), buffers))
        elif asked == "address" and self.address_opener is not None:
            self.address_opener(str(content.get("address")))
        elif asked == "cancel" and self.canceller is not None:
            self.canceller()
        else:
            return {"failed": True}, []
        return {}, []

    def __repr__(self) -> str:
        if self._shown is None:
            return f"SegmentationCanvas(no image yet, threshold {self.threshold:.2f})"
        name, width, height, prediction = self._shown
        total = len(prediction)
        keep = prediction.keep(
            self.threshold, self.hidden_classes, self.class_thresholds, self.hidden_instances
        )
        return (
            f"SegmentationCanvas({f'{name!r} ' if name else ''}{width}×{height}, {int(keep.sum())} of {total} "
            f"{'instance' if total == 1 else 'instances'} shown at threshold {self.threshold:.2f})"
        )


def _uploads(names: object, buffers: list[Any]) -> list[Upload]:
    """The files of a message: `names` and `buffers` belong together one by one."""
    if not isinstance(names, list) or not names or len(names) != len(buffers):
        raise ImageError("The browser sent no image. Drop or paste it once more.")
    return [Upload(str(name), bytes(data)) for name, data in zip(names, buffers, strict=True)]
