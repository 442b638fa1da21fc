"""The models to choose from, and the line about the one in use."""

from __future__ import annotations

import html
import inspect
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import ipywidgets

from ..errors import SettingError
from ..modeling import EXACT, SPEEDS, STARTER, ModelCard, model_name
from ..modeling import models as known_models
from ..prediction import Predictor
from ..session import ModelSlot, predictor_name, predictor_words, server_predictor

__all__ = ["OFFLINE_VARIABLE", "Choice", "ModelPicker", "at_speed", "model_choices"]

OFFLINE_VARIABLE: Final = "SEG_WIDGETS_OFFLINE"
"""The environment variable that keeps models which must be fetched out of the picker."""

_OWN: Final = "own model"

Choice = tuple[Predictor | str | None, Callable[[], Predictor] | None]
"""A predictor, a model's name or None, and what builds it: what `SegmentationSession.use` takes."""


_SEPARATOR: Final = " · "


def at_speed(name: str, speed: str) -> str:
    """What the picker calls a model at a speed.

    Args:
        name: The model's name.
        speed: One of `SPEEDS`; the exact one is not said.
    """
    return name if speed == EXACT else f"{name}{_SEPARATOR}{speed}"


class ModelPicker:
    """A drop-down of models, and a line that describes the one in use.

    Args:
        choices: The models by the name that is shown.
        chosen: The name of the one that was asked for.
        in_use: The name of the one in use, which differs while the other is being fetched.
        to_fetch: Gives the card of a model whose weights are not here, by its name; None for every
            other name.
        on_choice: Takes the model that a person has chosen, and its speed.
        is_fetching: Whether weights are being fetched.
        lock: The session's lock. The drop-down is updated by whichever thread reports a change,
            while a person may choose on another.
    """

    def __init__(
        self,
        choices: Mapping[str, Choice],
        chosen: str,
        in_use: str,
        *,
        to_fetch: Callable[[str], ModelCard | None],
        on_choice: Callable[[Choice, str], None],
        is_fetching: Callable[[], bool],
        lock: threading.RLock,
    ) -> None:
        self._choices = dict(choices)
        if in_use not in choices:
            name, _ = _parts(in_use)
            self._choices.setdefault(name, (name, None))
        self._chosen, self._in_use = chosen, in_use
        self._to_fetch = to_fetch
        self._on_choice = on_choice
        self._is_fetching = is_fetching
        self._lock = lock
        self._updating = False

        auto = ipywidgets.Layout(width="auto")
        self.dropdown = ipywidgets.Dropdown(
            options=self._options(), value=self._chosen, description="Model", layout=auto
        )
        """The models, an `ipywidgets.Dropdown`."""
        self.line = ipywidgets.HTML(layout=ipywidgets.Layout(width="auto"))
        """The model in use, an `ipywidgets.HTML`."""
        self.dropdown.observe(self._on_value, "value")

    @property
    def several(self) -> bool:
        """Whether there is more than one model to choose from."""
        return len(self._choices) > 1

    @contextmanager
    def choosing(self, choices: Mapping[str, Choice], chosen: str) -> Iterator[None]:
        """Within it, Python takes another model, which the picker offers from then on.

        Args:
            choices: The models that are added.
            chosen: The name of the one that is taken; what was before comes back if that is
                refused.
        """
        before = self._chosen, self._choices
        self._chosen, self._choices = chosen, {**self._choices, **choices}
        try:
            yield
        except SettingError:
            self._chosen, self._choices = before
            raise
        self._note_use()

    def show_models(self, in_use: str) -> None:
        """Show which models are here. Once nothing is being fetched, also which one is in use.

        Args:
            in_use: The name by which `load_predictor` makes the model in use; "" for one's own.
        """
        if not self._is_fetching():
            self._chosen = self._in_use = self._chosen if in_use == self._chosen else self._in_use
        # New options put the drop-down on the first of them for a moment, which nobody has chosen.
        with self._lock:
            self._updating = True
            try:
                self.dropdown.options = self._options()
                self.dropdown.value = self._chosen
            finally:
                self._updating = False

    def show_model(self, predictor: Any, loading: bool) -> None:
        """Describe the model in use.

        Args:
            predictor: The predictor, or None.
            loading: Whether it is on its way, while there is none.
        """
        if predictor is not None:
            text = self._describe(predictor)
        elif loading:
            text = "Model: loading …"
        else:
            text = "Model: none"
        self.line.value = f'<span class="sgw-panel-model-text">{text}</span>'

    def _describe(self, predictor: Any) -> str:
        name = predictor_name(predictor)
        words = predictor_words(predictor, "description") or name
        if self.several:  # the drop-down has the name
            text = html.escape(words.removeprefix(name).strip())
        else:
            text = f"Model: <b>{html.escape(words)}</b>"
        device = predictor_words(predictor, "device")
        return f"{text} on {html.escape(device)}" if device else text

    def _on_value(self, change: Any) -> None:
        with self._lock:
            if self._updating:
                return
        self._chosen = change["new"]
        is_whole = self._chosen in self._choices
        name, speed = (self._chosen, EXACT) if is_whole else _parts(self._chosen)
        self._on_choice(self._choices[name], speed)
        self._note_use()

    def _note_use(self) -> None:
        """What was chosen is in use at once, unless its weights are still to be fetched."""
        if not self._is_fetching():
            self._in_use = self._chosen

    def _options(self) -> list[tuple[str, str]]:
        """What the drop-down shows of each model, and its name: first those that are here, each at
        all its speeds."""
        here, away = [], []
        for name, (predictor, _) in self._choices.items():
            is_named = predictor == name
            card = self._to_fetch(name) if is_named else None
            if card is None:
                names = [at_speed(name, speed) for speed in (SPEEDS if is_named else (EXACT,))]
                here += [(label, label) for label in names]
            else:
                away.append((f"{name} (fetch {card.megabytes:.0f} MB)", name))
        # What is being fetched for a speed can be shown before it is here.
        if self._chosen not in [name for _, name in (*here, *away)]:
            here.append((self._chosen, self._chosen))
        return [*here, *away]


def _parts(label: str) -> tuple[str, str]:
    """The name and the speed of what `at_speed` gives."""
    name, separator, speed = label.rpartition(_SEPARATOR)
    return (name, speed) if separator and speed in SPEEDS else (label, EXACT)


def model_choices(
    predictor: Predictor | str | Path | None,
    build: Callable[[], Predictor] | None,
    models: Mapping[str, Predictor | Callable[[], Predictor]] | None,
) -> tuple[dict[str, Choice], str]:
    """The models that a panel offers.

    Args:
        predictor: A `Predictor`, a model's name or folder, or None for the starter.
        build: Builds one instead.
        models: Others by name, each a `Predictor` or a function that builds one; None: all that can
            be had by name. Where `SEG_WIDGETS_SERVER` names a server, that is the server's alone;
            where `SEG_WIDGETS_OFFLINE` is set, those whose weights are here.

    Returns:
        The choices by name, and the name of the first two arguments' one.
    """
    if isinstance(predictor, Path):
        predictor = model_name(predictor)
    if predictor is None and build is None:
        predictor = server_predictor()
        if predictor is not None and models is None:
            models = {}
    if models is not None and not isinstance(models, Mapping):
        raise SettingError(
            "models is a dict of predictors, or of functions that build one, by name, not "
            f"{type(models).__name__}."
        )
    choice: Choice
    if build is not None or not (predictor is None or isinstance(predictor, str)):
        chosen = _OWN if predictor is None else predictor_name(predictor)
        choice = (predictor, build)
    else:
        chosen = predictor or STARTER
        choice = (chosen, None)

    choices: dict[str, Choice] = {}
    if models is None:
        choices = {card.name: (card.name, None) for card in known_models() if _offered(card)}
    choices[chosen] = choice
    for name, model in (models or {}).items():
        if _takes_nothing(model):
            choices[str(name)] = (None, cast(Callable[[], Predictor], model))
        else:
            choices[str(name)] = (cast(Predictor, model), None)
    return choices, chosen


def _offered(card: ModelCard) -> bool:
    return not os.environ.get(OFFLINE_VARIABLE) or ModelSlot.to_fetch(card.name) is None


def _takes_nothing(model: Callable[..., object]) -> bool:
    """Whether it can be called without arguments, as a function that builds a model is; a predictor
    takes an image."""
    try:
        inspect.signature(model).bind()
    except (TypeError, ValueError):
        return False
    return True
