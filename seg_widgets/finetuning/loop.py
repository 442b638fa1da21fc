"""The training loop: AdamW, warm-up and a cosine that ends when the time is up, an average of the
weights, resuming.

The schedule follows time, not steps, since machines differ: `progress` runs from 0 to 1 over the
active time, and each step moves it by its share of what is left. A process stopped with SIGSTOP
therefore loses steps, not its schedule.
"""

from __future__ import annotations

import csv
import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, get_worker_info

from ..modeling import EfficientNetLite0
from .augmentation import Sample

__all__ = ["Plan", "SampleDataset", "Sampler", "Training", "as_input", "bottom_up"]

CHECKPOINT = "checkpoint.pt"
FIRST_TUNED_BLOCK = 5  # of the starter, from stride 16 on; edges and textures stay ImageNet's
LOSSES = ("loss_rpn_cls", "loss_rpn_loc", "loss_cls", "loss_box_reg", "loss_mask")


@dataclass(frozen=True)
class Plan:
    """How long and how to train. One of `seconds` (active time) and `steps` sets the length."""

    seconds: float | None = None
    steps: int | None = None
    stop_at: float = math.inf  # seconds since the epoch; a wall-clock end whatever happened before
    learning_rate: float = 8e-4
    backbone_factor: float = 0.1
    mask_factor: float = (
        1.0  # the mask head's rate beside the other layers': a new head has more to learn than they
    )
    weight_decay: float = 0.02
    warmup_steps: int = 200
    tune_backbone_from: float = 0.25  # progress
    average_decay: float = 0.9993
    gradient_norm: float = 5.0
    save_every_s: float = 120.0
    seed: int = 446
    batch_size: int = 4
    input_format: str = "RGB"
    workers: int = 1
    bfloat16: bool = False  # for processors that have it: half the time a step


class Sampler(Protocol):
    """Makes training images, each from its index alone."""

    def sample(self, index: int) -> Sample:
        """Image number `index`."""


class SampleDataset(Dataset[dict[str, Any]]):
    """Samples as detectron2's input dictionaries, by index."""

    def __init__(self, sampler: Sampler, input_format: str = "RGB") -> None:
        self.sampler, self.input_format = sampler, input_format

    def __getitem__(self, index: int) -> dict[str, Any]:
        if get_worker_info() is not None:
            cv2.setNumThreads(0)  # the other cores are the network's
        return as_input(self.sampler.sample(index), self.input_format)


def as_input(sample: Sample, input_format: str = "RGB") -> dict[str, Any]:
    """Turn a sample into detectron2's input dictionary: uint8 3×H×W image, instances with boxes,
    classes, masks."""
    from detectron2.structures import BitMasks, Boxes, Instances

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
    return {"image": image, "height": height, "width": width, "instances": instances}


def bottom_up(model: Any) -> nn.Module:
    """The backbone below the feature pyramid, or all of it where there is no pyramid."""
    network: nn.Module = getattr(model.backbone, "bottom_up", model.backbone)
    return network


def _late_parameters(model: nn.Module) -> set[int]:
    """What of the backbone is tuned late: what its config leaves free; in the starter what lies
    above the textures."""
    network = bottom_up(model)
    if not isinstance(network, EfficientNetLite0):
        return {id(parameter) for parameter in network.parameters() if parameter.requires_grad}
    return {
        id(parameter)
        for name, parameter in network.named_parameters()
        if name.startswith("head.")
        or (name.startswith("blocks.") and int(name.split(".")[1]) >= FIRST_TUNED_BLOCK)
    }


def _parameter_groups(model: Any, plan: Plan) -> Iterator[dict[str, Any]]:
    """AdamW's groups: new layers with and without weight decay; backbone and mask head have their
    own rates."""
    inner = {id(parameter) for parameter in bottom_up(model).parameters()}
    head = getattr(getattr(model, "roi_heads", None), "mask_head", None)
    masks = list(head.parameters()) if head is not None and plan.mask_factor != 1 else []
    special = inner | {id(parameter) for parameter in masks}
    new = [parameter for parameter in model.parameters() if id(parameter) not in special]
    for parameters, factor in ((new, 1.0), (masks, plan.mask_factor)):
        if parameters:
            decayed = [parameter for parameter in parameters if parameter.ndim > 1]
            rest = [parameter for parameter in parameters if parameter.ndim <= 1]
            yield {"params": decayed, "factor": factor, "weight_decay": plan.weight_decay}
            yield {"params": rest, "factor": factor, "weight_decay": 0.0}
    # No decay here: it would pull away from ImageNet's weights, not towards anything better.
    yield {
        "params": list(bottom_up(model).parameters()),
        "factor": plan.backbone_factor,
        "weight_decay": 0.0,
    }


class Training:
    """Model, optimiser, averaged weights and position; saves itself to `folder` and goes on from
    there."""

    def __init__(self, model: nn.Module, sampler: Sampler, plan: Plan, folder: Path) -> None:
        if (plan.seconds is None) == (plan.steps is None):
            raise ValueError("a plan needs either `seconds` or `steps`")
        self.model, self.sampler, self.plan, self.folder = model, sampler, plan, folder
        self.step = 0
        self.progress = 0.0
        self.active_s = 0.0
        self.stopping = False
        self.last_loss = math.nan
        self.late = _late_parameters(model)
        groups = list(_parameter_groups(model, plan))
        self.optimizer = torch.optim.AdamW(groups, lr=plan.learning_rate)
        self.average = {name: value.detach().clone() for name, value in model.state_dict().items()}
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """The file that a later run goes on from."""
        return self.folder / CHECKPOINT

    def save(self) -> None:
        """Write the checkpoint; a crash while writing leaves the previous one whole."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "position": {"step": self.step, "progress": self.progress, "active_s": self.active_s},
            "plan": {key: value for key, value in asdict(self.plan).items() if value != math.inf},
        }
        temporary = self.checkpoint.with_suffix(".part")
        torch.save(state, temporary)
        temporary.replace(self.checkpoint)

    def resume(self) -> bool:
        """Go on from the checkpoint, if there is one; say whether there was."""
        if not self.checkpoint.is_file():
            return False
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["position"]["step"])
        self.progress = float(state["position"]["progress"])
        self.active_s = float(state["position"]["active_s"])
        return True

    def first_index(self) -> int:
        """The index of the next step's first sample."""
        return self.step * self.plan.batch_size

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the batches from the current step on, made one process ahead when the plan has
        workers."""
        loader: DataLoader[dict[str, Any]] = DataLoader(
            SampleDataset(self.sampler, self.plan.input_format),
            batch_size=self.plan.batch_size,
            sampler=range(self.first_index(), self.first_index() + 10_000_000),
            num_workers=self.plan.workers,
            prefetch_factor=3 if self.plan.workers else None,
            collate_fn=list,
        )
        yield from loader

    def learning_rate(self) -> float:
        """The rate at the current position, for the new layers."""
        warmup = min((self.step + 1) / max(self.plan.warmup_steps, 1), 1.0)
        return (
            self.plan.learning_rate
            * warmup
            * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.progress)))
        )

    def train_step(self, batch: list[dict[str, Any]]) -> dict[str, float]:
        """Do one step on a batch; return the losses by name. Raises FloatingPointError when they
        are not finite."""
        from detectron2.utils.events import EventStorage

        rate = self.learning_rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        # A frozen backbone costs no backward pass.
        for parameter in bottom_up(self.model).parameters():
            parameter.requires_grad_(
                self.progress >= self.plan.tune_backbone_from and id(parameter) in self.late
            )
        self.model.train()
        # The draw of proposals inside the network repeats too, when a run goes on from a
        # checkpoint.
        torch.manual_seed(self.plan.seed * 1_000_003 + self.step)
        with EventStorage(self.step), self._precision():
            losses: dict[str, Tensor] = self.model(batch)
        total = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(total):
            raise FloatingPointError(f"the loss is not finite at step {self.step}: {losses}")
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(
            [p for p in self.model.parameters() if p.grad is not None], self.plan.gradient_norm
        )
        self.optimizer.step()
        self._update_average()
        self.step += 1
        self.last_loss = float(total.detach())
        return {name: float(value.detach()) for name, value in losses.items()}

    def _precision(self) -> Any:
        device = next(self.model.parameters()).device.type
        return torch.autocast(device, dtype=torch.bfloat16, enabled=self.plan.bfloat16)

    def _update_average(self) -> None:
        decay = min(self.plan.average_decay, (1 + self.step) / (10 + self.step))
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
        if self.plan.steps is not None:
            self.progress = min(self.step / self.plan.steps, 1.0)
            return
        assert self.plan.seconds is not None
        left = min(self.plan.seconds - self.active_s, self.plan.stop_at - time.time()) + step_s
        self.progress = (
            1.0 if left <= step_s else min(self.progress + (1 - self.progress) * step_s / left, 1.0)
        )

    def stop(self) -> None:
        """End after the current step; `run` saves before it returns."""
        self.stopping = True

    def run(self, on_step: Callable[[Training], None] | None = None) -> bool:
        """Train to the plan's end; log each step to `log.csv`, save now and then and at the end.

        Return whether the end was reached; False after `stop`.
        """
        log = self.folder / "log.csv"
        fresh = not log.is_file() or self.step == 0
        if not fresh:  # steps after the checkpoint are about to be done again
            head, *rows = log.read_text().splitlines(keepends=True)
            log.write_text(
                "".join([head, *(row for row in rows if int(row.split(",", 1)[0]) <= self.step)])
            )
        durations: deque[float] = deque(maxlen=50)
        saved = time.monotonic()
        with log.open("w" if fresh else "a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(
                    ["step", "progress", "active_s", "step_s", "wait_s", "rate", "total", *LOSSES]
                )
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
                # Those of a cascade's stages are told together.
                parts = [
                    sum(losses[own] for own in losses if own.startswith(name)) for name in LOSSES
                ]
                values = [sum(losses.values()), *parts]
                row = [self.progress, self.active_s, step_s, wait_s, self.learning_rate(), *values]
                writer.writerow([self.step, *(f"{value:.5g}" for value in row)])
                file.flush()
                if time.monotonic() - saved > self.plan.save_every_s:
                    self.save()
                    saved = time.monotonic()
                if on_step is not None:
                    on_step(self)
        self.save()
        return not self.stopping
