"""One generated table for `match` and the browser's `matchInstances`: both match alike, and the
strip judges each threshold as `match` does."""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from seg_widgets.evaluation.curves import curve_of
from seg_widgets.prediction import (
    IGNORE,
    NO_TIDY,
    Filter,
    GroundTruth,
    Match,
    Matches,
    Prediction,
    Tidy,
    match,
)
from seg_widgets.viewer import Compared, decode_content, encode_content
from seg_widgets.viewer.assets import STATIC

from .node import run_node

CASES: Final = 500
SIDE: Final = 12
NAMES: Final = ("person", "animal", "constructor", "__proto__")
# Of small boxes many pairs have exactly such an IoU.
IOUS: Final = (0.1, 0.1, 0.25, 0.25, 0.3, 1 / 3, 0.5, 2 / 3, 0.75, 0.9, 1.0)
SCORES: Final = (0.05, 0.3, 0.5, 0.7, 0.9)

# What hides some; small areas and large ones, few pixels of overlap and many.
TIDIES: Final = (
    NO_TIDY,
    NO_TIDY,
    Tidy(max_overlap=0.2),
    Tidy(max_overlap=0.5, overlap_by="smaller", across_classes=True),
    Tidy(min_area=7, largest_piece=True),
    Tidy(drop_at_border=True, fill_holes=True),
)

Case = tuple[Prediction, GroundTruth | Prediction, Filter, float]


def _instances(chance: random.Random, names: tuple[str, ...], scored: bool) -> Prediction:
    masks = np.zeros((chance.randrange(9), SIDE, SIDE), bool)
    for mask in masks:
        x, y = chance.randrange(4), chance.randrange(4)
        mask[y : y + chance.randrange(2, 6), x : x + chance.randrange(2, 6)] = True
    count = len(masks)
    scores = [chance.choice(SCORES) if scored else 1.0 for _ in range(count)]
    ids = [chance.randrange(len(names)) for _ in range(count)]
    return Prediction.from_dense(masks, scores, ids, names)


def _case(seed: int) -> Case:
    """A prediction, the truth or a second prediction with its classes in another order."""
    chance = random.Random(seed)
    found = _instances(chance, NAMES, True)
    names = (*NAMES[::-1], "rare")
    other: GroundTruth | Prediction = _instances(chance, names, seed % 3 == 0)
    if isinstance(other, Prediction) and seed % 3:
        crowd = np.array([chance.random() < 0.4 for _ in range(len(other))], bool)
        if seed % 3 == 1:
            # One of the classes becomes that of regions which are ignored for all.
            other = replace(other, class_names=(IGNORE, *names[1:]))
            crowd |= other.class_ids == 0
        other = GroundTruth(other, crowd)
    hidden = tuple(chance.sample(names, chance.choice((0, 0, 1))))
    own = {name: chance.choice(SCORES) for name in chance.sample(NAMES, chance.randrange(2))}
    alone = tuple(chance.sample(range(9), chance.randrange(2)))
    tidy = chance.choice(TIDIES)
    chosen = Filter(chance.choice((0.0, *SCORES)), hidden, own, alone, tidy)
    return found, other, chosen, chance.choice(IOUS)


@pytest.fixture(scope="module")
def table() -> list[Case]:
    return [_case(seed) for seed in range(CASES)]


def _in_python(found: Matches) -> dict[str, Any]:
    return {
        "ofFound": found.of_found.tolist(),
        "ofOther": found.of_truth.tolist(),
        "partners": found.partners.tolist(),
        "back": found.partners_of_truth.tolist(),
        "ious": [None if np.isnan(value) else value for value in found.ious.tolist()],
        "hits": found.hits,
        "falseAlarms": found.false_alarms,
        "wrongClasses": found.wrong_classes,
        "misses": found.misses,
        "precision": found.precision,
        "recall": found.recall,
        "f1": found.f1,
    }


def _in_the_browser(table: list[Case], folder: Path) -> list[dict[str, Any]]:
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    questions = []
    for found, other, chosen, iou in table:
        content = encode_content(image, found, others=[Compared.of(found, other)])
        header = decode_content(content).header
        bits = zlib.decompress(content[len(content) - header["maskBytes"] :])
        traits = chosen.to_traits()
        filter_ = {
            "threshold": traits["threshold"],
            "classThresholds": traits["class_thresholds"],
            "hiddenClasses": traits["hidden_classes"],
            "hiddenInstances": traits["hidden_instances"],
            "tidy": traits["tidy"],
        }
        questions.append([header, list(bits), filter_, iou])
    path = folder / "table.json"
    path.write_text(json.dumps(questions), "utf-8")
    scripts = (STATIC / "canvas").as_uri()
    code = f"""
        import {{ readFileSync }} from "node:fs";
        const {{ maskLength, readMasks }} = await import("{scripts}/masks.js");
        const {{ readPairs }} = await import("{scripts}/pairs.js");
        const {{ matchInstances, othersThatCount }} = await import("{scripts}/matching.js");
        const {{ judgementOf }} = await import("{scripts}/judgement.js");
        const tidy = await import("{scripts}/tidy.js");
        const table = JSON.parse(readFileSync({json.dumps(str(path))}, "utf-8"));
        const answers = table.map(([header, bits, filter, iou]) => {{
          const all = Uint8Array.from(bits);
          const {{ pairs }} = readPairs(header, all);
          const masks = readMasks(header, all.subarray(0, maskLength(header)));
          const none = {{ order: [], paths: [], exactPaths: [], coarsePaths: [], soft: null }};
          const came = {{ header, masks, ...none }};
          const settings = tidy.settingsOf(filter.tidy);
          const scene = tidy.reshaped(came, settings);
          const shownAt = (threshold) => tidy.shownInstances(scene, {{ ...filter, threshold }});
          const other = {{ ...header.others[0], pairs: pairs[0] }};
          const counting = othersThatCount(other, filter);
          const shown = shownAt(filter.threshold);
          const matched = matchInstances(scene.header, other, shown, counting, iou);
          const drops = tidy.dropsOverlaps(settings);
          const judged = judgementOf(scene.header, other, filter, shownAt, iou, drops);
          const plain = Object.entries(matched).map(([name, value]) =>
            [name, ArrayBuffer.isView(value) ? Array.from(value) : value]);
          return {{ matched: Object.fromEntries(plain), judged }};
        }});
        console.log(JSON.stringify(answers));
    """
    done = run_node("--input-type=module", "-e", code)
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


@pytest.fixture(scope="module")
def answers(table: list[Case], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return _in_the_browser(table, tmp_path_factory.mktemp("matching"))


def test_python_and_the_browser_match_alike(
    table: list[Case], answers: list[dict[str, Any]]
) -> None:
    expected = [
        _in_python(match(found, other, iou=iou, only=chosen)) for found, other, chosen, iou in table
    ]
    assert [answer["matched"] for answer in answers] == expected


def test_the_strip_judges_each_threshold_as_match_does(
    table: list[Case], answers: list[dict[str, Any]]
) -> None:
    judged = 0
    for (found, other, chosen, iou), answer in zip(table, answers, strict=True):
        if not isinstance(other, GroundTruth):
            continue  # the strip shows nothing where there is no truth
        judgement = answer["judged"]
        values = [curve["values"] for curve in judgement["curves"]]
        for at in chosen.threshold, 0.3, 0.7:
            expected = match(found, other, iou=iou, only=replace(chosen, threshold=at))
            place = judgement["thresholds"].index(at)
            wanted = expected.precision, expected.recall, expected.f1
            assert tuple(value[place] for value in values) == pytest.approx(wanted), chosen
        if chosen.class_thresholds:
            continue
        all_of_it = match(found, other, iou=iou, only=replace(chosen, threshold=0))
        counts = np.isin(all_of_it.of_found, (Match.HIT, Match.FALSE_ALARM, Match.WRONG_CLASS))
        right = all_of_it.of_found == Match.HIT
        objects = all_of_it.hits + all_of_it.misses
        best = curve_of(found.scores[counts].astype(float), right[counts], objects).best()
        marks = [mark["threshold"] for mark in judgement["marks"]]
        assert marks == ([] if best is None else [best.threshold])
        judged += bool(marks)
    assert judged > 20


def test_the_table_has_what_it_is_for(table: list[Case]) -> None:
    """Each outcome often, IoUs that are the threshold, equal scores."""
    states = np.zeros(6, int)
    at_threshold = 0
    for found, other, chosen, iou in table:
        matches = match(found, other, iou=iou, only=chosen)
        states += np.bincount(matches.of_found, minlength=6)
        states[Match.MISSED] += matches.misses
        at_threshold += int((matches.ious == iou).sum())
    assert states.min() > 30, states
    assert at_threshold > 20
