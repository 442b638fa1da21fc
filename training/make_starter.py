"""The one command: from nothing to `weights/starter.safetensors`, `starter.yaml` and the model card
`starter.md`."""

import argparse
import datetime
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import torch
from safetensors.torch import load_file
from torch import nn

from seg_widgets.finetuning import TrainingConfig
from seg_widgets.finetuning.calibration import match, reliability
from seg_widgets.finetuning.evaluation import FoundInstance, Truth, evaluate
from seg_widgets.finetuning.loop import Training
from training.card import write_card
from training.charts import THRESHOLD, draw_gallery, draw_reliability
from training.choices import Choice, choose, taken
from training.classes import CLASSES
from training.composites import Sampler
from training.config import Inference
from training.evaluate import composite_truths, detect, photo_truths, time_inference
from training.export import begin, export, load, park, unpark
from training.model import build
from training.packages import fetch_all
from training.sources import Material, joined, load_material, require_coco

TIMED_SIZE = (640, 480)
VALIDATION_COMPOSITES = 120
LEARNED = "learned-from-validation"  # in the folder of a run that did
SETS = {"photos": "photographs", "composites": "composites"}
ROOT = Path(__file__).resolve().parent.parent


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT.parent / "shared" / "data",
        help="the folder with coco446/",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=ROOT / ".cache" / "training",
        help="where packages are unpacked",
    )
    parser.add_argument(
        "--run",
        type=Path,
        default=ROOT / "training" / "runs" / "starter",
        help="checkpoints and log",
    )
    parser.add_argument(
        "--weights", type=Path, default=ROOT / "weights", help="where the starter's three files go"
    )
    parser.add_argument(
        "--images", type=Path, default=ROOT / "docs" / "images", help="where the card's images go"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--hours", type=float, default=1.5, help="active training time (default 1.5)"
    )
    length.add_argument("--steps", type=int, help="train this many steps instead")
    parser.add_argument(
        "--stop-at",
        type=clock,
        default=None,
        help="end by this time of day, HH:MM, whatever happens",
    )
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count() or 2, help="threads for the network"
    )
    parser.add_argument(
        "--bfloat16", action="store_true", help="for processors that have it (lscpu: avx512_bf16)"
    )
    parser.add_argument(
        "--composites", type=int, default=500, help="how many composites to evaluate on"
    )
    parser.add_argument(
        "--photos-only", action="store_true", help="fetch no packages but the backbone's"
    )
    first = parser.add_mutually_exclusive_group()
    first.add_argument(
        "--parked", type=Path, help="a run without a checkpoint begins with this file's weights"
    )
    first.add_argument(
        "--begin",
        type=Path,
        help="a new run, with its own schedule, begins with this file's weights",
    )
    parser.add_argument(
        "--rate", type=float, default=TrainingConfig.learning_rate, help="the highest learning rate"
    )
    parser.add_argument(
        "--mask-factor", type=float, default=1.0, help="the mask head's rate is so many times that"
    )
    parser.add_argument(
        "--choice",
        type=Path,
        help="a former run's figures.json: take its choices, and train on validation, too",
    )
    parser.add_argument(
        "--park", type=Path, help="only write the last checkpoint's weights to this file"
    )
    parser.add_argument(
        "--no-train", action="store_true", help="only export and evaluate the run's last checkpoint"
    )
    parser.add_argument(
        "--draft", action="store_true", help="only export the last checkpoint; no figures, no card"
    )
    return parser.parse_args(arguments)


def require_same_part(run: Path, takes_choice: bool) -> None:
    """Raise ValueError where `--choice` doesn't fit what the run learned from."""
    if not (run / "checkpoint.pt").is_file() or (run / LEARNED).is_file() == takes_choice:
        return
    if takes_choice:
        raise ValueError(
            f"the run in {run} did not learn from the validation part: leave out --choice, "
            "or begin anew"
        )
    raise ValueError(
        f"the run in {run} learned from the validation part, so nothing can be chosen there: "
        "give --choice"
    )


def read_choice(figures: Path, begins: bool) -> dict[str, Any]:
    """Return what a run chose; raise ValueError where this run could not use it."""
    try:
        choice: dict[str, Any] = json.loads(figures.read_text())["choice"]
        kept = choice["trials"][choice["kept"]]["weights"]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(
            f"no choice in {figures} ({error!r}): --choice wants the figures.json of a run that "
            "chose for itself"
        ) from error
    if kept == "blend" and not begins:
        raise ValueError(
            f"{figures} kept the mean with the weights that its run began with: name such weights "
            "with --begin"
        )
    return choice


def clock(text: str) -> float:
    """Return the next moment of HH:MM, in seconds since the epoch."""
    now = datetime.datetime.now().astimezone()
    hour, minute = text.split(":")
    then = now.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    return (then if then > now else then + datetime.timedelta(days=1)).timestamp()


def train(options: argparse.Namespace, material: Material, imagenet: Path) -> bool:
    """Train, or resume, until the time is up; return False when SIGTERM ended it before."""
    config = TrainingConfig(
        seconds=None if options.steps else options.hours * 3600,
        steps=options.steps,
        bfloat16=options.bfloat16,
        learning_rate=options.rate,
        mask_factor=options.mask_factor,
        # What was tuned once need not wait for the new layers to settle.
        tune_backbone_from=TrainingConfig.tune_backbone_from if options.begin is None else 0.0,
        **({} if options.stop_at is None else {"stop_at": options.stop_at}),
    )
    torch.manual_seed(config.seed)
    sampler = Sampler(material, config.seed, varied=True)
    training = Training(build(imagenet), sampler, config, options.run)
    resumed = training.resume()
    if options.parked is not None and not resumed:
        unpark(training, options.parked)
    elif options.begin is not None and not resumed:
        begin(training, options.begin)
    if options.choice is None:
        (options.run / LEARNED).unlink(missing_ok=True)
    else:
        (options.run / LEARNED).touch()
    (options.run / "pid").write_text(f"{os.getpid()}\n")
    print(f"training from step {training.step}" + (" (resumed)" if resumed else ""), flush=True)
    before = signal.signal(signal.SIGTERM, lambda number, frame: training.stop())
    try:
        return training.run(report)
    finally:
        signal.signal(signal.SIGTERM, before)  # what follows has nothing to save


def report(training: Training) -> None:
    """Say every hundred steps how far it is."""
    if training.step % 100 == 0:
        print(f"step {training.step}: {training.progress:.1%} of the time", flush=True)


def count(material: Material) -> dict[str, int]:
    """How much of what a part holds."""
    counts = {"photographs": len(material.photos), "backgrounds": len(material.backgrounds)}
    for cutout in material.cutouts:
        counts[cutout.source] = counts.get(cutout.source, 0) + 1
    return counts


def measure(
    model: nn.Module,
    state: dict[str, Any],
    heldout: Material,
    composites: int,
    inference: Inference,
) -> dict[str, Any]:
    """Return COCO's figures, how good the scores are, and the figures in full precision."""
    full = build(None)
    full.load_state_dict(state)
    truths: dict[str, list[Truth]] = {
        "photos": [*photo_truths(heldout.photos)],
        "composites": [*composite_truths(heldout, composites)],
    }
    facts: dict[str, Any] = {"full_precision": {}}
    for name in SETS:
        found = detect(model, truths[name], inference)
        facts[name] = evaluate(truths[name], found, CLASSES) | {
            "scores": judge_scores(truths[name], found)
        }
        facts["full_precision"][name] = evaluate(
            truths[name], detect(full, truths[name], inference), CLASSES
        )["AP"]
    return facts


def as_facts(choice: Choice) -> dict[str, Any]:
    """A choice as plain values, for `figures.json` and the card."""
    trials = [
        {
            "weights": trial.weights,
            **asdict(trial.inference),
            "temperature": trial.temperature,
            "photos": trial.photos,
            "composites": trial.composites,
            "F1": trial.matches.f1_at(THRESHOLD),
        }
        for trial in choice.trials
    ]
    return {
        "trials": trials,
        "kept": choice.trials.index(choice.kept),
        "threshold": choice.threshold,
    }


def judge_scores(truths: list[Truth], found: list[list[FoundInstance]]) -> dict[str, Any]:
    """Return F1 at the panel's threshold and at the best one, and a reliability diagram."""
    matches = match(truths, found)
    best, threshold = matches.f1_best()
    return {
        "F1": matches.f1_at(THRESHOLD),
        "best_F1": best,
        "threshold": threshold,
        "bins": reliability(matches),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch, train, choose, export, evaluate, write the card."""
    options = parse_arguments(arguments)
    try:
        require_coco(options.data)
        if not options.draft and options.park is None:  # these two choose nothing
            require_same_part(options.run, options.choice is not None)
        former = (
            None
            if options.choice is None
            else read_choice(options.choice, begins=options.begin is not None)
        )
        imagenet = fetch_all(options.cache, with_pictures=not options.photos_only)
    except (FileNotFoundError, RuntimeError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    torch.set_num_threads(options.threads)
    if options.park is not None:
        park(options.run / "checkpoint.pt", options.park)
        print(f"wrote {options.park}")
        return 0
    if options.draft:
        checkpoint = torch.load(
            options.run / "checkpoint.pt", map_location="cpu", weights_only=True
        )
        print(f"wrote {export(checkpoint['average'], options.weights)}, a draft")
        return 0
    # Read before it is written: the file that a run begins with may be the one that it makes anew.
    begun = None if options.begin is None else load_file(options.begin)
    parts = load_material(options.data, None if options.photos_only else options.cache)
    material = (
        parts["train"]
        if former is None
        else joined(parts["train"], parts["validation"], parts["heldout"])
    )
    if not options.no_train and not train(options, material, imagenet):
        print("stopped and saved; the same command goes on from here")
        return 0
    checkpoint = torch.load(options.run / "checkpoint.pt", map_location="cpu", weights_only=True)
    if former is None:
        validation = parts["validation"]
        few = composite_truths(validation, min(options.composites, VALIDATION_COMPOSITES))
        state, choice = choose(checkpoint, [*photo_truths(validation.photos)], [*few], begun)
        inference = choice.kept.inference
    else:
        state, inference = taken(checkpoint, former, begun)
    weights = export(state, options.weights, inference)
    model, config, _ = load(weights, options.weights / "starter.yaml")
    facts: dict[str, Any] = {
        "position": checkpoint["position"],
        "plan": checkpoint["plan"],
        "parts": {part: count(material) for part, material in parts.items()},
        "choice": as_facts(choice) if former is None else former,
        "chosen_before": former is not None,
        "bytes": weights.stat().st_size,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }
    facts |= measure(model, state, parts["heldout"], options.composites, inference)
    draw_reliability(
        {title: facts[name]["scores"]["bins"] for name, title in SETS.items()},
        options.images / "starter-scores.png",
    )
    facts["gallery"] = draw_gallery(model, config, CLASSES, options.images / "starter-gallery.jpg")
    photograph = cv2.resize(
        parts["validation"].photos[0].image, TIMED_SIZE, interpolation=cv2.INTER_LINEAR
    )
    facts["time"] = time_inference(model, photograph, inference.min_size, inference.max_size)
    facts["threads"] = options.threads
    (options.run / "figures.json").write_text(json.dumps(facts, indent=1, default=asdict) + "\n")
    write_card(facts, options.weights / "starter.md", options.images)
    print(f"wrote {weights} and its card; AP {facts['photos']['AP']} on the held-out photographs")
    return 0
