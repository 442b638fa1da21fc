"""`segment PHOTO…`: find the objects in images and write the results."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .. import images
from ..errors import SegWidgetsError
from ..export import DEFAULT_FORMATS, save, save_formats
from ..modeling import STARTER
from ..prediction import Predictor, check_threshold
from .common import (
    EXIT_OK,
    EXIT_SOME_FAILED,
    Commands,
    DownloadProgress,
    add_device,
    add_min_size,
    keep_threads_passive,
    split_names,
)

if TYPE_CHECKING:
    from ..modeling import Detectron2Predictor

__all__ = ["add_parser", "find_images", "load_model", "run", "unique_stems"]

_EXAMPLES = """\
examples:
  python -m seg_widgets segment photo.jpg
  python -m seg_widgets segment holiday/ --out found --threshold 0.7
  python -m seg_widgets segment https://example.org/cat.jpg --format png,csv
  python -m seg_widgets segment photo.jpg --device cpu \\
      --config my.yaml --weights model_final.pth --classes cell,debris

exit status: 0 all images done, 1 some failed (each is named with its reason),
             2 wrong usage or no model
"""


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
    _add_model(parser)
    return parser


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


def _class_names(text: str) -> tuple[str, ...] | Path:
    return Path(text) if text.lower().endswith((".json", ".txt")) else split_names(text)


def load_model(options: argparse.Namespace) -> Detectron2Predictor:
    """Build the model that the arguments name.

    It is a function of its own so that a test can put a cheap predictor in its place:
    `monkeypatch.setattr(segment, "load_model", lambda options: predictor)`. The predictor needs a
    `description` and a `device`, which are printed.

    Args:
        options: the parsed arguments.

    Returns:
        The predictor.

    Raises:
        ModelError: it can't be built.
        SettingError: an argument is out of its range.
    """
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
        trust_code=options.trust_code,
        progress=DownloadProgress(options.model),
    )


def run(options: argparse.Namespace) -> int:
    """Segment all images; one that fails is named, and the others are done.

    Args:
        options: the parsed arguments.

    Returns:
        The exit status.

    Raises:
        SegWidgetsError: there is no model.
    """
    predictor = load_model(options)
    print(f"model: {predictor.description} on {predictor.device}")

    failed: list[str] = []
    for source, stem in unique_stems(find_images(options.photos)):
        try:
            _segment_one(predictor, source, stem, options)
        except SegWidgetsError as error:
            failed.append(f"{source}: {error}")
            print(f"\n{source}: failed: {error}", file=sys.stderr)

    if failed:
        print(f"\n{len(failed)} failed:", *failed, sep="\n  ", file=sys.stderr)
    return EXIT_SOME_FAILED if failed else EXIT_OK


def _segment_one(predictor: Predictor, source: str, stem: str, options: argparse.Namespace) -> None:
    image = images.load(source)
    start = time.perf_counter()
    everything = predictor(image)
    seconds = time.perf_counter() - start

    prediction = everything.filter(options.threshold)
    print(f"\n{source} ({seconds:.2f} s)")
    print(prediction)
    if not len(prediction) and len(everything):
        best = everything.scores.max()
        print(f"Nothing scores {options.threshold:.2f} or more; the best is {best:.2f}.")

    name = images.name_of(source)
    written = save(prediction, image, options.out, stem, options.format, file_name=name)
    for paths in written.values():
        for path in paths if isinstance(paths, list) else [paths]:
            print(f"wrote {path}")


def find_images(photos: Iterable[str]) -> list[str]:
    """Find the images that are meant.

    Args:
        photos: files, addresses and folders.

    Returns:
        Files and addresses as they were given, and the images in each folder in alphabetical order.
        A folder without images stays, so that it fails with a message.
    """
    found: list[str] = []
    for photo in photos:
        folder = Path(photo)
        if images.is_address(photo) or not folder.is_dir():
            found.append(photo)
            continue
        inside = [path for path in folder.iterdir() if path.suffix.lower() in images.SUFFIXES]
        found.extend(sorted(map(str, inside)) or [photo])
    return found


def unique_stems(sources: Iterable[str]) -> list[tuple[str, str]]:
    """Choose the names of the result files, so that none is overwritten.

    Args:
        sources: files and addresses.

    Returns:
        Each source with the stem of its result files; a second "photo" becomes "photo-2".
    """
    taken: set[str] = set()
    pairs = []
    for source in sources:
        plain = Path(images.name_of(source)).stem or "image"
        stem, number = plain, 1
        while stem in taken:
            number += 1
            stem = f"{plain}-{number}"
        taken.add(stem)
        pairs.append((source, stem))
    return pairs
