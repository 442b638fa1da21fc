"""What `make lab` and `make web` start their servers with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from seg_widgets.images import MAX_BYTES


@pytest.fixture
def largest_message(root: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.syspath_prepend(str(root / "packaging"))
    monkeypatch.delitem(sys.modules, "lab", raising=False)
    import lab

    size: int = lab.LARGEST_MESSAGE
    return size


def test_an_image_of_the_largest_size_fits_into_a_message(largest_message: int) -> None:
    assert largest_message > 2 * MAX_BYTES


@pytest.mark.parametrize("page", ["install.md", "troubleshooting.md"])
def test_the_docs_name_the_same_size(page: str, root: Path, largest_message: int) -> None:
    text = (root / "docs" / page).read_text("utf-8")
    assert f'{{"websocket_max_message_size": {largest_message}}}' in text


def test_the_readme_names_the_limit_of_an_image(root: Path) -> None:
    assert f"{MAX_BYTES // 2**20} MiB" in (root / "README.md").read_text("utf-8")
