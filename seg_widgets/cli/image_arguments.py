"""The arguments of commands that take images through a model: which model, how images are read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .. import images
from ..errors import SegWidgetsError, SettingError
from ..export import save_formats
from ..modeling import EXACT, STARTER, keep_threads_passive
from ..prediction import DEFAULT_THRESHOLD, Filter, check_threshold
from ..serving import SERVER_VARIABLE, environment
from .common import (
    DownloadProgress,
    PairsAction,
    add_device,
    add_min_size,
    add_speed,
    split_names,
)

if TYPE_CHECKING:
    from ..modeling import Detectron2Predictor
    from ..serving import RemotePredictor

__all__ = [
    "add_filter",
    "add_model",
    "add_reading",
    "filter_of",
    "load_model",
    "read_formats",
    "read_threshold",
]

# The arguments that say which model, with what they are when nobody gave them.
_OF_A_MODEL = (
    ("model", STARTER),
    ("config", None),
    ("weights", None),
    ("classes", None),
    ("device", "auto"),
    ("min_size", None),
    ("half", False),
    ("speed", EXACT),
)


def add_filter(parser: argparse.ArgumentParser) -> None:
    """Add what says which objects are in the results.

    Args:
        parser: of a command that writes what was found.
    """
    parser.add_argument(
        "--threshold",
        type=read_threshold,
        default=DEFAULT_THRESHOLD,
        metavar="SCORE",
        help=f"least score that counts, 0 to 1 (default: {DEFAULT_THRESHOLD})",
    )
    parser.add_argument(
        "--class-threshold",
        type=_class_threshold,
        action=PairsAction,
        default={},
        metavar="CLASS=SCORE",
        help="least score of one class, such as person=0.7; may be given several times",
    )
    parser.add_argument(
        "--only", type=split_names, default=(), metavar="LIST", help="these classes alone"
    )
    parser.add_argument(
        "--hide", type=split_names, default=(), metavar="LIST", help="all but these classes"
    )


def filter_of(options: argparse.Namespace) -> Filter:
    """What `add_filter` read, without `--only`.

    Args:
        options: the parsed arguments.
    """
    return Filter(options.threshold, options.hide, options.class_threshold)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add what is taken of an image that holds more than 8-bit RGB.

    Args:
        parser: of a command that opens images.
    """
    parser.add_argument(
        "--contrast",
        type=_contrast,
        default="auto",
        metavar="RULE",
        help="how values of more than 8 bits are shown: auto (percentiles), full, none, or "
        "BLACK,WHITE (default: auto)",
    )
    parser.add_argument(
        "--channels",
        type=_channels,
        metavar="LIST",
        help="one channel, or three for red, green and blue, from 0, such as 3,2,1",
    )
    parser.add_argument(
        "--page", type=int, metavar="N", help="the page of a TIFF or frame of a GIF, from 0"
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add what says which model, and how it runs.

    Args:
        parser: of a command that runs a model.
    """
    add_device(parser)
    parser.add_argument(
        "--model",
        default=STARTER,
        metavar="NAME",
        help="a model by name, fetched if it is not here, or a model's folder "
        f"(default: {STARTER})",
    )
    parser.add_argument(
        "--config", metavar="YAML", help="a detectron2 config of your own, with --weights"
    )
    parser.add_argument(
        "--trust-code", action="store_true", help="let a --config that is a Python file run"
    )
    parser.add_argument(
        "--half", action="store_true", help="compute in half precision, on a CUDA device"
    )
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="the weights that go with --config"
    )
    parser.add_argument(
        "--classes",
        type=_class_names,
        metavar="LIST",
        help="class names in the order of the ids, by commas, or a .json or .txt file of them",
    )
    add_min_size(parser)
    add_speed(parser)
    parser.add_argument(
        "--server",
        metavar="URL",
        help="let a server run the model, see `serve` (default: "
        f"{SERVER_VARIABLE} of the environment, unless a model is named here)",
    )


def read_threshold(text: str) -> float:
    """Read a threshold, for argparse.

    Args:
        text: the argument.

    Raises:
        ArgumentTypeError: it is no number from 0 to 1.
    """
    try:
        return check_threshold(text)
    except SegWidgetsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _class_threshold(text: str) -> tuple[str, float]:
    name, is_pair, score = text.rpartition("=")
    try:
        if is_pair and name:
            return name, check_threshold(score)
    except SegWidgetsError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not CLASS=SCORE, such as person=0.7")


def read_formats(text: str) -> tuple[str, ...]:
    """Read a list of export formats, for argparse.

    Args:
        text: the argument.

    Raises:
        ArgumentTypeError: one is unknown, or there is none.
    """
    formats = split_names(text) if text.strip(", ") else ()
    unknown = [name for name in formats if name not in save_formats()]
    if unknown or not formats:
        raise argparse.ArgumentTypeError(
            f"{text!r} has no or unknown formats; choose from {', '.join(save_formats())}"
        )
    return formats


def _contrast(text: str) -> images.Contrast:
    if text in ("auto", "full", "none"):
        return text  # type: ignore[return-value]
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is none of auto, full, none and BLACK,WHITE (two numbers)"
        ) from None
    return low, high


def _channels(text: str) -> tuple[int, ...]:
    try:
        return tuple(map(int, text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not one index, or three separated by commas"
        ) from None


def _class_names(text: str) -> tuple[str, ...] | Path:
    return Path(text) if text.lower().endswith((".json", ".txt")) else split_names(text)


def load_model(options: argparse.Namespace) -> Detectron2Predictor | RemotePredictor:
    """Build the model that the arguments name, or ask a server's.

    It is a function of its own so that a test can put a cheap predictor in its place:
    `monkeypatch.setattr(segment, "load_model", lambda options: predictor)`. The predictor needs a
    `description` and a `device`, which are printed.

    Args:
        options: the parsed arguments.

    Returns:
        The predictor.

    Raises:
        ModelError: it can't be built.
        InferenceError: the server can't be reached.
        SettingError: an argument is out of its range, or doesn't go with a server.
    """
    server = _server(options)
    if server:
        from ..serving import RemotePredictor

        remote = RemotePredictor(server)
        remote.about()  # so that it is known before the first image whether it answers
        return remote
    keep_threads_passive()
    from ..modeling import load_predictor

    return load_predictor(
        options.model,
        config=options.config,
        weights=options.weights,
        classes=options.classes,
        device=options.device,
        min_size=options.min_size,
        half=options.half,
        speed=options.speed,
        trust_code=options.trust_code,
        progress=DownloadProgress(options.model),
    )


def _server(options: argparse.Namespace) -> str:
    """The address of the server to ask; "" for a model of this process."""
    named = [
        f"--{name.replace('_', '-')}"
        for name, usual in _OF_A_MODEL
        if getattr(options, name) != usual
    ]
    if options.server and named:
        raise SettingError(
            f"A server has a model of its own: leave out {', '.join(named)}, or --server."
        )
    return options.server or ("" if named else environment(SERVER_VARIABLE))
