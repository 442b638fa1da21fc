"""`segment PHOTO…`: find the objects in images and write the results."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .. import images
from .._stopping import stop_requests
from ..errors import SegWidgetsError, SettingError
from ..export import DEFAULT_FORMATS, save_formats
from ..modeling import EXACT, STARTER
from ..prediction import check_threshold
from ..serving import SERVER_VARIABLE, environment
from .common import (
    EXIT_OK,
    EXIT_SOME_FAILED,
    Commands,
    DownloadProgress,
    add_device,
    add_min_size,
    add_speed,
    keep_threads_passive,
    split_names,
)
from .image_files import find_images
from .image_run import ImageRun, shown_path

if TYPE_CHECKING:
    from ..modeling import Detectron2Predictor
    from ..serving import RemotePredictor

__all__ = ["add_parser", "load_model", "run"]

_EXAMPLES = """\
examples:
  python -m seg_widgets segment photo.jpg
  python -m seg_widgets segment holiday/ --out found --threshold 0.7
  python -m seg_widgets segment https://example.org/cat.jpg --format png,csv
  python -m seg_widgets segment photo.jpg --device cpu \\
      --config my.yaml --weights model_final.pth --classes cell,debris

COCO: several images give one data set, named like the folder (or images-coco.json).

exit status: 0 all images done, 1 some failed (each is named with its reason),
             2 wrong usage or no model, 130 or 143 stopped by Ctrl+C or SIGTERM
             (the image it was at is done; --resume does the others)
"""


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


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Describe the command's arguments.

    Args:
        commands: where the parser is added.

    Returns:
        The command's parser.
    """
    parser = commands.add_parser(
        "segment",
        help="find the objects in images and write the results",
        description="Find the objects in images; print each one's instance table and write the "
        "results.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="PHOTO",
        help="an image file, a folder of images, or an http(s) URL",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("out"),
        metavar="DIR",
        help="where results go (default: out)",
    )
    parser.add_argument(
        "--threshold",
        type=_threshold,
        default=0.5,
        metavar="SCORE",
        help="least score that counts, 0 to 1 (default: 0.5)",
    )
    parser.add_argument(
        "--format",
        type=_formats,
        default=DEFAULT_FORMATS,
        metavar="LIST",
        help=f"which of {', '.join(save_formats())} to write, separated by commas "
        f"(default: {','.join(DEFAULT_FORMATS)})",
    )
    parser.add_argument(
        "--separate",
        action="store_true",
        help="write coco and results as a file for each image, not as one for all of them",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="skip what a run that was stopped, or failed in part, has written into --out",
    )
    _add_reading(parser)
    _add_model(parser)
    return parser


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """Add what is taken of an image that holds more than 8-bit RGB."""
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


def _add_model(parser: argparse.ArgumentParser) -> None:
    """Add what says which model, and how it runs."""
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


def _threshold(text: str) -> float:
    try:
        return check_threshold(text)
    except SegWidgetsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _formats(text: str) -> tuple[str, ...]:
    formats = split_names(text)
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


def run(options: argparse.Namespace) -> int:
    """Segment all images; one that fails is named, and the others are done.

    Ctrl+C and SIGTERM end it after the image that it is at; `--resume` goes on.

    Args:
        options: the parsed arguments.

    Returns:
        The exit status.

    Raises:
        SegWidgetsError: there is no model, or the run to resume had other settings.
    """
    predictor = load_model(options)
    print(f"model: {predictor.description} on {predictor.device}")

    found = find_images(options.photos)
    for sentence in found.left_out:
        print(sentence, file=sys.stderr)
    failed = [f"{shown_path(folder)}: {error}" for folder, error in found.errors.items()]
    for line in failed:
        print(f"\n{line}", file=sys.stderr)

    work = ImageRun(predictor, options, found)
    with stop_requests() as request:
        try:
            failed += work.do_all(request)
        finally:
            # Also of what was done before an interrupt.
            work.together.write()

    if failed:
        print(f"\n{len(failed)} failed:", *failed, sep="\n  ", file=sys.stderr)
    if request and work.left:
        print(
            f"\nstopped by {request.name}: {work.left} of {len(found.sources)} images are left. "
            "The same command with --resume does them.",
            file=sys.stderr,
        )
        return request.exit_status
    if not failed and not options.resume:
        work.journal.remove()
    return EXIT_SOME_FAILED if failed else EXIT_OK
