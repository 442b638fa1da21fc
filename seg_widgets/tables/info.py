"""What is the same for all of a table, kept in the metadata of each of its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .._files import StrPath
from .._text import PATH_LENGTH, printable
from ..errors import PredictionError, SettingError
from ..prediction import SCHEMA_VERSION, Prediction

__all__ = ["METADATA_KEY", "TableInfo"]

METADATA_KEY: Final = "seg_widgets"
"""The key in a Parquet file's metadata; its value is JSON."""


@dataclass(frozen=True)
class TableInfo:
    """What is the same for all of a table: the model, its classes, and how it was run."""

    class_names: tuple[str, ...] = ()
    """The model's whole vocabulary."""

    category_ids: tuple[int, ...] = ()
    """The id that each of `class_names` has in its data set; (): not known."""

    model: str = ""
    """The model's name; "": not known."""

    weights_sha256: str = ""
    """The SHA-256 of the model's weights, in hexadecimal; "": not known."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """What else decides what is in the table, such as the threshold: what JSON has."""

    @classmethod
    def of(cls, prediction: Prediction, **parts: Any) -> TableInfo:
        """The information on the model that made a prediction.

        Args:
            prediction: what was found in any of the images.
            **parts: `model`, `weights_sha256` and `settings`, where they are known.

        Returns:
            It, with the prediction's class names and category ids.
        """
        return cls(prediction.class_names, prediction.category_ids, **parts)

    def to_metadata(self, table: str, **more: Any) -> dict[str, str]:
        """It as the metadata of a Parquet file.

        Args:
            table: "instances" or "images".
            **more: what else to keep there; JSON values.

        Returns:
            One key with one text, the same for the same information: arro3 writes several keys in
            any order.
        """
        content = {
            "schema_version": SCHEMA_VERSION,
            "table": table,
            "model": self.model,
            "weights_sha256": self.weights_sha256,
            "class_names": list(self.class_names),
            "category_ids": list(self.category_ids),
            "settings": dict(self.settings),
            **more,
        }
        return {METADATA_KEY: json.dumps(content, sort_keys=True, separators=(",", ":"))}

    def check_same(self, other: TableInfo, where: StrPath) -> None:
        """Check that a table may be continued.

        Args:
            other: the information of the table that is there.
            where: its folder, for the message.

        Raises:
            SettingError: it is of another model or was made with other settings; the message has
                both.
        """
        # The metadata is what travels: a tuple in the settings is a list there.
        now, then = (json.loads(one.to_metadata("")[METADATA_KEY]) for one in (self, other))
        settings = {**then.pop("settings")}, {**now.pop("settings")}
        pairs = {**{name: (then[name], now[name]) for name in now}}
        for name in sorted({*settings[0], *settings[1]}):
            pairs[name] = settings[0].get(name), settings[1].get(name)
        changes = [
            f"{name} was {_shown(was)}, and is {_shown(is_now)}"
            for name, (was, is_now) in pairs.items()
            if was != is_now
        ]
        if changes:
            raise SettingError(
                f"{printable(str(where), PATH_LENGTH)} has a table that was made otherwise: "
                f"{'; '.join(changes)}. Give what it was made with, or another folder."
            )

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> TableInfo:
        """Read what `to_metadata` wrote.

        Args:
            content: the metadata's JSON.

        Returns:
            The information.

        Raises:
            PredictionError: it is not ours, or of a later version.
        """
        version = content.get("schema_version")
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise PredictionError(
                f"The table has version {version} of the columns, and this seg_widgets knows "
                f"{SCHEMA_VERSION}. Update seg-widgets to read it."
            )
        try:
            return cls(
                tuple(str(name) for name in content["class_names"]),
                tuple(int(number) for number in content["category_ids"]),
                str(content["model"]),
                str(content["weights_sha256"]),
                dict(content["settings"]),
            )
        except (KeyError, TypeError, ValueError):
            raise PredictionError(
                "The table's metadata is damaged: it lacks the model's classes. Write it anew."
            ) from None


def _shown(value: object) -> str:
    return printable(json.dumps(value, ensure_ascii=False))
