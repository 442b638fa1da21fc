"""What is changed in detectron2 0.6, and why: every edit is a pattern with the number of times it
must match."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

from .edits import Edit, Patch
from .errors import BuildError
from .first_start import LIGHT_IMPORTS

NOTICE = (
    "# Changed by seg-widgets from detectron2 0.6; what and why: detectron2/SEG_WIDGETS_CHANGES.txt"
)
_COPYRIGHT = re.compile(r"^# Copyright \(c\) Facebook.*$", re.MULTILINE)


_NUMPY_ALIAS = r"\bnp\.(bool|int|float|str)\b"
_BUILTIN = r"\1"
_LOGGER_WARN = r"(?<=logger)\.warn\("
_OLD_SCHEDULER = r"\btorch\.optim\.lr_scheduler\._LRScheduler\b"
_SCHEDULER = "torch.optim.lr_scheduler.LRScheduler"
# torchvision reads both numbers of groups from the shapes.
_DEFORMABLE = """def _check_offset(offset):
    # torchvision's CPU code reads outside the image where an offset is NaN, which ends the process.
    if offset.device.type == "cpu" and torch.isnan(offset).any():
        raise FloatingPointError(
            "An offset of a deformable convolution is NaN: the weights are damaged, or the "
            "training has diverged."
        )


def deform_conv(
    input,
    offset,
    weight,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    deformable_groups=1,
    im2col_step=64,
):
    if input.dim() != 4:
        raise ValueError(f"Expected 4D tensor as input, got {input.dim()}D tensor instead.")
    _check_offset(offset)
    return deform_conv2d(
        input, offset, weight, stride=stride, padding=padding, dilation=dilation
    )


def modulated_deform_conv(
    input,
    offset,
    mask,
    weight,
    bias=None,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    deformable_groups=1,
):
    _check_offset(offset)
    return deform_conv2d(
        input, offset, weight, bias, stride=stride, padding=padding, dilation=dilation, mask=mask
    )
"""

PATCHES: tuple[Patch, ...] = (
    Patch(
        "np.bool, np.int, np.float and np.str became Python's bool, int, float and str",
        "NumPy 1.24 removed these aliases of the built-in types",
        (
            Edit("detectron2/data/build.py", _NUMPY_ALIAS, _BUILTIN, 2),
            Edit("detectron2/data/datasets/pascal_voc.py", _NUMPY_ALIAS, _BUILTIN, 1),
            Edit("detectron2/evaluation/pascal_voc_evaluation.py", _NUMPY_ALIAS, _BUILTIN, 2),
            Edit("detectron2/evaluation/sem_seg_evaluation.py", _NUMPY_ALIAS, _BUILTIN, 7),
            Edit("detectron2/structures/masks.py", _NUMPY_ALIAS, _BUILTIN, 3),
            Edit("detectron2/utils/video_visualizer.py", _NUMPY_ALIAS, _BUILTIN, 1),
            Edit("detectron2/utils/visualizer.py", _NUMPY_ALIAS, _BUILTIN, 3),
        ),
    ),
    Patch(
        "Image.LINEAR became Image.BILINEAR",
        "Pillow 10 removed the old name of the same filter",
        (
            Edit(
                "detectron2/data/transforms/transform.py", r"\bImage\.LINEAR\b", "Image.BILINEAR", 1
            ),
        ),
    ),
    Patch(
        "model_zoo finds its configs with importlib.resources",
        "setuptools no longer ships pkg_resources",
        (
            Edit(
                "detectron2/model_zoo/model_zoo.py",
                r"^import os$",
                "import importlib.resources\nimport os",
                1,
            ),
            Edit("detectron2/model_zoo/model_zoo.py", r"^import pkg_resources\n", "", 1),
            Edit(
                "detectron2/model_zoo/model_zoo.py",
                r"pkg_resources\.resource_filename\(\n"
                r'        "detectron2\.model_zoo", '
                r'os\.path\.join\("configs", config_path\)\n    \)',
                'str(\n        importlib.resources.files("detectron2.model_zoo")'
                '.joinpath("configs", config_path)\n    )',
                1,
            ),
        ),
    ),
    Patch(
        "the COCO evaluator falls back to pycocotools, as upstream's main does",
        "the fast one is compiled code",
        (
            Edit(
                "detectron2/evaluation/coco_evaluation.py",
                r"^from detectron2\.evaluation\.fast_eval_api import COCOeval_opt\n",
                "",
                1,
            ),
            Edit(
                "detectron2/evaluation/coco_evaluation.py",
                r"^from detectron2\.utils\.logger import create_small_table$",
                "from detectron2.utils.logger import create_small_table\n\n"
                "try:\n"
                "    from detectron2.evaluation.fast_eval_api import COCOeval_opt\n"
                "except ImportError:\n"
                "    COCOeval_opt = COCOeval",
                1,
            ),
            Edit(
                "detectron2/evaluation/fast_eval_api.py",
                r"^from detectron2 import _C$",
                "from detectron2 import _C\nfrom detectron2._C import COCOevalAccumulate, "
                "COCOevalEvaluateImages  # noqa: F401",
                1,
            ),
        ),
    ),
    Patch(
        "rotated NMS asks detectron2._C for its operator",
        "the stub detectron2/_C.py says what is missing; torch.ops only says that a name is "
        "unknown",
        (
            Edit(
                "detectron2/layers/nms.py",
                r"\btorch\.ops\.detectron2\.nms_rotated\(",
                "_C.nms_rotated(",
                1,
            ),
            Edit(
                "detectron2/layers/nms.py",
                r"^from torchvision\.ops import nms  # BC-compat$",
                "from torchvision.ops import nms  # BC-compat\n\nfrom detectron2 import _C",
                1,
            ),
        ),
    ),
    Patch(
        'torch.meshgrid is called with indexing="ij"',
        "without it PyTorch warns that it will be required",
        (
            Edit(
                "detectron2/modeling/anchor_generator.py",
                r"torch\.meshgrid\(shifts_y, shifts_x\)",
                'torch.meshgrid(shifts_y, shifts_x, indexing="ij")',
                1,
            ),
            Edit(
                "detectron2/projects/panoptic_deeplab/post_processing.py",
                r"(torch\.meshgrid\(\n(?:.*\n){2})( +)\)",
                r'\1\2    indexing="ij",\n\2)',
                1,
            ),
        ),
    ),
    Patch(
        "two box transforms are plain classes, without @torch.jit.script",
        "torch.jit.script is deprecated and warns at import, and code that is not scripted does "
        "not need it",
        (Edit("detectron2/modeling/box_regression.py", r"^@torch\.jit\.script\n", "", 2),),
    ),
    Patch(
        "mixed-precision training uses torch.amp",
        "torch.cuda.amp is deprecated and warns",
        (
            Edit(
                "detectron2/engine/train_loop.py",
                r"from torch\.cuda\.amp import (GradScaler|autocast)\b",
                r"from torch.amp import \1",
                2,
            ),
            Edit(
                "detectron2/engine/train_loop.py", r"\b(GradScaler|autocast)\(\)", r'\1("cuda")', 2
            ),
        ),
    ),
    Patch(
        "loggers' warn() became warning()",
        "Python's logging deprecates the old name and warns",
        (
            Edit("detectron2/data/datasets/coco.py", _LOGGER_WARN, ".warning(", 2),
            Edit("detectron2/engine/defaults.py", _LOGGER_WARN, ".warning(", 1),
            Edit("detectron2/evaluation/coco_evaluation.py", _LOGGER_WARN, ".warning(", 2),
            Edit("detectron2/evaluation/lvis_evaluation.py", _LOGGER_WARN, ".warning(", 2),
            Edit("detectron2/evaluation/sem_seg_evaluation.py", _LOGGER_WARN, ".warning(", 2),
        ),
    ),
    Patch(
        "the default trainer writes TensorBoard events only where tensorboard is installed",
        "tensorboard is not needed to train, and is not among this wheel's requirements",
        (
            Edit(
                "detectron2/engine/defaults.py",
                r"^import argparse$",
                "import argparse\nimport importlib.util",
                1,
            ),
            Edit(
                "detectron2/engine/defaults.py",
                r"^        TensorboardXWriter\(output_dir\),$",
                "        *([TensorboardXWriter(output_dir)] "
                'if importlib.util.find_spec("tensorboard") else []),',
                1,
            ),
        ),
    ),
    Patch(
        "a data set whose mapper returns None draws another image from a tuple",
        "Python 3.11 samples no sets; a tuple in the set's order gives the same images",
        (
            Edit(
                "detectron2/data/common.py",
                r"\.sample\(self\._fallback_candidates, k=1\)",
                ".sample(tuple(self._fallback_candidates), k=1)",
                1,
            ),
        ),
    ),
    Patch(
        "learning-rate schedulers are torch's LRScheduler, as in upstream's main",
        "since torch 2.0 a plain scheduler of torch is no _LRScheduler: its state was not saved, "
        "and a run that was resumed began its schedule anew",
        (
            Edit("detectron2/engine/hooks.py", _OLD_SCHEDULER, _SCHEDULER, 2),
            Edit("detectron2/solver/build.py", _OLD_SCHEDULER, _SCHEDULER, 1),
            Edit("detectron2/solver/lr_scheduler.py", _OLD_SCHEDULER, _SCHEDULER, 4),
            Edit("detectron2/projects/deeplab/build_solver.py", _OLD_SCHEDULER, _SCHEDULER, 1),
            Edit("detectron2/projects/deeplab/lr_scheduler.py", _OLD_SCHEDULER, _SCHEDULER, 1),
        ),
    ),
    Patch(
        "both deformable convolutions are torchvision's deform_conv2d, with its gradients",
        "detectron2's own are compiled code; torchvision's computes the same",
        (
            Edit(
                "detectron2/layers/deform_conv.py",
                r"^class _DeformConv\(Function\):\n(?:.*\n)+?"
                r"modulated_deform_conv = _ModulatedDeformConv\.apply\n",
                _DEFORMABLE,
                1,
            ),
            Edit(
                "detectron2/layers/deform_conv.py",
                r"^import math\nfrom functools import lru_cache\nimport torch\n",
                "import torch\n",
                1,
            ),
            Edit(
                "detectron2/layers/deform_conv.py",
                r"^from torch\.autograd import Function\n"
                r"from torch\.autograd\.function import once_differentiable\n",
                "",
                1,
            ),
            Edit("detectron2/layers/deform_conv.py", r"^from detectron2 import _C\n\n", "", 1),
        ),
    ),
    Patch(
        "the modulated deformable convolution takes an empty batch",
        "its sizes were numbers where the shape of the empty answer is made from pairs",
        (
            Edit(
                "detectron2/layers/deform_conv.py",
                r"^        self\.(stride|padding|dilation) = (stride|padding|dilation)$",
                r"        self.\1 = _pair(\2)",
                3,
            ),
        ),
    ),
    Patch(
        "fvcore.nn is imported first, without torch's warning",
        "fvcore scripts two functions at import, of which newer versions of torch warn each user",
        (
            Edit(
                "detectron2/__init__.py",
                r"^from \.utils\.env import setup_environment$",
                "import warnings\n\n"
                "with warnings.catch_warnings():\n"
                '    warnings.filterwarnings("ignore", message="`torch.jit.script` is ")\n'
                "    import fvcore.nn  # noqa: F401\n\n"
                "from .utils.env import setup_environment",
                1,
            ),
        ),
    ),
    Patch(
        "key points become one array before they become a tensor",
        "torch warns that a list of arrays is slow",
        (
            Edit(
                "detectron2/data/detection_utils.py",
                r"\bKeypoints\(kpts\)",
                "Keypoints(np.asarray(kpts))",
                1,
            ),
        ),
    ),
    Patch(
        "AutogradProfiler names its device, and writes its file",
        "torch 2.15 no longer takes use_cuda; the class lacked an attribute that is read",
        (
            Edit(
                "detectron2/engine/hooks.py",
                r"torch\.autograd\.profiler\.profile\(use_cuda=self\._use_cuda\)",
                "torch.autograd.profiler.profile(\n"
                '                use_device="cuda" if self._use_cuda else None\n'
                "            )",
                1,
            ),
            Edit(
                "detectron2/engine/hooks.py",
                r"^        self\._use_cuda = use_cuda$",
                "        self._use_cuda = use_cuda\n        self._save_tensorboard = False",
                1,
            ),
        ),
    ),
    Patch(
        "detectron2.export can be imported without caffe2 and onnx, as upstream's main does",
        "PyTorch no longer ships caffe2; tracing and detectron2.utils.analysis do not need it",
        (
            Edit(
                "detectron2/export/__init__.py",
                r"^from \.api import \*$",
                "try:\n    from .api import *\nexcept ImportError:\n    pass",
                1,
            ),
        ),
    ),
    *LIGHT_IMPORTS,
)


def apply_patches(
    files: Mapping[str, bytes], patches: tuple[Patch, ...] = PATCHES
) -> dict[str, bytes]:
    """Return the files with every edit made and a notice of the change in each changed file
    (Apache-2.0 §4b).

    Args:
        files: contents by path inside the wheel; not changed.
        patches: the edits to make.

    Raises:
        BuildError: a file is missing, or a pattern matches more or fewer times than it must.
    """
    patched = dict(files)
    for edit in (edit for patch in patches for edit in patch.edits):
        if edit.path not in patched:
            raise BuildError(
                f"The patch of {edit.path} has no file to change. {_NOT_WHAT_WAS_PATCHED}"
            )
        text, count = re.subn(
            edit.pattern, edit.replacement, patched[edit.path].decode(), flags=re.MULTILINE
        )
        if count != edit.count:
            raise BuildError(
                f"The pattern {edit.pattern!r} matches {count} times in {edit.path}, and "
                f"{edit.count} were expected. " + _NOT_WHAT_WAS_PATCHED
            )
        patched[edit.path] = text.encode()
    for path in sorted({edit.path for patch in patches for edit in patch.edits}):
        patched[path] = _with_notice(patched[path].decode()).encode()
    return patched


def change_note(patches: tuple[Patch, ...] = PATCHES) -> str:
    """Return the text of the wheel's SEG_WIDGETS_CHANGES.txt: what was changed in which files, and
    why."""
    sections = [
        _wrapped(
            "This is detectron2 0.6 (Copyright (c) Facebook, Inc. and its affiliates; Apache "
            "License 2.0), repackaged by seg-widgets as a pure-Python wheel from the sdist "
            "pb1-detectron2 0.6. Its files are as they were, but for these changes:"
        )
    ]
    for patch in patches:
        paths = sorted({edit.path for edit in patch.edits})
        sections.append(
            "\n".join(
                [_wrapped(f"- {patch.what}. Why: {patch.why}.", "  "), *(f"    {p}" for p in paths)]
            )
        )
    sections += [
        _wrapped(
            "- detectron2/_C.py is new. It stands where the compiled extension would be, and an "
            "operator that is asked for raises an error that names it.",
            "  ",
        ),
        _wrapped(
            "- detectron2/_torchvision_ops.py is new. It loads torchvision's compiled operators "
            "without its Python package.",
            "  ",
        ),
        _wrapped(
            "- The metadata asks only for what is needed to run. Install these to use them: "
            "tensorboard (its event files), black (LazyConfig.to_py), shapely (random crops of "
            "polygons), panopticapi (panoptic data sets).",
            "  ",
        ),
        _wrapped(
            "Left out: the compiled operators (rotated boxes, the fast COCO evaluator)"
            ", the caffe2 export, and tools/."
        ),
    ]
    return "\n\n".join(sections) + "\n"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, 100, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )


_NOT_WHAT_WAS_PATCHED = (
    "The sources are not the ones that the patches were written for: bring packaging/detectron2's "
    "table of patches (build_detectron2/patches.py) in line with them."
)


def _with_notice(text: str) -> str:
    marked, count = _COPYRIGHT.subn(lambda header: f"{header[0]}\n{NOTICE}", text, count=1)
    return marked if count else f"{NOTICE}\n{text}"
