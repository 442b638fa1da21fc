"""One generated table for `Filter.keep`, `Prediction.keep` and the browser's `visibleInstances`.

All three must show the same instances.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from seg_widgets.errors import SettingError
from seg_widgets.prediction import Filter, Prediction
from seg_widgets.viewer import decode_content, encode_content
from seg_widgets.viewer.assets import STATIC

from .node import run_node

CASES: Final = 400
SIZE: Final = 8
# Every JavaScript object has a "constructor" and a "__proto__".
NAMES: Final = ("person", "animal", "constructor", "__proto__", "été")
# Thresholds at which rounding shows: some are no float32, and a score may be the float32 of each.
EDGES: Final = (0.0, -0.0, 1e-45, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 1 - 2**-24, 1.0)


def _score(chance: random.Random) -> np.float32:
    """A score: often a threshold's own float32, or its neighbour."""
    edge = np.float32(chance.choice(EDGES))
    towards = chance.choice((np.float32(0), np.float32(1), edge))
    near = np.nextafter(edge, towards)
    return chance.choice((edge, near, np.float32(chance.random())))


def _threshold(chance: random.Random) -> float:
    return chance.choice((chance.choice(EDGES), chance.random()))


def _case(seed: int) -> tuple[Prediction, Filter]:
    """A prediction without masks, and a filter that may name what it lacks."""
    chance = random.Random(seed)
    count = chance.randrange(SIZE)
    names = [*NAMES, "unknown"]
    prediction = Prediction(
        boxes=np.tile(np.array([0, 0, 2, 2], np.float32), (count, 1)),
        scores=np.array([_score(chance) for _ in range(count)], np.float32),
        class_ids=np.array([chance.randrange(len(NAMES)) for _ in range(count)], np.int64),
        class_names=NAMES,
        image_size=(2, 2),
    )
    hidden = chance.sample(names, chance.randrange(3))
    thresholds = {name: _threshold(chance) for name in chance.sample(names, chance.randrange(4))}
    instances = chance.sample(range(SIZE + 3), chance.randrange(4))
    return prediction, Filter(_threshold(chance), tuple(hidden), thresholds, tuple(instances))


@pytest.fixture(scope="module")
def table() -> list[tuple[Prediction, Filter]]:
    return [_case(seed) for seed in range(CASES)]


def _shown_in_the_browser(table: list[tuple[Prediction, Filter]], folder: Path) -> list[list[int]]:
    image = np.zeros((2, 2, 3), np.uint8)
    questions = []
    for prediction, chosen in table:
        traits = chosen.to_traits()
        header = decode_content(encode_content(image, prediction)).header
        filter_ = {
            "threshold": traits["threshold"],
            "classThresholds": traits["class_thresholds"],
            "hiddenClasses": traits["hidden_classes"],
            "hiddenInstances": traits["hidden_instances"],
        }
        questions.append([header, filter_])
    path = folder / "table.json"
    path.write_text(json.dumps(questions), "utf-8")
    module = (STATIC / "canvas" / "instances.js").as_uri()
    code = (
        'import { readFileSync } from "node:fs";'
        f"const {{ visibleInstances }} = await import({json.dumps(module)});"
        f'const table = JSON.parse(readFileSync({json.dumps(str(path))}, "utf-8"));'
        "console.log(JSON.stringify(table.map((one) => visibleInstances(...one))))"
    )
    done = run_node("--input-type=module", "-e", code)
    assert done.returncode == 0, done.stderr
    shown: list[list[int]] = json.loads(done.stdout)
    return shown


def test_python_and_the_browser_show_the_same_instances(
    table: list[tuple[Prediction, Filter]], tmp_path: Path
) -> None:
    expected = [np.flatnonzero(chosen.keep(prediction)).tolist() for prediction, chosen in table]
    assert _shown_in_the_browser(table, tmp_path) == expected
    by_prediction = [
        np.flatnonzero(
            prediction.keep(
                chosen.threshold,
                chosen.hidden_classes,
                chosen.class_thresholds,
                chosen.hidden_instances,
            )
        ).tolist()
        for prediction, chosen in table
    ]
    assert by_prediction == expected


def test_the_table_has_what_it_is_for(table: list[tuple[Prediction, Filter]]) -> None:
    """Scores at their threshold, hidden ones, names and indices that are not there."""
    at_threshold = shown = hidden = 0
    for prediction, chosen in table:
        keep = chosen.keep(prediction)
        shown += int(keep.sum())
        hidden += int((~keep).sum())
        at_threshold += int((prediction.scores == np.float32(chosen.threshold)).sum())
    assert min(at_threshold, shown, hidden) > 30
    assert any("unknown" in chosen.hidden_classes for _, chosen in table)
    assert any("unknown" in chosen.class_thresholds for _, chosen in table)
    assert any(max(chosen.hidden_instances, default=0) >= SIZE for _, chosen in table)


@pytest.mark.parametrize("wrong", [float("nan"), -1e-9, 1 + 1e-9, float("inf")])
def test_what_is_no_threshold_never_reaches_the_browser(wrong: float) -> None:
    with pytest.raises(SettingError, match="threshold"):
        Filter(wrong)
    with pytest.raises(SettingError, match="threshold"):
        Filter(class_thresholds={"person": wrong})
