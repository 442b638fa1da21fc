"""One generated table for `Tidy` and the browser's `canvas/tidy.js`.

Both must leave the same instances, with the same masks.
"""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from seg_widgets.prediction import Filter, MaskCrop, Prediction, Tidy
from seg_widgets.viewer import decode_content, encode_content
from seg_widgets.viewer.assets import STATIC

from .node import run_node

CASES: Final = 300
NAMES: Final = ("person", "animal")
HEIGHT, WIDTH = 14, 23


def _mask(chance: random.Random) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Blobs, specks, holes and lines of all kinds, some on the border, some of nothing."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for _ in range(chance.randrange(4)):
        y, x = chance.randrange(HEIGHT), chance.randrange(WIDTH)
        mask[y : y + chance.randrange(1, 9), x : x + chance.randrange(1, 12)] = True
    noise = np.random.default_rng(chance.randrange(1 << 30)).random(mask.shape)
    density = chance.choice((0, 0, 0.05, 0.3))
    mask ^= noise < density
    return mask


def _case(seed: int) -> tuple[Prediction, Filter]:
    chance = random.Random(seed)
    count = chance.randrange(8)
    masks = [_mask(chance) for _ in range(count)]
    if count > 2 and chance.random() < 0.5:
        masks[1] = masks[0] | (masks[1] & masks[2])
    with_masks = chance.random() > 0.15
    soft = np.random.default_rng(seed).integers(0, 256, (count, 5, 5), np.uint8)
    # Cells of equal numbers, at which rounding shows.
    soft[:, 1:3] = chance.choice((128, 127, 255))
    corners = [sorted(chance.uniform(-2, WIDTH + 2) for _ in range(4)) for _ in range(count)]
    prediction = Prediction(
        image_size=(HEIGHT, WIDTH),
        boxes=np.array([(x1, y1 / 2, x2, y2 / 2) for x1, y1, x2, y2 in corners]).reshape(-1, 4),
        # Few values, so that some are equal.
        scores=np.array([chance.choice((0.3, 0.5, 0.7, 0.9)) for _ in range(count)]),
        class_ids=np.array([chance.randrange(len(NAMES)) for _ in range(count)], np.int64),
        class_names=NAMES,
        masks=tuple(map(MaskCrop.from_array, masks)) if with_masks else None,
        soft_masks=soft if with_masks and chance.random() < 0.5 else None,
    )
    tidy = Tidy(
        max_overlap=chance.choice((0.0, 0.1, 1 / 3, 0.5, 0.8, 1.0, chance.random())),
        overlap_by=chance.choice(("iou", "smaller")),
        across_classes=chance.random() < 0.5,
        min_area=chance.choice((0, 0, 1, 7, 40)),
        drop_at_border=chance.random() < 0.3,
        largest_piece=chance.random() < 0.5,
        fill_holes=chance.random() < 0.5,
        mask_threshold=chance.choice((0.5, 0.5, 128 / 255, 0.0, 0.3, 1.0, chance.random())),
    )
    hidden_classes = ("animal",) if chance.random() < 0.2 else ()
    hidden = tuple(chance.sample(range(9), chance.randrange(3)))
    thresholds = {"person": 0.6} if chance.random() < 0.3 else {}
    threshold = chance.choice((0.2, 0.4, 0.5, 0.8))
    return prediction, Filter(threshold, hidden_classes, thresholds, hidden, tidy)


@pytest.fixture(scope="module")
def table() -> list[tuple[Prediction, Filter]]:
    return [_case(seed) for seed in range(CASES)]


_BROWSER = """
import { readFileSync } from "node:fs";
const { readMasks } = await import(MASKS);
const { orderOf, reshaped, settingsOf, shownInstances } = await import(TIDY);
const { evidenceOf } = await import(EVIDENCE);
const { readSoft } = await import(SOFT);
const table = JSON.parse(readFileSync(PATH, "utf-8"));
const answers = table.map(([header, bits, softBytes, filter]) => {
  const soft = Uint8Array.from(Buffer.from(softBytes, "hex"));
  const masks = readMasks(header, Uint8Array.from(Buffer.from(bits, "hex")));
  const order = orderOf(header.areas);
  const came = { header, masks, order, paths: [], exactPaths: [], coarsePaths: [], soft: null };
  if (soft.length) came.soft = readSoft(soft, header.scores.length, header.softSize);
  const scene = reshaped(came, settingsOf(filter.tidy));
  const shownAt = (threshold) => shownInstances(scene, { ...filter, threshold });
  return {
    shown: shownInstances(scene, filter),
    counts: evidenceOf(scene.header, filter, shownAt, true).counts,
    areas: scene.header.areas,
    masks: scene.masks.map(({ x, y, width, height, bits }) => [
      x, y, width, height, bits && Buffer.from(bits).toString("hex"),
    ]),
  };
});
console.log(JSON.stringify(answers));
"""


def _answers_of_the_browser(
    table: list[tuple[Prediction, Filter]], folder: Path
) -> list[dict[str, Any]]:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    questions = []
    for prediction, chosen in table:
        traits = chosen.to_traits()
        message = encode_content(image, prediction, soft=True)
        content = decode_content(message)
        packed = message[len(message) - content.header["softBytes"] :]
        soft = zlib.decompress(packed) if packed else b""
        filter_ = {
            "threshold": traits["threshold"],
            "classThresholds": traits["class_thresholds"],
            "hiddenClasses": traits["hidden_classes"],
            "hiddenInstances": traits["hidden_instances"],
            # Settings that are not given are the default ones.
            "tidy": chosen.tidy.changes(),
        }
        bits = b"".join(crop.bits for crop in content.masks or ())
        questions.append([content.header, bits.hex(), soft.hex(), filter_])
    path = folder / "table.json"
    path.write_text(json.dumps(questions), "utf-8")
    code = _BROWSER.replace("PATH", json.dumps(str(path)))
    for name in ("masks", "tidy", "soft", "evidence"):
        module = (STATIC / "canvas" / f"{name}.js").as_uri()
        code = code.replace(f"import({name.upper()})", f"import({json.dumps(module)})")
    done = run_node("--input-type=module", "-e", code)
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def test_python_and_the_browser_tidy_up_alike(
    table: list[tuple[Prediction, Filter]], tmp_path: Path
) -> None:
    dropped = reshaped = 0
    answers = _answers_of_the_browser(table, tmp_path)
    for (prediction, chosen), answer in zip(table, answers, strict=True):
        keep = chosen.keep(prediction)
        shown = chosen.reshaped(prediction)
        assert answer["shown"] == np.flatnonzero(keep).tolist()
        assert answer["areas"] == shown.areas.tolist()
        if shown.masks is not None:
            crops = [
                (crop.x, crop.y, crop.width, crop.height, crop.bits.hex()) for crop in shown.masks
            ]
            assert [tuple(mask) for mask in answer["masks"]] == crops
        # What a step of the slider would show, by the strip above it.
        for step in (0, 30, 50, 70, 71, 100):
            at = Filter(
                step / 100,
                chosen.hidden_classes,
                chosen.class_thresholds,
                chosen.hidden_instances,
                chosen.tidy,
            )
            assert answer["counts"][step] == at.keep(prediction).sum()
        without = Filter(
            chosen.threshold,
            chosen.hidden_classes,
            chosen.class_thresholds,
            chosen.hidden_instances,
        )
        dropped += int(without.keep(prediction).sum() - keep.sum())
        reshaped += shown is not prediction
    # The table has what it is for.
    assert dropped > 100
    assert reshaped > 50
