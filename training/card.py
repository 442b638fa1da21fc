"""The model card: what was measured of the released weights, as Markdown."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seg_widgets.modeling.starter_network import TwoScaleRCNN
from training.classes import CLASSES
from training.names import COCO_NAMES, GROUP_OF_NAME, NAMES
from training.photographs import FOLDERS

OBSERVATIONS = Path(__file__).with_name("observations.md")
TEMPLATE = Path(__file__).with_name("card_template.md")
FIGURES = (
    "AP", "AP50", "AP_large", "AR100", "AR_large", "agnostic_AP50", "agnostic_AR100",
    "agnostic_AR_large",
)  # fmt: skip
TITLES = {
    "coco446": "photographs of everyday scenes (`coco446`)",
    "coco_new_full": "more of these (`coco_new_full`)",
    "coco_new_partial": "more of these, labelled in part (`coco_new_partial`)",
    "clothing_co_parsing": "people on streets (`clothing_co_parsing`)",
    "endangered_animals": "animals (`endangered_animals`)",
    "fruits": "fruit (`fruits`)",
    "balloons": "balloons (`balloons`)",
}


def cell(value: float | None) -> str:
    """A figure in percent, or a dash."""
    return "–" if value is None else f"{value:.1f}"


def figure_rows(facts: Mapping[str, Any]) -> str:
    """One row a set: of photographs by group and by name, then of the composites."""
    rows = []
    for folder, figures in facts["folders"].items():
        for kind in ("groups", "names"):
            if not figures[kind]["instances"]:
                continue  # a balloon has no name, and no group
            # Where not all is labelled, what is found beside the labels is not wrong.
            shown = FIGURES if figures["is_whole"] else ("AR100", "AR_large", *FIGURES[-2:])
            rows.append(row(TITLES[folder], kind, figures[kind], shown))
    rows.append(row("composites of held-out cut-outs", "groups", facts["composites"], FIGURES))
    return "\n".join(rows)


def row(title: str, kind: str, figures: Mapping[str, Any], shown: tuple[str, ...]) -> str:
    """A row of figures.

    Args:
        title: of the set.
        kind: "groups" or "names".
        figures: as `measure.judged` has them.
        shown: which of `FIGURES` mean something for this set.
    """
    cells = [cell(figures[name]) if name in shown else "" for name in FIGURES]
    start = [title, kind, str(figures["images"]), str(figures["instances"])]
    return f"| {' | '.join([*start, *cells])} |"


def group_rows(facts: Mapping[str, Any]) -> str:
    """AP50 of each group: of photographs, and of composites."""
    photos = facts["folders"]["coco446"]["groups"]["AP50_of"]
    composites = facts["composites"]["AP50_of"]
    return "\n".join(
        f"| {name} | {cell(photos.get(name))} | {cell(composites.get(name))} |" for name in CLASSES
    )


def name_list(facts: Mapping[str, Any]) -> str:
    """AP50 of each of COCO's names that the held-out photographs show, best first."""
    found = facts["folders"]["coco446"]["names"]["AP50_of"]
    ordered = sorted((-found[name], name) for name in COCO_NAMES if name in found)
    return ", ".join(f"{name} {-value:.0f}" for value, name in ordered)


def groups_with_names() -> str:
    """The groups, each with its names."""
    lines = []
    for group in CLASSES:
        names = [name for name, its in GROUP_OF_NAME.items() if its == group and name != group]
        lines.append(f"- `{group}`" + (f": {', '.join(names)}" if names else ""))
    return "\n".join(lines)


def score_rows(facts: Mapping[str, Any]) -> str:
    """How good 0.5 is as a threshold."""
    sets = {
        "photographs, by group": facts["folders"]["coco446"]["groups"],
        "photographs, by name": facts["folders"]["coco446"]["names"],
        "composites, by group": facts["composites"],
    }
    return "\n".join(
        f"| {title} | {one['F1']:.3f} | {one['best_F1']:.3f} | {one['best_at']:.2f} |"
        for title, one in sets.items()
    )


def trial_rows(choice: Mapping[str, Any]) -> str:
    """The rows of what was tried on the validation part."""
    rows = []
    for number, trial in enumerate(choice["trials"]):
        temperature = trial["temperature"]
        cells = [f"{trial['min_size']} px", f"{trial['nms_threshold']:g}"]
        cells += ["2" if trial["two_scales"] else "1"]
        cells += ["–" if temperature is None else f"{temperature:g}"]
        cells += [cell(100 * trial["photos"]), cell(100 * trial["composites"])]
        cells += [cell(100 * trial["recall"]), f"{trial['F1']:.3f}"]
        kept = number == choice["kept"]
        rows.append(f"| {' | '.join(f'**{one}**' if kept else one for one in cells)} |")
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


def observations() -> str:
    """What was seen by eye in the committed weights, if there is such a text."""
    if not OBSERVATIONS.is_file():
        return ""
    return OBSERVATIONS.read_text("utf-8").strip() + "\n\n"


def write_card(facts: Mapping[str, Any], path: Path, images: Path) -> None:
    """Write the card.

    Args:
        facts: what `release` measured.
        path: the card's file.
        images: the folder of its two images.
    """
    positions = [facts["position"], *filter(None, [facts.get("before")])]
    choice = facts["choice"]
    kept = choice["trials"][choice["kept"]]
    # Of a folder that wasn't there nothing was learned.
    learned = Counter(facts["learned_from"])
    text = TEMPLATE.read_text("utf-8").format(
        facts=facts,
        hours=sum(float(one["active_s"]) for one in positions) / 3600,
        steps=sum(int(one["step"]) for one in positions),
        names=len(NAMES),
        choice=choice,
        kept=kept,
        augmentation=augmentation(kept),
        trial_rows=trial_rows(choice),
        learned=learned,
        more=learned["coco_new_full"] + learned["coco_new_partial"],
        boxed=sum(learned[folder.name] for folder in FOLDERS if not folder.has_masks),
        groups_with_names=groups_with_names(),
        figure_rows=figure_rows(facts),
        group_rows=group_rows(facts),
        name_list=name_list(facts),
        score_rows=score_rows(facts),
        doubles=facts["folders"]["coco446"]["doubles"],
        images=Path(os.path.relpath(images, path.parent)).as_posix(),
        gallery_size=len(facts["gallery"]),
        observations=observations(),
    )
    path.write_text(text, "utf-8")
