"""The linker: what it joins, what it refuses, and that the modules keep its rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from seg_widgets.viewer.assets import STATIC, LazyText, link, script, stylesheet

Write = Callable[..., Path]
MODULES = sorted(STATIC.rglob("*.js"))
IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_files(**modules: str) -> Path:
        for name, text in modules.items():
            path = tmp_path / f"{name.replace('__', '/')}.js"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return tmp_path / "index.js"

    return write_files


def test_modules_are_joined_once_each_behind_what_they_import(write: Write) -> None:
    entry = write(
        index='import { a } from "./a.js";\nimport { b } from "./parts/b.js";\n'
        "export default { a, b };\n",
        a='import {\n  b,\n} from "./parts/b.js";\n\nexport const a = b;\n',
        parts__b="export async function b() {}\nconst hidden = 1;\nexport class C {}\n",
    )
    assert link(entry) == (
        "async function b() {}\nconst hidden = 1;\nclass C {}\n\n"
        "const a = b;\n\n"
        "export default { a, b };\n"
    )


def test_only_the_entry_keeps_its_default_export(write: Write) -> None:
    entry = write(
        index='import { render } from "./widget.js";\nrender();\n',
        widget="export function render() {}\n\nexport default { render };\n",
    )
    assert link(entry) == "function render() {}\n\nrender();\n"


def test_comments_that_fill_their_lines_are_left_out(write: Write) -> None:
    entry = write(
        index="// Head.\n\n/** @import {A} from './types.js' */\n\n/**\n * Doc * with stars.\n */\n"
        "const a = /** @type {A} */ (1); // kept\n"
        "/** @type {A} */ (a).b();\n"
        "/** Second. */\nconst c = 2;\n"
    )
    assert link(entry) == (
        "const a = /** @type {A} */ (1); // kept\n/** @type {A} */ (a).b();\nconst c = 2;\n"
    )


def test_a_cycle_is_named(write: Write) -> None:
    entry = write(
        index='import { a } from "./a.js";\n',
        a='import { b } from "./b.js";\nexport const a = 1;\n',
        b='import { a } from "./a.js";\nexport const b = 1;\n',
    )
    with pytest.raises(ValueError, match=r"cycle: a\.js → b\.js → a\.js\."):
        link(entry)


def test_a_name_that_two_modules_declare_is_named_with_both(write: Write) -> None:
    entry = write(
        index='import { a } from "./a.js";\nfunction twice() {}\n',
        a="export const a = 1;\nconst twice = 2;\n",
    )
    with pytest.raises(ValueError, match=r"index\.js and .*a\.js both declare 'twice'"):
        link(entry)


def test_a_missing_file_and_a_missing_name_are_named(write: Write) -> None:
    with pytest.raises(ValueError, match=r"no module .*a\.js"):
        link(write(index='import { a } from "./a.js";\n'))
    with pytest.raises(ValueError, match=r"imports 'hidden', which .*a\.js does not export"):
        link(write(index='import { hidden } from "./a.js";\n', a="const hidden = 1;\n"))


@pytest.mark.parametrize(
    "line",
    [
        'import a from "./a.js";',
        'import * as a from "./a.js";',
        'import "./a.js";',
        'import { a } from "package";',
        "import { a } from './a.js';",
        'const a = await import("./a.js");',
        "export { a };",
        'export * from "./a.js";',
        'export { a } from "./a.js";',
    ],
)
def test_other_imports_and_exports_are_refused(write: Write, line: str) -> None:
    entry = write(index=f"{line}\n", a="export const a = 1;\n")
    with pytest.raises(ValueError, match=r"Only `import \{ a, b \}"):
        link(entry)


def test_nothing_is_renamed(write: Write) -> None:
    entry = write(index='import { a as b } from "./a.js";\n', a="export const a = 1;\n")
    with pytest.raises(ValueError, match="imports 'a as b'; the linker renames nothing"):
        link(entry)


def test_destructuring_at_the_top_level_is_refused(write: Write) -> None:
    with pytest.raises(ValueError, match="one plain name at a time"):
        link(write(index="const { a, b } = c;\n"))


def test_a_text_is_made_when_it_is_asked_for_and_once() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name.upper()

    text = LazyText(make, "canvas")
    assert made == []
    assert str(text) == "CANVAS"
    assert script("canvas") is script("canvas")
    assert stylesheet("canvas") is stylesheet("canvas")


def test_every_module_is_part_of_some_script() -> None:
    """Nothing lies about: what no entry imports is in no script."""
    joined = script("webpage") + script("filmstrip")
    for path in MODULES:
        declared = re.findall(r"^export (?:function|class) (\w+)", path.read_text("utf-8"), re.M)
        assert all(re.search(rf"(?:function|class) {name}\b", joined) for name in declared), path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_a_module_uses_what_it_imports(path: Path) -> None:
    source = path.read_text("utf-8")
    body = re.sub(r"/\*\*.*?\*/|//[^\n]*", "", IMPORT.sub("", source), flags=re.DOTALL)
    for names, _ in IMPORT.findall(source):
        for name in (one.strip() for one in names.split(",") if one.strip()):
            assert re.search(rf"\b{name}\b", body), f"{name} is not used"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_what_a_module_exports_is_imported_somewhere(path: Path) -> None:
    exported = re.findall(
        r"^export (?:async )?(?:function|class|const) (\w+)", path.read_text("utf-8"), re.MULTILINE
    )
    tests = list((Path(__file__).parent / "js").glob("*.mjs"))
    others = "".join(other.read_text("utf-8") for other in [*MODULES, *tests] if other != path)
    for name in exported:
        assert re.search(rf"\b{name}\b", others), f"nobody imports {name}"


def test_no_module_is_long() -> None:
    assert max(len(path.read_text("utf-8").splitlines()) for path in MODULES) <= 400
    styles = (STATIC / "css").glob("*.css")
    assert max(len(path.read_text("utf-8").splitlines()) for path in styles) <= 400


def test_the_side_sheets_stand_behind_the_tokens() -> None:
    sheet = stylesheet("canvas")
    assert sheet.index("--sgw-accent:") < sheet.index(".sgw-stage {") < sheet.index(".sgw-side {")
    assert sheet.index(".sgw-popover {") < sheet.index(".sgw-panel-row {")
    assert stylesheet("webpage").startswith(sheet)
