"""The card of the starter with names, as Markdown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.card import augmentation, observations, trial_rows
from training.classes import CLASSES
from training.names import COCO_NAMES, GROUP_OF_NAME, NAMES

TEMPLATE = Path(__file__).with_name("named_card_template.md")
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


def write_card(facts: Mapping[str, Any], path: Path, images: Path) -> None:
    """Write the card.

    Args:
        facts: what `release` measured.
        path: the card's file.
        images: the folder of its two images.
    """
    choice = facts["choice"]
    kept = choice["trials"][choice["kept"]]
    text = TEMPLATE.read_text("utf-8").format(
        facts=facts,
        position=facts["position"],
        hours=float(facts["position"]["active_s"]) / 3600,
        steps=int(facts["position"]["step"]),
        names=len(NAMES),
        choice=choice,
        kept=kept,
        augmentation=augmentation(kept),
        trial_rows=trial_rows(choice),
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
