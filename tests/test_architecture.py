"""The rules between folders: who may import whom, what an import costs, and what each folder says
it exports."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import seg_widgets

PACKAGE = Path(seg_widgets.__file__).parent

# Each folder with the folders that it may import from; all may import errors and _text.
# Whoever adds a folder gives it its place.
ALLOWED: dict[str, set[str]] = {
    "net": set(),
    "images": {"net"},
    "style": set(),
    "annotations": set(),
    "prediction": {"annotations", "style"},
    "tables": {"prediction"},
    "drawing": {"prediction", "style", "images"},
    "viewer": {"prediction", "style"},
    "export": {"drawing", "viewer", "tables", "prediction", "style", "images"},
    "pickles": set(),
    "modeling": {"prediction", "net", "pickles"},
    "evaluation": {"annotations", "tables", "viewer", "prediction", "style", "images"},
    "finetuning": {"evaluation", "modeling", "annotations", "prediction", "images"},
    "serving": {"export", "modeling", "prediction", "images", "net"},
    "batch": {"export", "tables", "modeling", "prediction", "images"},
    "session": {"batch", "serving", "modeling", "prediction", "images"},
    "widgets": {
        "session",
        "viewer",
        "export",
        "drawing",
        "modeling",
        "prediction",
        "style",
        "images",
    },
    "cli": {
        "batch",
        "evaluation",
        "export",
        "finetuning",
        "images",
        "modeling",
        "prediction",
        "serving",
        "viewer",
    },
}
# Modules beside the folders, with who may import them.
TOP_LEVEL: dict[str, set[str]] = {
    "errors": set(ALLOWED),
    "_files": {
        "batch",
        "cli",
        "evaluation",
        "export",
        "finetuning",
        "images",
        "modeling",
        "prediction",
        "tables",
        "viewer",
    },
    "_lazy": {"net", "widgets", "serving"},
    "_samples": {"widgets"},
    "_stopping": {"finetuning", "cli"},
    "_text": set(ALLOWED),
    "testing": set(),
    "__init__": {"cli", "serving"},
    "__main__": set(),
}
COMMITTED = {
    *(".ci", ".dockerignore", ".gitattributes", ".gitignore", ".npmrc"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"),
    *("Dockerfile", "Makefile", "biome.json", "compose.yaml", "environment.yml"),
    *("package-lock.json", "package.json", "pyproject.toml", "tsconfig.json"),
    *("benchmarks", "docs", "notebooks", "packaging", "scripts", "seg_widgets"),
    *("tests", "training", "weights"),
}
WIDGETS = {"ipywidgets", "anywidget"}
HEAVY = {"torch", "torchvision", "detectron2"}
MAY_IMPORT = {
    "widgets": WIDGETS,
    "modeling": HEAVY,
    "finetuning": HEAVY,
    "cli": HEAVY,
}  # cli: doctor looks at torch


def _modules(folder: str) -> list[Path]:
    return sorted((PACKAGE / folder).rglob("*.py"))


def _tree(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text("utf-8")))


def _ours(path: Path) -> Iterator[tuple[str, str]]:
    """What a module imports of ours, types included, as (folder or top-level module, the rest of
    the path)."""
    depth = len(path.relative_to(PACKAGE).parts) - 1
    for node in _tree(path):
        if isinstance(node, ast.Import):
            names = [name.name.split(".") for name in node.names]
            found = [parts[1:] for parts in names if parts[0] == "seg_widgets"]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            parts = node.module.split(".")
            found = [parts[1:]] if parts[0] == "seg_widgets" else []
        elif isinstance(node, ast.ImportFrom) and node.level > depth:
            found = (
                [node.module.split(".")] if node.module else [[name.name] for name in node.names]
            )
        else:
            found = []
        for parts in found:
            top = parts[0] if parts and not parts[0].startswith("__version") else "__init__"
            yield top, ".".join(parts[1:])


def _others(path: Path) -> set[str]:
    """The top-level packages of others that a module imports anywhere, by statement or by
    `importlib`."""
    found: set[str] = set()
    for node in _tree(path):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found | {name.split(".")[0] for name in _named_in_strings(path)}


def _named_in_strings(path: Path) -> set[str]:
    """The modules that `importlib.import_module("…")` names in a string."""
    return {
        node.args[0].value
        for node in _tree(path)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("import_module")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def _used(folder: str) -> set[str]:
    used = {top for path in _modules(folder) for top, _ in _ours(path)}
    return used & set(ALLOWED) - {folder}


def test_nothing_that_a_run_left_is_committed_at_the_top(root: Path) -> None:
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    files = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split("/")[0] for line in files.splitlines()} == COMMITTED


def test_every_module_has_its_place() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == set(ALLOWED)
    assert {path.stem for path in PACKAGE.glob("*.py")} == set(TOP_LEVEL)


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_what_it_may_and_needs_each_permission(folder: str) -> None:
    assert _used(folder) == ALLOWED[folder]


@pytest.mark.parametrize("module", TOP_LEVEL)
def test_modules_beside_the_folders_are_imported_by_whom_they_are_for(module: str) -> None:
    users = {
        folder
        for folder in ALLOWED
        for path in _modules(folder)
        for top, _ in _ours(path)
        if top == module
    }
    is_for_all = module in ("errors", "_text")
    assert users == TOP_LEVEL[module] or (is_for_all and users <= TOP_LEVEL[module])


@pytest.mark.parametrize("folder", ALLOWED)
def test_other_folders_are_imported_through_their_api(folder: str) -> None:
    deep = [
        (path.name, top, rest) for path in _modules(folder) for top, rest in _ours(path) if rest
    ]
    assert not deep


def test_the_folders_have_no_circle() -> None:
    left = {folder: _used(folder) for folder in ALLOWED}
    while left:
        free = {folder for folder, needs in left.items() if not needs & set(left)}
        assert free, f"these import each other in a circle: {sorted(left)}"
        left = {folder: needs for folder, needs in left.items() if folder not in free}


@pytest.mark.parametrize("folder", ALLOWED)
def test_widgets_and_torch_stay_where_they_belong(folder: str) -> None:
    others = set().union(*(_others(path) for path in _modules(folder)))
    assert others & (WIDGETS | HEAVY) <= MAY_IMPORT.get(folder, set())


def test_no_module_of_ours_is_imported_by_its_name_in_a_string() -> None:
    named = {path.name: _named_in_strings(path) for path in PACKAGE.rglob("*.py")}
    assert not [
        (path, name)
        for path, names in named.items()
        for name in names
        if name.startswith(("seg_widgets", "."))
    ]


def _table_of_rules(page: Path) -> dict[str, set[str]]:
    """The table of a page whose last column says which folders each folder imports from."""
    lines = page.read_text("utf-8").splitlines()
    header = next(number for number, line in enumerate(lines) if line.endswith("import from |"))
    rules: dict[str, set[str]] = {}
    for line in lines[header + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rules[cells[0].strip("`/")] = {name.strip() for name in cells[-1].split(",")} - {""}
    return rules


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/design.md"])
def test_the_tables_of_folders_are_the_rules(root: Path, page: str) -> None:
    assert _table_of_rules(root / page) == ALLOWED


def test_import_loads_neither_torch_nor_widgets() -> None:
    code = f"import sys, seg_widgets; print(sorted({HEAVY | WIDGETS!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_panel_shows_before_torch_is_loaded() -> None:
    code = (
        "import sys; from seg_widgets import SegmentationPanel; "
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
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


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_exports_what_it_names(folder: str) -> None:
    package = importlib.import_module(f"seg_widgets.{folder}")
    assert len(set(package.__all__)) == len(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="no attribute 'SegmentPanel'"):
        _ = package.SegmentPanel


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(PACKAGE.rglob("*.py")) if path.stem != "__init__"],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_each_module_exports_what_it_names(path: Path) -> None:
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    module = importlib.import_module(name)
    assert set(module.__all__) <= set(vars(module))
    assert inspect.getdoc(module)
    for entry in module.__all__:
        value = getattr(module, entry)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name}.{entry} has no docstring"


@pytest.mark.parametrize(
    "name", [name for name in seg_widgets.__all__ if inspect.isclass(getattr(seg_widgets, name))]
)
def test_each_public_method_has_a_docstring_where_a_person_asks_for_it(name: str) -> None:
    """`help` finds an inherited one, but editors and `panel.segment.__doc__` don't."""
    public = getattr(seg_widgets, name)
    for entry in dir(public):
        owner = next((kind for kind in public.__mro__ if entry in vars(kind)), object)
        if entry.startswith("_") or not owner.__module__.startswith("seg_widgets"):
            continue
        value = getattr(public, entry)
        if inspect.isroutine(value) or isinstance(value, property):
            assert value.__doc__, f"{name}.{entry} has no docstring"


def test_the_exception_tree_is_drawn_as_it_is() -> None:
    from seg_widgets import errors

    drawn = inspect.getdoc(errors) or ""
    for name in errors.__all__:
        error = getattr(errors, name)
        assert issubclass(error, errors.SegWidgetsError)
        assert name in drawn
        line = next(line for line in drawn.splitlines() if f" {name}" in f" {line}")
        depth = (
            line.index(name)
            - next(line for line in drawn.splitlines() if "SegWidgetsError" in line).index("S")
        ) // 4
        assert depth == len([base for base in error.__mro__ if base.__name__ in errors.__all__]) - 1


def test_no_clock_that_can_jump_measures_a_duration() -> None:
    """The system's time is set by people and by servers; only `monotonic` goes on and on."""
    jumping = re.compile(r"\btime\.time\(|\bdatetime\.(?:now|utcnow)\(")
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if jumping.search(path.read_text("utf-8"))
    }
    # `stop_at` is a time of day that somebody names; files that were left have only that.
    assert found == {"finetuning/loop.py", "_files.py"}


def test_paths_of_people_go_through_one_function() -> None:
    # `expanduser` raises RuntimeError for "~nobody", where a message about the file belongs.
    files = [path for path in PACKAGE.rglob("*.py") if ".expanduser(" in path.read_text("utf-8")]
    names = [path.relative_to(PACKAGE).as_posix() for path in files]
    # The batch journal's are texts, and `os.path.expanduser` raises nothing.
    assert sorted(names) == ["_files.py", "batch/journal.py"]
