"""`segment PHOTO…`: find the objects in images and write the results."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from .._files import expanded, require_writable, sweep
from .._stopping import stop_requests
from ..batch import find_images
from ..export import DEFAULT_FORMATS, save_formats
from .common import EXIT_OK, EXIT_SOME_FAILED, Commands
from .image_arguments import add_filter, add_model, add_reading, load_model, read_formats
from .image_run import ImageRun, shown_path

__all__ = ["add_parser", "run"]

_HALF_FILE_S: Final = 600
"""Seconds after which a file that was begun is one of a run that was killed."""

_EXAMPLES = """\
examples:
  python -m seg_widgets segment photo.jpg
  python -m seg_widgets segment holiday/ --out found --threshold 0.7 --only person,cat
  python -m seg_widgets segment https://example.org/cat.jpg --format png,csv
  python -m seg_widgets segment photo.jpg --device cpu \\
      --config my.yaml --weights model_final.pth --classes cell,debris

COCO: several images give one data set, named like the folder (or images-coco.json).

exit status: 0 all images done, 1 some failed (each is named with its reason),
             2 wrong usage, no model or one that fails on everything, --out can't be written,
             130 or 143 stopped by Ctrl+C or SIGTERM
             (the image it was at is done; --resume does the others)
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
        help="an image file, a folder of images, a pattern such as 'photos/**/*.jpg', a COCO or "
        "text file that lists images, or an address (http, https, s3, gs …)",
    )
    parser.add_argument(
        "--out",
        type=_folder,
        default=Path("out"),
        metavar="DIR",
        help="where results go (default: out)",
    )
    add_filter(parser)
    parser.add_argument(
        "--format",
        type=read_formats,
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
        help="skip what a run that was stopped or failed in part, or one that had --resume itself, "
        "has written into --out",
    )
    add_reading(parser)
    add_model(parser)
    return parser


def _folder(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; for this folder, give .")
    # A shell leaves the ~ of --out=~/found as it is.
    return expanded(text)


def run(options: argparse.Namespace) -> int:
    """Segment all images; one that fails is named, and the others are done.

    Ctrl+C and SIGTERM end it after the image that it is at; `--resume` goes on.

    Args:
        options: the parsed arguments.

    Returns:
        The exit status.

    Raises:
        SegWidgetsError: there is no model or no image, `--out` can't be written, or the run to
            resume had other settings.
    """
    found = find_images(options.photos)
    found.require_images()
    require_writable(options.out)
    predictor = load_model(options)
    print(f"model: {predictor.description} on {predictor.device}")

    for sentence in found.left_out:
        print(sentence, file=sys.stderr)
    failed = [f"{shown_path(folder)}: {error}" for folder, error in found.errors.items()]
    for line in failed:
        print(f"\n{line}", file=sys.stderr)

    sweep(options.out, older_than_s=_HALF_FILE_S)
    work = ImageRun(predictor, options, found)
    with stop_requests() as request:
        try:
            failed += work.do_all(request)
        finally:
            # Also of what was done before an interrupt.
            work.write_together()

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
