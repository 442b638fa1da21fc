"""The images on the model card: how often a score is right, and what the starter makes of images
that are free."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from seg_widgets import Style, overlay, wrap
from seg_widgets.finetuning.calibration import Bin

ROOT = Path(__file__).resolve().parent.parent
PICTURES = (ROOT / "notebooks" / "images", ROOT / "training" / "pictures")
THRESHOLD = 0.5
TILE = (440, 330)  # width, height
COLUMNS = 3
CAPTION_HEIGHT = 26
LETTER_HEIGHT = 12


def draw_reliability(sets: Mapping[str, Sequence[Bin]], path: Path) -> None:
    """Draw one reliability diagram a set: the share that is right in each bin of scores, and how
    many there are."""
    with matplotlib.rc_context(
        {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure = Figure(figsize=(4 * len(sets), 4), layout="constrained", facecolor="white")
        axes = figure.subplots(2, len(sets), squeeze=False, sharex=True, height_ratios=(3, 1))
        for column, (name, bins) in enumerate(sets.items()):
            filled = [item for item in bins if item.count]
            upper, lower = axes[0][column], axes[1][column]
            shares = [item.right / item.count for item in filled]
            middles, width = [(item.low + item.high) / 2 for item in filled], 1 / len(bins)
            upper.bar(middles, shares, width * 0.92, color="#4477aa")
            upper.plot([0, 1], [0, 1], color="#333333", linewidth=1, linestyle="--")
            upper.axvline(THRESHOLD, color="#cc6677", linewidth=1)
            upper.set(title=name, xlim=(0, 1), ylim=(0, 1), ylabel="share that is right")
            lower.bar(middles, [item.count for item in filled], width * 0.92, color="#bbbbbb")
            lower.set(xlabel="score", ylabel="detections")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A palette: a third of the bytes of what matplotlib writes, for an image of few colours.
    Image.open(buffer).convert("RGB").quantize(64).save(path, optimize=True)


def draw_gallery(
    model: torch.nn.Module, config: Any, class_names: Sequence[str], path: Path
) -> list[str]:
    """Draw what the model shows of each free image at the panel's threshold on one sheet; return
    their names."""
    predictor = wrap(model, class_names, config=config, name="starter")
    files = sorted(file for folder in PICTURES for file in folder.glob("*.jpg"))
    width, height = TILE
    rows = -(-len(files) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width, rows * (height + CAPTION_HEIGHT)), "white")
    pen = ImageDraw.Draw(sheet)
    for number, file in enumerate(files):
        image = np.asarray(Image.open(file).convert("RGB"))
        found = predictor(image).filter(THRESHOLD)
        scale = min((width - 8) / image.shape[1], (height - 8) / image.shape[0])
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        style = Style(
            font_size=LETTER_HEIGHT / scale, line_width=2 / scale
        )  # the same on the sheet for all
        drawn = Image.fromarray(overlay(image, found, style)).resize(size, Image.Resampling.LANCZOS)
        x, y = number % COLUMNS * width, number // COLUMNS * (height + CAPTION_HEIGHT)
        sheet.paste(drawn, (x + (width - size[0]) // 2, y + (height - size[1]) // 2))
        counts = ", ".join(f"{count} {name}" for name, count in found.counts().items()) or "nothing"
        pen.text(
            (x + width // 2, y + height + 3),
            f"{file.stem}: {counts}",
            fill="black",
            font_size=14,
            anchor="ma",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, quality=82, optimize=True, progressive=True)
    return [file.stem for file in files]
