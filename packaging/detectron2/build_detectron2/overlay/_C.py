"""Stands where detectron2's compiled extension would be.

This is the pure-Python build of detectron2 that seg-widgets makes. Importing this module works;
asking it for an operator raises `MissingOperatorError`, which names the operator, what needs it,
and how to get it.
"""

# What decides whether a config with deformable convolutions can be run may look at this name.
DEFORM_CONV_FROM_TORCHVISION = True

_NEEDED_BY = {
    "deform_conv": (
        "code that calls it by itself (detectron2.layers.DeformConv uses torchvision's here)"
    ),
    "modulated_deform_conv": (
        "code that calls it by itself (detectron2.layers.ModulatedDeformConv uses torchvision's "
        "here)"
    ),
    "box_iou_rotated": "the overlap of rotated boxes (rotated RPN and ROI heads)",
    "nms_rotated": "non-maximum suppression of rotated boxes (rotated RPN and ROI heads)",
    "roi_align_rotated": "ROIAlign on rotated boxes (rotated ROI heads)",
    "COCOeval": "the fast COCO evaluator (use COCOEvaluator(..., use_fast_impl=False))",
    "InstanceAnnotation": "the fast COCO evaluator (use COCOEvaluator(..., use_fast_impl=False))",
}


class MissingOperatorError(AttributeError, NotImplementedError):
    """A compiled operator was asked for, and this build has none.

    It is an `AttributeError` so that `hasattr(_C, name)` and `from detectron2._C import name`
    answer as for any module.
    """


def get_compiler_version() -> str:
    """Tell `detectron2.utils.collect_env` that no compiler was used."""
    return "none (pure-Python build)"


def get_cuda_version() -> str:
    """Tell `detectron2.utils.collect_env` that nothing was compiled for CUDA."""
    return "none (pure-Python build)"


def has_cuda() -> bool:
    """Tell `detectron2.utils.collect_env` that there are no CUDA operators here."""
    return False


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    needed_by = next(
        (what for prefix, what in _NEEDED_BY.items() if name.startswith(prefix)), "compiled code"
    )
    raise MissingOperatorError(
        f"detectron2._C.{name} is missing: {needed_by} needs detectron2's compiled operators, and "
        "this is the pure-Python build that seg-widgets makes. Mask R-CNN on upright boxes works "
        "without them, with deformable convolutions too. To get them, uninstall this detectron2 "
        "and build it from its own sources with a C++ compiler (and nvcc for CUDA): "
        "https://github.com/facebookresearch/detectron2/blob/main/INSTALL.md"
    )
