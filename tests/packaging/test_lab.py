"""What `make lab` and `make web` start their servers with."""

from __future__ import annotations

import logging
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


def test_the_address_is_printed_once(
    largest_message: int, caplog: pytest.LogCaptureFixture
) -> None:
    import lab

    class Server:
        public_url = "http://localhost:8888/lab?token=1"
        local_url = "http://127.0.0.1:8888/lab?token=1"
        log = logging.getLogger("a server")

        @property
        def display_url(self) -> str:
            return f"{self.public_url}\n{self.local_url}"

        def start_app(self) -> None:
            self.log.info(self.display_url)
            self.log.critical("Or copy and paste one of these URLs: %s", self.display_url)
            self.log.critical("Running as root is not recommended.")

    class App:
        serverapp_class = Server

    lab.print_address_once(App)
    with caplog.at_level(logging.INFO, "a server"):
        App.serverapp_class().start_app()
    assert [record.getMessage() for record in caplog.records] == [
        "http://localhost:8888/lab?token=1",
        "Running as root is not recommended.",
    ]
