"""Schedules, hooks, checkpoints, the default trainer and its resumption, events, drawing."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import detectron2.model_zoo as model_zoo
import numpy as np
import pytest
import torch
from detectron2.checkpoint import DetectionCheckpointer
from detectron2.config import get_cfg
from detectron2.data import DatasetCatalog, MetadataCatalog
from detectron2.data.catalog import Metadata
from detectron2.engine import DefaultTrainer, SimpleTrainer, hooks
from detectron2.evaluation import COCOEvaluator
from detectron2.solver import (
    LRMultiplier,
    WarmupParamScheduler,
    build_lr_scheduler,
    build_optimizer,
)
from detectron2.structures import Boxes, BoxMode, Instances
from detectron2.utils.analysis import FlopCountAnalysis
from detectron2.utils.events import EventStorage, JSONWriter, get_event_storage
from detectron2.utils.visualizer import ColorMode, Visualizer
from fvcore.common.param_scheduler import MultiStepParamScheduler
from PIL import Image
from torch import nn


class Line(nn.Module):
    """A model of one weight, whose loss is a parabola."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": ((self.weight * batch) ** 2).sum()}


class Trainer(SimpleTrainer):  # type: ignore[misc]
    """A trainer whose checkpoints hold what its hooks hold."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        model = Line()
        super().__init__(model, [torch.ones(1)] * 100, torch.optim.SGD(model.parameters(), 0.1))
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=2, gamma=0.1)
        self.checkpointer = DetectionCheckpointer(model, str(folder), trainer=self)
        self.register_hooks(
            [hooks.LRScheduler(), hooks.PeriodicCheckpointer(self.checkpointer, period=2)]
        )


def test_a_plain_scheduler_of_torch_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = Trainer(tmp_path / "whole")
    whole.train(0, 6)
    Trainer(tmp_path / "part").train(0, 4)
    resumed = Trainer(tmp_path / "part")
    resumed.checkpointer.resume_or_load("", resume=True)
    assert resumed.scheduler.last_epoch == 4
    assert resumed.iter == 3
    resumed.train(4, 6)
    assert resumed.scheduler.get_last_lr() == pytest.approx(whole.scheduler.get_last_lr())
    assert resumed.scheduler.get_last_lr() == pytest.approx([1e-4])
    assert resumed.model.weight.item() == pytest.approx(whole.model.weight.item())


def test_detectron2s_schedule_goes_on_where_it_was(tmp_path: Path) -> None:
    def rates(start: int) -> list[float]:
        optimizer = torch.optim.SGD(Line().parameters(), 2.0)
        steps = MultiStepParamScheduler([1, 0.1], milestones=[4], num_updates=6)
        schedule = LRMultiplier(
            optimizer, WarmupParamScheduler(steps, 0.5, 2 / 6, "linear"), max_iter=6
        )
        if start:
            schedule.load_state_dict({"base_lrs": [2.0], "last_epoch": start})
        found = []
        for _ in range(6 - start):
            optimizer.step()
            found.append(optimizer.param_groups[0]["lr"])
            schedule.step()
        return found

    assert rates(0) == pytest.approx([1, 1.5, 2, 2, 0.2, 0.2])
    # The rate of the first step is the new optimizer's; the state gives those after it.
    assert rates(3)[1:] == pytest.approx(rates(0)[4:])


def test_optimizers_and_schedules_are_built_from_a_config() -> None:
    cfg = get_cfg()
    cfg.SOLVER.CLIP_GRADIENTS.ENABLED = True
    cfg.SOLVER.WEIGHT_DECAY_NORM = 0.0
    optimizer = build_optimizer(cfg, nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0, 1e-4}
    for name in ("WarmupMultiStepLR", "WarmupCosineLR"):
        cfg.SOLVER.LR_SCHEDULER_NAME = name
        schedule = build_lr_scheduler(cfg, optimizer)
        assert isinstance(schedule, torch.optim.lr_scheduler.LRScheduler)


def test_hooks_evaluate_write_and_profile(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path)
    measured = iter([{"AP": 1.0}, {"AP": 3.0}, {"AP": 2.0}, {"AP": 2.0}])
    with pytest.warns(UserWarning, match="AutogradProfiler has been deprecated"):
        profiler = hooks.AutogradProfiler(
            lambda it: it.iter == 1, str(tmp_path / "profile"), use_cuda=False
        )
    trainer.register_hooks(
        [
            hooks.IterationTimer(),
            hooks.EvalHook(1, lambda: next(measured)),
            hooks.BestCheckpointer(1, trainer.checkpointer, "AP"),
            hooks.PeriodicWriter([JSONWriter(str(tmp_path / "metrics.json"))], period=1),
            profiler,
        ]
    )
    trainer.train(0, 4)
    assert "AP" in (tmp_path / "metrics.json").read_text()
    assert (tmp_path / "model_best.pth").is_file()
    assert list((tmp_path / "profile").glob("*iter1.json"))


def test_events_are_stored_and_smoothed() -> None:
    with EventStorage(5) as storage:
        for value in (1.0, 2, 6):
            get_event_storage().put_scalar("loss", value)
            storage.step()
    assert storage.history("loss").median(3) == 2
    assert storage.latest()["loss"] == (6, 7)


def test_weights_of_the_older_project_are_matched_by_their_names(tmp_path: Path) -> None:
    import pickle

    model = nn.Module()
    model.backbone = nn.Module()
    model.backbone.fc1 = nn.Linear(2, 3)
    path = tmp_path / "old.pkl"
    path.write_bytes(
        pickle.dumps({"fc1_w": np.full((3, 2), 7, np.float32), "fc1_b": np.zeros(3, np.float32)})
    )
    DetectionCheckpointer(model).load(str(path))
    assert (model.backbone.fc1.weight == 7).all()


@pytest.fixture
def cfg(tmp_path: Path) -> Any:
    """A little Mask R-CNN and a data set of four images."""
    records = []
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        mine = {
            "bbox": [8.0, 8, 40, 40],
            "bbox_mode": BoxMode.XYXY_ABS,
            "category_id": 0,
            "segmentation": [[8.0, 8, 40, 8, 40, 40, 8, 40]],
        }
        name = str(tmp_path / f"{number}.png")
        records.append(
            {
                "file_name": name,
                "image_id": number,
                "height": 64,
                "width": 64,
                "annotations": [mine],
            }
        )
    name = f"little_{tmp_path.name}"
    DatasetCatalog.register(name, lambda: records)
    MetadataCatalog.get(name).set(thing_classes=["thing"])
    cfg = get_cfg()
    cfg.merge_from_file(
        model_zoo.get_config_file("COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml")
    )
    cfg.MODEL.RESNETS.DEPTH, cfg.MODEL.RESNETS.RES2_OUT_CHANNELS = 18, 64
    cfg.MODEL.RESNETS.NORM = "BN"
    cfg.MODEL.DEVICE, cfg.MODEL.WEIGHTS = "cpu", ""
    cfg.MODEL.ROI_HEADS.NUM_CLASSES, cfg.MODEL.ROI_HEADS.BATCH_SIZE_PER_IMAGE = 1, 16
    cfg.MODEL.RPN.POST_NMS_TOPK_TRAIN = cfg.MODEL.RPN.POST_NMS_TOPK_TEST = 20
    cfg.INPUT.MIN_SIZE_TRAIN, cfg.INPUT.MIN_SIZE_TEST = (64,), 64
    cfg.DATASETS.TRAIN, cfg.DATASETS.TEST = (name,), (name,)
    cfg.DATALOADER.NUM_WORKERS = 0
    cfg.SOLVER.IMS_PER_BATCH, cfg.SOLVER.MAX_ITER, cfg.SOLVER.STEPS = 2, 2, (1,)
    cfg.SOLVER.BASE_LR, cfg.SOLVER.CHECKPOINT_PERIOD = 1e-4, 2
    cfg.OUTPUT_DIR = str(tmp_path / "out")
    yield cfg
    DatasetCatalog.remove(name)
    MetadataCatalog.remove(name)


class Little(DefaultTrainer):  # type: ignore[misc]
    """The default trainer with COCO's evaluation."""

    @classmethod
    def build_evaluator(cls, cfg: Any, dataset_name: str) -> Any:
        return COCOEvaluator(dataset_name, distributed=False, output_dir=cfg.OUTPUT_DIR)


def test_the_default_trainer_learns_evaluates_and_resumes(cfg: Any) -> None:
    Path(cfg.OUTPUT_DIR).mkdir()
    first = Little(cfg)
    first.resume_or_load(resume=False)
    first.train()
    assert "segm/AP50" in (Path(cfg.OUTPUT_DIR) / "metrics.json").read_text()
    cfg.SOLVER.MAX_ITER = 3
    second = Little(cfg)
    second.resume_or_load(resume=True)
    assert second.start_iter == 2
    assert second.scheduler.last_epoch == 2
    second.train()
    assert second.iter == 3
    assert (Path(cfg.OUTPUT_DIR) / "model_final.pth").is_file()


def test_predictions_are_drawn() -> None:
    pixels = np.zeros((60, 80, 3), np.uint8)
    found = Instances((60, 80), pred_boxes=Boxes(torch.tensor([[10.0, 10, 40, 40]])))
    found.scores, found.pred_classes = torch.tensor([0.9]), torch.tensor([0])
    found.pred_masks = torch.zeros(1, 60, 80, dtype=torch.bool)
    found.pred_masks[0, 10:40, 10:40] = True
    for mode in (ColorMode.IMAGE, ColorMode.SEGMENTATION, ColorMode.IMAGE_BW):
        drawn = Visualizer(pixels, {}, instance_mode=mode).draw_instance_predictions(found)
        image = drawn.get_image()
        assert image.shape == (60, 80, 3)
        assert image[15:35, 15:35].any()
    record = {"annotations": [{"bbox": [5, 5, 20, 20], "bbox_mode": 0, "category_id": 0}]}
    assert Visualizer(pixels, {}).draw_dataset_dict(record).get_image().any()
    parts = np.zeros((60, 80), np.int64)
    stuff = Metadata(stuff_classes=["sky"], stuff_colors=[[9, 9, 255]])
    assert Visualizer(pixels, stuff).draw_sem_seg(parts).get_image().any()


def test_operations_are_counted() -> None:
    assert FlopCountAnalysis(nn.Linear(4, 5), torch.zeros(2, 4)).total() == 40


def test_nothing_warns_at_import() -> None:
    """PyTorch tells its users of torch.jit.script, which fvcore uses at import."""
    modules = "config, modeling, engine, evaluation, data, structures, layers, solver, export"
    command = [sys.executable, "-W", "error", "-c", f"from detectron2 import {modules}, _C"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_warning_of_ones_own_is_still_shown() -> None:
    import detectron2  # noqa: F401

    with pytest.warns(FutureWarning, match="torch.jit.script"):
        warnings.warn("`torch.jit.script` is deprecated", FutureWarning, stacklevel=1)
