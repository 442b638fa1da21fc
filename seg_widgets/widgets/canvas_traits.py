"""The kinds of traits that only a canvas has: how instances are drawn, the view, what a person can
do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import traitlets

from ..errors import SettingError
from ..export import FORMATS, ExportFormat, each_formats, together_formats
from ..prediction import Tidy
from ..style import DEFAULT_STYLE, check_color_by, check_opacity, check_show

__all__ = [
    "ACTIONS",
    "ALL_IMAGES",
    "WHOLE",
    "Actions",
    "ColorBy",
    "ExportNames",
    "Opacity",
    "Point",
    "ShownParts",
    "Zoom",
    "tidy_settings",
    "to_list",
    "to_menu",
]

ACTIONS: Final = ("open", "camera", "cancel")
"""What a person can be allowed to do on a canvas."""

ALL_IMAGES: Final = "all:"
"""Stands before the name of a format that is to be made of all images of the session."""

WHOLE: Final = (0.5, 0.5)
"""The point in the middle of a view that shows the whole image."""


if TYPE_CHECKING:
    _NamesTrait = traitlets.TraitType[tuple[str, ...], Iterable[str]]
    _FloatTrait = traitlets.TraitType[float, object]
    _TextTrait = traitlets.TraitType[str, str]
    _PointTrait = traitlets.TraitType[tuple[float, float], Iterable[float]]
else:
    # traitlets 5.7 (Colab's) takes no type parameters.
    _NamesTrait = _FloatTrait = _TextTrait = _PointTrait = traitlets.TraitType


class ShownParts(_NamesTrait):
    """Some of `SHOW_PARTS`, in their order."""

    default_value = tuple(DEFAULT_STYLE.to_traits()["show"])

    def validate(self, obj: Any, value: Any) -> tuple[str, ...]:
        """The parts in their order."""
        return check_show(value)


class Actions(_NamesTrait):
    """Some of `ACTIONS`, in their order."""

    default_value = ()

    def validate(self, obj: Any, value: Any) -> tuple[str, ...]:
        """The actions in their order."""
        return _some_of(self.name, value, ACTIONS)


class ExportNames(_NamesTrait):
    """Names of registered export formats, in the registry's order, and behind them those with
    `ALL_IMAGES` in front."""

    default_value = ()

    def validate(self, obj: Any, value: Any) -> tuple[str, ...]:
        """The names in the registry's order."""
        together = (f"{ALL_IMAGES}{each.name}" for each in (*together_formats(), *each_formats()))
        return _some_of(self.name, value, (*FORMATS, *together))


class Opacity(_FloatTrait):
    """0 to 1."""

    default_value = DEFAULT_STYLE.opacity

    def validate(self, obj: Any, value: Any) -> float:
        """The value as a float."""
        return check_opacity(value)


class ColorBy(_TextTrait):
    """One of `COLOR_BY`."""

    default_value = DEFAULT_STYLE.color_by

    def validate(self, obj: Any, value: Any) -> str:
        """The value itself."""
        return check_color_by(value)


class Zoom(_FloatTrait):
    """1 or more."""

    default_value = 1.0

    def validate(self, obj: Any, value: Any) -> float:
        """The value as a float."""
        if isinstance(value, (int, float)) and 1 <= value < float("inf"):
            return float(value)
        raise SettingError(f"{self.name} is a number from 1 (the whole image) on, not {value!r}.")


class Point(_PointTrait):
    """Two fractions, each 0 to 1."""

    default_value = WHOLE

    def validate(self, obj: Any, value: Any) -> tuple[float, float]:
        """The two as a tuple of float."""
        try:
            x, y = (float(part) for part in value)
        except (TypeError, ValueError):
            x = y = float("nan")
        if 0 <= x <= 1 and 0 <= y <= 1:
            return x, y
        raise SettingError(
            f"{self.name} is a point of the image (x, y), each from 0 to 1, not {value!r}."
        )


def _some_of(setting: str | None, value: Any, known: Iterable[str]) -> tuple[str, ...]:
    """The words of `value`, in the order of `known`; raises `SettingError` on another one."""
    chosen = (value,) if isinstance(value, str) else tuple(value)
    words = tuple(known)
    for name in chosen:
        if name not in words:
            raise SettingError(f"{setting} takes {', '.join(map(repr, words))}, not {name!r}.")
    return tuple(name for name in words if name in chosen)


def to_list(value: Iterable[Any], _widget: object) -> list[Any]:
    """A trait's value as the browser gets it."""
    return list(value)


def tidy_settings(value: Tidy, _widget: object) -> dict[str, Any]:
    """The settings of a `Tidy` as the browser gets them; for a trait's `to_json`."""
    return value.to_trait()


def to_menu(value: Iterable[str], _widget: object) -> list[dict[str, str]]:
    """The formats as the browser's menu shows them; for a trait's `to_json`."""
    # One that was unregistered meanwhile can't be made any more.
    plain = [(name, name.removeprefix(ALL_IMAGES)) for name in value]
    return [_menu_item(name, FORMATS[of]) for name, of in plain if of in FORMATS]


def _menu_item(name: str, chosen: ExportFormat) -> dict[str, str]:
    item = {"name": name, "label": chosen.label, "description": chosen.description}
    if name != chosen.name:
        if chosen.make_together is None:
            item["description"] = "a ZIP with what each image has alone"
        return {**item, "group": "All images", "label": f"{chosen.label} of all images"}
    return {**item, "group": chosen.group, "loses": chosen.loses}
