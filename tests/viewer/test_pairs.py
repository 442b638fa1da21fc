"""The overlaps travel as bytes; the browser gets the very numbers that Python has."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import Any

import numpy as np

from seg_widgets.prediction import GroundTruth, Prediction
from seg_widgets.testing import StubPredictor, make_picture
from seg_widgets.viewer import Compared, encode_content
from seg_widgets.viewer.assets import STATIC

from .node import run_node

IMAGE = make_picture(300, 200)


def _sent(found: Prediction, others: list[Compared]) -> tuple[dict[str, Any], bytes]:
    """The header, and what is packed with the masks."""
    message = encode_content(IMAGE, found, others=others)
    length = int.from_bytes(message[4:8], "little")
    header = json.loads(message[8 : 8 + length])
    return header, zlib.decompress(message[len(message) - header["maskBytes"] :])


def test_the_browser_reads_the_overlaps_that_python_has() -> None:
    found = StubPredictor(40)(IMAGE)
    second = StubPredictor(30, seed=1)(IMAGE)
    truth = GroundTruth(second, np.arange(30) % 3 == 0)
    boxes = replace(found, masks=None)
    far = replace(found[:1], masks=None, boxes=np.array([[0, 0, 1, 1]], np.float32))
    cases = [
        (found, [Compared.of(found, truth), Compared.of(found, second)]),
        (boxes, [Compared.of(boxes, truth)]),
        (found, [Compared.of(found, far), Compared.of(found, found[:0])]),
        (found[:0], [Compared.of(found[:0], truth)]),
    ]
    sent = [_sent(*case) for case in cases]
    assert [side["pairs"]["exact"] for side in sent[0][0]["others"]] == [False, False]
    assert [side["pairs"]["exact"] for side in sent[1][0]["others"]] == [True]
    old = [[0, 1], [1, 1], [0.5, 0.25]]  # as earlier versions saved them
    saved = ({"scores": [0.9, 0.8], "others": [{"pairs": old}]}, b"")

    code = f"""
        import {{ readFileSync }} from "node:fs";
        const {{ readPairs }} = await import("{(STATIC / "canvas").as_uri()}/pairs.js");
        const cases = JSON.parse(readFileSync(0, "utf-8"));
        console.log(JSON.stringify(cases.map(([header, bits]) => {{
          const {{ pairs, masks }} = readPairs(header, Uint8Array.from(bits));
          return [masks.length, pairs.map((side) => side.map((part) => Array.from(part)))];
        }})));
    """
    given = json.dumps([(header, list(bits)) for header, bits in [*sent, saved]])
    done = run_node("--input-type=module", "-e", code, given=given)
    assert done.returncode == 0, done.stderr
    *answers, from_saved = json.loads(done.stdout)

    for (prediction, others), (length, sides) in zip(cases, answers, strict=True):
        crops = [*(prediction.masks or ()), *(crop for each in others for crop in each.masks)]
        assert length == sum(len(crop.bits) for crop in crops)
        for each, (detections, instances, ious) in zip(others, sides, strict=True):
            assert detections == each.pairs.detections.tolist()
            assert instances == each.pairs.truths.tolist()
            assert ious == each.pairs.ious.tolist()
    assert len(answers[0][1][0][0]) > 100
    assert from_saved == [0, [old]]
