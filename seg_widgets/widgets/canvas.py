"""An image and its instances in the browser: threshold, classes, pointer and selection never need
the kernel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, Final, cast

import anywidget
import cv2
import ipywidgets
import numpy as np
import numpy.typing as npt
import traitlets

from .._text import plural
from ..errors import SegWidgetsError, SettingError
from ..export import ExportedFile
from ..images import MAX_BYTES
from ..prediction import (
    ClassMapping,
    Filter,
    GroundTruth,
    Matches,
    PartialPrediction,
    Prediction,
    check_rgb,
    match,
)
from ..session import (
    ByIdentity,
    ClassNames,
    ClassThresholds,
    CompareWith,
    Indices,
    IouThreshold,
    ThreadSafeTraits,
    Threshold,
    TidyTrait,
)
from ..style import DEFAULT_STYLE, Style
from ..viewer import (
    IMAGE_FORMATS,
    Compared,
    EncodedImage,
    LazyText,
    compare_content,
    decode_content,
    encode_content,
    encode_image,
    script,
    stylesheet,
    with_soft_masks,
)
from .browser_requests import OnExport, OnOpen, Reply, file_reply, reply_to
from .canvas_traits import (
    WHOLE,
    Actions,
    ColorBy,
    ExportNames,
    Opacity,
    Point,
    ShownParts,
    Zoom,
    tidy_settings,
    to_list,
    to_menu,
)
from .partial import Partial, Shown
from .sides import Sides
from .static_image import StaticImage, StaticView

__all__ = ["SegmentationCanvas"]

RGBArray = npt.NDArray[np.uint8]

PREVIEW_SIDE: Final = 1600
"""Pixels of a preview's longer side at most."""


class SegmentationCanvas(StaticImage, ThreadSafeTraits, anywidget.AnyWidget):
    """An image with its instances: outlined, named, filtered by score and class, explored with
    pointer and keys.

    Args:
        image: H×W×3 uint8 RGB, or None (default); given together with `prediction`.
        prediction: What was found in it, or None (default).
        name: What to call the image (default "").
        image_format: How the image travels: "jpeg" (quality 90), "png" (without loss), or "auto"
            (default): PNG for images of up to 256 colours, JPEG for all others.
        static_image: Whether a saved notebook holds a picture of what is shown, as a small PNG
            beside the widget (default True).
        truth: What is in the image, whatever `GroundTruth.of` takes, a mapping from file names to
            that, or None (default). What is shown is matched with it. What doesn't fit becomes
            `error`.
        versus: A second prediction to match with, or a model (a name, a folder, a predictor),
            which runs on the image in the background, or None (default).
        classes: The model's names of the truth's classes, such as `{"kitty": "cat"}`, or None
            (default).
        **settings: The canvas's traits, such as `threshold=0.7`.

    Raises:
        SettingError: A value is out of range.
        PredictionError: The prediction is of an image of another size.
    """

    # As texts: of a path anywidget keeps every widget alive, to notify it of changes in the file.
    _esm = LazyText(script, "canvas")
    _css = LazyText(stylesheet, "canvas")

    content = traitlets.Bytes(b"").tag(sync=True, echo_update=False)
    """Image, masks and metadata as one message of bytes, so that the masks of one image never lie
    on another; default b"" (no image). `encode_content` makes it; the browser never writes it, and
    it is not echoed."""

    preview = traitlets.Bytes(b"").tag(sync=True, echo_update=False)
    """An image that is shown in place of `content` while a model works on it: a message without
    instances; default b"" (none). `set_preview` makes it, and a result ends it."""

    threshold = Threshold().tag(sync=True)
    """The lowest score that is shown, a float from 0 to 1; default 0.5. Link a slider to it in the
    browser with `jslink`."""

    class_thresholds = ClassThresholds().tag(sync=True)
    """Thresholds of single classes in place of `threshold`, a dict of floats from 0 to 1 by class
    name; default empty."""

    hidden_classes = ClassNames().tag(sync=True, to_json=to_list)
    """Names of the classes that are not shown, a tuple of texts; default empty. The chips under the
    image write it."""

    hidden_instances = Indices().tag(sync=True, to_json=to_list)
    """Indices in the prediction of single instances that are not shown, a tuple of int; default
    empty."""

    tidy = TidyTrait().tag(sync=True, to_json=tidy_settings)
    """How what is left is tidied up, a `Tidy`: overlaps, small objects, objects at the border,
    loose pieces and holes; default: not at all. The View menu writes it."""

    selected = Indices().tag(sync=True, to_json=to_list)
    """Indices in the prediction of the selected instances, a tuple of int; default empty. Clicks
    and keys write it."""

    hovered = traitlets.Int(None, allow_none=True).tag(sync=True)
    """The index in the prediction of the instance under the pointer, an int; None (default) when
    there is none."""

    color_by = ColorBy().tag(sync=True)
    """What a colour stands for, a text: "class" (default; the same in every image), "instance" or
    "score"."""

    opacity = Opacity().tag(sync=True)
    """How much of the colour covers the image inside a mask, a float from 0 (none) to 1 (all);
    default 0.45."""

    show = ShownParts().tag(sync=True, to_json=to_list)
    """What is drawn, a tuple with some of "masks", "outlines", "boxes" and "labels"; default all
    but the boxes."""

    doubt = traitlets.Bool(False).tag(sync=True)
    """Whether a band shows where a mask is uncertain (probabilities of 0.2 to 0.8), a bool; default
    False. It needs `soft_masks`."""

    soft_masks = traitlets.Bool(False).tag(sync=True)
    """Whether the content has the prediction's soft masks, a bool; default False. They make the
    message larger, so the View menu sets it when they are first needed."""

    zoom = Zoom().tag(sync=True)
    """How much larger the image is shown than it fits, a float of 1 or more; default 1 (the whole
    image)."""

    pan = Point().tag(sync=True, to_json=to_list)
    """The point of the image in the middle of the view, a tuple (x, y) of fractions of its width
    and height from 0 to 1; default (0.5, 0.5). A view that would show more than the image takes the
    nearest point that it can."""

    truth = ByIdentity()
    """What is in the image, whatever `GroundTruth.of` takes, or a mapping from file names to that;
    None (default) for nothing. It is kept for the next image, which a COCO file has under its
    name."""

    versus = ByIdentity()
    """A second prediction of the image (or what `Prediction.of` takes), or a model (a name, a
    folder, a predictor), which looks at each image in the background; None (default) for
    nothing."""

    classes = ByIdentity()
    """The model's names of the truth's classes, a dict such as `{"kitty": "cat"}`; None (default)
    where they are the same."""

    iou_threshold = IouThreshold().tag(sync=True)
    """The IoU from which a detection and a true instance match, a float from 0.1 to 1; default
    0.5."""

    compare_with = CompareWith().tag(sync=True)
    """Which side the instances are matched with, "truth" (default) or "versus"; where only one is
    there, that one."""

    legend = traitlets.Bool(True).tag(sync=True)
    """Whether the classes are listed with their colours and counts, a bool; default True."""

    table = traitlets.Bool(True).tag(sync=True)
    """Whether the instances are listed, sortable and linked with the image, a bool; default
    True."""

    busy = traitlets.Bool(False).tag(sync=True)
    """Whether to show that something is under way, a bool; default False."""

    status = traitlets.Unicode("").tag(sync=True)
    """What is under way, a text that is shown while `busy`; default ""."""

    error = traitlets.Unicode("").tag(sync=True)
    """A message over the image, a text; default "" (none). It stays until the reader dismisses it,
    which empties it."""

    hint = traitlets.Unicode("The image appears here as soon as there is one.").tag(sync=True)
    """What to do while there is no image, a text."""

    exports = ExportNames().tag(sync=True, to_json=to_menu)
    """The files that can be saved from the canvas, a tuple of names of
    `seg_widgets.export.FORMATS`; default empty. `on_export` makes them. The browser also gets
    their labels and descriptions."""

    actions = Actions().tag(sync=True, to_json=to_list)
    """What a person can do on the canvas, a tuple with some of "open" (images and addresses by drag
    and drop or paste, for `on_open` and `on_address`), "camera" (an image from the webcam, where
    the browser allows it, for `on_open`) and "cancel" (for `on_cancel`); default empty."""

    max_file_bytes = traitlets.Int(MAX_BYTES).tag(sync=True)
    """The size of the largest file that the browser sends, an int of bytes; default 25 MiB, as
    `seg_widgets.images` has it."""

    upload = traitlets.Instance(ipywidgets.FileUpload, allow_none=True).tag(
        sync=True, **ipywidgets.widget_serialization
    )
    """The upload button of this canvas, an `ipywidgets.FileUpload` or None (default): the canvas
    reports when one of its files was lost on its way to the kernel."""

    def __init__(
        self,
        image: RGBArray | None = None,
        prediction: Prediction | None = None,
        *,
        name: str = "",
        image_format: str = "auto",
        static_image: bool = True,
        truth: Any = None,
        versus: Any = None,
        classes: ClassMapping | None = None,
        **settings: Any,
    ) -> None:
        self._others: tuple[Compared, ...] = ()
        self._sides = Sides(self._on_second)
        self._waits_for_next = self._compares_later = False
        self._shown: Shown | None = None
        # The pixels of what is shown, for a second model.
        self._image: RGBArray | None = None
        # The image of the preview, and its file where that is the whole image.
        self._previewed: tuple[RGBArray, EncodedImage] | None = None
        self._partial: Partial | None = None
        self.on_export: OnExport | None = None
        """Makes the file of a format by its name, one of `exports`: (file name, media type,
        bytes), or a `Future` of it."""
        self.on_open: OnOpen | None = None
        """Takes the images that were dropped, pasted or photographed."""
        self.on_address: Callable[[str], None] | None = None
        """Takes an address that was dropped or pasted."""
        self.on_cancel: Callable[[], None] | None = None
        """Ends what is under way."""
        if image_format not in IMAGE_FORMATS:
            raise SettingError(f'image_format is "auto", "jpeg" or "png", not {image_format!r}.')
        self._format = image_format
        self.static_image = bool(static_image)
        if (image is None) != (prediction is None):
            raise SettingError(
                "A canvas shows an image with its prediction: give both, or neither."
            )
        if image is not None and prediction is not None:
            soft = bool(settings.get("soft_masks", False))
            settings["content"] = encode_content(image, prediction, name, image_format, soft=soft)
            self._shown = (name, image.shape[1], image.shape[0], prediction)
            self._image = image
        super().__init__(**settings)
        self.on_msg(self._on_message)
        with self.hold_trait_notifications():
            self.truth, self.versus, self.classes = truth, versus, classes
        self.observe(self._compare_anew, ["truth", "versus", "classes"])
        self._compare_anew()

    def set_result(self, image: RGBArray, prediction: Prediction, name: str = "") -> None:
        """Show another image and its result; thresholds and hidden classes stay as they are.

        The same image with another result keeps its zoom.

        Args:
            image: H×W×3 uint8 RGB.
            prediction: What was found in it.
            name: What to call the image (default "").

        Raises:
            PredictionError: The prediction is of an image of another size.
        """
        with self._sides.changing():
            partial, self._partial = self._partial, None
            encoded = self._take_encoded(image)
            self._image = image
            self._others = self._sides.of(image, prediction, name)
            content = encode_content(
                image,
                prediction,
                name,
                self._format,
                encoded,
                others=self._others,
                soft=self.soft_masks,
            )
            goes_on = partial is not None and partial.is_part_of(image, prediction)
            self._show(content, (name, image.shape[1], image.shape[0], prediction), not goes_on)
            self._tell_problems()

    def compare(
        self,
        truth: GroundTruth | None,
        versus: Prediction | None,
        versus_name: str = "",
        *,
        is_of_next: bool = False,
    ) -> None:
        """Match what is shown with both of these, or with nothing.

        Args:
            truth: The truth, as it is.
            versus: A second prediction.
            versus_name: What to call whatever made it.
            is_of_next: They belong to the image that `set_result` shows next (default False).
        """
        self._sides.name = versus_name
        if self.truth is truth and self.versus is versus:
            return
        self._waits_for_next = is_of_next
        try:
            with self.hold_trait_notifications():
                self.truth, self.versus = truth, versus
        finally:
            self._waits_for_next = False

    @property
    def matches(self) -> Matches | None:
        """What is shown, matched with what it is compared with; None while there is nothing to
        match, or only the first part of a result is there."""
        if self._shown is None or self._partial is not None or not self._others:
            return None
        wanted = [each for each in self._others if each.kind == self.compare_with]
        other = (*wanted, *self._others)[0]
        return match(
            self._shown[3],
            other.other,
            iou=self.iou_threshold,
            only=self.filter,
            pairs=other.pairs,
        )

    def side_of(self, kind: str) -> Any:
        """What is shown beside the prediction.

        Args:
            kind: "truth" or "versus".

        Returns:
            A `GroundTruth` or a `Prediction`; None where there is none.
        """
        return next((each.other for each in self._others if each.kind == kind), None)

    def _compare_anew(self, _change: object = None) -> None:
        self._sides.take(self.truth, self.versus, self.classes)
        if not self._waits_for_next:
            self._compare_again()

    def _compare_again(self) -> None:
        with self._sides.changing():
            # A part of a result is not matched: overlaps are those of all masks.
            self._compares_later = self._partial is not None
            if self._shown is not None and self._image is not None and not self._compares_later:
                name, _, _, prediction = self._shown
                before, self._others = self._others, self._sides.of(self._image, prediction, name)
                if before or self._others:
                    self.content = compare_content(self.content, prediction, self._others)
            self._tell_problems()

    def _on_second(self, image: RGBArray) -> None:
        if image is self._image:
            self._compare_again()

    def _tell_problems(self) -> None:
        self.error = self._sides.problems.told(self.error)

    def close(self) -> None:
        """End the widget, and a second model that looks at its images."""
        self._sides.close()
        super().close()

    def set_partial(self, image: RGBArray, found: PartialPrediction, name: str = "") -> None:
        """Show what was found so far, until its result is there; `set_preview(None)` ends it, too.

        What a person hides or selects meanwhile stays with the result that has the same instances.

        Args:
            image: H×W×3 uint8 RGB.
            found: What was found in it so far.
            name: What to call the image (default "").
        """
        encoded = self._take_encoded(image) or encode_image(image, self._format)
        content = encode_content(image, found, name, self._format, encoded)
        before = self._partial.before if self._partial is not None else (self.content, self._shown)
        self._partial = Partial(image, found, before)
        self._previewed = image, encoded
        self._show(content, (name, image.shape[1], image.shape[0], found.boxes), True)

    @traitlets.observe("soft_masks")
    def _send_soft_masks(self, _change: object) -> None:
        shown = self._shown
        if shown is not None and not self.is_partial and self.content:
            self.content = with_soft_masks(self.content, shown[3], self.soft_masks)

    @property
    def is_partial(self) -> bool:
        """Whether what is shown is part of a result that is still to come."""
        return self._partial is not None

    def _take_encoded(self, image: RGBArray) -> EncodedImage | None:
        """The image's file where the preview had it."""
        previewed, self._previewed = self._previewed, None
        return previewed[1] if previewed is not None and previewed[0] is image else None

    def _show(self, content: bytes, shown: Shown, reset: bool) -> None:
        before, self._shown = self._shown, shown
        with self.hold_trait_notifications():
            if reset:
                self._reset_choices(zoom=before is None or before[:3] != shown[:3])
            self.content = content
            # Behind the content, or the last result would be seen again for a moment.
            self.preview = b""

    def set_preview(self, image: RGBArray | None, name: str = "") -> None:
        """Show an image until its result is there; what was shown comes back without one.

        A large image travels at the size of a large screen.

        Args:
            image: H×W×3 uint8 RGB, or None to end it.
            name: What to call the image (default "").

        Raises:
            SettingError: The image is something else, such as a path.
        """
        if image is not None:
            check_rgb(image)
        self._previewed = None
        self._end_partial()
        if image is None:
            self.preview = b""
            return
        scale = PREVIEW_SIDE / max(image.shape[:2])
        encoded = encode_image(_scaled(image, scale) if scale < 1 else image, self._format)
        if scale >= 1:
            self._previewed = image, encoded
        nothing = Prediction.empty(image.shape[:2])
        self.preview = encode_content(image, nothing, name, encoded=encoded)

    def _end_partial(self) -> None:
        """Show again what was shown before it."""
        if self._partial is None:
            return
        content, shown = self._partial.before
        self._partial = None
        if shown is None:
            self.clear()
        else:
            self._show(content, shown, True)
            if self._compares_later:
                self._compare_again()

    def clear(self) -> None:
        """Show no image."""
        self._shown = self._partial = self._image = None
        self._sides.problems.forget_image()
        self._tell_problems()
        with self.hold_trait_notifications():
            self._reset_choices()
            self.content = b""
            self.preview = b""

    @property
    def filter(self) -> Filter:
        """Which instances are shown, as a `Filter`."""
        return Filter(
            self.threshold,
            self.hidden_classes,
            self.class_thresholds,
            self.hidden_instances,
            self.tidy,
        )

    @property
    def style_shown(self) -> Style:
        """How they are drawn, as a `Style`."""
        return Style.from_traits(
            **{name: getattr(self, name) for name in DEFAULT_STYLE.to_traits()}
        )

    def _static_view(self) -> StaticView | None:
        if self._shown is None:
            return None
        *_, prediction = self._shown
        encoded = np.frombuffer(decode_content(self.content).image, np.uint8)
        decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        assert decoded is not None, "the canvas has encoded it"
        image = cast(RGBArray, cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))
        return StaticView(image, prediction, self.filter, self.style_shown)

    def _reset_choices(self, zoom: bool = True) -> None:
        self.selected = ()
        self.hidden_instances = ()
        self.hovered = None
        if zoom:
            self.zoom = 1.0
            self.pan = WHOLE

    # ── requests of the browser ─────────────────────────────────────────────────────────────────

    def _on_message(self, _widget: object, content: Any, buffers: Any) -> None:
        """Reply to a request of the browser with a message, so that no server path is needed.

        `viewer/protocol.md` describes both.
        """
        if not isinstance(content, dict) or not isinstance(content.get("action"), str):
            return
        request_id = content.get("id")
        # At once, so that the browser knows that the request has come, however long the reply
        # takes.
        self.send({"received": request_id})
        try:
            reply = reply_to(self, content, list(buffers or ()))
        except SegWidgetsError as error:
            self.error = str(error)
            reply = {"failed": True}, []
        if isinstance(reply, Future):
            reply.add_done_callback(lambda file: self._send_file(request_id, file))
        else:
            self._send_reply(request_id, reply)

    def _send_file(self, request_id: object, file: Future[ExportedFile]) -> None:
        """Called by the thread that made it, or cancelled it."""
        reply: Reply = {"failed": True}, []
        try:
            reply = file_reply(file.result())
        except SegWidgetsError as error:
            self.error = str(error)
        except CancelledError:
            pass  # the person knows
        self._send_reply(request_id, reply)

    def _send_reply(self, request_id: object, reply: Reply) -> None:
        content, data = reply
        self.send({"reply": request_id, **content}, data)

    def __repr__(self) -> str:
        if self._shown is None:
            return f"SegmentationCanvas(no image yet, threshold {self.threshold:.2f})"
        name, width, height, prediction = self._shown
        called = f"{name!r} " if name else ""
        total = len(prediction)
        noun = plural(total, "instance")
        keep = self.filter.keep(prediction)
        return (
            f"SegmentationCanvas({called}{width}×{height}, {int(keep.sum())} of {total} {noun} "
            f"shown at threshold {self.threshold:.2f})"
        )


def _scaled(image: RGBArray, scale: float) -> RGBArray:
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cast(RGBArray, cv2.resize(image, size, interpolation=cv2.INTER_AREA))
