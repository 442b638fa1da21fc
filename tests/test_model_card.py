"""The committed model card is what `training/card.py` writes: its own figures, put into the
template, give the same text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from training.card import TOTALS, WEIGHTS, write_card
from training.classes import CLASSES

PER_CLASS = ("AP", "AP50", "AP75", "AR100")
PER_SET = (
    *("AP", "AP50", "AP75", "AP_large", "AR100", "AR_large"),
    *("agnostic_AP50", "agnostic_AR100", "agnostic_AR_large"),
)


@pytest.fixture(scope="module")
def card() -> str:
    """The committed card."""
    return (Path(__file__).parent.parent / "weights" / "starter.md").read_text("utf-8")


def rows(card: str, header: str) -> list[list[str]]:
    """The cells of the table whose first row begins with `header`."""
    table = card[card.index(f"\n| {header} |") + 1 :].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def number(card: str, pattern: str) -> float:
    """The number that stands where the pattern has a group."""
    found = re.search(pattern, card)
    assert found, pattern
    return float(found[1].replace(",", ""))


def share(cell: str) -> float | None:
    """A figure between 0 and 1 from its percentage, or None from a dash."""
    return None if cell == "–" else float(cell) / 100


def figures(card: str) -> dict[str, Any]:
    """The figures on both held-out sets."""
    keys = {"photographs": "photos", "composites": "composites"}
    found: dict[str, Any] = {}
    for name, images, instances, *cells in rows(card, "set | images"):
        values = dict(zip(PER_SET, map(share, cells), strict=True))
        found[keys[name]] = {"images": images, "instances": instances, **values, "per_class": {}}
    for name, *cells in rows(card, "class | n"):
        for key, part in zip(keys.values(), (cells[:5], cells[5:]), strict=True):
            values = dict(zip(PER_CLASS, map(share, part[1:]), strict=True))
            found[key]["per_class"][name] = {"instances": int(part[0]), **values}
    for name, *cells in rows(card, "set | F1 at 0.5"):
        names = ("F1", "best_F1", "threshold")
        found[keys[name]]["scores"] = dict(zip(names, map(float, cells), strict=True))
    return found


def choice(card: str) -> dict[str, Any]:
    """What was tried on the validation part, and what was kept."""
    names = {title: name for name, title in WEIGHTS.items()}
    trials, kept = [], []
    for cells in rows(card, "weights | shorter side"):
        weights, side, nms, passes, temperature, photos, composites, f1 = (
            cell.strip("*") for cell in cells
        )
        kept.append(cells[0].startswith("**"))
        trials.append(
            {
                "weights": names[weights],
                "min_size": int(side.removesuffix(" px")),
                "max_size": int(number(card, r"longer side to at most (\d+) px")),
                "nms_threshold": float(nms),
                "two_scales": passes == "2",
                "temperature": None if temperature == "–" else float(temperature),
                "photos": share(photos),
                "composites": share(composites),
                "F1": float(f1),
            }
        )
    threshold = number(card, r"down to a score of ([\d.]+) ")
    return {"trials": trials, "kept": kept.index(True), "threshold": threshold}


def facts_of(card: str) -> dict[str, Any]:
    """What `write_card` needs, from what the card says."""
    steps, batch = (int(number(card, rf"{of}")) for of in (r"([\d,]+) steps of", r"steps of (\d+)"))
    held_out = figures(card)
    full = re.search(r"AP of ([\d.]+) on the photographs and ([\d.]+) on", card)
    costs = re.search(r"costs (\S+) and (\S+) points", card)
    assert full and costs
    for key, cost in zip(("photos", "composites"), costs.groups(), strict=True):
        held_out[key]["cost"] = float(cost) / 100
    parts: dict[str, dict[str, int]] = {"train": {}, "validation": {}, "heldout": {}}
    counts = (r"(\d+) photographs for training", r"(\d+) for validation", r"and (\d+) held out")
    for part, pattern in zip(parts, counts, strict=True):
        parts[part]["photographs"] = int(number(card, pattern))
    for (name, source), row in zip(TOTALS.items(), rows(card, "what | from"), strict=False):
        if name != "photos":
            parts["train"][source] = int(row[0].split(" ")[0])
    return {
        **held_out,
        "parameters": int(number(card, r"It has ([\d,]+) parameters")),
        "bytes": int(number(card, r"has\n([\d,]+) bytes")),
        "parts": parts,
        "position": {
            "step": steps,
            "active_s": 60 * number(card, r"in (\d+) minutes, on two shared"),
        },
        "plan": {
            "batch_size": batch,
            "learning_rate": number(card, r"a learning rate of ([\d.]+), "),
            "warmup_steps": int(number(card, r"(\d+) warm-up steps")),
            "backbone_factor": number(card, r"from stride 16 on at ([\d.]+) of the rate"),
            "tune_backbone_from": 0,
            "mask_factor": number(card, r"mask head at (\d+) times"),
            "seed": int(number(card, r"Seed: (\d+)\.")),
        },
        "choice": choice(card),
        "chosen_before": True,
        "full_precision": {
            key: held_out[key]["AP"] + held_out[key]["cost"] for key in ("photos", "composites")
        },
        "threads": int(number(card, r"with (\d+) threads")),
        "time": {
            "median_s": number(card, r"median ([\d.]+) s"),
            "least_s": number(card, r"minimum\n([\d.]+) s"),
        },
        "gallery": [""] * int(number(card, r"overlays on (\d+) free images")),
    }


def test_the_card_is_what_its_figures_make_of_the_template(card: str, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    write_card(facts_of(card), folder / "starter.md", tmp_path / "docs" / "images")
    assert (folder / "starter.md").read_text("utf-8") == card


def test_the_card_has_a_row_for_each_class(card: str) -> None:
    assert [row[0] for row in rows(card, "class | n")] == list(CLASSES)


def test_a_first_run_makes_its_own_choices(card: str, tmp_path: Path) -> None:
    facts = facts_of(card) | {"chosen_before": False}
    facts["plan"]["tune_backbone_from"] = 0.3
    facts["choice"]["trials"] = facts["choice"]["trials"][:2]
    facts["choice"]["kept"] = 0
    write_card(facts, tmp_path / "card.md", tmp_path)
    first = (tmp_path / "card.md").read_text("utf-8")
    assert "The following choices were made on the validation part," in first
    assert "First the weights: averaged or last." in first
    assert "The backbone was frozen until 30% of the time, then trained from stride 16 on" in first
    for words in ("previous run", "earlier runs", "Test-time augmentation.", "learned from 356"):
        assert words not in first
