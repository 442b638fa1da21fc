"""`serve`: one model for notebooks, web pages and programs, over HTTP."""

from __future__ import annotations

import argparse
import importlib.util
import os
import secrets
import sys
from typing import Final

from ..errors import DependencyError
from ..modeling import STARTER, keep_threads_passive
from ..serving import (
    DEFAULT_PORT,
    TOKEN_VARIABLE,
    ModelSettings,
    ServerSettings,
    environment,
)
from .common import EXIT_OK, Commands, add_device, add_min_size, add_speed

__all__ = ["add_parser", "run"]

_NEEDED: Final = ("python_multipart", "prometheus_client", "starlette", "uvicorn")

_EXAMPLES = f"""\
examples:
  python -m seg_widgets serve
  curl -F file=@photo.jpg "http://127.0.0.1:{DEFAULT_PORT}/detect?token=TOKEN" -o found.png
  python -m seg_widgets segment holiday/ --server "http://127.0.0.1:{DEFAULT_PORT}/?token=TOKEN"
  SegmentationPanel(RemotePredictor("http://127.0.0.1:{DEFAULT_PORT}", token="TOKEN"))
"""


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Describe the command's arguments.

    Args:
        commands: where the parser is added.

    Returns:
        The command's parser.
    """
    parser = commands.add_parser(
        "serve",
        help="share one model with notebooks, web pages and programs, over HTTP",
        description="Share one model with notebooks, web pages and programs, over HTTP.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_model(parser)
    defaults = ServerSettings()
    parser.add_argument(
        "--host",
        default=defaults.host,
        help=f"where to listen (default: {defaults.host}, reached from this machine only)",
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help=f"(default: {DEFAULT_PORT}; 0: a free one)"
    )
    parser.add_argument(
        "--token",
        help="what requests must show; '' for none (default: "
        f"{TOKEN_VARIABLE} of the environment, or a new one)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=defaults.workers,
        metavar="N",
        help=f"processes with a model each (default: {defaults.workers})",
    )
    parser.add_argument(
        "--max-queue",
        type=int,
        default=defaults.max_queue,
        metavar="N",
        help="how many requests may wait; the next one is asked to come again later "
        f"(default: {defaults.max_queue})",
    )
    parser.add_argument(
        "--max-pixels",
        type=int,
        default=defaults.model.max_pixels,
        metavar="N",
        help=f"the most pixels of an image (default: {defaults.model.max_pixels})",
    )
    parser.add_argument(
        "--job-timeout",
        type=float,
        default=defaults.job_timeout_s,
        metavar="S",
        help="seconds for one image; a worker that takes longer is started again "
        f"(default: {defaults.job_timeout_s:.0f})",
    )
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    """Add what says which model, and how it runs."""
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help=f"a model by name, or a model's folder (default: {STARTER})",
    )
    parser.add_argument(
        "--config", metavar="YAML", help="a detectron2 config of your own, with --weights"
    )
    parser.add_argument("--weights", metavar="FILE", help="the weights that go with --config")
    parser.add_argument(
        "--predictor",
        default="",
        metavar="MODULE:FUNCTION",
        help="instead of a model, a function of yours that builds a predictor",
    )
    add_device(parser)
    parser.add_argument(
        "--half", action="store_true", help="compute in half precision, on a CUDA device"
    )
    add_min_size(parser)
    add_speed(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal ends it.

    Args:
        options: the parsed arguments.

    Returns:
        The exit status.

    Raises:
        SegWidgetsError: there is no model, or the address can't be listened at.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"The server needs packages that are not installed: {', '.join(missing)}. Install "
            "them with: pip install 'seg-widgets[serve]'."
        )
    settings = ServerSettings(
        ModelSettings(
            model=options.model,
            config=options.config,
            weights=options.weights,
            device=options.device,
            min_size=options.min_size,
            half=options.half,
            speed=options.speed,
            factory=options.predictor,
            max_pixels=options.max_pixels,
        ),
        host=options.host,
        port=options.port,
        token=_token(options.token),
        workers=options.workers,
        max_queue=options.max_queue,
        job_timeout_s=options.job_timeout,
    )
    # Only here, because the other commands don't need the server's packages.
    from ..serving import serve

    _print_advice(settings)
    # The workers inherit both.
    keep_threads_passive()
    os.environ.setdefault("OMP_NUM_THREADS", str(_threads(settings.workers)))
    try:
        serve(settings, lambda address: print(f"serving at {address}", flush=True))
    except KeyboardInterrupt:
        # While the model was loaded; later, the server ends by itself.
        print("stopped", file=sys.stderr)
    return EXIT_OK


def _token(given: str | None) -> str:
    """The token: as given, as in the environment, or a new one."""
    if given is not None:
        return given
    return environment(TOKEN_VARIABLE) or secrets.token_urlsafe(24)


def _threads(workers: int) -> int:
    """Threads for each worker, so that together they have as many as there are cores."""
    return max(1, (os.cpu_count() or 1) // workers)


def _print_advice(settings: ServerSettings) -> None:
    if settings.is_loopback:
        return
    if not settings.token:
        print("warning: anybody who reaches this machine may use the server.", file=sys.stderr)
    print(
        "note: what is sent can be read on the way; put a server with https in front of it.",
        file=sys.stderr,
    )
