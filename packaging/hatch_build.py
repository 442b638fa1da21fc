"""A build hook of hatchling: what the wheel carries beside the code, so that it works with no
checkout and offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_STARTER = ("starter.safetensors", "starter.yaml", "starter.md")


class CustomBuildHook(BuildHookInterface[Any]):
    """Adds the starter's files and the samples to a real wheel; an editable one reads them from the
    checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to include; raises `FileNotFoundError` when the starter has not been
        made."""
        if version == "editable":
            return
        include = {
            Path(self.root, "weights", name): f"seg_widgets/weights/{name}" for name in _STARTER
        }
        missing = [str(path) for path in include if not path.is_file()]
        if missing:
            raise FileNotFoundError(
                f"The starter model is not there ({', '.join(missing)}); `make starter` trains it."
            )
        include[Path(self.root, "notebooks", "images")] = "seg_widgets/samples"
        build_data["force_include"].update(
            {str(source): target for source, target in include.items()}
        )
