"""A model for one's own classes: the starter, or another detectron2 model, fine-tuned on a data set
in COCO's format.

It is the loop that trained the starter (`training_loop`, `augmentation`), with its scores moved so
that 0.5 is the sensible threshold (`calibration`). What comes out is a folder that `load_predictor`
and the panel open.
"""

from __future__ import annotations

import csv
import hashlib
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..errors import ConfigError, DatasetError, ExportError, OutOfMemoryError, SettingError
from ..modeling import STARTER, load_predictor, recipe_of, save_model, wrap
from ..prediction import Prediction
from .augmentation import (
    Photo,
    PhotoObject,
    Sample,
    degrade,
    is_prominent,
    random_view,
    render,
    without_slivers,
)
from .calibration import best_threshold, classifier_biases, match, shift_scores
from .dataset import Dataset, LabelledImage, Problem, find_parts, read_dataset
from .evaluation import FoundInstance, Truth, evaluate

if TYPE_CHECKING:
    import torch

    from ..modeling import Detectron2Predictor

__all__ = ["FinetuneResult", "finetune"]

BATCH_SIZE: Final = 4
EVALUATIONS: Final = 12
"""How often the validation images are looked at, over the whole length."""

_LEAST_STEPS, _MOST_STEPS, _EPOCHS = 150, 3000, 30
_CLOSE_SHARE: Final = 0.3  # of the training images: a close view of one object
_KEPT_IN_MEMORY: Final = 600  # decoded images; a larger data set is read again and again
_SHARE: Final = 0.2  # of the images, to measure on
_BETTER: Final = 0.002  # AP; less is chance


@dataclass
class FinetuneResult:
    """What came of a fine-tuning.

    `folder`: the model's. `steps`: how many were made. `figures`: COCO's mask figures (0 to 1) on
    the validation part:
    AP, AP50, AP75, AR100 and, in `per_class`, those of each class; {} where there was no such part.
    `threshold`: the score that became 0.5. `problems`: what was left out of the data set.
    `history`: (step, AP) of each evaluation. `why_ended`: "steps", "no better" (early stop) or
    "stopped" (by Ctrl+C).
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
    report: Callable[[str], None] = print,
) -> FinetuneResult:
    """Fine-tune a model on a data set in COCO's format, and write it as a model's folder.

    `data`: what `read_dataset` takes, or its result. `out`: the folder to write; a model that it
    holds is replaced in the end. `model`: what to start from: a name or folder as for
    `load_predictor`, of a Mask R-CNN with a YAML config. `steps` of four images each (None: thirty
    times each image, between 150 and 3,000). `validation`: what is measured on and no step sees:
    another data set, or a share of the images, chosen by their content; with fewer than five images
    there is none. None: the data set's own validation part, or a fifth. `patience`: end when so
    many evaluations in a row (of twelve) were no better; 0: never. `min_size`: pixels of the
    shorter side (None: as the model has it). `seed`: of the order and views; the same seed, device
    and library versions make the same images. `workers`: processes that make training images ahead.
    `report` is told each line of progress. Ctrl+C ends the training, not the call: what was learnt
    so far is measured and written.

    Raises `DatasetError`, `SettingError`, `ConfigError`, `ExportError`, and what `load_predictor`
    raises.
    """
    _check(steps, validation, patience, learning_rate)
    if validation is None and not isinstance(data, Dataset):
        data, validation = find_parts(data)
    dataset = data if isinstance(data, Dataset) else read_dataset(data)
    folder = Path(out).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{folder} can't be made ({error.strerror or error}).") from error
    if validation is None or isinstance(validation, (int, float)):
        learned, held = _split(dataset, _SHARE if validation is None else validation)
    else:
        other = validation if isinstance(validation, Dataset) else read_dataset(validation)
        dataset, held = _with_own_validation(dataset, other)
        learned = list(dataset.images)
    _tell_data(dataset, learned, held, folder, report)

    base = load_predictor(model, device="cpu")
    cfg = _config(base, len(dataset.class_names), min_size)
    network, kept = _network(base, cfg, dataset.class_names, device, seed)
    report(f"starting from {base.name} on {_device_of(network)}; {kept}")

    from .loop import Plan, Training

    length = steps or int(np.clip(_EPOCHS * len(learned) / BATCH_SIZE, _LEAST_STEPS, _MOST_STEPS))
    plan = Plan(
        steps=length,
        batch_size=BATCH_SIZE,
        learning_rate=learning_rate,
        warmup_steps=min(50, length // 5),
        tune_backbone_from=0.5,
        average_decay=1 - min(0.05, 20 / length),
        save_every_s=600,
        seed=seed,
        workers=workers,
        input_format=str(cfg.INPUT.FORMAT),
    )
    sampler = PhotoSampler(learned, seed, int(cfg.INPUT.MIN_SIZE_TEST))
    result = FinetuneResult(folder, dataset.class_names, problems=dataset.problems)
    training = Training(network, sampler, plan, folder)
    training.checkpoint.unlink(missing_ok=True)
    run = _Run(training, cfg, dataset.class_names, held, patience, length, result, report)
    started = time.monotonic()
    try:
        with _stopped_by_interrupt(training):
            if not training.run(run.after_step) and result.why_ended == "steps":
                result.why_ended = "stopped"
    except FloatingPointError:
        raise SettingError(
            f"The training went astray at step {training.step}: its loss is not finite. Use a smaller learning_rate "
            f"than {learning_rate:g}."
        ) from None
    except MemoryError:
        raise OutOfMemoryError(
            "There is not enough memory to train this model; use a smaller min_size."
        ) from None
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
        raise OutOfMemoryError(
            f"{device} has not enough memory to train this model; use a smaller min_size."
        ) from error
    training.checkpoint.unlink(missing_ok=True)
    result.steps, result.seconds = training.step, time.monotonic() - started
    run.finish(folder)
    return result


def _check(
    steps: int | None,
    validation: float | str | Path | Dataset | None,
    patience: int,
    learning_rate: float,
) -> None:
    if steps is not None and steps < 1:
        raise SettingError(f"steps is 1 or more, not {steps}.")
    if isinstance(validation, (int, float)) and not 0 <= validation < 1:
        raise SettingError(
            f"validation is a share of the images, from 0 to below 1, not {validation}."
        )
    if patience < 0:
        raise SettingError(f"patience is a number of evaluations, or 0 for none, not {patience}.")
    if not 0 < learning_rate <= 0.1:
        raise SettingError(f"learning_rate lies between 0 and 0.1, not {learning_rate}.")


# ── the data ──────────────────────────────────────────────────────────────────────────────────────


def _split(dataset: Dataset, validation: float) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Images to learn from, and those to measure on: by their content, so that copies come
    together."""
    groups: dict[bytes, list[LabelledImage]] = {}
    for image in dataset.images:
        groups.setdefault(_digest(image), []).append(image)
    wanted = round(validation * len(dataset.images)) if len(dataset.images) >= 5 else 0
    learned: list[LabelledImage] = []
    held: list[LabelledImage] = []
    for _, copies in sorted(groups.items()):
        (held if len(held) + len(copies) <= wanted else learned).extend(copies)
    if not any(not item.crowd for image in learned for item in image.objects):
        raise DatasetError(
            "Without the validation part there is no object left to learn from; give more images."
        )
    return learned, held


def _with_own_validation(dataset: Dataset, other: Dataset) -> tuple[Dataset, list[LabelledImage]]:
    """The data set with what is wrong in both, and the other's images that are none of its own,
    with its classes."""
    own = {_digest(image) for image in dataset.images}
    told = other.for_classes(dataset.class_names)
    problems, held = [*dataset.problems, *told.problems], []
    for image in told.images:
        if _digest(image) in own:
            problems.append(
                Problem(
                    f"image {image.path.name}",
                    "it is learned from, too, so it can't be measured on",
                )
            )
        else:
            held.append(image)
    if not any(not item.crowd for image in held for item in image.objects):
        raise DatasetError(
            "The validation data has no object of a class that is learned, in an image that is not learned from."
        )
    return Dataset(dataset.images, dataset.class_names, tuple(problems)), held


def _digest(image: LabelledImage) -> bytes:
    return hashlib.sha256(image.path.read_bytes()).digest()


def _tell_data(
    dataset: Dataset,
    learned: list[LabelledImage],
    held: list[LabelledImage],
    folder: Path,
    report: Callable[[str], None],
) -> None:
    counts = ", ".join(f"{name} {count}" for name, count in dataset.counts().items())
    report(f"{len(dataset.images)} images with {dataset.objects} objects: {counts}")
    if dataset.problems:
        report(f"left out or mended:\n{dataset.summary()}")
        with (folder / "problems.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(
                [("where", "reason"), *((one.where, one.reason) for one in dataset.problems)]
            )
        report(f"all of them are in {folder / 'problems.csv'}")
    never = [name for name, count in dataset.counts().items() if not count]
    if never:
        report(f"no example of: {', '.join(never)}; the model won't find them")
    report(f"{len(learned)} images to learn from, {len(held)} to measure on")


class PhotoSampler:
    """Training images from a data set: each image once in each round, seen anew. A function of seed
    and index."""

    def __init__(self, pictures: list[LabelledImage], seed: int, min_size: int) -> None:
        self.pictures, self.seed = pictures, seed
        side = max(min_size // 32 * 32, 64)
        long, middle = side * 4 // 3 // 32 * 32, side * 7 // 6 // 32 * 32
        self.shapes = ((side, long), (long, side), (middle, middle), (side, long))
        self._photos: dict[int, Photo] = {}
        self._lock = threading.Lock()

    def sample(self, index: int) -> Sample:
        """Training image number `index`."""
        turn, place = divmod(index, len(self.pictures))
        order = np.random.default_rng((self.seed, turn)).permutation(len(self.pictures))
        photo = self._photo(int(order[place]))
        rng = np.random.default_rng((self.seed, 1, index))
        height, width = self.shapes[(index // BATCH_SIZE) % len(self.shapes)]
        near = [item for item in photo.objects if is_prominent(photo, item)]
        item = near[int(rng.integers(len(near)))] if near and rng.random() < _CLOSE_SHARE else None
        sample = render(photo, random_view(rng, photo, height, width, item), height, width)
        sample.image = degrade(rng, sample.image)
        return without_slivers(sample)

    def _photo(self, number: int) -> Photo:
        with self._lock:
            photo = self._photos.get(number)
        if photo is None:
            photo = _photo(self.pictures[number])
            if len(self._photos) < _KEPT_IN_MEMORY:
                with self._lock:
                    self._photos[number] = photo
        return photo


def _photo(picture: LabelledImage) -> Photo:
    """An image in memory, with each mask inside its own rectangle."""
    objects = []
    for item in picture.objects:
        mask = item.mask()
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        x, y = int(columns[0]), int(rows[0])
        crop = np.ascontiguousarray(mask[y : rows[-1] + 1, x : columns[-1] + 1])
        objects.append(PhotoObject(item.class_id, x, y, crop, item.crowd))
    return Photo(picture.path.name, picture.load(), tuple(objects))


# ── the model ─────────────────────────────────────────────────────────────────────────────────────


def _config(base: Detectron2Predictor, classes: int, min_size: int | None) -> Any:
    """The base's config for so many classes."""
    import yaml
    from detectron2.config import CfgNode

    told = yaml.safe_load(base.config) if base.config else None
    if not isinstance(told, dict) or "MODEL" not in told:
        raise ConfigError(
            f"{base.name} has no YAML config of detectron2's, which fine-tuning needs; take another model."
        )
    cfg = CfgNode(told)
    if (
        cfg.MODEL.META_ARCHITECTURE not in ("GeneralizedRCNN", "TwoScaleRCNN")
        or not cfg.MODEL.MASK_ON
        or cfg.MODEL.KEYPOINT_ON
    ):
        raise ConfigError(
            f"{base.name} is no Mask R-CNN, and only these are fine-tuned; take the starter, or a zoo's."
        )
    cfg.MODEL.ROI_HEADS.NUM_CLASSES = classes
    cfg.DATASETS.TRAIN = cfg.DATASETS.TEST = ()
    if min_size is not None:
        if not 32 <= min_size <= 4096:
            raise SettingError(
                f"min_size lies between 32 and 4096 pixels, but {min_size} was given."
            )
        cfg.INPUT.MAX_SIZE_TEST = max(
            min_size, cfg.INPUT.MAX_SIZE_TEST * min_size // cfg.INPUT.MIN_SIZE_TEST
        )
        cfg.INPUT.MIN_SIZE_TEST = min_size
    return cfg


def _network(
    base: Detectron2Predictor, cfg: Any, class_names: tuple[str, ...], device: str, seed: int
) -> tuple[torch.nn.Module, str]:
    """A network with the new classes and all else from the base; and, in words, what it took
    along."""
    import torch
    from detectron2.modeling import build_model

    from ..modeling import resolve_device

    built = cfg.clone()
    built.MODEL.DEVICE = resolve_device(device)
    torch.manual_seed(seed)
    # Not a recipe's build: that one leaves out the initial values, since weights replace them all.
    network: torch.nn.Module = build_model(built)
    own, theirs = network.state_dict(), base.model.state_dict()
    known = {name: number for number, name in enumerate(base.class_names)}
    pairs = [(new, known[name]) for new, name in enumerate(class_names) if name in known]
    taken: dict[str, torch.Tensor] = {}
    for name, tensor in theirs.items():
        if name not in own:
            continue
        if _is_by_class(name, cfg):
            taken[name] = _rows(own[name], tensor, pairs, len(class_names), len(known))
        elif own[name].shape == tensor.shape:
            taken[name] = tensor
    network.load_state_dict(taken, strict=False)
    anew = sorted(name.removeprefix("roi_heads.") for name in own if name not in taken)
    words = f"classes that it knows already: {', '.join(class_names[new] for new, _ in pairs) or 'none'}"
    return network, words + (f"; learnt anew: {', '.join(anew)}" if anew else "")


def _is_by_class(name: str, cfg: Any) -> bool:
    """Whether a tensor has rows of its own for each class: also where both models have as many,
    they mean others."""
    if ".cls_score." in name:
        return True
    if ".bbox_pred." in name:
        return name.startswith("roi_heads.") and not cfg.MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG
    return (
        name.startswith("roi_heads.mask_head.predictor.")
        and not cfg.MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK
    )


def _rows(
    own: torch.Tensor, theirs: torch.Tensor, pairs: list[tuple[int, int]], new: int, old: int
) -> torch.Tensor:
    """The rows of classes by name. Of a class that is not known: its own start for the name, for
    box and mask the mean of all; the background (the last row of scores) stays what it is."""
    rows = own.clone()
    if len(theirs) == old + 1:
        rows[new] = theirs[old]
        for ours, other in pairs:
            rows[ours] = theirs[other]
        return rows
    by_class = theirs.reshape(old, -1, *theirs.shape[1:])
    start = by_class.mean(0, keepdim=True).expand(new, *by_class.shape[1:]).clone()
    for ours, other in pairs:
        start[ours] = by_class[other]
    return start.reshape(own.shape)


def _device_of(network: torch.nn.Module) -> str:
    return str(next(network.parameters()).device)


# ── the run ───────────────────────────────────────────────────────────────────────────────────────


class _Run:
    """What happens beside the steps: progress, evaluations, the best weights so far, the early end,
    the result."""

    def __init__(
        self,
        training: Any,
        cfg: Any,
        class_names: tuple[str, ...],
        held: list[LabelledImage],
        patience: int,
        length: int,
        result: FinetuneResult,
        report: Callable[[str], None],
    ) -> None:
        self.training, self.cfg, self.class_names, self.patience = (
            training,
            cfg,
            class_names,
            patience,
        )
        self.result, self.report = result, report
        self.length, self.every = length, max(length // EVALUATIONS, 1)
        self.started = time.monotonic()
        self.best: dict[str, torch.Tensor] | None = None
        self.best_ap, self.worse = -1.0, 0
        self.held = held
        self.truths = [_truth(picture) for picture in held]
        self.looker = recipe_of(cfg).build(_device_of(training.model)).eval() if held else None

    def after_step(self, training: Any) -> None:
        step = training.step
        if step % max(self.length // 20, 10) == 0 or step in (1, self.length):
            left = (time.monotonic() - self.started) / step * (self.length - step)
            self.report(
                f"step {step} of {self.length}: loss {training.last_loss:.2f}, about {_minutes(left)} left"
            )
        if self.held and step % self.every == 0:
            self._evaluate()

    def _evaluate(self) -> None:
        state = {name: tensor.detach().clone() for name, tensor in self.training.average.items()}
        figures, _ = self._measure(state)
        ap = float(figures["AP"] or 0)
        self.result.history.append((self.training.step, ap))
        better = ap > self.best_ap + _BETTER
        self.report(
            f"step {self.training.step}: AP {ap:.3f}, AP50 {figures['AP50'] or 0:.3f}{' (best)' if better else ''}"
        )
        if better or self.best is None:
            self.best, self.best_ap, self.worse = state, ap, 0
        else:
            self.worse += 1
        if self.patience and self.worse >= self.patience:
            self.report(f"no better for {self.worse} evaluations: ended")
            self.result.why_ended = "no better"
            self.training.stop()

    def _measure(
        self, state: dict[str, torch.Tensor]
    ) -> tuple[dict[str, Any], list[list[FoundInstance]]]:
        assert self.looker is not None
        self.looker.load_state_dict(state)
        predictor = wrap(self.looker, self.class_names, config=self.cfg)
        found = [_instances(predictor(truth.image)) for truth in self.truths]
        return evaluate(self.truths, found, self.class_names), found

    def _calibrated(
        self, state: dict[str, torch.Tensor]
    ) -> tuple[dict[str, torch.Tensor], float, dict[str, Any]]:
        """The weights whose best threshold is 0.5, what it was before, and their figures."""
        before = 0.5
        figures, found = self._measure(state)
        # The shift is exact for one box head, and about right for a cascade, whose heads rarely
        # agree: so once more.
        for turn in range(5):
            matches = match(self.truths, found)
            if (
                not classifier_biases(state) or matches.right.sum() < 10
            ):  # of fewer nothing can be said
                break
            threshold = best_threshold(matches)
            before = before if turn else threshold
            if abs(threshold - 0.5) < 0.02:
                break
            state = shift_scores(state, threshold)
            figures, found = self._measure(state)
        return state, before, figures

    def finish(self, folder: Path) -> None:
        state = self.best if self.best is not None else dict(self.training.average)
        result = self.result
        if self.held:
            state, result.threshold, result.figures = self._calibrated(state)
        network = self.training.model
        network.load_state_dict(state)
        network.eval()
        save_model(wrap(network, self.class_names, config=self.cfg, name=folder.name), folder)
        told = {
            "classes": self.class_names,
            "steps": result.steps,
            "seconds": round(result.seconds, 1),
            "why_ended": result.why_ended,
            "threshold_that_became_0.5": result.threshold,
            "validation_pictures": [picture.path.name for picture in self.held],
            "figures": result.figures,
            "history": result.history,
        }
        (folder / "finetune.json").write_text(
            json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8"
        )


def _truth(picture: LabelledImage) -> Truth:
    from .evaluation import encode

    instances = [
        FoundInstance(item.class_id, encode(item.mask()), crowd=item.crowd)
        for item in picture.objects
    ]
    return Truth(picture.load(), instances)


def _instances(prediction: Prediction) -> list[FoundInstance]:
    found = []
    for index in range(len(prediction)):
        one = prediction[index]
        if one.mask is not None:
            found.append(
                FoundInstance(one.class_id, dict(one.mask.rle(prediction.image_size)), one.score)
            )
    return sorted(found, key=lambda one: -one.score)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


@contextmanager
def _stopped_by_interrupt(training: Any) -> Iterator[None]:
    """Ctrl+C ends the training after the current step; only the main thread hears of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        training.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
