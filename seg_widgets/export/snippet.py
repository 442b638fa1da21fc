"""The lines of Python that make what a panel shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..prediction import DEFAULT_FILTER, Filter, Tidy
from ..style import DEFAULT_STYLE, Style

__all__ = ["to_python"]


def to_python(
    source: str,
    *,
    model: str = "",
    speed: str = "",
    filter: Filter = DEFAULT_FILTER,
    style: Style = DEFAULT_STYLE,
    uploaded: bool = False,
) -> str:
    """The lines of Python that make what a panel shows.

    Args:
        source: the image's path or address.
        model: the name that `load_predictor` takes; "" for a predictor of your own.
        speed: the speed that it was loaded for; "": the usual one.
        filter: which instances are shown.
        style: how they are drawn.
        uploaded: the image came from the browser, so `source` is only its name.

    Returns:
        The lines, ready to be run.
    """
    styled = _changed(style)
    names = ["Style"] * bool(styled) + ["Tidy"] * bool(filter.tidy.changes())
    names += ["load", *(["load_predictor"] * bool(model)), "overlay"]
    note = "  # it was uploaded: put its path here" if uploaded else ""
    own = "...  # your own predictor"
    drawn = f", Style({_keywords(styled)})" if styled else ""
    fast = f", speed={speed!r}" if speed else ""
    lines = [
        "from PIL import Image",
        f"from seg_widgets import {', '.join(names)}",
        "",
        f"image = load({source!r}){note}",
        f"predictor = {f'load_predictor({model!r}{fast})' if model else own}",
        "prediction = predictor(image)",
        *_tidy_lines(filter.tidy),
        f"keep = prediction.keep({_keep_arguments(filter)})",
        *(["prediction = tidy.reshaped(prediction)"] * filter.tidy.reshapes),
        "shown = prediction.select(keep)",
        f"Image.fromarray(overlay(image, prediction{drawn}, only=keep))",
    ]
    return "\n".join([*lines, ""])


def _tidy_lines(tidy: Tidy) -> list[str]:
    changes = tidy.changes()
    return [f"tidy = Tidy({_keywords(changes)})"] if changes else []


def _keep_arguments(filter: Filter) -> str:
    """What `Prediction.keep` is called with: the threshold, and what else is not empty."""
    settings = filter.to_traits()
    threshold = repr(settings.pop("threshold"))
    ordered = ("hidden_classes", "class_thresholds", "hidden_instances")
    rest = {name: settings[name] for name in ordered if settings[name]}
    tidied = ["tidy=tidy"] if filter.tidy.changes() else []
    return ", ".join([threshold, *([_keywords(rest)] if rest else []), *tidied])


def _changed(style: Style) -> dict[str, Any]:
    """The settings that are not the default ones."""
    values = {part.name: getattr(style, part.name) for part in fields(Style)}
    return {name: value for name, value in values.items() if value != getattr(DEFAULT_STYLE, name)}


def _keywords(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
