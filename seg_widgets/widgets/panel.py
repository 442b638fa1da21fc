"""The panel: choose an image, see its objects, move the threshold, take the result away. Wiring
only.

The session knows the state, the canvas draws it; this module puts ipywidgets' controls around the
canvas and carries each change from where it is made to where it is shown.
"""

from __future__ import annotations

import difflib
import html
import inspect
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import ipywidgets

from .. import export, images
from .._samples import samples as own_samples
from ..errors import ImageError, SegWidgetsError, SettingError
from ..images import Upload
from ..modeling import STARTER, missing_card, model_name
from ..modeling import models as known_models
from ..prediction import Filter, Prediction, Predictor
from ..session import PANEL_MAX_PIXELS, SegmentationSession, SegmentationState, own_writes
from ..style import Style
from .canvas import SegmentationCanvas
from .filmstrip import Filmstrip

__all__ = ["SegmentationPanel"]

CONTROLS: Final = (
    "upload",
    "url",
    "samples",
    "threshold",
    "model",
    "camera",
    "drop",
    "history",
    "legend",
    "table",
    "export",
)
"""What a panel is made of, beside the image."""

_HINT: Final = (
    "Upload photographs, drop or paste them here, paste the address of one, or pick a sample."
)
_OWN: Final = "own model"
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
    "class_thresholds",
    "models",
    "controls",
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
_TOLD_BY_SESSION: Final = ("prediction", "predictor", "status", "busy", "history", "fetching")
_SHARED: Final = (
    "threshold",
    "class_thresholds",
    "hidden_classes",
    "hidden_instances",
    "selected",
    "error",
)

# A second Enter or click on the same address within this time is one request, however the front end
# orders its events.
_SAME_REQUEST_S: Final = 1.0


class SegmentationPanel(SegmentationState, ipywidgets.VBox):  # type: ignore[misc]
    """A notebook panel: an image by upload, URL or sample, and its objects outlined, named, scored
    and filtered.

    `predictor`: a `Predictor`, a model's name or folder, or None for the starter. The model is
    loaded in the background, after its weights were fetched if they are not here; the panel can be
    used meanwhile. `build`: instead of a predictor, a function without arguments that builds one.
    `device`: "auto", "cpu", "cuda", "cuda:1" or "mps", for a name. `threshold`: the lowest score
    shown, 0 to 1. `samples`: images to pick from, by name, or a list of paths; None: those that
    come along; empty: no picker. `hidden_classes`: names of classes that are not shown.
    `class_thresholds`: thresholds of single classes by name. `allow_local`: URLs may point to this
    machine and to private networks. `max_pixels`: the largest image that is opened. `models`: what
    the model picker offers, by name: each a `Predictor` or a function that builds one; None: all
    models that can be had by name. `controls`: what the panel is made of, some of `CONTROLS`; None:
    all of it.

    The traits `image`, `prediction`, `source`, `threshold`, `class_thresholds`, `hidden_classes`,
    `hidden_instances`, `selected`, `history`, `busy`, `status` and `error` can be observed and
    linked; they are those of `SegmentationState`. `panel.image = "photo.jpg"` segments an image
    from Python, and `panel.wait()` waits for its result. `session`, `canvas` and `filmstrip` are
    its parts.

    Raises `SettingError` for a value out of range and for a keyword that there is not.
    """

    def __init__(
        self,
        predictor: Predictor | str | Path | None = None,
        *,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
        threshold: float = 0.5,
        samples: Mapping[str, object] | Iterable[str | Path] | None = None,
        hidden_classes: Iterable[str] = (),
        class_thresholds: Mapping[str, float] | None = None,
        allow_local: bool = False,
        max_pixels: int = PANEL_MAX_PIXELS,
        models: Mapping[str, Predictor | Callable[[], Predictor]] | None = None,
        controls: Iterable[str] | None = None,
        **unknown: object,
    ) -> None:
        for name in unknown:
            raise SettingError(f"SegmentationPanel has no setting {name!r}. {_likely_fix(name)}")
        self._has = _known_controls(controls)
        self._samples = _sample_sources(samples) if "samples" in self._has else {}
        self._models, self._model = _model_choices(predictor, build, models)
        self._in_use = self._model
        self._telling = threading.RLock()
        self._tells = False
        self._device = device
        self._tried_url = ("", 0.0)
        self.session = SegmentationSession(
            predictor,
            build=build,
            device=device,
            threshold=threshold,
            allow_local=allow_local,
            max_pixels=max_pixels,
        )
        if self.session.fetching:
            self._in_use = self.session.model_name
            self._models.setdefault(self._in_use, (self._in_use, None))
        self._make_controls()
        self._make_views()
        super().__init__(children=self._rows())
        self.add_class("sgw-panel")
        self.threshold = self.session.threshold
        self._wire()
        self.hidden_classes = hidden_classes
        self.class_thresholds = class_thresholds or {}

    # ── controls ──────────────────────────────────────────────────────────────────────────────────

    def _make_controls(self) -> None:
        auto = ipywidgets.Layout(width="auto")
        self.upload = ipywidgets.FileUpload(
            accept="image/*",
            multiple=True,
            description="Upload images",
            button_style="primary",
            layout=auto,
        )
        if self.upload.has_trait("tooltip"):  # ipywidgets 8, which shows "null" without one
            self.upload.tooltip = "Choose one or more images on your computer"
        self.url = ipywidgets.Text(
            placeholder="or paste the address of an image: https://…",
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
        self.model_picker = ipywidgets.Dropdown(
            options=self._model_options(), value=self._model, description="Model", layout=auto
        )
        self.clearer = ipywidgets.Button(
            description="Clear", tooltip="Forget the image, its result and the history", layout=auto
        )
        for control, name in (
            (self.upload, "upload"),
            (self.url, "url"),
            (self.go, "go"),
            (self.picker, "picker"),
            (self.slider, "slider"),
            (self.model_line, "model"),
            (self.model_picker, "models"),
            (self.clearer, "clear"),
        ):
            control.add_class(f"sgw-panel-{name}")

    def _make_views(self) -> None:
        has = self._has
        self._asks = tuple(
            ask for ask, control in (("open", "drop"), ("camera", "camera")) if control in has
        )
        self.canvas = SegmentationCanvas(
            threshold=self.session.threshold,
            hint=_HINT,
            exports=("png", "cutouts", "coco", "csv", "html", "python") if "export" in has else (),
            asks=self._asks,
            legend="legend" in has,
            table="table" in has,
            upload=self.upload if "upload" in has else None,
        )
        self.canvas.exporter = self._export
        self.canvas.opener = self._open_files
        self.canvas.address_opener = self._open_dropped
        self.canvas.canceller = self.cancel
        self.filmstrip = Filmstrip()
        self.filmstrip.shower = self.session.show
        self.filmstrip.remover = self.session.forget
        # The canvas is the source: what a view first shows is the canvas's value, whatever the
        # slider's was.
        self._link = ipywidgets.jslink((self.canvas, "threshold"), (self.slider, "value"))

    def _rows(self) -> list[Any]:
        several = len(self._models) > 1
        rows = [
            [
                *self._only("upload", self.upload),
                *self._only("url", self.url, self.go),
                *([self.picker] if self._samples else []),
                self.clearer,
            ],
            [
                *self._only("threshold", self.slider),
                *self._only("model", *([self.model_picker] if several else []), self.model_line),
            ],
        ]
        boxes = [ipywidgets.HBox(row) for row in rows if row]
        for box in boxes:
            box.add_class("sgw-panel-row")
        return [*boxes, *self._only("history", self.filmstrip), self.canvas]

    def _only(self, control: str, *widgets: Any) -> tuple[Any, ...]:
        """The widgets, if the panel has that control."""
        return widgets if control in self._has else ()

    @property
    def _widgets(self) -> tuple[Any, ...]:
        """All that the panel has made, on screen or not; not all of it where an error ended the
        making."""
        controls = (
            "upload",
            "url",
            "go",
            "picker",
            "slider",
            "model_line",
            "model_picker",
            "clearer",
        )
        made = (getattr(self, name, None) for name in (*controls, "_link", "filmstrip", "canvas"))
        return tuple(widget for widget in made if widget is not None)

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
        self.model_picker.observe(self._on_model, "value")
        self.clearer.on_click(lambda _: self.clear())
        for name in (*_TOLD_BY_SESSION, *_SHARED):
            self._take_from_session(name)

    # ── asking for things ─────────────────────────────────────────────────────────────────────────

    def segment(self, source: object, name: str | None = None) -> None:
        """Open and segment an image in the background; a request that still waits is dropped.

        `source`: anything that `images.load` takes (path, URL, bytes, array, PIL image, upload).
        `name`: what to call it. What goes wrong with it is shown in the panel, comes as `error`,
        and is raised by `wait`.
        """
        self._reset_sources()
        self.session.segment(source, name)

    def segment_all(self, sources: Iterable[object]) -> None:
        """Open and segment several images: the first is shown, the others go into `history` one
        after the other.

        `sources`: each anything that `images.load` takes. One that fails stays in the history with
        its error.
        """
        self._reset_sources()
        self.session.segment_all(sources)

    def show(self, number: int) -> None:
        """Put the image numbered `number` of `history` on screen with its result; the model doesn't
        run again."""
        self.session.show(number)

    def forget(self, number: int) -> None:
        """Remove an image from `history`; one that is on screen stays there."""
        self.session.forget(number)

    def use(
        self,
        predictor: Predictor | str | Path | None = None,
        *,
        build: Callable[[], Predictor] | None = None,
        device: str = "auto",
    ) -> None:
        """Take another model (arguments as for the panel) and segment the image on screen with
        it."""
        choices, chosen = _model_choices(predictor, build, {})
        before, self._model, self._models = (
            (self._model, self._models),
            chosen,
            {**self._models, **choices},
        )
        try:
            self.session.use(predictor, build=build, device=device)
        except SettingError:
            self._model, self._models = before
            raise
        self._device = device
        self._note_use()
        self._tell_models()

    def clear(self) -> None:
        """Forget the image, its result, the history and any error, and drop what is under way or
        waits."""
        self._reset_sources()
        self.session.clear()

    def cancel(self) -> None:
        """Drop what is under way and what waits; what is on screen stays, and so do the results in
        the history."""
        self.session.cancel()

    def wait(self, timeout_s: float | None = None) -> Prediction | None:
        """Wait until nothing is under way, the model's loading included, and return the prediction
        on screen.

        `timeout_s`: seconds; None waits as long as it takes. Raises the error of the last request
        if it failed (the result before it stays on screen), and `TimeoutError` when the time is
        over.
        """
        return self.session.wait(timeout_s)

    def close(self) -> None:
        """Take the panel off the screen, end its worker and let go of its model."""
        session: SegmentationSession | None = getattr(self, "session", None)
        # ipywidgets also calls this for an object whose __init__ refused its arguments.
        if session is not None and not session.closed:
            session.close()
            for control in (*self._widgets, *self.children):
                # ipywidgets closes neither a control's layout nor its style with it.
                for part in (
                    control,
                    getattr(control, "layout", None),
                    getattr(control, "style", None),
                ):
                    if part is not None:
                        part.close()
            self.layout.close()
        super().close()

    def __repr__(self) -> str:
        return f"SegmentationPanel({self.describe()})"

    # ── session, canvas and panel tell each other ─────────────────────────────────────────────────

    def _from_session(self, change: Any) -> None:
        self._take_from_session(change["name"])

    def _take_from_session(self, name: str) -> None:
        value = getattr(self.session, name)
        if name == "prediction":
            self._show_result()
        elif name == "history":
            self._show_history()
        elif name in _TOLD_BY_SESSION:
            self.set_trait(name, value)
        else:
            setattr(self, name, value)
        if name in ("status", "busy") or (name in _SHARED and getattr(self.canvas, name) != value):
            setattr(self.canvas, name, value)
            # Only what Python sets goes to the slider from here. What the person sets, the browser
            # has already linked; sending it again would pull the handle back while it is dragged.
            if name == "threshold":
                self.slider.value = value
        if name in ("status", "busy"):
            self.canvas.asks = (*self._asks, *(("cancel",) if self.session.working else ()))
        if name in ("predictor", "busy"):
            self._tell_model()
        if name == "fetching":
            self._tell_models()

    def _show_result(self) -> None:
        session = self.session
        if session.image is None or session.prediction is None:
            self.canvas.clear()
        else:
            self.canvas.set_result(session.image, session.prediction, session.source)
        with self.hold_trait_notifications(), own_writes():
            for name in ("source", "origin", "current", "prediction"):
                self.set_trait(name, getattr(session, name))
            self.image = session.image
        self._show_history()

    def _show_history(self) -> None:
        history, current = self.session.history, self.session.current
        self.set_trait("history", history)
        self.set_trait("current", current)
        self.filmstrip.set_entries(history, current, self.threshold)

    def _to_session(self, change: Any) -> None:
        setattr(self.session, change["name"], change["new"])

    def _from_canvas(self, change: Any) -> None:
        try:
            setattr(self.session, change["name"], change["new"])
        except SettingError:
            # The browser spoke of the image before: the canvas takes the session's word.
            setattr(self.canvas, change["name"], getattr(self.session, change["name"]))

    def _tell_model(self) -> None:
        predictor = self.session.predictor
        if predictor is not None:
            name = str(getattr(predictor, "name", "") or type(predictor).__name__)
            words = str(getattr(predictor, "description", "") or name)
            if len(self._models) > 1:  # the picker has the name
                text = html.escape(words.removeprefix(name).strip())
            else:
                text = f"Model: <b>{html.escape(words)}</b>"
            device = str(getattr(predictor, "device", ""))
            text += f" on {html.escape(device)}" if device else ""
        elif self.session.busy:
            text = "Model: loading …"
        else:
            text = "Model: none"
        self.model_line.value = f'<span class="sgw-panel-model-text">{text}</span>'

    # ── what the person does ──────────────────────────────────────────────────────────────────────

    def _on_upload(self, change: Any) -> None:
        try:
            uploads = images.uploads(change["new"])
        except ImageError as error:
            self.session.error = str(error)
            return
        if not uploads:
            return
        # Emptied, so that the same file can be chosen again, and its bytes don't stay in the
        # widget's state.
        if self.upload.has_trait("_counter"):  # ipywidgets 7, whose value follows from these three
            self.upload.metadata = []
            self.upload.data = []
            self.upload._counter = 0
        else:
            self.upload.value = ()
        self._open_files(uploads)

    def _open_files(self, files: list[Upload]) -> None:
        self._reset_sources()
        if len(files) == 1:
            self.session.segment(files[0])
        else:
            self.session.segment_all(files)

    def _open_dropped(self, address: str) -> None:
        self._reset_sources()
        self.session.segment_url(address)

    def _on_url(self, change: Any) -> None:
        if change["new"].strip():
            self._open_url()

    def _on_url_message(self, _widget: object, content: Any, _buffers: object) -> None:
        # Enter on an address that is still the same changes no value; after a failure it means
        # "once more".
        if (
            content.get("event") == "submit"
            and self.session.error
            and self.url.value == self._tried_url[0]
        ):
            self._open_url(again=True)

    def _open_url(self, again: bool = False) -> None:
        address = self.url.value.strip()
        if not address:
            if again:
                self.session.error = (
                    "There is no address yet. Paste one that starts with https:// first."
                )
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

    def _on_model(self, change: Any) -> None:
        with (
            self._telling
        ):  # never held while the session is asked: the session may be waiting for it
            if self._tells:
                return
        self._model = change["new"]
        predictor, build = self._models[self._model]
        self.session.use(predictor, build=build, device=self._device)
        self._note_use()

    def _note_use(self) -> None:
        """What was chosen is in use at once, unless its weights are still to be fetched."""
        if not self.session.fetching:
            self._in_use = self._model

    def _tell_models(self) -> None:
        """Say which models are here; once nothing is fetched any more, also which one is in use."""
        if not self.session.fetching:
            fetched = self.session.model_name == self._model
            self._model = self._in_use = self._model if fetched else self._in_use
        # New options put the picker on the first of them for a moment, which nobody has chosen.
        # This thread may be the download's, while the person's own choice comes on another.
        with self._telling:
            self._tells = True
            self.model_picker.options = self._model_options()
            self.model_picker.value = self._model
            self._tells = False

    def _model_options(self) -> list[tuple[str, str]]:
        """What the picker shows of each model, and its name."""
        here, away = [], []
        for name, (predictor, _) in self._models.items():
            card = missing_card(name) if predictor == name else None
            if card is None:
                here.append((name, name))
            else:
                away.append((f"{name} (fetch {card.megabytes:.0f} MB)", name))
        return [*here, *away]

    def _reset_sources(self) -> None:
        self._reset_picker()
        self._reset_url()

    def _reset_picker(self) -> None:
        self.picker.value = ""

    def _reset_url(self) -> None:
        self.url.value = ""
        self._tried_url = ("", 0.0)

    # ── taking it away ────────────────────────────────────────────────────────────────────────────

    def _export(self, kind: str) -> export.ExportedFile:
        """What is shown, as a file."""
        image, prediction, canvas = self.image, self.prediction, self.canvas
        if prediction is None or image is None:
            raise SegWidgetsError("There is no image to save yet.")
        result = export.Result(
            image,
            prediction,
            name=self.source,
            filter=Filter(
                self.threshold, self.hidden_classes, self.class_thresholds, self.hidden_instances
            ),
            style=Style.from_traits(canvas.color_by, canvas.opacity, canvas.show),
            source=self.origin,
            model=self.session.model_name,
        )
        return export.make(kind, result)


def _known_controls(controls: Iterable[str] | None) -> frozenset[str]:
    """The names of the controls that a panel has."""
    if controls is None:
        return frozenset(CONTROLS)
    if isinstance(controls, str):
        raise SettingError(f"controls is a list of names, such as [{controls!r}], not one text.")
    chosen = tuple(controls)
    for name in chosen:
        if name not in CONTROLS:
            close = difflib.get_close_matches(str(name), CONTROLS, 1, 0.5)
            fix = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(CONTROLS)}."
            raise SettingError(f"A panel has no control {name!r}. {fix}")
    return frozenset(chosen)


def _takes_nothing(model: Callable[..., object]) -> bool:
    """Whether it can be called without arguments, as a function that builds a model is; a predictor
    takes an image."""
    try:
        inspect.signature(model).bind()
    except (TypeError, ValueError):
        return False
    return True


_Choice = tuple[Predictor | str | None, Callable[[], Predictor] | None]


def _model_choices(
    predictor: Predictor | str | Path | None,
    build: Callable[[], Predictor] | None,
    models: Mapping[str, Predictor | Callable[[], Predictor]] | None,
) -> tuple[dict[str, _Choice], str]:
    """What `session.use` takes for each model by name, and the name of the one that is in use
    first."""
    choices: dict[str, _Choice] = {}
    if isinstance(predictor, Path):
        predictor = model_name(predictor)
    if build is not None or not (predictor is None or isinstance(predictor, str)):
        chosen = str(
            getattr(predictor, "name", "")
            or (_OWN if predictor is None else type(predictor).__name__)
        )
        choices[chosen] = (predictor, build)
    else:
        chosen = predictor or STARTER
        choices[chosen] = (chosen, None)
    if models is None:
        choices = {**{card.name: (card.name, None) for card in known_models()}, **choices}
    for name, model in (models or {}).items():
        builds = _takes_nothing(model)
        choices[str(name)] = (
            (None, cast(Callable[[], Predictor], model))
            if builds
            else (cast(Predictor, model), None)
        )
    return choices, chosen


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
        raise SettingError(
            f"samples is a dict or a list of images, such as [{str(given)!r}], not one path."
        )
    return {Path(path).stem: path for path in given}


def _sample_name(source: object, name: str) -> str:
    return Path(source).name if isinstance(source, (str, Path)) else name
