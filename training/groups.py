"""The first stage of the starter's training: a network of groups, from ImageNet's weights.

Its averaged weights are what the names begin with.
"""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

import torch

from seg_widgets.finetuning import TrainingConfig
from seg_widgets.finetuning.ignoring import regions_ignored
from seg_widgets.finetuning.loop import Training
from training.composites import Sampler
from training.export import park
from training.learn import STATE, STOP
from training.model import build
from training.sources import load_material


def train_groups(options: argparse.Namespace, imagenet: Path) -> bool:
    """Train the network of groups, or go on, until its time is over, SIGTERM, or the stop file.

    Args:
        options: of `make_starter`; `groups` is the run's folder.
        imagenet: the backbone's checkpoint.

    Returns:
        Whether the time is over; then the weights are in the folder's `state.safetensors`.
    """
    packages = None if options.photos_only else options.cache
    material = load_material(options.data, packages, options.limit)["train"]
    config = TrainingConfig(
        seconds=None if options.steps else options.hours * 3600, steps=options.steps
    )
    torch.manual_seed(config.seed)
    folder: Path = options.groups
    sampler = Sampler(material, config.seed, varied=True)
    training = Training(build(imagenet), sampler, config, folder)
    training.resume()
    (folder / STOP).unlink(missing_ok=True)
    (folder / "pid").write_text(f"{os.getpid()}\n")
    print(f"groups: training from step {training.step}", flush=True)
    before = signal.signal(signal.SIGTERM, lambda number, frame: training.stop())
    try:
        with regions_ignored(training.model):
            is_over = training.run(watch)
    finally:
        signal.signal(signal.SIGTERM, before)
    if is_over:
        part = folder / f"{STATE}.part"
        park(training.checkpoint, part)
        part.replace(folder / STATE)
    return is_over


def watch(training: Training) -> None:
    """Look for the stop file, and say now and then how far it is."""
    if (training.folder / STOP).exists():
        training.stop()
    if training.step % 100 == 0:
        print(f"step {training.step}: {training.progress:.1%} of the time", flush=True)
