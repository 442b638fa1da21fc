import assert from "node:assert/strict";
import { test } from "node:test";
import * as evidence from "../../../seg_widgets/viewer/static/canvas/evidence.js";
import { visibleInstances } from "../../../seg_widgets/viewer/static/canvas/instances.js";
import { header } from "./helpers.mjs";

const scores = [0.9, 0.7, 0.7, 0.31, 0.3].map(Math.fround);
const several = { ...header, scores, classIds: [2, 5, 2, 5, 2] };

function of(filter) {
  const shownAt = (threshold) => visibleInstances(several, { ...filter, threshold });
  return { made: evidence.evidenceOf(several, filter, shownAt, false), shownAt };
}

test("the curve has what each step of the slider shows", () => {
  for (const filter of [
    {},
    { hiddenClasses: ["animal"] },
    { classThresholds: { person: 0.5 }, hiddenInstances: [0] },
    { classThresholds: { animal: 0, person: 1 } },
  ]) {
    const { made, shownAt } = of(filter);
    const expected = Array.from({ length: 101 }, (_, step) => shownAt(step / 100).length);
    assert.deepEqual(made.counts, expected);
    assert.equal(
      made.bins.reduce((sum, count) => sum + count),
      shownAt(0).length,
    );
  }
});

test("the plateau reaches as far as the count stays", () => {
  const { counts } = of({}).made;
  assert.deepEqual(evidence.plateauOf(counts, 0.5, 3), [0.32, 0.7]);
  assert.deepEqual(evidence.plateauOf(counts, 0.315, 3), [0.32, 0.7]);
  assert.deepEqual(evidence.plateauOf(counts, 0.95, 0), [0.91, 1]);
  // Between two steps, where neither shows as many.
  assert.equal(evidence.plateauOf(counts, 0.305, 42), null);
});

test("the evidence in words", () => {
  const { made } = of({});
  assert.equal(
    evidence.evidenceInWords(made, 0.5, 3, null),
    "0.50 shows 3 of 5; between 0.32 and 0.70 the count stays 3",
  );
  assert.equal(evidence.evidenceInWords(made, 0.31, 4, null), "0.31 shows 4 of 5");
  const judgement = {
    thresholds: [0.25, 0.5, 0.75],
    curves: [
      { name: "precision", values: [0.5, 0.75, null] },
      { name: "recall", values: [1, 0.6, 0] },
    ],
    marks: [{ name: "best F1", threshold: 0.5 }],
    valuesAt: (at) => (at > 0.6 ? [null, 0] : [0.75, 0.6]),
  };
  assert.equal(
    evidence.evidenceInWords(made, 0.5, 3, judgement),
    "0.50 shows 3 of 5; between 0.32 and 0.70 the count stays 3; precision 0.75, recall 0.60; best F1",
  );
  assert.match(evidence.evidenceInWords(made, 0.8, 1, judgement), /; recall 0.00$/);
  // Between two points of the curves, with as many digits as it takes.
  const exact = { ...judgement, valuesAt: (at) => (at > 0.502 ? [1, 0.2] : [0.75, 0.6]) };
  assert.match(evidence.evidenceInWords(made, 0.5025, 3, exact), /^0\.5025 shows 3 of 5;/);
  assert.match(evidence.evidenceInWords(made, 0.5025, 3, exact), /precision 1.00, recall 0.20$/);
  assert.match(evidence.evidenceInWords(made, 0.501, 3, exact), /recall 0.60; best F1$/);
});

test("bars, stairs and curves fill the drawing area", () => {
  assert.equal(evidence.barsPath([0, 4, 1, 0]), "M25 100V0H50V100ZM50 100V50H75V100Z");
  const stairs = evidence.stairsPath([2, 2, 1]);
  assert.equal(stairs, "M0 0V0H1V50H2");
  assert.equal(evidence.curvePath([0, 0.5, 1], [1, 0.5, 0]), "M0 0L50 50L100 100");
  assert.equal(evidence.curvePath([0, 0.5, 0.6, 1], [1, null, 0.5, 0]), "M0 0M60 50L100 100");
});
