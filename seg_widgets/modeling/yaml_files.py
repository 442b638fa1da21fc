"""Reading YAML configs as data: no code runs, and none grows beyond what a config has."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..errors import ConfigError

__all__ = ["is_lazy_yaml", "read_yaml"]

_MAX_BYTES: Final = 1_000_000
_MAX_NODES: Final = 100_000

# The one expression in detectron2's own YAML configs (Base-RetinaNet.yaml), and what it means.
_ANCHORS: Final = "[[x,x*2**(1.0/3),x*2**(2.0/3)]forxin[32,64,128,256,512]]"
_ANCHOR_SIZES: Final = [
    [x, x * 2 ** (1.0 / 3), x * 2 ** (2.0 / 3)] for x in (32, 64, 128, 256, 512)
]
# A key that only detectron2's LazyConfig writes: what is to be called.
_LAZY: Final = re.compile(
    rb"^\s*(- )?\{?[\"']?_target_[\"']?\s*:|[{,]\s*_target_\s*:", re.MULTILINE
)


def is_lazy_yaml(path: Path) -> bool:
    """Return whether a YAML file was written by detectron2's LazyConfig, as it names its calls."""
    try:
        with path.open("rb") as file:
            return _LAZY.search(file.read(_MAX_BYTES)) is not None
    except OSError:
        return False  # whoever reads it says why it can't be read


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a file's keys and values by the safe loader.

    Args:
        path: a YAML file of at most 1 MB, and of at most 100,000 values with its aliases unfolded.

    Raises:
        ConfigError: it is larger, can't be read, or is no mapping in plain YAML.
    """
    import yaml

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(
                f"{path.name} is larger than any config ({path.stat().st_size:,} bytes)."
            )
        text = path.read_text("utf-8")
        if _unfolded(yaml.compose(text, yaml.SafeLoader), {}) > _MAX_NODES:
            raise ConfigError(
                f"{path.name} repeats itself by aliases (*) to more than any config has; "
                "it was refused."
            )
        data = yaml.load(text, _loader())
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path.name} is not plain YAML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path.name} can't be read: {error.strerror or error}.") from error
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path.name} is not a config of detectron2: it holds a {type(data).__name__}."
        )
    return data


def _unfolded(node: Any, known: dict[int, int]) -> int:
    """How many values a YAML node stands for once its aliases are written out."""
    if node is None or isinstance(node.value, str):
        return 1
    if id(node) not in known:
        known[id(node)] = _MAX_NODES + 1  # what holds itself never ends
        parts = (
            part for item in node.value for part in (item if isinstance(item, tuple) else (item,))
        )
        known[id(node)] = 1 + sum(_unfolded(part, known) for part in parts)
    return known[id(node)]


@cache
def _loader() -> Any:
    """YAML's safe loader, which also knows tuples and the one expression of the model zoo."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def anchors(loader: Any, node: Any) -> Any:
        # The text is compared, never run.
        parts = loader.construct_sequence(node) if isinstance(node.value, list) else []
        if len(parts) == 1 and "".join(str(parts[0]).split()) == _ANCHORS:
            return [list(sizes) for sizes in _ANCHOR_SIZES]
        raise yaml.constructor.ConstructorError(
            None, None, "it holds an expression, which would have to be run", node.start_mark
        )

    python = "tag:yaml.org,2002:python/"
    Loader.add_constructor(f"{python}object/apply:eval", anchors)
    Loader.add_constructor(f"{python}tuple", Loader.construct_yaml_seq)
    return Loader
