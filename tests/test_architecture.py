"""One way only: who may import whom, what an import costs, and what the package says it exports."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import seg_widgets

PACKAGE = Path(seg_widgets.__file__).parent
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__"))

# Each module with the modules of ours that it may import; whoever adds one decides here where it belongs.
_BASE = {"errors"}
_PICTURE = _BASE | {"fetch", "images"}
_RESULT = _BASE | {"prediction"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "colors": _BASE,
    "fetch": _BASE,
    "images": _BASE | {"fetch"},
    "samples": _BASE,
    "plotting": _BASE | {"colors"},
    "prediction": _BASE | {"plotting"},
    "predictor": _RESULT,
    "testing": _RESULT | {"predictor"},
    "catalogue": _BASE | {"model_folder"},
    "downloads": _BASE | {"catalogue", "checkpoint", "fetch"},
    "checkpoint": _BASE,
    "starter_network": _BASE,
    "model_folder": _BASE,
    "configs": _BASE | {"catalogue"},
    "detectron2_predictor": _RESULT | {"predictor", "catalogue"},
    "loading": _RESULT
    | {"predictor", "catalogue", "checkpoint", "configs", "detectron2_predictor", "downloads", "fetch"}
    | {"model_folder", "starter_network"},
    "datasets": _PICTURE,
    "augmentation": set(),
    "evaluation": set(),
    "calibration": {"evaluation"},
    "training_loop": {"augmentation", "starter_network"},
    "finetuning": _RESULT
    | {"augmentation", "calibration", "catalogue", "configs", "datasets", "detectron2_predictor", "evaluation"}
    | {"loading", "predictor", "training_loop"},
    "rendering": _RESULT | {"colors", "images"},
    "content": _RESULT | {"colors"},
    "webpage": _RESULT | {"content"},
    "notebook_page": _BASE | {"webpage"},
    "export": _RESULT | {"rendering", "colors", "images", "webpage"},
    "history": _RESULT,
    "traits": _RESULT,
    "session": _RESULT | _PICTURE | {"predictor", "catalogue", "downloads", "history", "loading", "samples", "traits"},
    "filmstrip": _RESULT | _PICTURE | {"history", "rendering", "traits"},
    "canvas": _RESULT | _PICTURE | {"content", "predictor", "session", "traits"},
    "panel": _RESULT
    | _PICTURE
    | {
        "canvas",
        "catalogue",
        "colors",
        "downloads",
        "export",
        "filmstrip",
        "predictor",
        "rendering",
        "samples",
        "session",
        "traits",
        "webpage",
    },
    "doctor": _BASE | {"catalogue", "checkpoint", "detectron2_predictor"},
}
WIDGETS = {"ipywidgets", "anywidget"}
HEAVY = {"torch", "torchvision", "detectron2"}


def _imports(module: str) -> tuple[set[str], set[str]]:
    """The modules of ours, and the packages of others, that a module imports anywhere (types included)."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    ours: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            ours.update({node.module.split(".")[0]} if node.module else {name.name for name in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module:
            top, *rest = node.module.split(".")
            (ours if top == "seg_widgets" else others).update(rest[:1] if top == "seg_widgets" else [top])
        elif isinstance(node, ast.Import):
            others.update(name.name.split(".")[0] for name in node.names)
    return ours, others


def test_every_module_has_its_place() -> None:
    assert set(MODULES) == set(ALLOWED)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    ours, others = _imports(module)
    assert ours - {"__version__"} <= ALLOWED[module]
    if module not in {"canvas", "filmstrip", "panel"}:
        assert not others & WIDGETS
    network = {
        "checkpoint",
        "configs",
        "detectron2_predictor",
        "finetuning",
        "loading",
        "starter_network",
        "training_loop",
    }
    if module not in network | {"doctor"}:
        assert not others & HEAVY


def test_the_whole_has_no_circle() -> None:
    left = {module: _imports(module)[0] & set(MODULES) for module in MODULES}
    while left:
        free = {module for module, needs in left.items() if not needs & set(left)}
        assert free, f"these import each other in a circle: {sorted(left)}"
        left = {module: needs for module, needs in left.items() if module not in free}


def test_import_loads_neither_torch_nor_widgets() -> None:
    code = f"import sys, seg_widgets; print(sorted({HEAVY | WIDGETS!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_panel_shows_before_torch_is_loaded() -> None:
    code = f"import sys, seg_widgets.panel; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_exports_what_it_names() -> None:
    assert len(set(seg_widgets.__all__)) == len(seg_widgets.__all__)
    assert set(seg_widgets.__all__) == set(seg_widgets._HOMES) | {"__version__", "samples"}
    for name in seg_widgets.__all__:
        assert getattr(seg_widgets, name) is not None
    assert callable(seg_widgets.samples)
    with pytest.raises(AttributeError, match="no attribute 'SegmentPanel'"):
        _ = seg_widgets.SegmentPanel


@pytest.mark.parametrize("name", MODULES)
def test_each_module_exports_what_it_names(name: str) -> None:
    module = importlib.import_module(f"seg_widgets.{name}")
    assert set(module.__all__) <= set(vars(module))
    assert inspect.getdoc(module)
    for entry in module.__all__:
        value = getattr(module, entry)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name}.{entry} has no docstring"


def test_the_exception_tree_is_drawn_as_it_is() -> None:
    from seg_widgets import errors

    drawn = inspect.getdoc(errors) or ""
    for name in errors.__all__:
        error = getattr(errors, name)
        assert issubclass(error, errors.SegWidgetsError)
        assert name in drawn
        line = next(line for line in drawn.splitlines() if f" {name}" in f" {line}")
        depth = (
            line.index(name) - next(line for line in drawn.splitlines() if "SegWidgetsError" in line).index("S")
        ) // 4
        assert depth == len([base for base in error.__mro__ if base.__name__ in errors.__all__]) - 1
