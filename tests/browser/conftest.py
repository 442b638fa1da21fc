"""One JupyterLab for all browser tests, a browser for each file, a page for each test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from seg_widgets.testing import make_jpeg

from .lab import REPOSITORY, STUB_CELL, Lab, Notebook, launch, notebook_page, running_lab


# Of a file, not of the session: while it lives, its event loop runs in this thread, where the tests
# of the servers and of Ctrl+C need one of their own.
@pytest.fixture(scope="module")
def playwright_server() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright_server: Playwright) -> Iterator[Browser]:
    started = launch(playwright_server)
    yield started
    started.close()


@pytest.fixture(scope="session")
def lab_of_8(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab"), REPOSITORY / "notebooks") as running:
        yield running


@pytest.fixture(scope="session")
def lab_of_7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab 3 with ipywidgets 7, in an environment of its own, which is made if need be."""
    venv = REPOSITORY / ".venv-ipywidgets7"
    bootstrap = REPOSITORY / "packaging" / "bootstrap.py"
    subprocess.run(
        [sys.executable, bootstrap, "--ipywidgets7", "--venv", venv], check=True, timeout=600
    )
    with running_lab(tmp_path_factory.mktemp("lab7"), python=venv / "bin" / "python") as running:
        yield running


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Lab:
    """JupyterLab with ipywidgets 8, or with what a test's `both_ipywidgets` names."""
    running: Lab = request.getfixturevalue(f"lab_of_{getattr(request, 'param', 8)}")
    return running


@pytest.fixture
def notebook(browser: Browser, lab: Lab) -> Iterator[Notebook]:
    """An empty page; whatever it asked of another machine fails the test."""
    with notebook_page(browser, lab) as page:
        yield page
    lab.shut_down_kernels()
    assert page.strays == []


@pytest.fixture
def panel(notebook: Notebook, lab: Lab) -> Notebook:
    """A page with a panel on StubPredictor."""
    lab.write_notebook("stub.ipynb", STUB_CELL.format(instances=12, delay_s=0))
    notebook.open("stub.ipynb")
    notebook.run_all()
    notebook.wait_for_panel()
    return notebook


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG file, 640×480."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(make_jpeg(640, 480))
    return path
