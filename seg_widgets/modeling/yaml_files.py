"""Reading YAML configs as data: no code runs, and none grows beyond what a config has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

from .._text import printable_message
from ..errors import ConfigError

__all__ = ["is_lazy_yaml", "read_yaml", "shortened"]

# A whole config of detectron2's has 12 kB and 500 values. PyYAML reads 100 kB in some seconds.
_MAX_BYTES: Final = 250_000
_MAX_NODES: Final = 20_000
_MAX_DEPTH: Final = 50
_MAX_KEY: Final = 100  # letters
_MAX_TEXT: Final = 4_000
_MAX_DIGITS: Final = 25
_MAX_INTEGER: Final = 1 << 53

# The one expression in detectron2's own YAML configs (Base-RetinaNet.yaml), and what it means.
_ANCHORS: Final = "[[x,x*2**(1.0/3),x*2**(2.0/3)]forxin[32,64,128,256,512]]"
_ANCHOR_SIZES: Final = [
    [x, x * 2 ** (1.0 / 3), x * 2 ** (2.0 / 3)] for x in (32, 64, 128, 256, 512)
]
# A key that only detectron2's LazyConfig writes: what is to be called.
_LAZY: Final = re.compile(
    # No `\s` after `^`: it would read on over empty lines, from each of them anew.
    rb"^[ \t]*(- )?\{?[\"']?_target_[\"']?[ \t]*:|[{,]\s*_target_\s*:",
    re.MULTILINE,
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

    Times, and numbers to the base 60, are texts here, as in YAML 1.2.

    Args:
        path: a YAML file of at most 250 kB, and of at most 20,000 values with its aliases unfolded.

    Raises:
        ConfigError: it is larger, can't be read, or is no mapping in plain YAML.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(
                f"{path.name} is larger than any config ({path.stat().st_size:,} bytes)."
            )
        data = _parsed(path.read_text("utf-8"), path.name)
    except OSError as error:
        raise ConfigError(f"{path.name} can't be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path.name} is not plain YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path.name} is not a config of detectron2: it holds a {type(data).__name__}."
        )
    wrong = _wrong_value(data)
    if wrong is not None:
        raise ConfigError(f"{path.name} is not a config of detectron2: it holds {wrong}.")
    return data


def shortened(text: object, most: int = 300) -> str:
    """Return a text of a file or a library as it is shown in a message: no longer than a few lines.

    Args:
        text: the text.
        most: letters.
    """
    return printable_message(str(text).strip(), most)


def _parsed(text: str, name: str) -> Any:
    """What a YAML text stands for; whatever YAML's code raises is said of the file."""
    import yaml

    try:
        loader = _loader()(text)
        node = loader.get_single_node()
        if _unfolded(node, {}) > _MAX_NODES:
            raise ConfigError(
                f"{name} repeats itself by aliases (*) to more than any config has; it was refused."
            )
        return None if node is None else loader.construct_document(node)
    except (
        *(yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError),
        *(ArithmeticError, RecursionError, MemoryError),
    ) as error:
        raise ConfigError(f"{name} is not plain YAML: {shortened(error)}") from error


def _wrong_value(value: Any) -> str | None:
    """What a config can't hold, in words, or None."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or len(key) > _MAX_KEY or not key.isprintable():
                return f"a key that is no short text ({shortened(repr(key), _MAX_KEY)})"
        return _first_wrong(value.values())
    if isinstance(value, list):
        return _first_wrong(value)
    if isinstance(value, str):
        return f"a text of {len(value):,} letters" if len(value) > _MAX_TEXT else None
    if isinstance(value, int):
        return "a number that is too large" if abs(value) > _MAX_INTEGER else None
    return None if value is None or isinstance(value, float) else f"a {type(value).__name__}"


def _first_wrong(values: Iterable[Any]) -> str | None:
    return next((wrong for wrong in map(_wrong_value, values) if wrong is not None), None)


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
        """Refuses what no config has while it is read, and not after."""

        nodes = depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.nodes += 1
            self.depth += 1
            if self.nodes > _MAX_NODES or self.depth > _MAX_DEPTH:
                raise yaml.YAMLError(
                    f"it has more than {_MAX_NODES:,} values, or {_MAX_DEPTH} in each other"
                )
            try:
                return super().compose_node(parent, index)
            finally:
                self.depth -= 1

    def number(construct: Any) -> Any:
        def checked(loader: Any, node: Any) -> Any:
            text = loader.construct_scalar(node)
            if len(text) > _MAX_DIGITS:
                raise yaml.YAMLError(f"it holds a number of {len(text):,} digits")
            return text if ":" in text else construct(loader, node)

        return checked

    def anchors(loader: Any, node: Any) -> Any:
        # The text is compared, never run.
        parts = loader.construct_sequence(node) if isinstance(node.value, list) else []
        if len(parts) == 1 and "".join(str(parts[0]).split()) == _ANCHORS:
            return [list(sizes) for sizes in _ANCHOR_SIZES]
        raise yaml.constructor.ConstructorError(
            None, None, "it holds an expression, which would have to be run", node.start_mark
        )

    tag = "tag:yaml.org,2002:"
    Loader.add_constructor(f"{tag}int", number(yaml.SafeLoader.construct_yaml_int))
    Loader.add_constructor(f"{tag}float", number(yaml.SafeLoader.construct_yaml_float))
    Loader.add_constructor(f"{tag}timestamp", yaml.SafeLoader.construct_yaml_str)  # type: ignore[type-var]
    python = f"{tag}python/"
    Loader.add_constructor(f"{python}object/apply:eval", anchors)
    Loader.add_constructor(f"{python}tuple", Loader.construct_yaml_seq)  # type: ignore[type-var]
    return Loader
