"""What a run does with each image, and in what its results would differ from another run's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .._text import printable
from ..errors import SettingError
from ..export import FORMATS, save_formats
from ..prediction import DEFAULT_FILTER, NO_TIDY, Filter, Prediction, no_such_class
from ..tables import TableInfo
from .pipeline import Reading

__all__ = ["IMAGES_PER_PART", "Described", "Job", "Model", "described_by"]

IMAGES_PER_PART: Final = 500
"""Images of one file of the table: what is in memory at a time, and what a lost worker repeats."""

_VERSION: Final = 1


@dataclass(frozen=True)
class Model:
    """Which model a run is of."""

    name: str
    """What it is called."""

    weights_sha256: str = ""
    """The SHA-256 of its weights; "": not known."""


@dataclass(frozen=True)
class Job:
    """What a run does with each image.

    Raises:
        SettingError: a format is unknown, or a number is out of its range.
    """

    model: Model
    """The model."""

    filter: Filter = DEFAULT_FILTER
    """Which instances are in the results."""

    only: tuple[str, ...] = ()
    """The names of the classes that are in the results; (): all."""

    formats: tuple[str, ...] = ()
    """The export formats that are written beside the table."""

    reading: Reading = field(default_factory=Reading)
    """How images are opened."""

    images_per_part: int = IMAGES_PER_PART
    """Images of one file of the table."""

    class_names: tuple[str, ...] = ()
    """The model's vocabulary; (): not known before its first answer."""

    def __post_init__(self) -> None:
        if not isinstance(self.filter, Filter):
            raise SettingError(f"filter is a Filter, such as Filter(0.5), not {self.filter!r}.")
        unknown = [name for name in self.formats if name not in save_formats()]
        if unknown:
            raise SettingError(
                f"There is no format {printable(unknown[0])!r}; there are "
                f"{', '.join(save_formats())}."
            )
        if type(self.images_per_part) is not int or self.images_per_part < 1:
            raise SettingError(
                f"images_per_part is a whole number from 1 on, not {self.images_per_part!r}."
            )
        named = (*self.only, *self.filter.hidden_classes, *self.filter.class_thresholds)
        if any(not name.strip() and name not in self.class_names for name in named):
            # What a variable that is empty gives; all classes, and none, are not what it means.
            raise SettingError(
                "A class name is empty. Leave only= (--only) out for all classes, and "
                "hidden_classes (--hide) for hiding none."
            )
        self.check_names(self.class_names)
        # Indices of instances belong to one image.
        if self.filter.hidden_instances:
            raise SettingError("A filter of many images can't have hidden_instances.")

    @property
    def own_formats(self) -> tuple[str, ...]:
        """The formats of which each image has a file of its own."""
        return tuple(name for name in self.formats if FORMATS[name].make_together is None)

    @property
    def joint_formats(self) -> tuple[str, ...]:
        """The formats that are one file for all images."""
        return tuple(name for name in self.formats if FORMATS[name].make_together is not None)

    def check_names(self, class_names: Sequence[str]) -> None:
        """Check that the classes of `only` and of the filter are the model's.

        Args:
            class_names: the model's; () if they are not known yet.

        Raises:
            SettingError: one is not.
        """
        named = (*self.only, *self.filter.hidden_classes, *self.filter.class_thresholds)
        unknown = [name for name in named if name not in class_names]
        if class_names and unknown:
            raise SettingError(no_such_class(unknown[0], class_names, self.model.name))

    def keep(self, prediction: Prediction) -> npt.NDArray[np.bool_]:
        """What of a prediction is in the results.

        Args:
            prediction: all that was found.

        Returns:
            N booleans: True for an instance that is.

        Raises:
            SettingError: a class of `only` is not one of the model's.
        """
        keep = self.filter.keep(prediction)
        if self.only:
            self.check_names(prediction.class_names)
            wanted = [name in self.only for name in prediction.class_names]
            keep &= np.array(wanted, bool)[prediction.class_ids]
        return keep

    def left_out(self, prediction: Prediction) -> dict[str, int]:
        """What scores enough, but is of a class that is not in the results.

        Args:
            prediction: all that was found.

        Returns:
            Class name → count.
        """
        if not (self.only or self.filter.hidden_classes):
            return {}
        every = replace(self.filter, hidden_classes=(), tidy=NO_TIDY)
        ids = prediction.class_ids[every.keep(prediction)].tolist()
        names = Counter(prediction.class_names[class_id] for class_id in ids)
        hidden = set(self.filter.hidden_classes)
        return {
            name: number
            for name, number in names.items()
            if name in hidden or (self.only and name not in self.only)
        }

    def table_info(self, prediction: Prediction | None = None) -> TableInfo:
        """What is the same for all of the table.

        Args:
            prediction: of any image; None: there is none yet.
        """
        return TableInfo(
            self.class_names if prediction is None else prediction.class_names,
            () if prediction is None else prediction.category_ids,
            self.model.name,
            self.model.weights_sha256,
            self.table_settings(),
        )

    def table_settings(self) -> dict[str, Any]:
        """What of the settings is kept in the table's files."""
        kept = ("threshold", "class thresholds", "hidden classes", "tidy", "only")
        settings = self.settings("")
        return {name: settings[name] for name in kept if name in settings}

    def settings(self, source: str) -> dict[str, Any]:
        """All that decides what is written; the device and the number of workers don't.

        Args:
            source: what was given, for a person.

        Returns:
            Names and values, as JSON has them.
        """
        shown = self.filter.to_traits()
        values = {
            "version": _VERSION,
            "source": source,
            "model": self.model.name,
            "weights": self.model.weights_sha256,
            "threshold": shown["threshold"],
            "class thresholds": shown["class_thresholds"],
            "hidden classes": shown["hidden_classes"],
            "only": self.only,
            "formats": self.formats,
            "contrast": self.reading.contrast,
            "channels": self.reading.channels,
            "page": self.reading.page,
            "images per part": self.images_per_part,
        }
        # Not there without any, so that a run from before there were some can go on.
        if changes := self.filter.tidy.changes():
            values["tidy"] = changes
        result: dict[str, Any] = json.loads(json.dumps(values))
        return result


@dataclass(frozen=True)
class Described:
    """What a run has to know of a model."""

    model: Model
    """Its name and its weights' SHA-256."""

    class_names: tuple[str, ...]
    """Its vocabulary; (): not known before its first answer."""


def described_by(predictor: Any) -> Described:
    """What a predictor says of itself.

    Args:
        predictor: any predictor.

    Returns:
        Its name, its weights' SHA-256 and its class names, as far as it has them.
    """
    name = getattr(predictor, "name", "") or type(predictor).__name__
    sha256 = getattr(predictor, "weights_sha256", "")
    names = getattr(predictor, "class_names", ())
    return Described(Model(str(name), str(sha256)), tuple(map(str, names)))
