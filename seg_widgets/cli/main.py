"""The command line: `python -m seg_widgets segment PHOTO…`, `… weights …`, `… finetune DATA`, `…
export-html NOTEBOOK`, `… doctor`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .. import __version__, images
from ..errors import SegWidgetsError, SettingError
from ..export import DEFAULT_FORMATS, save, save_formats, write_bytes
from ..modeling import STARTER, download, find_model, models, verify, weight_folders
from ..prediction import Predictor, check_threshold

__all__ = ["main"]

EXIT_OK, EXIT_SOME_FAILED, EXIT_USAGE = 0, 1, 2

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
_EXAMPLES = """\
examples:
  python -m seg_widgets segment photo.jpg
  python -m seg_widgets segment holiday/ --out found --threshold 0.7
  python -m seg_widgets segment https://example.org/cat.jpg --format png,csv
  python -m seg_widgets segment photo.jpg --device cpu --config my.yaml --weights model_final.pth --classes cell,debris

exit status: 0 all images done, 1 some failed (each is named with its reason), 2 wrong usage or no model
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the result is the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "doctor":
        from .doctor import report

        return report(sys.stdout)
    if options.command == "segment":
        return _segment(options)
    if options.command == "weights":
        return _weights(options)
    if options.command == "export-html":
        return _export_html(options)
    if options.command == "finetune":
        return _finetune(options)
    parser.print_help()
    return EXIT_USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m seg_widgets", description="Instance segmentation with detectron2."
    )
    parser.add_argument("--version", action="version", version=f"seg-widgets {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    segment = commands.add_parser(
        "segment",
        help="find the objects in images and write the results",
        description="Find the objects in images; print each one's instance table and write the results.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    segment.add_argument(
        "photos",
        nargs="+",
        metavar="PHOTO",
        help="an image file, a folder of images, or an http(s) URL",
    )
    segment.add_argument(
        "--out",
        type=Path,
        default=Path("out"),
        metavar="DIR",
        help="where results go (default: out)",
    )
    segment.add_argument(
        "--threshold",
        type=_threshold,
        default=0.5,
        metavar="SCORE",
        help="least score that counts, 0 to 1 (default: 0.5)",
    )
    segment.add_argument(
        "--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default: auto)"
    )
    segment.add_argument(
        "--format",
        type=_formats,
        default=DEFAULT_FORMATS,
        metavar="LIST",
        help=f"which of {', '.join(save_formats())} to write, separated by commas "
        f"(default: {','.join(DEFAULT_FORMATS)})",
    )
    segment.add_argument(
        "--model",
        default=STARTER,
        metavar="NAME",
        help=f"a model by name, fetched if it is not here, or a model's folder (default: {STARTER})",
    )
    segment.add_argument(
        "--config", metavar="YAML", help="a detectron2 config of your own, with --weights"
    )
    segment.add_argument(
        "--trust-code", action="store_true", help="let a --config that is a Python file run"
    )
    segment.add_argument(
        "--half", action="store_true", help="compute in half precision, on a CUDA device"
    )
    segment.add_argument(
        "--weights", type=Path, metavar="FILE", help="the weights that go with --config"
    )
    segment.add_argument(
        "--classes",
        type=_class_names,
        metavar="LIST",
        help="class names in the order of the ids, by commas, or a .json or .txt file of them",
    )
    segment.add_argument(
        "--min-size", type=int, metavar="PX", help="scale the shorter side to this for the model"
    )
    weights = commands.add_parser(
        "weights", help="the models that can be asked for by name, and where their weights are"
    )
    actions = weights.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser(
        "list",
        help="all models: classes, what is published of each, and whether its weights are here",
    )
    get = actions.add_parser(
        "get", help="fetch the weights of models into the cache, or go on with it"
    )
    get.add_argument("models", nargs="+", metavar="NAME", help="a model by name")
    verify = actions.add_parser(
        "verify", help="check the weights that are here against their checksums"
    )
    verify.add_argument(
        "models", nargs="*", metavar="NAME", help="a model by name (default: all that are here)"
    )
    path = actions.add_parser("path", help="print where a model's weights are on this machine")
    path.add_argument("model", metavar="NAME", help="a model by name")
    page = commands.add_parser(
        "export-html",
        help="make one HTML file of a notebook, with its panels to be explored without Python",
    )
    page.add_argument("notebook", type=Path, metavar="NOTEBOOK", help="an .ipynb file")
    page.add_argument(
        "--out", type=Path, metavar="FILE", help="the file to write (default: beside the notebook)"
    )
    page.add_argument(
        "--as-saved", action="store_true", help="don't run it first, but show what was saved in it"
    )
    tune = commands.add_parser(
        "finetune",
        help="make a model for classes of your own, from images and outlines in COCO's format",
        description="Fine-tune a model on images with a JSON file in COCO's format, and write a model's folder.",
    )
    tune.add_argument("data", type=Path, metavar="DATA", help="the folder, or its JSON file")
    tune.add_argument("--out", type=Path, metavar="DIR", help="the model's folder to write")
    tune.add_argument(
        "--check",
        action="store_true",
        help="only say what is in the data and what is wrong with it",
    )
    tune.add_argument(
        "--model", default=STARTER, metavar="NAME", help="what to start from (default: starter)"
    )
    tune.add_argument(
        "--steps", type=int, metavar="N", help="steps of four images (default: by the data)"
    )
    tune.add_argument(
        "--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default: auto)"
    )
    tune.add_argument(
        "--validation",
        type=_share_or_data,
        metavar="SHARE|DATA",
        help="what to measure on: a share of the images, or another data set (default: DATA's own part, or 0.2)",
    )
    tune.add_argument(
        "--patience",
        type=int,
        default=5,
        metavar="N",
        help="end after so many worse looks (default: 5)",
    )
    tune.add_argument(
        "--learning-rate", type=float, default=5e-4, metavar="RATE", help="default: 0.0005"
    )
    tune.add_argument(
        "--min-size", type=int, metavar="PX", help="scale the shorter side to this for the model"
    )
    tune.add_argument("--seed", type=int, default=0, help="of the order and views (default: 0)")
    commands.add_parser(
        "doctor", help="show versions, device and weights, and what to do about each problem"
    )
    return parser


def _threshold(text: str) -> float:
    try:
        return check_threshold(text)
    except SegWidgetsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _share_or_data(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _formats(text: str) -> tuple[str, ...]:
    formats = _names(text)
    unknown = [name for name in formats if name not in save_formats()]
    if unknown or not formats:
        raise argparse.ArgumentTypeError(
            f"{text!r} has no or unknown formats; choose from {', '.join(save_formats())}"
        )
    return formats


def _class_names(text: str) -> tuple[str, ...] | Path:
    return Path(text) if text.lower().endswith((".json", ".txt")) else _names(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _weights(options: argparse.Namespace) -> int:
    if options.action == "list":
        return _list_weights()
    if options.action == "path":
        return _weights_path(options.model)
    failed = False
    here = [card.name for card in models() if card.file and card.weights is not None]
    for name in options.models or here:
        try:
            if options.action == "get":
                print(f"{name}: {download(name, progress=_Progress(name))}")
            else:
                print(f"{name}: {verify(name)}")
        except SegWidgetsError as error:
            failed = True
            print(f"{name}: {error}", file=sys.stderr)
    if not options.models and not here:
        print("There are no weights of the model zoo here.")
    return EXIT_SOME_FAILED if failed else EXIT_OK


def _export_html(options: argparse.Namespace) -> int:
    from ..viewer import notebook_to_html

    out: Path = options.out or options.notebook.with_suffix(".html")
    try:
        write_bytes(
            out,
            notebook_to_html(options.notebook, run=not options.as_saved).encode("utf-8", "replace"),
        )
    except SegWidgetsError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_SOME_FAILED
    print(f"wrote {out}")
    return EXIT_OK


def _check_data(data: Path, validation: float | str | None) -> int:
    from ..finetuning import find_parts, read_dataset

    training, own = find_parts(data)
    told = own if validation is None else validation
    parts = (
        [("", training)]
        if told is None or isinstance(told, float)
        else [("", training), ("to measure on: ", told)]
    )
    faults = 0
    for title, path in parts:
        part = read_dataset(path)
        faults += len(part.problems)
        print(f"{title}{len(part.images)} images, {part.objects} objects: {part.counts()}")
        print("\n".join(map(str, part.problems)) or "Nothing is wrong with it.")
    return EXIT_SOME_FAILED if faults else EXIT_OK


def _finetune(options: argparse.Namespace) -> int:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        if options.check:
            return _check_data(options.data, options.validation)
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
            report=lambda line: print(line, flush=True),
        )
    except SegWidgetsError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    print(f"\n{result.steps} steps in {result.seconds:.0f} s; ended: {result.why_ended}")
    if result.figures:
        rows = [("class", "objects", "AP", "AP50"), ("all", "", *_figures(result.figures))]
        rows += [
            (name, str(one["instances"]), *_figures(one))
            for name, one in result.figures["per_class"].items()
        ]
        width = max(len(row[0]) for row in rows)
        print(
            "\n".join(
                "  ".join([row[0].ljust(width), *(cell.rjust(7) for cell in row[1:])])
                for row in rows
            )
        )
    print(
        f"wrote {result.folder}; try it: python -m seg_widgets segment PHOTO --model {result.folder.resolve()}"
    )
    return EXIT_OK


def _figures(figures: dict[str, Any]) -> tuple[str, str]:
    ap, ap50 = ("-" if figures[name] is None else f"{figures[name]:.3f}" for name in ("AP", "AP50"))
    return ap, ap50


class _Progress:
    """Tells how far a download has come: each second on a terminal, each tenth elsewhere."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told = 0.0

    def __call__(self, there: int, total: int | None) -> None:
        now = time.monotonic()
        if there != total and now - self._told < (1 if sys.stderr.isatty() else 10):
            return
        self._told = now
        of = f" of {total / 1e6:.0f}" if total else ""
        print(f"{self._name}: {there / 1e6:.0f}{of} MB", file=sys.stderr, flush=True)


def _list_weights() -> int:
    rows: list[tuple[str, ...]] = [
        ("model", "classes", "trained on", "box AP", "mask AP", "speed", "MB", "weights")
    ]
    for card in models():
        figures = [
            "" if figure is None else f"{figure:.1f}" for figure in (card.box_ap, card.mask_ap)
        ]
        here = "here" if card.weights is not None else "not here"
        size = "" if card.megabytes is None else f"{card.megabytes:.0f}"
        rows.append(
            (card.name, str(card.classes or ""), card.trained_on, *figures, card.speed, size, here)
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    print(f"\nWeights are looked for in {', '.join(map(str, weight_folders()))}.")
    return EXIT_OK


def _weights_path(name: str) -> int:
    try:
        print(find_model(name).weights)
    except SegWidgetsError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    return EXIT_OK


def _segment(options: argparse.Namespace) -> int:
    # torch's threads else spin while they wait, which costs much on a busy machine; read when torch
    # is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from ..modeling import load_predictor

    try:
        predictor = load_predictor(
            options.model,
            config=options.config,
            weights=options.weights,
            classes=options.classes,
            device=options.device,
            min_size=options.min_size,
            half=options.half,
            trust_code=options.trust_code,
            progress=_Progress(options.model),
        )
    except SegWidgetsError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    print(f"model: {predictor.description} on {predictor.device}")
    failed: list[str] = []
    for source, stem in _unique_stems(_sources(options.photos)):
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
        print(
            f"Nothing scores {options.threshold:.2f} or more; the best is {everything.scores.max():.2f}."
        )
    written = save(
        prediction, image, options.out, stem, options.format, file_name=Path(source).name
    )
    for paths in written.values():
        for path in paths if isinstance(paths, list) else [paths]:
            print(f"wrote {path}")


def _sources(photos: Iterable[str]) -> list[str]:
    """The images meant: files and URLs as given, folders by the images in them (an empty one stays,
    and fails)."""
    found: list[str] = []
    for photo in photos:
        folder = Path(photo)
        if not folder.is_dir():
            found.append(photo)
            continue
        inside = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
        found.extend(inside or [photo])
    return found


def _unique_stems(sources: Iterable[str]) -> list[tuple[str, str]]:
    """Each source with the stem of its result files; a second "photo" becomes "photo-2", so none is
    overwritten."""
    taken: set[str] = set()
    pairs = []
    for source in sources:
        plain = Path(source.split("?")[0]).stem or "image"
        stem, number = plain, 1
        while stem in taken:
            number += 1
            stem = f"{plain}-{number}"
        taken.add(stem)
        pairs.append((source, stem))
    return pairs
