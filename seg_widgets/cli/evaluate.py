"""`evaluate MODEL DATA`: how good a model is, as a table, a CSV file and a web page."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._files import expanded, require_writable_file
from .._text import PATH_LENGTH, printable
from ..errors import ConfigError, ImageError, InferenceError
from ..evaluation import evaluate, is_table
from ..finetuning import Dataset, find_parts, read_dataset
from ..modeling import keep_threads_passive
from ..prediction import Prediction, Predictor, called_by_model
from .common import (
    EXIT_OK,
    EXIT_SOME_FAILED,
    Commands,
    DownloadProgress,
    PairsAction,
    add_device,
    add_min_size,
    add_speed,
    unforeseen,
)
from .wording import in_options

if TYPE_CHECKING:
    from ..modeling import Detectron2Predictor

__all__ = ["add_parser", "load_model", "run"]

_EXAMPLES = """\
examples:
  python -m seg_widgets evaluate starter holiday/ --class kitty=cat --class zebra=
  python -m seg_widgets evaluate my-model/ data/annotations.json --report report.html
  python -m seg_widgets evaluate out/ annotations.json --csv figures.csv
  python -m seg_widgets evaluate new-model/ data/ --against old-model/

exit status: 0 done, 1 some images failed, which count as missed, 2 wrong usage or no such data
"""


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Describe the command's arguments.

    Args:
        commands: where the parser is added.

    Returns:
        The command's parser.
    """
    parser = commands.add_parser(
        "evaluate",
        help="measure a model with the truth: AP, thresholds, confusion, kinds of errors",
        description="Measure a model on images with a JSON file in COCO's format: AP and AR as "
        "pycocotools has them, the best thresholds, and where the errors come from.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a model by name, a model's folder, or what `batch --threshold 0` wrote",
    )
    parser.add_argument(
        "data", type=Path, metavar="DATA", help="the folder of the data set, or its JSON file"
    )
    parser.add_argument(
        "--against",
        metavar="MODEL",
        help="a second model, an older one say: what is better now, with intervals",
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="the folder with the images (default: beside the JSON file, or in images, train, …)",
    )
    parser.add_argument(
        "--report", type=Path, metavar="HTML", help="write a web page with the worst images"
    )
    parser.add_argument(
        "--worst", type=_count, default=12, metavar="N", help="images of the page (default: 12)"
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the figures by class")
    parser.add_argument(
        "--boxes", action="store_true", help="judge boxes, also where there are masks"
    )
    parser.add_argument(
        "--class",
        dest="classes",
        type=_renaming,
        action=PairsAction,
        default={},
        metavar="TRUTH=MODEL",
        help="what the model calls a class of the truth; nothing behind = leaves it out, the same "
        "name keeps one that the model doesn't have; may be given several times",
    )
    parser.add_argument(
        "--precision",
        type=_precision,
        metavar="P",
        help="also say which threshold reaches this precision",
    )
    add_device(parser)
    add_min_size(parser)
    add_speed(parser)
    return parser


def _renaming(text: str) -> tuple[str, str | None]:
    truth, is_pair, model = text.partition("=")
    if not is_pair or not truth:
        raise argparse.ArgumentTypeError(f"{text!r} is not TRUTH=MODEL, such as kitty=cat")
    return truth, model or None


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)


def _precision(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"a precision lies over 0 and up to 1, not {text!r}")
    return number


def load_model(name: str, options: argparse.Namespace) -> Detectron2Predictor:
    """Build a model; a function of its own so that a test can put a cheap one in its place.

    Args:
        name: a model's name or folder.
        options: the parsed arguments.

    Returns:
        The predictor.

    Raises:
        ModelError: it can't be built.
    """
    keep_threads_passive()
    from ..modeling import load_predictor

    return load_predictor(
        name,
        device=options.device,
        min_size=options.min_size,
        speed=options.speed,
        progress=DownloadProgress(name),
    )


def run(options: argparse.Namespace) -> int:
    """Measure a model, and print the figures.

    Args:
        options: the parsed arguments.

    Returns:
        The exit status.

    Raises:
        SegWidgetsError: there is no model or no data, its classes are others, or a file can't be
            written.
    """
    for path in filter(None, (options.csv, options.report)):
        require_writable_file(path)
    runner = _Runner(options)
    result = runner.evaluation(options.model)
    print(in_options(str(result)))
    if options.precision is not None:
        point = result.threshold_for(options.precision)
        print(f"precision {options.precision:g}: {point or 'no threshold reaches it'}")
    if options.csv is not None:
        print(f"wrote {result.to_csv(options.csv)}")
    if options.report is not None:
        title = f"{options.model} on {options.data.name or options.data}"
        images = runner.images([one.name for one in result.worst(options.worst)])
        print(f"wrote {result.report(options.report, images, worst=options.worst, title=title)}")
    if options.against is not None:
        from ..evaluation import compare

        print(f"\nagainst {options.against}:")
        print(in_options(str(compare(runner.evaluation(options.against), result))))
    return EXIT_SOME_FAILED if runner.failed else EXIT_OK


def _model_of(name: str, path: Path, options: argparse.Namespace) -> Detectron2Predictor:
    """The model; where something else is there, such as what `segment` wrote, what to give."""
    try:
        return load_model(name, options)
    except ConfigError as error:
        if not path.exists() or (path / "config.yaml").is_file():
            raise
        raise ConfigError(
            f"{printable(name, PATH_LENGTH)} is neither a model's folder (it has no config.yaml) "
            "nor the table of a run. To measure what was found, write that table: `python -m "
            "seg_widgets batch PHOTOS --threshold 0 --out found`, then `evaluate found DATA`. "
            "What `segment` writes is cut at its threshold, so it can't be measured."
        ) from error


class _Runner:
    """Gets the predictions of models on one data set, which is read once."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.failed = 0
        self._options = options
        self._file, _ = find_parts(options.data)
        self._read: Dataset | None = None

    def evaluation(self, model: str) -> Any:
        """The evaluation of a model, or of what `batch` wrote."""
        path = expanded(model)
        if is_table(path):
            predictions: Any = path
        elif is_table(path / "table"):
            predictions = path / "table"
        else:
            predictions = self._predicted(_model_of(model, path, self._options))
        result = evaluate(predictions, self._file, classes=self._options.classes)
        return result.on("boxes") if self._options.boxes else result

    def images(self, names: list[str]) -> dict[str, Any]:
        """The files of some images by their name in the JSON."""
        wanted = set(names)
        return {one.name: one.path for one in self._dataset().images if one.name in wanted}

    def _dataset(self) -> Dataset:
        if self._read is None:
            self._read = read_dataset(self._options.data, images=self._options.images)
            if self._read.problems:
                print(in_options(self._read.summary()), file=sys.stderr)
        return self._read

    def _check_classes(self, predictor: Predictor) -> None:
        """Classes that don't fit should not cost a run over all images."""
        data = self._dataset()
        classes = self._options.classes
        called_by_model(
            (*data.class_names, *classes),
            [name for name, number in data.counts().items() if number],
            getattr(predictor, "class_names", None),
            classes,
        )

    def _predicted(self, predictor: Predictor) -> dict[str, Prediction]:
        found: dict[str, Prediction] = {}
        images = self._dataset().images
        self._check_classes(predictor)
        for number, image in enumerate(images, start=1):
            try:
                found[image.name] = predictor(image.load())
            except (ImageError, InferenceError) as error:
                self.failed += 1
                print(f"{image.shown_name}: {unforeseen(error)}", file=sys.stderr)
            print(f"\r{number}/{len(images)}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return found
