"""A notebook that can't be run here, or not at all, is named; its page otherwise."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from seg_widgets.errors import ExportError, SettingError
from seg_widgets.viewer import notebook_to_html


def _write(folder: Path, kernel: dict[str, str]) -> Path:
    book = new_notebook(  # type: ignore[no-untyped-call]
        cells=[new_code_cell("print(6 * 7)")],  # type: ignore[no-untyped-call]
        metadata={"kernelspec": kernel},
    )
    path = folder / "mine.ipynb"
    nbformat.write(book, path)  # type: ignore[no-untyped-call]
    return path


def test_another_pythons_kernel_is_replaced(tmp_path: Path) -> None:
    kernel = {"name": "conda-env-mine-py", "display_name": "Mine", "language": "python"}
    path = _write(tmp_path, kernel)
    told: list[str] = []
    page = notebook_to_html(path, notify=told.append)
    assert "42" in page
    assert len(told) == 1 and "the kernel 'conda-env-mine-py', which is not here" in told[0]


def test_a_kernel_of_another_language_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path, {"name": "ir", "display_name": "R", "language": "R"})
    with pytest.raises(
        SettingError, match=r"for the kernel 'ir' \(R\), which is not here.*as-saved"
    ):
        notebook_to_html(path)
    assert "print" in notebook_to_html(path, run=False)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ipynb")
    with pytest.raises(SettingError, match="is not an ordinary file"):
        notebook_to_html(tmp_path / "pipe.ipynb")
    with pytest.raises(SettingError, match="is a folder"):
        notebook_to_html(tmp_path)


def test_what_nbconvert_raises_is_carried_outward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbconvert import HTMLExporter

    def fail(*_: object) -> None:
        raise KeyError("template")

    monkeypatch.setattr(HTMLExporter, "from_notebook_node", fail)
    path = _write(tmp_path, {"name": "python3", "display_name": "Python", "language": "python"})
    with pytest.raises(ExportError, match=r"KeyError: 'template'.*--as-saved"):
        notebook_to_html(path, run=False)
