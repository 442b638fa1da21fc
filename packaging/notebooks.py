"""Run the notebooks from top to bottom and keep their outputs: `make notebooks`, or those named
alone.

Widget views are left out: their model is gone with the kernel, and a reader who opens the notebook
would see an error where the panel will be. What stays is the text that nbval compares.
"""

from __future__ import annotations

import base64
import io
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
_INDEX = NOTEBOOKS / "images" / "index"
_COLORS = 96
_INDEX_SIZE = (360, 180)
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def _shrink_picture(data: dict[str, str]) -> None:
    """Keep one image of each output, with a palette of few colours: the repository stays small."""
    # Pillow's images come as PNG and as JPEG.
    jpeg = data.pop("image/jpeg", None)
    encoded = data.get("image/png", jpeg)
    if encoded is None:
        return
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
        few = picture.convert("RGB").quantize(_COLORS, dither=Image.Dither.FLOYDSTEINBERG)
    file = io.BytesIO()
    few.save(file, "png", optimize=True)
    data["image/png"] = base64.b64encode(file.getvalue()).decode("ascii")


def _picture_of(notebook: nbformat.NotebookNode) -> bytes | None:
    """The last image of a notebook, or None; by then it shows what it is about."""
    found = None
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get("image/png", found)
    return None if found is None else base64.b64decode(found)


def _write_index_picture(notebook: nbformat.NotebookNode, name: str) -> None:
    """A small image of a notebook for notebooks/README.md."""
    content = _picture_of(notebook)
    if content is None:
        return
    _INDEX.mkdir(parents=True, exist_ok=True)
    with Image.open(io.BytesIO(content)) as picture:
        small = picture.convert("RGB")
        small.thumbnail(_INDEX_SIZE)
        small.save(_INDEX / f"{name}.jpg", quality=85, optimize=True)


def main() -> int:
    """Run each notebook and write it back; an error in a cell ends it with that error."""
    # For the kernels, as in lab.py: threads that spin made the fine-tuning five times slower on a
    # busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    named = sys.argv[1:]
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if named and path.stem not in named:
            continue
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        client = NotebookClient(
            notebook, resources={"metadata": {"path": str(NOTEBOOKS)}}, store_widget_state=False
        )
        client.record_timing = False
        client.execute()
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                output.get("data", {}).pop(_WIDGET_VIEW, None)
                _shrink_picture(output.get("data", {}))
                # The path of this checkout does not belong in a committed file.
                if "text" in output:
                    output["text"] = output["text"].replace(f"{NOTEBOOKS.parent}/", "")
        # The exact version of Python changes with each machine.
        notebook.metadata.language_info = {"name": "python"}
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
        _write_index_picture(notebook, path.stem)
        print(f"ran {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
