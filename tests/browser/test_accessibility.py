"""The panel beside axe-core's rules: light, dark, and the system's own colours, in five states.

axe-core comes from package-lock.json, as biome and tsc do; nothing of it is shipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from .lab import REPOSITORY, Lab, Notebook, notebook_page
from .screenshots import Studio

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE: Final = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
STATES: Final = ("panel-empty", "panel-filmstrip", "panel-100", "panel-error", "panel-busy-again")
COLORS: Final = ("light", "dark", "forced")
# CSS pixels of the smallest target, in WCAG 2.2 (2.5.8).
SMALLEST_PX: Final = 24

_RUN = """async () => {
    const rules = { "target-size": { enabled: true } };
    const options = { rules, resultTypes: ["violations"] };
    const { violations } = await axe.run({ include: [".sgw-panel"] }, options);
    const describe = ({ html, failureSummary }) => `${html.slice(0, 300)} ${failureSummary}`;
    return violations.map(({ id, nodes }) => [id, ...nodes.map(describe)]);
}"""

# What can be pressed in the panel and is on the page; a checkbox's target is its label.
_TARGETS = """() => ["button", "select", "input", "[role=option]", "[role=slider]"]
    .flatMap((kind) => [...document.querySelectorAll(`.sgw-panel ${kind}`)])
    .filter((one) => one.offsetParent && !one.closest("[hidden]") && one.type !== "file")
    .map((one) => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
    .map(([html, { width, height }]) => [html, width, height])"""


def use_colors(notebook: Notebook, colors: str) -> None:
    """Switch the page to a theme of JupyterLab's, or to the system's own colours."""
    dark = colors != "light"
    notebook.page.emulate_media(
        forced_colors="active" if colors == "forced" else "none",
        color_scheme="dark" if dark else "light",
    )
    theme = "JupyterLab Dark" if colors == "dark" else "JupyterLab Light"
    notebook.page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
    light = str(colors != "dark").lower()
    expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", light)
    notebook.rest(300)


def violations(page: Page) -> list[Any]:
    """What axe-core has to say of the panel."""
    page.add_script_tag(path=AXE)
    found: list[Any] = page.evaluate(_RUN)
    return found


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_in_the_panel(
    browser: Browser, lab: Lab, tmp_path: Path, state: str
) -> None:
    assert AXE.exists(), "axe-core is not installed; make lint installs it"
    studio = Studio(browser, lab, tmp_path)
    cell, act, width, _ = studio.scenes()[state]
    lab.write_notebook("axe.ipynb", cell.replace("delay_s=4", "delay_s=25"))
    with notebook_page(browser, lab, width=width, height=1000) as notebook:
        notebook.open("axe.ipynb")
        notebook.hide_sidebar()
        notebook.run_all()
        notebook.wait_for_panel()
        act(notebook)
        notebook.settle()
        found = {}
        for colors in COLORS:
            use_colors(notebook, colors)
            notebook.page.locator(".sgw-panel").screenshot(path=tmp_path / f"{state}-{colors}.png")
            found[colors] = violations(notebook.page)
        small = [
            target for target in notebook.page.evaluate(_TARGETS) if min(target[1:]) < SMALLEST_PX
        ]
    lab.shut_down_kernels()
    assert found == {colors: [] for colors in COLORS}
    assert small == []
