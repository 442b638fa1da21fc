"""The model card: what was measured in one run, as Markdown."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seg_widgets.modeling.starter_network import TwoScaleRCNN
from training.classes import CLASSES

OBSERVATIONS = Path(__file__).with_name("observations.md")

TEMPLATE = Path(__file__).with_name("card_template.md")
# The parts of the material that the card counts: its name for each, and ours.
TOTALS = {
    "photos": "photographs",
    "people": "people",
    "stamps": "stamp",
    "emoji": "emoji",
    "drawn": "drawn",
    "clipart": "clipart",
    "backgrounds": "backgrounds",
}
WEIGHTS = {"average": "averaged", "model": "last", "blend": "averaged with the initial"}


def percent(value: float | None) -> str:
    """A figure between 0 and 1 as COCO papers print it (times 100), or a dash."""
    return "–" if value is None else f"{100 * value:.1f}"


def points(difference: float) -> str:
    """A difference of two figures, times 100 and with its sign; none where it rounds to nothing."""
    rounded = round(100 * difference, 2)
    return f"{rounded:+.2f}" if rounded else "0.00"


def overview(figures: Mapping[str, Any]) -> str:
    """One row of figures for the table of both sets."""
    names = (
        "AP",
        "AP50",
        "AP75",
        "AP_large",
        "AR100",
        "AR_large",
        "agnostic_AP50",
        "agnostic_AR100",
        "agnostic_AR_large",
    )
    cells = [percent(figures[name]) for name in names]
    return f"{figures['images']} | {figures['instances']} | " + " | ".join(cells)


def class_rows(photos: Mapping[str, Any], composites: Mapping[str, Any]) -> str:
    """The per-class table's rows: both sets side by side."""
    rows = []
    for name in CLASSES:
        row = [name]
        for figures in (photos, composites):
            entry = figures["per_class"][name]
            row += [
                str(entry["instances"]),
                *(percent(entry[key]) for key in ("AP", "AP50", "AP75", "AR100")),
            ]
        rows.append("| " + " | ".join(row) + " |")
    return "\n".join(rows)


def total(facts: Mapping[str, Any], source: str) -> int:
    """How many objects of a source all parts hold together."""
    return sum(part.get(source, 0) for part in facts["parts"].values())


def trial_rows(choice: Mapping[str, Any]) -> str:
    """The rows of what was tried on the validation part."""
    rows = []
    for number, trial in enumerate(choice["trials"]):
        cells = [WEIGHTS[trial["weights"]], f"{trial['min_size']} px"]
        cells += [f"{trial['nms_threshold']:g}", "2" if trial["two_scales"] else "1"]
        temperature = trial["temperature"]
        cells += ["–" if temperature is None else f"{temperature:g}"]
        cells += [percent(trial["photos"]), percent(trial["composites"]), f"{trial['F1']:.3f}"]
        rows.append(
            "| "
            + " | ".join(f"**{cell}**" if number == choice["kept"] else cell for cell in cells)
            + " |"
        )
    return "\n".join(rows)


def augmentation(kept: Mapping[str, Any]) -> str:
    """What the card says of test-time augmentation, if there is any."""
    if not kept["two_scales"]:
        return ""
    scale = TwoScaleRCNN.second_scale
    return f"""

**Test-time augmentation.** `TwoScaleRCNN` runs on each image a second time, mirrored and at \
{scale:g} times the size, which finds large
objects as a whole. One more NMS combines the boxes of both passes. Each mask is the mean of \
both passes' masks."""


def score_rows(facts: Mapping[str, Any]) -> str:
    """The rows that say how good 0.5 is as a threshold, one for each set."""
    rows = []
    for key, title in (("photos", "photographs"), ("composites", "composites")):
        scores = facts[key]["scores"]
        figures = f"{scores['F1']:.3f} | {scores['best_F1']:.3f} | {scores['threshold']:.2f}"
        rows.append(f"| {title} | {figures} |")
    return "\n".join(rows)


def write_card(facts: Mapping[str, Any], path: Path, images: Path) -> None:
    """Write the card of a run.

    Args:
        facts: what `make_starter` measured.
        path: the card's file.
        images: the folder of its two images.
    """
    config, choice, full = facts["plan"], facts["choice"], facts["full_precision"]
    position = facts["position"]
    path.write_text(
        TEMPLATE.read_text("utf-8").format(
            facts=facts,
            config=config,
            choice=choice,
            position=position,
            kept=choice["trials"][choice["kept"]],
            **facts["parts"],
            totals={name: total(facts, source) for name, source in TOTALS.items()},
            images=Path(os.path.relpath(images, path.parent)).as_posix(),
            first_classes=", ".join(f"`{name}`" for name in CLASSES[:9]),
            other_classes=", ".join(f"`{name}`" for name in CLASSES[9:]),
            augmentation=augmentation(choice["trials"][choice["kept"]]),
            samples=position["step"] * config["batch_size"],
            minutes=position["active_s"] / 60,
            **schedule(config),
            **how_chosen(facts),
            trial_rows=trial_rows(choice),
            score_rows=score_rows(facts),
            photos_row=overview(facts["photos"]),
            composites_row=overview(facts["composites"]),
            class_rows=class_rows(facts["photos"], facts["composites"]),
            full_photos=percent(full["photos"]),
            full_composites=percent(full["composites"]),
            photos_cost=points(full["photos"] - facts["photos"]["AP"]),
            composites_cost=points(full["composites"] - facts["composites"]["AP"]),
            gallery_size=len(facts["gallery"]),
            observations=observations(),
        ),
        "utf-8",
    )


def observations() -> str:
    """What was seen by eye in the committed weights, if there is such a text."""
    if not OBSERVATIONS.is_file():
        return ""
    return OBSERVATIONS.read_text("utf-8").strip() + "\n\n"


def schedule(config: Mapping[str, Any]) -> dict[str, str]:
    """What the card says of a run's initial weights, its backbone and its mask head."""
    # 0: the run started from weights whose backbone had been trained.
    frozen = config["tune_backbone_from"]
    begun = ", starting from the weights of earlier runs (see the end of this card)"
    backbone = "The backbone was trained"
    if frozen:
        begun = ""
        backbone = f"The backbone was frozen until {frozen:.0%} of the time, then trained"
    factor = config["mask_factor"]
    faster = "" if factor == 1 else f", and the mask head at {factor:g} times the rate"
    return {"begun": begun, "backbone": backbone, "faster": faster}


def how_chosen(facts: Mapping[str, Any]) -> dict[str, str]:
    """What the card says of the run that made the choices: this one, or the one before it."""
    words = {
        "chosen": "The following choices were made on the validation part,",
        "weights": "averaged or last",
        "scores_of": "On the validation part,",
        "trained_on_validation": "",
    }
    if any(trial["weights"] == "blend" for trial in facts["choice"]["trials"]):
        words["weights"] = "averaged, last, or the mean of the averaged and the initial weights"

    if facts["chosen_before"]:
        parts = facts["parts"]
        photographs = parts["train"]["photographs"] + parts["validation"]["photographs"]
        words["chosen"] = (
            "The previous run, which was not trained on the validation part, made the following "
            "choices on the validation part,"
        )
        words["scores_of"] = "With the weights of the previous run, on the validation part,"
        words["trained_on_validation"] = (
            " This last run was also trained on the validation part. So the model\n"
            f"learned from {photographs} photographs."
        )
    return words
