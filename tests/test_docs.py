"""The documentation: the site is built without a warning, its links lead somewhere, and its
messages are ours."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import seg_widgets

FOREIGN = "What other programs say"


class _Page(HTMLParser):
    """What a page links to, and what can be linked to on it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.targets.append(value)
            elif name == "id" and value:
                self.anchors.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it; a warning fails it."""
    root = Path(__file__).resolve().parent.parent
    folder = tmp_path_factory.mktemp("site")
    options = ("-W", "--keep-going", "--quiet", "-d", folder / "doctrees", "-c", root / "docs")
    command = [
        str(part) for part in (sys.executable, "-m", "sphinx", *options, root, folder / "html")
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    found = {path: _Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    assert len(found) > 20
    return found


def test_every_link_of_the_site_leads_somewhere(site: Path, pages: dict[Path, _Page]) -> None:
    broken = []
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or target == "#":
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = (
                file in pages and parts.fragment in {"", *pages[file].anchors}
                if parts.fragment
                else file.exists()
            )
            if not known and file.name != "searchindex.js":
                broken.append(f"{path.relative_to(site)}: {target}")
    assert broken == []


def test_the_site_asks_no_other_machine_for_anything(site: Path, pages: dict[Path, _Page]) -> None:
    for path in pages:
        loaded = re.findall(
            r"<(?:script|img|link)\b[^>]*\b(?:src|href)=\"(https?:[^\"]+)", path.read_text("utf-8")
        )
        assert loaded == [], path.relative_to(site)


def test_the_reference_explains_every_public_name(site: Path, pages: dict[Path, _Page]) -> None:
    anchors = pages[site / "docs" / "api.html"].anchors
    modules = ("errors", "images", "testing")
    for name in seg_widgets.__all__:
        if name != "__version__":
            home = "seg_widgets.errors." if name == "SegWidgetsError" else "seg_widgets."
            wanted = f"module-{home}{name}" if name in modules else f"{home}{name}"
            assert wanted in anchors, name
    for name in seg_widgets.errors.__all__:
        assert f"seg_widgets.errors.{name}" in anchors, name
    for trait in ("threshold", "hidden_classes", "selected"):
        assert f"seg_widgets.SegmentationSession.{trait}" in anchors, trait


def test_the_notebooks_are_pages_with_their_images(root: Path, site: Path) -> None:
    for notebook in sorted((root / "notebooks").glob("*.ipynb")):
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        pictures = sum("image/png" in output.get("data", {}) for output in outputs)
        page = (site / "notebooks" / f"{notebook.stem}.html").read_text("utf-8")
        assert page.count('src="../_images/') >= pictures, notebook.name
        assert pictures or notebook.stem == "panel"


def _texts(path: Path) -> Iterator[str]:
    """Every text in a file of Python (what is filled in is "…"), or each line of another file."""
    if path.suffix != ".py":
        # "${port}" and what a comment or a quote would hide are as good as the words around them.
        yield from re.sub(r"\$\{?\w+\}?", "…", path.read_text("utf-8")).splitlines()
        return
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_message_on_the_page_of_messages_is_one_of_ours(root: Path) -> None:
    page = (root / "docs" / "troubleshooting.md").read_text("utf-8")
    ours, _, foreign = page.partition(f"## {FOREIGN}")
    assert foreign
    files = [*(root / "seg_widgets").rglob("*.py"), *(root / "packaging").glob("*.py")]
    files += (root / "packaging" / "page").glob("*.py")
    files += (root / "packaging" / "voila").rglob("*.html")
    files += (root / "packaging" / "voila").rglob("*.j2")
    files += [root / "scripts" / "docker", *(root / "seg_widgets").rglob("*.js")]
    known = [text for path in files for text in _texts(path)]
    messages = re.findall(r"^\| `([^`]+)` \|", ours, re.MULTILINE)
    assert len(messages) > 35
    unknown = []
    for message in messages:
        pattern = re.compile(".*".join(re.escape(part) for part in message.split("…")), re.DOTALL)
        if not any(pattern.search(text) for text in known):
            unknown.append(message)
    assert unknown == []
