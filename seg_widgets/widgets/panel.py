"""The panel: choose an image, see its objects, move the threshold, export the result. Wiring only.

The panel is a session: it owns the state. This module puts controls around a canvas, and mirrors
the session's traits in them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, Unpack

import ipywidgets

from ..errors import SegWidgetsError, SettingError
from ..export import ExportedFile
from ..images import Channels, Contrast, Reading, Upload
from ..modeling import EXACT
from ..prediction import (
    DEFAULT_THRESHOLD,
    ClassMapping,
    Prediction,
    Predictor,
    Tidy,
    notes_from,
)
from ..session import PANEL_MAX_PIXELS, ModelSlot, Result, SegmentationSession
from .all_images import AllImages, export_all
from .canvas import SegmentationCanvas
from .canvas_traits import ALL_IMAGES
from .controls import Controls
from .export_shown import export_names, export_shown
from .exporting import Exporting
from .filmstrip import Filmstrip
from .image_sources import ImageSources
from .layout import close_all, labelled, panel_rows
from .mirror import Mirror
from .model_picker import Choice, ModelPicker, at_speed, model_choices
from .on_screen import displayed
from .settings import known_controls, likely_fix, sample_sources
from .static_image import FollowingStaticImage, StaticView

__all__ = ["SegmentationPanel"]

_HINT: Final = (
    "Upload photographs, drop or paste them here, paste the address of one, or pick a sample."
)

# What a person can change on the canvas, and how it is drawn.
_FILTER: Final = ("threshold", "class_thresholds", "hidden_classes", "hidden_instances", "tidy")
_DRAWN: Final = ("color_by", "opacity", "show")
_SHARED: Final = (*_FILTER, "selected", "error", "iou_threshold", "compare_with")
# What is about the instances of one result.
_OF_ONE: Final = ("hidden_instances", "selected")

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _documented(method: _Method) -> _Method:
    """A method of the panel with the docstring that the session's has."""
    method.__doc__ = getattr(SegmentationSession, method.__name__).__doc__
    return method


class SegmentationPanel(FollowingStaticImage, SegmentationSession, ipywidgets.VBox):  # type: ignore[misc]
    """A notebook panel: an image by upload, URL or sample, and its objects outlined, named, scored
    and filtered.

    `panel.image = "photo.jpg"` segments an image from Python, and `panel.wait()` waits for its
    result. The model is loaded in the background, after its weights were fetched if they are not
    here; the panel can be used meanwhile.

    A panel is a `SegmentationSession`: its traits `result`, `image`, `prediction`, `source`,
    `threshold`, `class_thresholds`, `hidden_classes`, `hidden_instances`, `tidy`, `selected`,
    `history`, `busy`, `status` and `error` can be observed and linked. `canvas` and `filmstrip` are
    its parts.

    Args:
        predictor: A `Predictor`, a model's name or folder, or None (default) for the starter.
        build: Instead of a predictor, a function without arguments that builds one.
        device: "auto" (default), "cpu", "cuda", "cuda:1" or "mps", for a name.
        threshold: The lowest score that is shown, 0 to 1 (default 0.5).
        samples: Images to pick from: a dict by name, or a list of paths. None (default) means those
            of the package; an empty one leaves the picker out.
        hidden_classes: Names of classes that are not shown (default none).
        class_thresholds: Thresholds of single classes by name, each 0 to 1 (default none).
        tidy: How what is left is tidied up, a `Tidy`. None (default) means not at all.
        allow_local: Whether URLs may point to this machine and to private networks (default False).
        max_pixels: Pixels of the largest image that is opened (default 25 million).
        contrast: How values of more than 8 bits become 0–255: "auto" (default), "full", "none" or
            (black, white), as for `images.load`.
        channels: Of images with many channels, the index of one, or of three for red, green and
            blue. None (default) means the first.
        page: The index of the page or frame that is opened. None (default) means the first.
        speed: "exact" (default), "balanced" or "fast", as for `load_predictor`, for a name. The
            picker offers each model that is here at all of them.
        models: What the model picker offers, by name: each a `Predictor` or a function that builds
            one. None (default) means all models that have a name.
        controls: What the panel is made of: some of "upload", "url", "samples", "threshold",
            "model", "camera", "drop", "history", "legend", "table" and "export". None (default)
            means all of it.
        static_image: Whether a saved notebook holds a picture of what is shown, as a PNG of at most
            640 pixels' width and 150 kB beside the widget (default True). It is for GitHub,
            nbviewer and whoever opens the notebook without a kernel.
        truth: What is in the images, whatever `GroundTruth.of` takes, or a mapping from file names
            to that; in COCO JSON each image is found by its name. What is shown is matched with it,
            live. None (default) for nothing.
        versus: A second model to compare with (a name, a folder, a predictor), which runs in the
            background, or a second prediction. None (default) for nothing.
        classes: The model's names of the truth's classes, such as `{"kitty": "cat"}`. None
            (default) where they are the same.

    Raises:
        SettingError: A value is out of range, or there is no such keyword.
    """

    def __init__(
        self,
        predictor: Predictor | str | Path | None = None,
        *,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
        threshold: float = DEFAULT_THRESHOLD,
        samples: Mapping[str, object] | Iterable[str | Path] | None = None,
        hidden_classes: Iterable[str] = (),
        class_thresholds: Mapping[str, float] | None = None,
        tidy: Tidy | None = None,
        allow_local: bool = False,
        max_pixels: int = PANEL_MAX_PIXELS,
        contrast: Contrast = "auto",
        channels: Channels = None,
        page: int | None = None,
        speed: str = EXACT,
        models: Mapping[str, Predictor | Callable[[], Predictor]] | None = None,
        controls: Iterable[str] | None = None,
        static_image: bool = True,
        truth: Any = None,
        versus: Any = None,
        classes: ClassMapping | None = None,
        **unknown: object,
    ) -> None:
        for name in unknown:
            raise SettingError(f"SegmentationPanel has no setting {name!r}. {_fix(name)}")
        self._has = known_controls(controls)
        self.static_image = bool(static_image)
        self._follow()
        self._samples = sample_sources(samples) if "samples" in self._has else {}
        choices, chosen = model_choices(predictor, build, models)
        self._choices = choices, at_speed(chosen, speed)
        self._device = device
        self.hidden_classes = hidden_classes
        self.class_thresholds = class_thresholds or {}
        self.tidy = tidy
        self.truth, self.versus, self.classes = truth, versus, classes
        super().__init__(
            predictor,
            build=build,
            device=device,
            threshold=threshold,
            allow_local=allow_local,
            max_pixels=max_pixels,
            contrast=contrast,
            channels=channels,
            page=page,
            speed=speed,
        )

    # The result that the canvas has; the session's may be newer for a moment.
    _on_canvas: Result | None = None

    # ── what it is made of ────────────────────────────────────────────────────────────────────────

    def _make_parts(self) -> None:
        self.add_class("sgw-panel")
        self._make_controls()
        self._make_models(*self._choices)
        self._make_views()
        self.children = panel_rows(self, self._has, self._samples, self._models.several)
        self._wire()

    def _make_controls(self) -> None:
        self._sources = ImageSources(
            self._samples,
            on_files=self._open_files,
            on_address=lambda address: self.segment_url(address),
            on_sample=super().segment,
            on_error=lambda error: self.set_trait("error", error),
            has_failed=lambda: bool(self.error),
        )
        self.upload, self.picker = self._sources.upload, self._sources.picker
        self.url, self.go = self._sources.address.text, self._sources.address.button
        self._controls = Controls(self.threshold, on_clear=self.clear, on_undo=self.undo_clear)
        self.slider, self.notes_line = self._controls.slider, self._controls.notes_line
        self.clearer, self.undo_button = self._controls.clearer, self._controls.undo_button

    def _make_models(self, choices: Mapping[str, Choice], chosen: str) -> None:
        self._models = ModelPicker(
            choices,
            chosen,
            # Another one than the chosen one while that is fetched, or could not be.
            in_use=self._model_in_use() or chosen,
            to_fetch=ModelSlot.to_fetch,
            on_choice=self._use_choice,
            is_fetching=lambda: bool(self.fetching),
            lock=self._lock,
        )
        self.model_picker, self.model_line = self._models.dropdown, self._models.line

    def _make_views(self) -> None:
        has = self._has
        pairs = (("open", "drop"), ("camera", "camera"))
        self._actions = tuple(action for action, control in pairs if control in has)
        self.canvas = SegmentationCanvas(
            threshold=self.threshold,
            hint=_HINT,
            exports=self._exports(),
            actions=self._actions,
            legend="legend" in has,
            table="table" in has,
            upload=self.upload if "upload" in has else None,
            static_image=self.static_image,
        )
        self.canvas.on_export = self._export
        self.canvas.on_open = self._open_files
        self.canvas.on_address = self._open_dropped
        self.canvas.on_cancel = self._cancel
        self._exporting = Exporting(self._lock, self._show_actions)
        self.filmstrip = Filmstrip()
        self.filmstrip.lock = self._lock
        self.filmstrip.on_show = self.show
        self.filmstrip.on_remove = self.forget
        labelled(self)

    def _wire(self) -> None:
        # The canvas is the source of this link: what a view first shows is the canvas's value,
        # whatever the slider's was.
        self._link = ipywidgets.jslink((self.canvas, "threshold"), (self.slider, "value"))

        # With the lock, so that no thread publishes between the first look and the observing.
        with self._lock:
            # Choices among the instances of a result that is still to come wait for it.
            shared = Mirror(
                self,
                self.canvas,
                _SHARED,
                lock=self._lock,
                unless=lambda name: name in _OF_ONE and self.canvas.is_partial,
            )
            self._push = shared.push
            # Only what Python sets goes to the slider from here. What the person sets, the browser
            # has already linked; sending it again would pull the handle back while it is dragged.
            slider = Mirror(
                self,
                self.slider,
                {"threshold": "value"},
                two_way=False,
                lock=self._lock,
                unless=shared.is_receiving,
            )
            for mirror in (shared, slider):
                mirror.push()
            for show, names in (
                (self._show_result, ["result"]),
                (self._show_comparison, ["comparison"]),
                (self._show_upcoming, ["upcoming"]),
                (self._show_controls, ["notes", "can_undo_clear", "threshold", "class_thresholds"]),
                (self._show_history, ["history", "current", *_FILTER]),
                (self._show_actions, ["status", "busy"]),
                (self._show_model, ["predictor", "busy"]),
                (self._show_models, ["fetching"]),
                (self._show_static, ["result", *_FILTER]),
            ):
                self.observe(show, names)
                show()
            self.canvas.observe(self._show_static, _DRAWN)

    # ── what it shows ─────────────────────────────────────────────────────────────────────────────

    def _show_result(self, _change: object = None) -> None:
        result = self._on_canvas = self.result
        if result is None:
            self.canvas.clear()
        else:
            was_partial = self.canvas.is_partial
            self._compare_canvas(is_of_next=True)
            self.canvas.set_result(result.image, result.prediction, result.name)
            if was_partial:  # a person may have chosen some already
                self.hidden_instances = self.canvas.hidden_instances
                self.selected = self.canvas.selected

    def _show_comparison(self, _change: object = None) -> None:
        # A result is compared before it is on the canvas; then `_show_result` is called next.
        is_there = self.result is not None and self.result is self._on_canvas
        if is_there and not self.canvas.is_partial:
            self._compare_canvas()

    def _compare_canvas(self, is_of_next: bool = False) -> None:
        """Give the canvas what belongs to the result on screen."""
        comparison, result = self.comparison, self.result
        if comparison is None or result is None or comparison.prediction is not result.prediction:
            self.canvas.compare(None, None, is_of_next=is_of_next)
        else:
            self.canvas.compare(
                comparison.truth,
                comparison.versus,
                comparison.versus_name,
                is_of_next=is_of_next,
            )

    def _show_upcoming(self, _change: object = None) -> None:
        upcoming = self.upcoming
        was_partial = self.canvas.is_partial
        if upcoming is None:
            self.canvas.set_preview(None)
        elif upcoming.found is None:
            self.canvas.set_preview(upcoming.image, upcoming.name)
        else:
            self.canvas.set_partial(upcoming.image, upcoming.found, upcoming.name)
        if was_partial and not self.canvas.is_partial:
            self._show_comparison()  # it may have changed meanwhile
            self._push()

    def _show_history(self, _change: object = None) -> None:
        with self._lock:
            self.filmstrip.set_entries(self.history, self.current, self.filter)
            self.canvas.exports = self._exports()

    def _show_controls(self, _change: object = None) -> None:
        notes: Sequence[str] = self.notes
        if self.prediction is not None:
            notes = notes_from(self.prediction, self.filter.least, notes)
        self._controls.show(notes, self.can_undo_clear)

    def _show_actions(self, _change: object = None) -> None:
        with self._lock:
            exporting = self._exporting.status
            can_cancel = self.working or bool(exporting)
            self.canvas.status = self.status or exporting
            self.canvas.busy = self.busy or bool(exporting)
            self.canvas.actions = (*self._actions, *(("cancel",) if can_cancel else ()))

    def _show_model(self, _change: object = None) -> None:
        self._models.show_model(self.predictor, self.busy)

    def _show_models(self, _change: object = None) -> None:
        self._models.show_models(self._model_in_use())

    def _model_in_use(self) -> str:
        return at_speed(self.model_name, self.speed) if self.model_name else ""

    # ── what a saved notebook shows ───────────────────────────────────────────────────────────────

    def _static_view(self) -> StaticView | None:
        result = self.result
        if result is None:
            return None
        return StaticView(result.image, result.prediction, self.filter, self.canvas.style_shown)

    def _ipython_display_(self, **settings: Any) -> None:
        displayed(self)
        super()._ipython_display_(**settings)

    def _is_waited_for(self) -> bool:
        return self.working

    def _awaits_image(self) -> bool:
        return self.result is None and not self.closed

    @_documented
    def wait(self, timeout_s: float | None = None) -> Prediction | None:  # noqa: D102
        try:
            return super().wait(timeout_s)
        finally:
            # The cell after this one may be the last.
            self._static_outputs.flush()

    # ── requests, as the session has them ─────────────────────────────────────────────────────────

    @_documented
    def segment(  # noqa: D102
        self, source: object, name: str | None = None, **choices: Unpack[Reading]
    ) -> None:
        self._sources.reset()
        super().segment(source, name, **choices)

    @_documented
    def segment_all(self, sources: Iterable[object]) -> None:  # noqa: D102
        self._sources.reset()
        super().segment_all(sources)

    @_documented
    def clear(self) -> None:  # noqa: D102
        self._sources.reset()
        super().clear()

    @_documented
    def use(  # noqa: D102
        self,
        predictor: Predictor | str | Path | None = None,
        *,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
        speed: str = EXACT,
    ) -> None:
        choices, chosen = model_choices(predictor, build, {})
        with self._models.choosing(choices, at_speed(chosen, speed)):
            super().use(predictor, build=build, device=device, speed=speed)
        self._device = device
        self._show_models()

    def close(self, timeout_s: float = 0.0) -> None:
        """Take the panel off the screen, end its worker and free its model.

        Closing twice is harmless.

        Args:
            timeout_s: Seconds to wait for the worker's end (default 0).
        """
        if not self.closed:
            self._exporting.cancel()
            super().close(timeout_s)
            close_all(self)
        ipywidgets.VBox.close(self)

    def __repr__(self) -> str:
        return f"SegmentationPanel({self.describe()})"

    # ── what the person does ──────────────────────────────────────────────────────────────────────

    def _open_files(self, files: list[Upload]) -> None:
        if len(files) == 1:
            self.segment(files[0])
        else:
            self.segment_all(files)

    def _open_dropped(self, address: str) -> None:
        self._sources.reset()
        self.segment_url(address)

    def _use_choice(self, choice: Choice, speed: str) -> None:
        predictor, build = choice
        super().use(predictor, build=build, device=self._device, speed=speed)

    def _cancel(self) -> None:
        # What the canvas names is ended: the session's work, if there is any.
        if self.working:
            self.cancel()
        else:
            self._exporting.cancel()

    def _exports(self) -> list[str]:
        """The menu of files: what is shown, and where there are several images, all of them."""
        if "export" not in self._has:
            return []
        return export_names(self.history)

    def _export(self, format_name: str) -> ExportedFile | Future[ExportedFile]:
        if self.canvas.is_partial:
            raise SegWidgetsError(
                "The fainter instances of this image are still being drawn. Save it again when "
                "that is done."
            )
        if format_name.startswith(ALL_IMAGES):
            # Of many images it takes long; the kernel goes on meanwhile.
            with self._lock:
                images = AllImages.of(self, self.canvas)
            name = format_name.removeprefix(ALL_IMAGES)
            return self._exporting.start(partial(export_all, name, images))
        return export_shown(format_name, self, self.canvas, self.model_name, self.speed)


def _fix(name: str) -> str:
    """What an unknown setting of the panel may have meant."""
    parameters = inspect.signature(SegmentationPanel).parameters
    return likely_fix(name, [known for known in parameters if known != "unknown"])
