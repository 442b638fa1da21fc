"""Fine-tuning: a model for one's own classes, from a data set in COCO's format.

The loop is the one that trained the starter. At the end the scores are moved so that 0.5 is the
sensible threshold (`calibration`). What comes out is a folder that `load_predictor` and the panel
open.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import expanded, require_writable
from ..annotations import Problem
from ..errors import (
    ExportError,
    InferenceError,
    OutOfMemoryError,
    SegWidgetsError,
    SettingError,
)
from ..images import MAX_BYTES, MAX_PIXELS
from ..modeling import (
    STARTER,
    as_raised,
    check_min_size,
    load_predictor,
    marked,
    save_model,
    wrap,
)
from .calibration import calibrate
from .coco import read_dataset
from .config import TrainingConfig
from .dataset import Dataset
from .progress import Progress
from .reports import report_data, report_unmeasured
from .resuming import SUMMARY, check_same, read_summary, run_settings
from .sampler import PhotoSampler
from .split import Split, prepare_data
from .transfer import adapt_config, transfer_network
from .validation import Validation

if TYPE_CHECKING:
    import torch

    from .loop import Training

__all__ = ["FinetuneResult", "finetune"]

_MIN_STEPS, _MAX_STEPS, _EPOCHS = 150, 3000, 30


@dataclass
class FinetuneResult:
    """What came of a fine-tuning.

    Attributes:
        folder: the model's.
        class_names: the names in the order of the class ids.
        steps: how many were made.
        seconds: the time that they took.
        figures: COCO's mask figures (0 to 1) on the validation part: AP, AP50, AP75, AR100 and, in
            `per_class`, those of each class; None where there was no object to find; {} where
            there was no such part.
        threshold: the score that became 0.5.
        problems: entries of the data set that were skipped or mended.
        history: (step, AP) of each evaluation.
        why_ended: "steps", "no better" (early stop), "stopped" (by Ctrl+C) or "terminated" (by
            SIGTERM: nothing but the checkpoint was written).
    """

    folder: Path
    class_names: tuple[str, ...]
    steps: int = 0
    seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    threshold: float = 0.5
    problems: tuple[Problem, ...] = ()
    history: list[tuple[int, float]] = field(default_factory=list)
    why_ended: str = "steps"


@as_raised()
def finetune(
    data: str | Path | Dataset,
    out: str | Path,
    *,
    model: str | Path = STARTER,
    steps: int | None = None,
    device: str = "auto",
    validation: float | str | Path | Dataset | None = None,
    patience: int = 5,
    learning_rate: float = 5e-4,
    min_size: int | None = None,
    seed: int = 0,
    workers: int = 0,
    images: str | Path | None = None,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    crowds_as_objects: bool = False,
    resume: bool = False,
    report: Callable[[str], None] = print,
) -> FinetuneResult:
    """Fine-tune a model on a data set in COCO's format, and write it as a model's folder.

    Ctrl+C ends the training, not the call: what was learnt so far is measured and written. SIGTERM
    ends it at once, with its checkpoint written. The best weights so far are a model of their own,
    in the folder `best`. After an interrupt, a crash or a power cut, `resume=True` goes on from the
    last checkpoint, at most two minutes or a twelfth of the steps ago.

    Args:
        data: what `read_dataset` takes, or its result.
        out: the folder to write; a model that it holds is replaced in the end.
        model: what to start from: a name or folder as for `load_predictor`, of a Mask R-CNN with a
            YAML config.
        steps: how many, of four images each. None: thirty times each image, between 150 and 3,000.
        device: "auto" (cuda, else mps, else cpu), "cpu", "cuda", "cuda:1" or "mps".
        validation: what is measured on and not trained on: another data set, or a share of the
            images (0 to below 1), chosen by their content; with fewer than five images there is
            none; where it can be, both parts get objects of each class. None: the data set's own
            validation part, or a fifth.
        patience: end when so many evaluations in a row (of twelve) were no better; 0: never.
        learning_rate: the highest one, over 0 and at most 0.1.
        min_size: pixels of the image's shorter side, 32 to 4096. None: as the model has it.
        seed: of the order and the views; the same seed, device and library versions make the same
            images.
        workers: processes that make training images ahead; 0: none.
        images: as for `read_dataset`: the folder with the images.
        max_pixels: as for `read_dataset`: width · height of an image.
        max_bytes: as for `read_dataset`: of an image's file.
        crowds_as_objects: as for `read_dataset`.
        resume: go on with the training in this folder that was interrupted, with the same images
            in the same order. Where none was, it begins; one that has ended is left as it is.
        report: is given each line of progress.

    Returns:
        The figures, and where the model lies.

    Raises:
        DatasetError: the data set leaves nothing to train on or to measure on.
        SettingError: an argument is out of its range, the loss became infinite, or the training
            to resume had other data or settings.
        ConfigError: the model to start from is no Mask R-CNN with a YAML config.
        ExportError: the folder can't be written.
        OutOfMemoryError: there is not enough memory.
        InferenceError: the training failed for another reason, which is named.
        ModelError: the model to start from can't be loaded.
        Exception: what `report` raises, as it is.
    """
    check_settings(steps, patience, learning_rate, min_size)
    report = marked(report)
    if isinstance(data, Dataset) and images is not None:
        raise SettingError(
            "images says where read_dataset looks, but this data set is read already; give it to "
            "read_dataset."
        )
    read = partial(
        read_dataset,
        images=images,
        max_pixels=max_pixels,
        max_bytes=max_bytes,
        crowds_as_objects=crowds_as_objects,
    )
    split = prepare_data(data, validation, read)
    class_names = split.dataset.class_names
    folder = expanded(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{folder} can't be made ({error.strerror or error}).") from error
    require_writable(folder)
    report_data(split, folder, report)

    base = load_predictor(model, device="cpu")
    most_objects = max(len(image.objects) for image in (*split.train, *split.validation))
    cfg = adapt_config(base, len(class_names), min_size, most_objects)
    network, taken = transfer_network(base, cfg, class_names, device, seed)
    on = str(next(network.parameters()).device)
    report(f"starting from {base.name} on {on}; {taken}")

    from .ignoring import regions_ignored  # imports torch
    from .loop import Training

    config = _training_config(len(split.train), steps, learning_rate, seed, workers, cfg)
    sampler = PhotoSampler(split.train, seed, int(cfg.INPUT.MIN_SIZE_TEST), config.batch_size)
    training = Training(network, sampler, config, folder)
    measured = Validation(split.validation, cfg, class_names, on) if split.validation else None
    if measured is not None and measured.unmeasured:
        report_unmeasured(measured, report)
    settings = _run_settings(data, split, base.name, config, cfg)
    run = Progress(training, measured, patience, report, settings)
    result = FinetuneResult(folder, class_names, problems=split.dataset.problems)
    if resume and not training.checkpoint.is_file() and _is_done(result, settings, report):
        return result
    run.begin(resume)

    with _explained(training, device), regions_ignored(network):
        result.why_ended = run.train()
    result.steps, result.seconds = training.step, run.seconds
    if result.why_ended == "terminated":
        return result
    with _explained(training, device):
        _finish(result, training, measured, cfg)
    _write_summary(result, split, settings)
    run.clean_up(keep_checkpoint=result.why_ended == "stopped")
    return result


def _run_settings(
    data: str | Path | Dataset, split: Split, model: str, config: TrainingConfig, cfg: Any
) -> dict[str, Any]:
    """What has to be the same for a training to go on."""
    return run_settings(
        "the data set" if isinstance(data, Dataset) else str(data),
        split,
        model=model,
        steps=config.steps,
        learning_rate=config.learning_rate,
        min_size=int(cfg.INPUT.MIN_SIZE_TEST),
        seed=config.seed,
        batch_size=config.batch_size,
    )


def _is_done(
    result: FinetuneResult, settings: dict[str, Any], report: Callable[[str], None]
) -> bool:
    """Whether the folder has what this training came to; it is read into the result."""
    summary = read_summary(result.folder)
    if summary is None:
        return False
    check_same(summary["settings"], settings, result.folder)
    result.steps, result.seconds = summary["steps"], summary["seconds"]
    result.figures, result.why_ended = summary["figures"], summary["why_ended"]
    result.threshold = summary["threshold_that_became_0.5"]
    result.history = [(int(step), float(ap)) for step, ap in summary["history"]]
    report(f"the training in {result.folder} has ended already, after {result.steps} steps")
    return True


def check_settings(
    steps: int | None, patience: int, learning_rate: float, min_size: int | None
) -> None:
    """Refuse settings that can't be; the arguments are those of `finetune`.

    Raises:
        SettingError: one is out of its range.
    """
    if steps is not None and steps < 1:
        raise SettingError(f"steps is 1 or more, not {steps}.")
    if patience < 0:
        raise SettingError(f"patience is a number of evaluations, or 0 for none, not {patience}.")
    if not 0 < learning_rate <= 0.1:
        raise SettingError(f"learning_rate lies between 0 and 0.1, not {learning_rate}.")
    check_min_size(min_size)


def _training_config(
    images: int, steps: int | None, learning_rate: float, seed: int, workers: int, cfg: Any
) -> TrainingConfig:
    batch_size = TrainingConfig.batch_size
    wanted = int(np.clip(_EPOCHS * images / batch_size, _MIN_STEPS, _MAX_STEPS))
    length = steps or wanted
    return TrainingConfig(
        steps=length,
        learning_rate=learning_rate,
        warmup_steps=min(50, length // 5),
        tune_backbone_from=0.5,
        average_decay=1 - min(0.05, 20 / length),
        seed=seed,
        workers=workers,
        input_format=str(cfg.INPUT.FORMAT),
    )


def _finish(
    result: FinetuneResult, training: Training, validation: Validation | None, cfg: Any
) -> None:
    """Put the best weights, with their scores moved, into the model's folder."""
    state: dict[str, torch.Tensor] = dict(training.average)
    if validation is not None:
        best = validation.weights.state or state
        state, result.threshold, measured = calibrate(
            best, validation.truths, validation.measure, validation.of_best(best)
        )
        result.figures, result.history = measured.figures, validation.history
    network = training.model
    network.load_state_dict(state)
    network.eval()
    predictor = wrap(network, result.class_names, config=cfg, name=result.folder.name)
    save_model(predictor, result.folder)


def _write_summary(result: FinetuneResult, split: Split, settings: dict[str, Any]) -> None:
    summary = {
        "classes": result.class_names,
        "steps": result.steps,
        "seconds": round(result.seconds, 1),
        "why_ended": result.why_ended,
        "threshold_that_became_0.5": result.threshold,
        "validation_pictures": [image.shown_name for image in split.validation],
        "figures": result.figures,
        "history": result.history,
        "settings": settings,
    }
    text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
    # A name need not be text on Linux: what can't be written becomes "?".
    temporary = result.folder / f"{SUMMARY}.part"
    temporary.write_text(text, "utf-8", "replace")
    temporary.replace(result.folder / SUMMARY)


@contextmanager
def _explained(training: Training, device: str) -> Iterator[None]:
    """Turn what a training may fail with into errors with a cause and a fix."""
    try:
        yield
    except FloatingPointError:
        raise SettingError(
            f"The training went astray at step {training.step}: its loss is not finite. Use a "
            f"smaller learning_rate than {training.config.learning_rate:g}."
        ) from None
    except MemoryError:
        raise OutOfMemoryError(
            "There is not enough memory to train this model; use a smaller min_size."
        ) from None
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise InferenceError(_failed(training, error)) from error
        raise OutOfMemoryError(
            f"{device} has not enough memory to train this model; use a smaller min_size."
        ) from error
    except SegWidgetsError:
        raise
    except Exception as error:
        raise InferenceError(_failed(training, error)) from error


def _failed(training: Training, error: Exception) -> str:
    return f"The training failed at step {training.step}: {type(error).__name__}: {error}"
