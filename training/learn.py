"""`python -m training.learn`: the long training of the starter with names.

It goes on over several sessions, also on another machine: see `training/README.md`.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.utils.data import DataLoader, Dataset

from seg_widgets.finetuning import TrainingConfig
from seg_widgets.finetuning.evaluation import Truth
from seg_widgets.finetuning.loop import Training
from training.config import Inference
from training.export import park, position_of
from training.named_model import begin_named, build_named, figures_of, load_weights
from training.named_sampler import NamedSampler
from training.packed import unpack
from training.partial_labels import PartialSample, as_partial_input
from training.reading import ROOT, add_source_options, read_sources
from training.self_masks import read_outlines, with_outlines

STATE = "state.safetensors"
STOP = "stop"  # a file of this name in the run's folder ends it
MONITORED = Inference(576, 920, 0.5)
VIEWS = (0.8, 2.6)  # at inference small objects are seen enlarged, so in training they are, too
MONITOR_HEAD = (
    "step", "hours", "progress", "groups_AP", "groups_AP50", "names_AP", "names_AP50",
    "any_AR100", "any_AR_large", "seconds",
)  # fmt: skip


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.learn", description=__doc__)
    add_source_options(parser)
    parser.add_argument("--packed", type=Path, help="learn from what training.packed wrote here")
    parser.add_argument("--outlines", type=Path, help="learn from what training.self_masks wrote")
    parser.add_argument("--run", type=Path, default=ROOT / "training" / "runs" / "names")
    parser.add_argument("--begin", type=Path, default=ROOT / "weights" / "starter.safetensors")
    parser.add_argument("--parked", type=Path, help="go on from this file of an earlier session")
    parser.add_argument("--park", type=Path, help="only write the last checkpoint to this file")
    parser.add_argument("--hours", type=float, default=9.0, help="of all sessions together")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--rate", type=float, default=6e-4, help="the highest learning rate")
    parser.add_argument("--mask-factor", type=float, default=2.0)
    parser.add_argument("--backbone-factor", type=float, default=0.15)
    parser.add_argument("--group-weight", type=float, default=0.0)
    parser.add_argument("--scale", type=float, default=1.3, help="of the training images' sides")
    parser.add_argument(
        "--views", type=float, nargs=2, default=VIEWS, help="scales of whole photographs"
    )
    parser.add_argument("--dropout", type=float, default=0.4, help="of the classifier's inputs")
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--every", type=int, default=500, help="steps from figures to figures")
    parser.add_argument("--steps", type=int, help="train so many steps instead of hours")
    parser.add_argument("--device", default="cpu", help="cuda: an hour is one of the clock")
    parser.add_argument("--batch-size", type=int, default=4, help="images a step")
    parser.add_argument("--workers", type=int, default=1, help="processes that make images")
    parser.add_argument("--average-decay", type=float, default=0.9995)
    return parser.parse_args(arguments)


class PartialDataset(Dataset[dict[str, Any]]):
    """Training images of a `NamedSampler` as input dictionaries, by index."""

    def __init__(self, sampler: NamedSampler) -> None:
        self.sampler = sampler

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = self.sampler.sample(index)
        assert isinstance(sample, PartialSample)
        return as_partial_input(sample)


class LongTraining(Training):
    """A training of partial labels that counts processor time.

    An hour is an hour of all of its cores: on a machine with other work, and while it is stopped,
    the clock runs slower. On a GPU it is an hour of the clock.

    Attributes:
        begun_at: the step at which this process began; the rate rises anew from there.
        threads: of the network; 0: it runs on a GPU.
    """

    begun_at = 0
    threads = 2
    _workers: Sequence[Any] = ()
    _spent_s: float | None = None

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the batches from the current step on; a worker makes them ahead."""
        loader: DataLoader[dict[str, Any]] = DataLoader(
            PartialDataset(self.sampler),  # type: ignore[arg-type]
            batch_size=self.config.batch_size,
            sampler=range(self.first_index(), self.first_index() + 10_000_000),
            num_workers=self.config.workers,
            prefetch_factor=3 if self.config.workers else None,
            collate_fn=list,
        )
        batches = iter(loader)
        self._workers = getattr(batches, "_workers", ())
        yield from batches

    def learning_rate(self) -> float:
        """Return the rate at the current position; it rises anew after each beginning."""
        since = self.step - self.begun_at + 1
        return super().learning_rate() * min(since / max(self.config.warmup_steps, 1), 1.0)

    def _advance(self, step_s: float) -> None:
        if not self.threads:
            super()._advance(step_s)
            return
        spent = time.process_time() + sum(processor_s(one.pid) for one in self._workers)
        if self._spent_s is not None:
            step_s = max(spent - self._spent_s, 1e-3) / self.threads
        self._spent_s = spent
        super()._advance(step_s)

    def leave_out(self) -> None:
        """Do not count the processor time since the last step, such as that of measuring."""
        self._spent_s = time.process_time() + sum(processor_s(one.pid) for one in self._workers)


def processor_s(pid: int) -> float:
    """Return the processor seconds of another process; 0 where the system doesn't say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def go_on(training: Training, file: Path) -> None:
    """Go on from a file of an earlier session: its averaged weights and position."""
    load_weights(training.model, load_file(file))
    for name, value in training.model.state_dict().items():
        training.average[name].copy_(value)
    position = position_of(file)
    training.step, training.progress = int(position["step"]), float(position["progress"])
    training.active_s = float(position["active_s"])


class Monitor:
    """Writes the validation part's figures now and then, and keeps the file for later sessions."""

    def __init__(self, options: argparse.Namespace, truths: dict[str, list[Truth]]) -> None:
        """Prepare to be called after each step.

        Args:
            options: `run` is the folder, `every` the steps from figures to figures.
            truths: of the validation part, under "groups" and "names".
        """
        self.options, self.truths = options, truths
        self.model = build_named()
        self.file = options.run / "validation.csv"

    def __call__(self, training: Training) -> None:
        """Look for the stop file, report, and measure where it is time."""
        if (self.options.run / STOP).exists():
            training.stop()
        if training.step % 50 == 0:
            hours = training.active_s / 3600
            print(f"step {training.step}: {hours:.3f} h, loss {training.last_loss:.3f}", flush=True)
        if training.step % self.options.every == 0:
            self.measure(training)

    def measure(self, training: Training) -> None:
        """Write a row of figures, and `state.safetensors`."""
        training.save()
        part = self.options.run / f"{STATE}.part"
        park(training.checkpoint, part)
        part.replace(self.options.run / STATE)
        start = time.monotonic()
        load_weights(self.model, training.average)
        found = figures_of(self.model, self.truths["groups"], self.truths["names"], MONITORED)
        groups, names = found["groups"], found["names"]
        percent = [
            groups["AP"], groups["AP50"], names["AP"], names["AP50"],
            groups["agnostic_AR100"], groups["agnostic_AR_large"],
        ]  # fmt: skip
        row = [training.step, f"{training.active_s / 3600:.4f}", f"{training.progress:.4f}"]
        row += ["" if one is None else f"{100 * one:.2f}" for one in percent]
        is_new = not self.file.exists()
        with self.file.open("a", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(MONITOR_HEAD)
            writer.writerow([*row, f"{time.monotonic() - start:.1f}"])
        print("validation:", dict(zip(MONITOR_HEAD, row, strict=False)), flush=True)
        if isinstance(training, LongTraining):
            training.leave_out()


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, or go on, until the hours are over, SIGTERM, or the stop file."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    if options.park is not None:
        park(options.run / "checkpoint.pt", options.park)
        print(f"wrote {options.park}")
        return 0
    sources = unpack(options.packed) if options.packed else read_sources(options)
    if options.outlines is not None:
        sources.train = with_outlines(sources.train, read_outlines(options.outlines))
    material, truths = sources.material(), sources.truths()
    config = TrainingConfig(
        seconds=None if options.steps else options.hours * 3600,
        steps=options.steps,
        learning_rate=options.rate,
        mask_factor=options.mask_factor,
        backbone_factor=options.backbone_factor,
        tune_backbone_from=0.0,
        average_decay=options.average_decay,
        weight_decay=options.weight_decay,
        batch_size=options.batch_size,
        workers=options.workers,
    )
    torch.manual_seed(config.seed)
    sampler = NamedSampler(
        material, config.seed, options.scale, options.batch_size, tuple(options.views)
    )
    model = build_named(options.group_weight, options.dropout)
    begin_named(model, options.begin)
    model.to(options.device)
    training = LongTraining(model, sampler, config, options.run)
    training.threads = options.threads if options.device == "cpu" else 0
    (options.run / STOP).unlink(missing_ok=True)
    if not training.resume() and options.parked is not None:
        go_on(training, options.parked)
    training.begun_at = training.step
    (options.run / "pid").write_text(f"{os.getpid()}\n")
    print(
        f"training from step {training.step} ({training.active_s / 3600:.2f} h of {options.hours}),"
        f" {len(material.photos)} photographs, {len(material.cutouts)} cut-outs,"
        f" {len(truths['groups'])} for validation",
        flush=True,
    )
    before = signal.signal(signal.SIGTERM, lambda number, frame: training.stop())
    monitor = Monitor(options, truths)
    try:
        if training.step == 0:
            monitor.measure(training)
        is_over = training.run(monitor)
        monitor.measure(training)
    finally:
        signal.signal(signal.SIGTERM, before)
    print("the hours are over" if is_over else "stopped; the same command goes on", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
