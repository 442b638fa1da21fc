"""The training loop: AdamW, warm-up, a cosine over the time, averaged weights, resuming.

With a length in seconds the schedule follows the active time, since machines differ: `progress`
runs from 0 to 1, and each step moves it by its share of the time that is left. A process that was
paused (SIGSTOP) therefore makes fewer steps, and the schedule still ends at 1.
"""

from __future__ import annotations

import csv
import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import cv2
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, get_worker_info

from .augmentation import Sample
from .config import TrainingConfig
from .training_files import opened_log, read_training_state, write_checkpoint

__all__ = ["LOSSES", "SampleDataset", "Sampler", "Training", "as_input", "bottom_up"]

CHECKPOINT = "checkpoint.pt"
LOSSES = ("loss_rpn_cls", "loss_rpn_loc", "loss_cls", "loss_box_reg", "loss_mask")


class Sampler(Protocol):
    """Makes training images, each from its index alone. With workers it is sent to processes."""

    def sample(self, index: int) -> Sample:
        """Return training image number `index`."""


class Companion(Protocol):
    """What a checkpoint keeps beside the training, such as the best weights so far."""

    def state(self) -> dict[str, Any]:
        """Return tensors, numbers and texts, in dictionaries and lists."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take what `state` returned."""


class SampleDataset(Dataset[dict[str, Any]]):
    """Samples as detectron2's input dictionaries, by index."""

    def __init__(self, sampler: Sampler, input_format: str = "RGB") -> None:
        self.sampler, self.input_format = sampler, input_format

    def __getitem__(self, index: int) -> dict[str, Any]:
        if get_worker_info() is not None:
            cv2.setNumThreads(0)  # the other cores are the network's
        return as_input(self.sampler.sample(index), self.input_format)


def as_input(sample: Sample, input_format: str = "RGB") -> dict[str, Any]:
    """Turn a sample into detectron2's input dictionary.

    Args:
        sample: an RGB image and its instances.
        input_format: the order of the model's channels, "BGR" or "RGB".

    Returns:
        `image` (uint8 3×H×W), `height`, `width`, `instances` with boxes, classes and masks,
        `ignored` (N×4 float32, XYXY in pixels: the regions to ignore) and `crowd` (H×W bool:
        where crowds are; or None).
    """
    from detectron2.structures import BitMasks, Boxes, Instances

    from .ignoring import ignored_boxes

    height, width = sample.image.shape[:2]
    instances = Instances((height, width))
    masks = torch.zeros((len(sample.masks), height, width), dtype=torch.bool)
    for index, mask in enumerate(sample.masks):
        masks[index] = torch.from_numpy(mask)
    bits = BitMasks(masks)
    instances.gt_boxes = bits.get_bounding_boxes() if len(masks) else Boxes(torch.zeros(0, 4))
    instances.gt_classes = torch.tensor(sample.class_ids, dtype=torch.int64)
    instances.gt_masks = bits
    pixels = sample.image if input_format == "RGB" else sample.image[:, :, ::-1].copy()
    image = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
    return {
        "image": image,
        "height": height,
        "width": width,
        "instances": instances,
        "ignored": ignored_boxes(sample),
        "crowd": None if sample.crowd is None else torch.from_numpy(sample.crowd),
    }


def bottom_up(model: Any) -> nn.Module:
    """Return the backbone below the feature pyramid; all of it where there is no pyramid."""
    network: nn.Module = getattr(model.backbone, "bottom_up", model.backbone)
    return network


def _late_parameters(model: nn.Module) -> set[int]:
    """What of the backbone is tuned late: what it names, else what its config leaves free."""
    network: Any = bottom_up(model)
    if hasattr(network, "tuned_late"):
        return {id(parameter) for parameter in network.tuned_late()}
    return {id(parameter) for parameter in network.parameters() if parameter.requires_grad}


def _parameter_groups(model: Any, config: TrainingConfig) -> Iterator[dict[str, Any]]:
    """AdamW's groups: new layers with and without weight decay, mask head, backbone."""
    inner = {id(parameter) for parameter in bottom_up(model).parameters()}
    head = getattr(getattr(model, "roi_heads", None), "mask_head", None)
    masks = list(head.parameters()) if head is not None and config.mask_factor != 1 else []
    special = inner | {id(parameter) for parameter in masks}
    new = [parameter for parameter in model.parameters() if id(parameter) not in special]
    for parameters, factor in ((new, 1.0), (masks, config.mask_factor)):
        if parameters:
            decayed = [parameter for parameter in parameters if parameter.ndim > 1]
            rest = [parameter for parameter in parameters if parameter.ndim <= 1]
            yield {"params": decayed, "factor": factor, "weight_decay": config.weight_decay}
            yield {"params": rest, "factor": factor, "weight_decay": 0.0}
    # No decay here: it would pull away from ImageNet's weights, not towards anything better.
    yield {
        "params": list(bottom_up(model).parameters()),
        "factor": config.backbone_factor,
        "weight_decay": 0.0,
    }


class Training:
    """A training: model, optimiser, averaged weights and position.

    It saves checkpoints to its folder and can be resumed from them.

    Attributes:
        model: the model that is trained.
        sampler: makes the training images.
        config: how long and how.
        folder: holds the checkpoint and `log.csv`.
        step: steps that were made.
        progress: 0 to 1.
        active_s: seconds of training, pauses not counted.
        average: running mean of the weights, by name.
        last_loss: total loss of the last step.
        companion: is saved and restored with it; None: nothing is.
        on_unsaved: is given the error of a checkpoint that can't be written, and the training goes
            on; None: the error ends it.
        saved_step: the step of the last checkpoint; 0: there is none.
    """

    def __init__(
        self, model: nn.Module, sampler: Sampler, config: TrainingConfig, folder: Path
    ) -> None:
        """Prepare a training.

        Args:
            model: one of detectron2's, on its device.
            sampler: makes training images by index.
            config: how long and how.
            folder: is made if it is not there.
        """
        self.model, self.sampler, self.config, self.folder = model, sampler, config, folder
        self.step = 0
        self.progress = 0.0
        self.active_s = 0.0
        self.stopping = False
        self.companion: Companion | None = None
        self.on_unsaved: Callable[[Exception], None] | None = None
        self.saved_step = 0
        self.last_loss = math.nan
        self.late = _late_parameters(model)
        groups = list(_parameter_groups(model, config))
        self.optimizer = torch.optim.AdamW(groups, lr=config.learning_rate)
        self.average = {name: value.detach().clone() for name, value in model.state_dict().items()}
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """The file from which a later run resumes."""
        return self.folder / CHECKPOINT

    def save(self) -> None:
        """Write the checkpoint; a crash while writing leaves the previous one whole.

        Raises:
            OSError: it can't be written.
        """
        state: dict[str, Any] = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "position": {"step": self.step, "progress": self.progress, "active_s": self.active_s},
            # Named so since the first runs, whose checkpoints stay readable.
            "plan": {key: value for key, value in asdict(self.config).items() if value != math.inf},
        }
        if self.companion is not None:
            state["companion"] = self.companion.state()
        write_checkpoint(state, self.checkpoint)
        self.saved_step = self.step

    def try_to_save(self) -> None:
        """Write the checkpoint; where it can't be written, `on_unsaved` hears of it."""
        try:
            self.save()
        except OSError as error:
            if self.on_unsaved is None:
                raise
            self.on_unsaved(error)

    def read_training_state(self) -> dict[str, Any] | None:
        """Return what the checkpoint holds, for `restore`; None where there is none.

        Raises:
            ValueError: it is damaged, or no checkpoint.
        """
        return read_training_state(self.checkpoint)

    def resume(self) -> bool:
        """Resume from the checkpoint, if there is one; return whether there was."""
        state = self.read_training_state()
        if state is not None:
            self.restore(state)
        return state is not None

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint.

        Args:
            state: what `read_training_state` returned.
        """
        self.model.load_state_dict(state["model"])
        for name, tensor in state["average"].items():
            self.average[name].copy_(tensor)  # stays on the model's device
        self.optimizer.load_state_dict(state["optimizer"])
        if self.companion is not None:
            self.companion.restore(state["companion"])
        self.step = int(state["position"]["step"])
        self.progress = float(state["position"]["progress"])
        self.active_s = float(state["position"]["active_s"])
        self.saved_step = self.step

    def first_index(self) -> int:
        """Return the index of the next step's first sample."""
        return self.step * self.config.batch_size

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the batches from the current step on; workers make them ahead."""
        loader: DataLoader[dict[str, Any]] = DataLoader(
            SampleDataset(self.sampler, self.config.input_format),
            batch_size=self.config.batch_size,
            sampler=range(self.first_index(), self.first_index() + 10_000_000),
            num_workers=self.config.workers,
            prefetch_factor=3 if self.config.workers else None,
            collate_fn=list,
        )
        yield from loader

    def learning_rate(self) -> float:
        """Return the rate at the current position, for the new layers."""
        warmup = min((self.step + 1) / max(self.config.warmup_steps, 1), 1.0)
        cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.progress))
        return self.config.learning_rate * warmup * cosine

    def train_step(self, batch: list[dict[str, Any]]) -> dict[str, float]:
        """Do one step.

        Args:
            batch: detectron2's input dictionaries with instances.

        Returns:
            The losses by name.

        Raises:
            FloatingPointError: the losses are not finite.
        """
        from detectron2.utils.events import EventStorage

        self._set_rates()
        self.model.train()
        # The draw of proposals inside the network repeats, too, when a run is resumed.
        torch.manual_seed(self.config.seed * 1_000_003 + self.step)
        with EventStorage(self.step), self._precision():
            losses: dict[str, Tensor] = self.model(batch)
        total = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(total):
            raise FloatingPointError(f"the loss is not finite at step {self.step}: {losses}")
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(
            [p for p in self.model.parameters() if p.grad is not None], self.config.gradient_norm
        )
        self.optimizer.step()
        self._update_average()
        self.step += 1
        self.last_loss = float(total.detach())
        return {name: float(value.detach()) for name, value in losses.items()}

    def _set_rates(self) -> None:
        rate = self.learning_rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        # A frozen backbone costs no backward pass.
        is_tuned = self.progress >= self.config.tune_backbone_from
        for parameter in bottom_up(self.model).parameters():
            parameter.requires_grad_(is_tuned and id(parameter) in self.late)

    def _precision(self) -> Any:
        device = next(self.model.parameters()).device.type
        return torch.autocast(device, dtype=torch.bfloat16, enabled=self.config.bfloat16)

    def _update_average(self) -> None:
        decay = min(self.config.average_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                average = self.average[name]
                if average.is_floating_point():
                    average.lerp_(value, 1 - decay)
                else:
                    average.copy_(value)

    def _advance(self, step_s: float) -> None:
        """Count a step's time and move the schedule by its share of what is left."""
        self.active_s += step_s
        if self.config.steps is not None:
            self.progress = min(self.step / self.config.steps, 1.0)
            return
        assert self.config.seconds is not None
        left = min(self.config.seconds - self.active_s, self.config.stop_at - time.time()) + step_s
        self.progress = (
            1.0 if left <= step_s else min(self.progress + (1 - self.progress) * step_s / left, 1.0)
        )

    def stop(self) -> None:
        """End after the current step; `run` saves before it returns."""
        self.stopping = True

    def run(self, on_step: Callable[[Training], None] | None = None) -> bool:
        """Train to the end; log each step to `log.csv`, save now and then and at the end.

        Args:
            on_step: called after each step.

        Returns:
            Whether the end was reached; False after `stop`.

        Raises:
            FloatingPointError: the losses are not finite.
        """
        durations: deque[float] = deque(maxlen=50)
        head = f"step,progress,active_s,step_s,wait_s,rate,total,{','.join(LOSSES)}"
        saved = time.monotonic()
        with opened_log(self.folder / "log.csv", head, self.step) as file:
            writer = csv.writer(file)
            batches = self.batches()
            while self.progress < 1 and not self.stopping:
                start = time.monotonic()
                batch = next(batches)
                wait_s = time.monotonic() - start
                losses = self.train_step(batch)
                step_s = time.monotonic() - start
                durations.append(step_s)
                # A step that took many times the usual was a pause: no training time.
                self._advance(min(step_s, 5 * statistics.median(durations)))

                writer.writerow(self._log_row(step_s, wait_s, losses))
                file.flush()
                if time.monotonic() - saved > self.config.save_every_s:
                    self.try_to_save()
                    saved = time.monotonic()
                if on_step is not None:
                    on_step(self)
        self.try_to_save()
        return not self.stopping

    def _log_row(self, step_s: float, wait_s: float, losses: Mapping[str, float]) -> list[object]:
        # A cascade has each loss once a stage; they are logged as one.
        parts = [
            sum(value for name, value in losses.items() if name.startswith(kind)) for kind in LOSSES
        ]
        values = [self.progress, self.active_s, step_s, wait_s, self.learning_rate()]
        values += [sum(losses.values()), *parts]
        return [self.step, *(f"{value:.5g}" for value in values)]
