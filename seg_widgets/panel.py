"""The panel: choose a picture, see its objects, move the threshold, take the result away. Wiring only.

The session knows the state, the canvas draws it; this module puts ipywidgets' controls around the canvas and carries
each change from where it is made to where it is shown.
"""

from __future__ import annotations

import difflib
import html
import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import ipywidgets

from . import export, images, rendering
from .canvas import SegmentationCanvas
from .errors import ImageError, SegWidgetsError, SettingError
from .prediction import Prediction
from .predictor import Predictor
from .samples import samples as own_samples
from .session import PANEL_MAX_PIXELS, SegmentationSession, SegmentationState, own_writes

__all__ = ["SegmentationPanel"]

_HINT: Final = "Upload a photograph, paste the address of one, or pick a sample."
_PICK: Final = "Samples"
_SETTINGS: Final = (
    "predictor",
    "build",
    "device",
    "threshold",
    "samples",
    "allow_local",
    "max_pixels",
    "hidden_classes",
)

# What others call a setting, or set elsewhere.
_NO_SETTINGS: Final = {
    "model": "Did you mean 'predictor'?",
    "image": "Set panel.image once the panel is made.",
    "weights": "Give predictor=load_predictor(config=…, weights=…).",
    "config": "Give predictor=load_predictor(config=…, weights=…).",
    "score_threshold": "Did you mean 'threshold'?",
    "confidence": "Did you mean 'threshold'?",
}

# What one side writes and the other mirrors.
_TOLD_BY_SESSION: Final = ("source", "prediction", "predictor", "status", "busy")
_SHARED: Final = ("threshold", "hidden_classes", "hidden_instances", "selected", "error")

# A second Enter or click on the same address within this time is one request, however the front end orders its events.
_SAME_REQUEST_S: Final = 1.0


class SegmentationPanel(SegmentationState, ipywidgets.VBox):  # type: ignore[misc]
    """A notebook panel: a picture by upload, URL or sample, and its objects outlined, named, scored and filtered.

    `predictor`: a `Predictor`, a model's name, or None for the starter. The model is loaded in the background; the
    panel can be used meanwhile. `build`: instead of a predictor, a function without arguments that builds one.
    `device`: "auto", "cpu", "cuda", "cuda:1" or "mps", for a name. `threshold`: the lowest score shown, 0 to 1.
    `samples`: pictures to pick from, by name, or a list of paths; None: those that come along; empty: no picker.
    `hidden_classes`: names of classes that are not shown. `allow_local`: URLs may point to this machine and to private
    networks. `max_pixels`: the largest picture that is opened.

    The traits `image`, `prediction`, `source`, `threshold`, `hidden_classes`, `hidden_instances`, `selected`, `busy`,
    `status` and `error` can be observed and linked; they are those of `SegmentationState`. `panel.image = "photo.jpg"`
    segments a picture from Python, and `panel.wait()` waits for its result. `session` and `canvas` are its parts.

    Raises `SettingError` for a value out of range and for a keyword that there is not.
    """

    def __init__(
        self,
        predictor: Predictor | str | None = None,
        *,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
        threshold: float = 0.5,
        samples: Mapping[str, object] | Iterable[str | Path] | None = None,
        hidden_classes: Iterable[str] = (),
        allow_local: bool = False,
        max_pixels: int = PANEL_MAX_PIXELS,
        **unknown: object,
    ) -> None:
        for name in unknown:
            raise SettingError(f"SegmentationPanel has no setting {name!r}. {_likely_fix(name)}")
        self._samples = _sample_sources(samples)
        self._controls: tuple[Any, ...] = ()
        self._tried_url = ("", 0.0)
        self.session = SegmentationSession(
            predictor,
            build=build,
            device=device,
            threshold=threshold,
            allow_local=allow_local,
            max_pixels=max_pixels,
        )
        self.canvas = SegmentationCanvas(threshold=self.session.threshold, hint=_HINT)
        self.canvas.exports = ("png", "coco", "csv")
        self.canvas.exporter = self._export
        self._make_controls()
        super().__init__(children=self._rows())
        self.add_class("sgw-panel")
        self.threshold = self.session.threshold
        self._wire()
        self.hidden_classes = hidden_classes

    # ── controls ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _make_controls(self) -> None:
        auto = ipywidgets.Layout(width="auto")
        self.upload = ipywidgets.FileUpload(
            accept="image/*", multiple=False, description="Upload picture", button_style="primary", layout=auto
        )
        if self.upload.has_trait("tooltip"):  # ipywidgets 8, which shows "null" without one
            self.upload.tooltip = "Choose a picture on your computer"
        self.url = ipywidgets.Text(
            placeholder="or paste the address of a picture: https://…",
            continuous_update=False,
            layout=ipywidgets.Layout(width="auto", flex="1 1 220px"),
        )
        self.go = ipywidgets.Button(description="Open", tooltip="Open the address", layout=auto)
        self.picker = ipywidgets.Dropdown(
            options=[(_PICK, ""), *((name, name) for name in self._samples)], value="", layout=auto
        )
        self.slider = ipywidgets.FloatSlider(
            value=self.session.threshold,
            min=0,
            max=1,
            step=0.01,
            readout_format=".2f",
            description="Threshold",
            continuous_update=True,
            layout=ipywidgets.Layout(width="auto", flex="1 1 260px"),
        )
        self.model_line = ipywidgets.HTML(layout=auto)
        for control, name in (
            (self.upload, "upload"),
            (self.url, "url"),
            (self.go, "go"),
            (self.picker, "picker"),
            (self.slider, "slider"),
            (self.model_line, "model"),
        ):
            control.add_class(f"sgw-panel-{name}")
        # The canvas is the source: what a view first shows is the canvas's value, whatever the slider's was.
        link = ipywidgets.jslink((self.canvas, "threshold"), (self.slider, "value"))
        self._controls = (self.upload, self.url, self.go, self.picker, self.slider, self.model_line, link)

    def _rows(self) -> list[Any]:
        sources = [self.upload, self.url, self.go] + ([self.picker] if self._samples else [])
        rows = [ipywidgets.HBox(sources), ipywidgets.HBox([self.slider, self.model_line])]
        for row in rows:
            row.add_class("sgw-panel-row")
        return [*rows, self.canvas]

    def _wire(self) -> None:
        session, canvas = self.session, self.canvas
        for name in _TOLD_BY_SESSION:
            session.observe(self._from_session, name)
        for name in _SHARED:
            session.observe(self._from_session, name)
            self.observe(self._to_session, name)
            canvas.observe(self._from_canvas, name)
        self.upload.observe(self._on_upload, "value")
        self.url.observe(self._on_url, "value")
        self.url.on_msg(self._on_url_message)
        self.go.on_click(lambda _: self._open_url(again=True))
        self.picker.observe(self._on_pick, "value")
        for name in (*_TOLD_BY_SESSION, *_SHARED):
            self._take_from_session(name)

    # ── asking for things ─────────────────────────────────────────────────────────────────────────────────────────────

    def segment(self, source: object, name: str | None = None) -> None:
        """Open and segment a picture in the background; a request that still waits is dropped.

        `source`: anything that `images.load` takes (path, URL, bytes, array, PIL image, upload). `name`: what to call
        it. What goes wrong with it is shown in the panel, comes as `error`, and is raised by `wait`.
        """
        self._reset_sources()
        self.session.segment(source, name)

    def use(
        self,
        predictor: Predictor | str | None = None,
        *,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
    ) -> None:
        """Take another model (arguments as for the panel) and segment the picture on screen with it."""
        self.session.use(predictor, build=build, device=device)

    def clear(self) -> None:
        """Forget the picture, its result and any error, and drop what is under way."""
        self._reset_sources()
        self.session.clear()

    def cancel(self) -> None:
        """Drop the request that is under way; what is on screen stays."""
        self.session.cancel()

    def wait(self, timeout_s: float | None = None) -> Prediction | None:
        """Wait until nothing is under way, the model's loading included, and return the prediction on screen.

        `timeout_s`: seconds; None waits as long as it takes. Raises the error of the last request if it failed (the
        result before it stays on screen), and `TimeoutError` when the time is over.
        """
        return self.session.wait(timeout_s)

    def close(self) -> None:
        """Take the panel off the screen, end its worker and let go of its model."""
        session: SegmentationSession | None = getattr(self, "session", None)
        # ipywidgets also calls this for an object whose __init__ refused its arguments.
        if session is not None and not session.closed:
            session.close()
            for control in (*self._controls, *self.children):
                # ipywidgets closes neither a control's layout nor its style with it.
                for part in (control, getattr(control, "layout", None), getattr(control, "style", None)):
                    if part is not None:
                        part.close()
        super().close()

    def __repr__(self) -> str:
        return f"SegmentationPanel({self.describe()})"

    # ── session, canvas and panel tell each other ─────────────────────────────────────────────────────────────────────

    def _from_session(self, change: Any) -> None:
        self._take_from_session(change["name"])

    def _take_from_session(self, name: str) -> None:
        value = getattr(self.session, name)
        if name == "prediction":
            self._show_result()
        elif name in _TOLD_BY_SESSION:
            self.set_trait(name, value)
        else:
            setattr(self, name, value)
        if name in ("status", "busy") or (name in _SHARED and getattr(self.canvas, name) != value):
            setattr(self.canvas, name, value)
            # Only what Python sets goes to the slider from here. What the person sets, the browser has already linked;
            # sending it again would pull the handle back while it is dragged.
            if name == "threshold":
                self.slider.value = value
        if name in ("predictor", "busy"):
            self._tell_model()

    def _show_result(self) -> None:
        session = self.session
        if session.image is None or session.prediction is None:
            self.canvas.clear()
        else:
            self.canvas.set_result(session.image, session.prediction, session.source)
        with self.hold_trait_notifications(), own_writes():
            self.set_trait("source", session.source)
            self.set_trait("prediction", session.prediction)
            self.image = session.image

    def _to_session(self, change: Any) -> None:
        setattr(self.session, change["name"], change["new"])

    def _from_canvas(self, change: Any) -> None:
        try:
            setattr(self.session, change["name"], change["new"])
        except SettingError:
            # The browser spoke of the picture before: the canvas takes the session's word.
            setattr(self.canvas, change["name"], getattr(self.session, change["name"]))

    def _tell_model(self) -> None:
        predictor = self.session.predictor
        if predictor is not None:
            name = getattr(predictor, "description", "") or getattr(predictor, "name", "") or type(predictor).__name__
            device = getattr(predictor, "device", "")
            text = f"Model: <b>{html.escape(str(name))}</b>" + (f" on {html.escape(str(device))}" if device else "")
        elif self.session.busy:
            text = "Model: loading …"
        else:
            text = "Model: none"
        self.model_line.value = f'<span class="sgw-panel-model-text">{text}</span>'

    # ── what the person does ──────────────────────────────────────────────────────────────────────────────────────────

    def _on_upload(self, change: Any) -> None:
        try:
            uploads = images.uploads(change["new"])
        except ImageError as error:
            self.session.error = str(error)
            return
        if not uploads:
            return
        # Emptied, so that the same file can be chosen again, and its bytes don't stay in the widget's state.
        if self.upload.has_trait("_counter"):  # ipywidgets 7, whose value follows from these three
            self.upload.metadata = []
            self.upload.data = []
            self.upload._counter = 0
        else:
            self.upload.value = ()
        self._reset_sources()
        self.session.segment(uploads[0].content, uploads[0].name)

    def _on_url(self, change: Any) -> None:
        if change["new"].strip():
            self._open_url()

    def _on_url_message(self, _widget: object, content: Any, _buffers: object) -> None:
        # Enter on an address that is still the same changes no value; after a failure it means "once more".
        if content.get("event") == "submit" and self.session.error and self.url.value == self._tried_url[0]:
            self._open_url(again=True)

    def _open_url(self, again: bool = False) -> None:
        address = self.url.value.strip()
        if not address:
            if again:
                self.session.error = "There is no address yet. Paste one that starts with https:// first."
            return
        tried, when = self._tried_url
        now = time.monotonic()
        if address == tried and now - when < _SAME_REQUEST_S:
            return
        self._tried_url = (address, now)
        self._reset_picker()
        self.session.segment_url(address)

    def _on_pick(self, change: Any) -> None:
        name = change["new"]
        if name:
            self._reset_url()
            self.session.segment(self._samples[name], _sample_name(self._samples[name], name))

    def _reset_sources(self) -> None:
        self._reset_picker()
        self._reset_url()

    def _reset_picker(self) -> None:
        self.picker.value = ""

    def _reset_url(self) -> None:
        self.url.value = ""
        self._tried_url = ("", 0.0)

    # ── taking it away ────────────────────────────────────────────────────────────────────────────────────────────────

    def _export(self, kind: str) -> tuple[str, str, bytes]:
        """What is shown, as a file: its name, its media type and its bytes."""
        shown, image = self.shown, self.image
        if shown is None or image is None:
            raise SegWidgetsError("There is no picture to save yet.")
        stem = Path(self.source).stem or "picture"
        if kind == "png":
            style = rendering.Style(
                color_by="instance" if self.canvas.color_by == "instance" else "class",
                opacity=self.canvas.opacity,
                masks="masks" in self.canvas.show,
                outlines="outlines" in self.canvas.show,
                boxes="boxes" in self.canvas.show,
                labels="labels" in self.canvas.show,
            )
            return f"{stem}-overlay.png", "image/png", export.png_bytes(rendering.overlay(image, shown, style))
        if kind == "coco":
            data = export.coco_dataset(shown, self.source or stem)
            return f"{stem}-coco.json", "application/json", json.dumps(data, ensure_ascii=False).encode()
        return f"{stem}.csv", "text/csv", export.to_csv(shown).encode()


def _likely_fix(name: str) -> str:
    """What somebody who wrote the setting `name` may have meant."""
    if name in _NO_SETTINGS:
        return _NO_SETTINGS[name]
    close = difflib.get_close_matches(name, _SETTINGS, 1, 0.6)
    return f"Did you mean {close[0]!r}?" if close else f"It takes {', '.join(_SETTINGS)}."


def _sample_sources(given: Mapping[str, object] | Iterable[str | Path] | None) -> dict[str, object]:
    """Samples by the name that the picker shows."""
    if given is None:
        return dict(own_samples())
    if isinstance(given, Mapping):
        return {str(name): source for name, source in given.items()}
    if isinstance(given, (str, Path)):
        raise SettingError(f"samples is a dict or a list of pictures, such as [{str(given)!r}], not one path.")
    return {Path(path).stem: path for path in given}


def _sample_name(source: object, name: str) -> str:
    return Path(source).name if isinstance(source, (str, Path)) else name
