"""`finetune DATA`: make a model for classes of your own, or only check the data."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from ..errors import SettingError
from ..modeling import STARTER, keep_threads_passive
from .common import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_SOME_FAILED,
    EXIT_TERMINATED,
    Commands,
    add_device,
    add_min_size,
)
from .wording import in_options

__all__ = ["add_parser", "run"]


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Describe the command's arguments.

    Args:
        commands: where the parser is added.

    Returns:
        The command's parser.
    """
    parser = commands.add_parser(
        "finetune",
        help="make a model for classes of your own, from images and outlines in COCO's format",
        description="Fine-tune a model on images with a JSON file in COCO's format, and write a "
        "model's folder.",
        epilog="exit status: 0 done, 1 --check found faults, 2 wrong usage or no such data, "
        "130 or 143 ended by Ctrl+C or SIGTERM, to be gone on with by --resume",
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="the folder, or its JSON file")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the model's folder to write")
    parser.add_argument(
        "--check",
        action="store_true",
        help="only say what is in the data and what is wrong with it",
    )
    parser.add_argument(
        "--model",
        default=STARTER,
        metavar="NAME",
        help=f"what to start from (default: {STARTER})",
    )
    parser.add_argument(
        "--validation",
        type=_share_or_data,
        metavar="SHARE|DATA",
        help="what to measure on: a share of the images, or another data set "
        "(default: DATA's own part, or 0.2)",
    )
    _add_reading(parser)
    _add_training(parser)
    return parser


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """Add how the data is read."""
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="the folder with the images, of both parts (default: beside the JSON file, or in "
        "images, train, …)",
    )
    parser.add_argument(
        "--max-pixels",
        type=int,
        metavar="N",
        help="the largest width · height of an image (default: 50 million)",
    )
    parser.add_argument(
        "--max-mb",
        type=_megabytes,
        metavar="MB",
        help="the largest file of an image (default: 25 MiB)",
    )
    parser.add_argument(
        "--crowds-as-objects",
        action="store_true",
        help="take what is marked iscrowd=1 as objects; CVAT marks brush masks so",
    )


def _add_training(parser: argparse.ArgumentParser) -> None:
    """Add how it is trained."""
    parser.add_argument(
        "--steps", type=int, metavar="N", help="steps of four images (default: by the data)"
    )
    parser.add_argument(
        "--patience",
        type=int,
        default=5,
        metavar="N",
        help="end after so many measurements without a better one (default: 5)",
    )
    parser.add_argument(
        "--learning-rate", type=float, default=5e-4, metavar="RATE", help="default: 0.0005"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the order and views (default: 0)")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the training in --out that was interrupted, with the same images in the "
        "same order",
    )
    add_device(parser)
    add_min_size(parser)


def _megabytes(text: str) -> int:
    """The bytes of a number of megabytes."""
    size = float(text) * 1e6
    if not 1 <= size < math.inf:
        raise ValueError(text)
    return int(size)


def _share_or_data(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def run(options: argparse.Namespace) -> int:
    """Check the data, or fine-tune on it.

    Args:
        options: the parsed arguments.

    Returns:
        The exit status; with --check 1 if the data has faults; 130 or 143 if a signal ended it.

    Raises:
        SegWidgetsError: the data or the settings can't be used.
    """
    keep_threads_passive()
    reading = _reading(options)
    if options.check:
        _check_settings(options)
        return _check(options.data, options.validation, reading)
    if options.out is None:
        raise SettingError(
            "Say where the model goes: --out DIR (or --check to look at the data alone)."
        )
    from ..finetuning import finetune

    result = finetune(
        options.data,
        options.out,
        model=options.model,
        steps=options.steps,
        device=options.device,
        validation=options.validation,
        patience=options.patience,
        learning_rate=options.learning_rate,
        min_size=options.min_size,
        seed=options.seed,
        resume=options.resume,
        **reading,
        report=lambda line: print(line, flush=True),
    )
    if result.why_ended == "terminated":
        return EXIT_TERMINATED
    print(f"\n{result.steps} steps in {result.seconds:.0f} s; ended: {result.why_ended}")
    if result.figures:
        _print_figures(result.figures)
    folder = result.folder.resolve()
    print(f"wrote {result.folder}; try it: python -m seg_widgets segment PHOTO --model {folder}")
    return EXIT_INTERRUPTED if result.why_ended == "stopped" else EXIT_OK


def _check_settings(options: argparse.Namespace) -> None:
    """Refuse what the training would refuse, before anybody waits for it."""
    from ..finetuning import check_settings, check_share

    check_settings(options.steps, options.patience, options.learning_rate, options.min_size)
    check_share(options.validation)


def _reading(options: argparse.Namespace) -> dict[str, Any]:
    """The settings of `read_dataset` that were given."""
    settings: dict[str, Any] = {"crowds_as_objects": options.crowds_as_objects}
    if options.images is not None:
        settings["images"] = options.images
    if options.max_pixels is not None:
        settings["max_pixels"] = options.max_pixels
    if options.max_mb is not None:
        settings["max_bytes"] = options.max_mb
    return settings


def _check(data: Path, validation: float | str | None, reading: dict[str, Any]) -> int:
    """Print what is in the data, and what is wrong with it."""
    from ..finetuning import find_parts, read_dataset

    training, own = find_parts(data)
    measured = own if validation is None else validation
    parts: list[tuple[str, Any]] = [("", training)]
    if measured is not None and not isinstance(measured, float):
        parts.append(("to measure on: ", measured))

    faults = 0
    for title, path in parts:
        part = read_dataset(path, **reading)
        faults += len(part.problems)
        print(f"{title}{len(part.images)} images, {part.objects} objects: {part.counts()}")
        print("\n".join(map(str, part.problems)) or "Nothing is wrong with it.")
        for note in part.notes:
            print(f"note: {in_options(str(note))}")
    return EXIT_SOME_FAILED if faults else EXIT_OK


def _print_figures(figures: dict[str, Any]) -> None:
    """Print AP and AP50, of all classes together and of each."""
    rows = [("class", "objects", "AP", "AP50"), ("all", "", *_ap(figures))]
    for name, one in figures["per_class"].items():
        rows.append((name, str(one["instances"]), *_ap(one)))
    width = max(len(row[0]) for row in rows)
    for name, *cells in rows:
        print("  ".join([name.ljust(width), *(cell.rjust(7) for cell in cells)]))


def _ap(figures: dict[str, Any]) -> tuple[str, str]:
    ap, ap50 = ("-" if figures[name] is None else f"{figures[name]:.3f}" for name in ("AP", "AP50"))
    return ap, ap50
