"""`batch SOURCE…`: many images, one table; goes on where it was stopped."""

from __future__ import annotations

import argparse
import sys
import threading
from functools import partial
from typing import Any

from .._stopping import stop_requests
from ..batch import IMAGES_PER_PART, Workers, find_for_run, segment_folder
from ..export import save_formats
from .common import EXIT_OK, EXIT_SOME_FAILED, Commands
from .image_arguments import (
    add_filter,
    add_model,
    add_reading,
    filter_of,
    load_model,
    read_formats,
)
from .wording import in_options

__all__ = ["add_parser", "load_model", "run"]

_EXAMPLES = """\
examples:
  python -m seg_widgets batch photos/ --only person --threshold 0.6
  python -m seg_widgets batch 'photos/**/*.jpg' --out found --format coco,png
  python -m seg_widgets batch annotations.json --model coco-r50-fpn-3x
  python -m seg_widgets batch s3://bucket/photos --out s3://bucket/found --ray

The same command goes on where a run was stopped, also by a power cut.

exit status: 0 all images done, 1 some failed (OUT/failures.csv says why), 2 wrong usage, no
             model or one that fails on everything, 130 or 143 stopped by Ctrl+C or SIGTERM
"""


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Describe the command's arguments.

    Args:
        commands: where the parser is added.

    Returns:
        The command's parser.
    """
    parser = commands.add_parser(
        "batch",
        help="find the objects in many images and write one table",
        description="Find the objects in many images, and write one table of them (Parquet), "
        "with what failed in failures.csv.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="a folder of images, a pattern such as 'photos/**/*.jpg', an image, a COCO or text "
        "file that lists images, or an address (http, https, s3, gs …)",
    )
    parser.add_argument(
        "--out",
        default="out",
        metavar="DIR",
        help="where results go, also an address such as s3://bucket/found (default: out)",
    )
    add_filter(parser)
    parser.add_argument(
        "--format",
        type=read_formats,
        default=(),
        metavar="LIST",
        help=f"which of {', '.join(save_formats())} to write beside the table, separated by commas",
    )
    parser.add_argument(
        "--images-per-part",
        type=int,
        default=IMAGES_PER_PART,
        metavar="N",
        help=f"images of one file of the table (default: {IMAGES_PER_PART})",
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="begin anew: remove what the run in --out has written, and nothing else",
    )
    parser.add_argument(
        "--retry-failed", action="store_true", help="try images again that failed before"
    )
    _add_ray(parser)
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    add_reading(parser)
    add_model(parser)
    return parser


def _add_ray(parser: argparse.ArgumentParser) -> None:
    """Add what says whether Ray Data does it."""
    parser.add_argument(
        "--ray",
        nargs="?",
        const=True,
        default=False,
        metavar="ADDRESS",
        help="let Ray Data do it: on the cluster of this address, or that RAY_ADDRESS names, or "
        "with processes of this machine",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="the most workers that Ray starts")
    parser.add_argument(
        "--worker-gpus",
        type=float,
        metavar="N",
        help="GPUs of each of Ray's workers (default: 1 where there are any)",
    )
    parser.add_argument(
        "--worker-cpus",
        type=float,
        default=1,
        metavar="N",
        help="CPU cores of each of Ray's workers (default: 1)",
    )


def run(options: argparse.Namespace) -> int:
    """Segment all images into one table; one that fails is listed, and the others are done.

    Ctrl+C and SIGTERM end it after the images that it is at; the same command goes on.

    Args:
        options: the parsed arguments.

    Returns:
        The exit status.

    Raises:
        SegWidgetsError: there is no model or no image, `--out` holds another run, or the results
            can't be written.
    """
    shown = filter_of(options)
    found = find_for_run(options.sources, options.out)  # before a model is downloaded
    predictor: Any = partial(load_model, options)
    if options.ray is False:
        predictor = predictor()
        print(f"model: {predictor.description} on {predictor.device}", file=sys.stderr)
    cancel = threading.Event()
    with stop_requests(cancel.set) as request:
        summary = segment_folder(
            found,
            options.out,
            predictor,
            filter=shown,
            only=options.only,
            formats=options.format,
            contrast=options.contrast,
            channels=options.channels,
            page=options.page,
            images_per_part=options.images_per_part,
            fresh=options.fresh,
            retry_failed=options.retry_failed,
            progress=not options.quiet,
            cancel=cancel,
            ray=options.ray,
            workers=Workers(options.workers, options.worker_gpus, options.worker_cpus),
        )
    print(in_options(str(summary)))
    if request and not summary.is_complete:
        return request.exit_status
    return EXIT_SOME_FAILED if summary.failed else EXIT_OK
