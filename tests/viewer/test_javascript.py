"""The browser half beside Python: the joined scripts in node, and what stands on both sides."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from seg_widgets.style.colors import hex_color, score_color
from seg_widgets.viewer import script, stylesheet
from seg_widgets.viewer.assets import STATIC
from seg_widgets.widgets.layout import PANEL_CLASSES

from .node import REPOSITORY, run_node

JS = Path(__file__).parent / "js"
MODULES = sorted(STATIC.rglob("*.js"))
STYLES = sorted((STATIC / "css").glob("*.css"))
# Names that are put together: `sgw-cell-${by}`, `sgw-film-${state}`, and in Python the panel's.
MADE_CLASSES = {
    *(f"sgw-cell-{column}" for column in ("index", "class", "score", "area")),
    *(f"sgw-film-{state}" for state in ("waiting", "busy", "done", "failed")),
    *(f"sgw-panel-{name}" for name in PANEL_CLASSES.values()),
}


def test_each_test_file_is_named_after_a_module() -> None:
    names = {path.name.removesuffix(".test.mjs") for path in JS.glob("*.test.mjs")}
    assert names
    assert names <= {path.stem for path in MODULES}


def test_no_class_is_longer_than_250_lines() -> None:
    for path in MODULES:
        for found in re.findall(r"^(?:export )?class .*?^\}", path.read_text("utf-8"), re.M | re.S):
            assert found.count("\n") < 250, f"{path.name}: {found.splitlines()[0]}"


@pytest.mark.parametrize("name", ["canvas", "filmstrip"])
def test_a_joined_script_is_a_widget(name: str, tmp_path: Path) -> None:
    module = tmp_path / f"{name}.mjs"
    module.write_text(script(name), "utf-8")
    code = (
        f"const module = await import({json.dumps(module.as_uri())});"
        "console.log(Object.keys(module).join(), typeof module.default.render)"
    )
    done = run_node("--input-type=module", "-e", code)
    assert done.stdout == "default function\n", done.stderr


def test_the_joined_script_of_the_page_is_a_module_without_exports(tmp_path: Path) -> None:
    module = tmp_path / "webpage.mjs"
    module.write_text(script("webpage"), "utf-8")
    done = run_node("--check", str(module))
    assert done.returncode == 0, done.stderr
    assert not re.search(r"^(?:import|export)\b", script("webpage"), re.MULTILINE)


def test_a_score_has_the_same_colour_in_the_browser_and_in_python() -> None:
    scores = [-1, 2, *(number / 997 for number in range(998))]
    module = (STATIC / "canvas" / "colors.js").as_uri()
    code = (
        f"const {{ scoreColor }} = await import({json.dumps(module)});"
        f"console.log(JSON.stringify({json.dumps(scores)}.map(scoreColor)))"
    )
    done = run_node("--input-type=module", "-e", code)
    assert json.loads(done.stdout) == [hex_color(score_color(score)) for score in scores]
    assert score_color(0) == (68, 1, 84)
    assert score_color(1) == (253, 231, 37)


def test_each_class_of_the_style_sheets_is_given_to_some_element() -> None:
    scripts = "".join(script(name) for name in ("canvas", "filmstrip"))
    widgets = "".join(
        path.read_text("utf-8") for path in (REPOSITORY / "seg_widgets" / "widgets").glob("*.py")
    )
    given = set(re.findall(r"sgw-[a-z]+(?:-[a-z]+)*", scripts + widgets)) | MADE_CLASSES | {"sgw"}
    styled = {
        found
        for path in STYLES
        for found in re.findall(r"\.(sgw(?:-[a-z]+)*)", path.read_text("utf-8"))
    }
    assert styled - given == set()


def test_each_custom_property_has_one_place_that_sets_it() -> None:
    styles = stylesheet("canvas")
    by_script = set(re.findall(r'setProperty\("(--sgw-[a-z-]+)"', script("canvas")))
    by_style = set(re.findall(r"(--sgw-[a-z-]+):", styles))
    used = set(re.findall(r"var\((--sgw-[a-z-]+)", styles))
    assert by_script & by_style == set()
    assert used == by_script | by_style


def test_sizes_of_the_scripts_stand_in_no_style_sheet() -> None:
    """The height of a row goes from the script to the style sheet, which has no number for it."""
    styles = stylesheet("canvas")
    row = re.search(r"\.sgw-row \{[^}]*\}", styles)
    assert row is not None
    assert "height: var(--sgw-row-height);" in row[0]
    # The width from which the lists stand beside the image is the script's alone.
    wide = re.search(r"const WIDE = (\d+);", script("canvas"))
    assert wide is not None
    assert f"{wide[1]}px" not in styles
