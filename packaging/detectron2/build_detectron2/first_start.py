"""Patches for the first start: `import detectron2.modeling` loads what a model needs to run.

torchvision's Python package takes as long to import as PyTorch, because its ROIAlign imports
PyTorch's compiler. Its compiled operators take milliseconds.
"""

from __future__ import annotations

from .edits import Edit, Patch

_DATA_IMPORT = (
    r"^from detectron2\.data\.detection_utils import convert_image_to_rgb\n",
    "        from detectron2.data.detection_utils import convert_image_to_rgb\n"
    "        from detectron2.utils.visualizer import Visualizer\n",
)
_MODELING_AT_FIRST_USE = """\
_AT_FIRST_USE = {
    "DatasetMapperTTA": "test_time_augmentation",
    "GeneralizedRCNNWithTTA": "test_time_augmentation",
    "MMDetBackbone": "mmdet_wrapper",
    "MMDetDetector": "mmdet_wrapper",
}


def __getattr__(name):
    import importlib

    if name in _AT_FIRST_USE.values():
        return importlib.import_module(f"{__name__}.{name}")
    if name in _AT_FIRST_USE:
        return getattr(importlib.import_module(f"{__name__}.{_AT_FIRST_USE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""
_CONFIG_AT_FIRST_USE = """\


def __getattr__(name):
    import importlib

    if name in ("LazyCall", "LazyConfig", "lazy"):
        module = importlib.import_module(f"{__name__}.lazy")
        return module if name == "lazy" else getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
"""
_DATA_AT_FIRST_USE = """\


def __getattr__(name):
    # As before, when detectron2.modeling imported it: `detectron2.data.…` without an import of it.
    if name == "data":
        import importlib

        return importlib.import_module("detectron2.data")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
"""

LIGHT_IMPORTS: tuple[Patch, ...] = (
    Patch(
        "NMS and ROIAlign are torchvision's compiled operators, without its Python package",
        "that package imports PyTorch's compiler, which takes as long as all of PyTorch; "
        "detectron2/_torchvision_ops.py imports it for what needs it (deformable convolutions, "
        "ROIPool, deterministic algorithms, torch.compile)",
        (
            Edit(
                "detectron2/layers/nms.py",
                r"^from torchvision\.ops import boxes as box_ops\n"
                r"from torchvision\.ops import nms  # BC-compat$",
                "from detectron2 import _torchvision_ops as box_ops\n"
                "from detectron2._torchvision_ops import nms  # BC-compat",
                1,
            ),
            Edit(
                "detectron2/layers/roi_align.py",
                r"^from torchvision\.ops import roi_align$",
                "\nfrom detectron2._torchvision_ops import roi_align",
                1,
            ),
            Edit(
                "detectron2/layers/roi_align.py",
                r"\n        from torchvision import __version__\n(?:.*\n){4}",
                "",
                1,
            ),
            Edit(
                "detectron2/layers/deform_conv.py",
                r"^from torchvision\.ops import deform_conv2d\n",
                "\nfrom detectron2._torchvision_ops import deform_conv2d\n",
                1,
            ),
            Edit(
                "detectron2/modeling/poolers.py", r"^from torchvision\.ops import RoIPool\n", "", 1
            ),
            Edit(
                "detectron2/modeling/poolers.py",
                r'^        elif pooler_type == "ROIPool":$',
                '        elif pooler_type == "ROIPool":\n'
                "            from torchvision.ops import RoIPool\n",
                1,
            ),
        ),
    ),
    Patch(
        "the images that training draws import detectron2.data when they are drawn",
        "inference needs none of the data sets, loaders and augmentations",
        (
            Edit("detectron2/modeling/meta_arch/rcnn.py", _DATA_IMPORT[0], "", 1),
            Edit("detectron2/modeling/meta_arch/dense_detector.py", _DATA_IMPORT[0], "", 1),
            Edit(
                "detectron2/modeling/meta_arch/rcnn.py",
                r"^        from detectron2\.utils\.visualizer import Visualizer\n",
                _DATA_IMPORT[1],
                1,
            ),
            Edit(
                "detectron2/modeling/meta_arch/dense_detector.py",
                r"^        from detectron2\.utils\.visualizer import Visualizer\n",
                _DATA_IMPORT[1],
                1,
            ),
            Edit(
                "detectron2/__init__.py",
                r"^setup_environment\(\)$",
                "setup_environment()" + _DATA_AT_FIRST_USE.rstrip(),
                1,
            ),
        ),
    ),
    Patch(
        "test-time augmentation and MMDetection's wrapper are imported at first use",
        "they import detectron2.data and omegaconf, and few models use them",
        (
            Edit(
                "detectron2/modeling/__init__.py",
                r"^from \.test_time_augmentation import .*\nfrom \.mmdet_wrapper import .*\n",
                "\n" + _MODELING_AT_FIRST_USE,
                1,
            ),
            Edit(
                "detectron2/modeling/__init__.py",
                r'^(__all__ = \[k for .* not k\.startswith\("_"\)\])$',
                r"\1 + list(_AT_FIRST_USE)",
                1,
            ),
        ),
    ),
    Patch(
        "configs that are Python files are imported at first use",
        "they need omegaconf, which a YAML config doesn't",
        (
            Edit(
                "detectron2/config/__init__.py",
                r"^from \.lazy import LazyCall, LazyConfig\n",
                _CONFIG_AT_FIRST_USE,
                1,
            ),
            Edit(
                "detectron2/model_zoo/model_zoo.py",
                r"^from detectron2\.config import CfgNode, LazyConfig, get_cfg, instantiate$",
                "from detectron2.config import CfgNode, get_cfg, instantiate",
                1,
            ),
            Edit(
                "detectron2/model_zoo/model_zoo.py",
                r"^        cfg = LazyConfig\.load\(cfg_file\)$",
                "        from detectron2.config import LazyConfig\n\n"
                "        cfg = LazyConfig.load(cfg_file)",
                1,
            ),
            # There is no DictConfig in a process that hasn't imported omegaconf.
            Edit(
                "detectron2/config/config.py",
                r"^    from omegaconf import DictConfig\n",
                "    import sys\n\n"
                '    DictConfig = getattr(sys.modules.get("omegaconf"), "DictConfig", _CfgNode)\n',
                1,
            ),
        ),
    ),
)
