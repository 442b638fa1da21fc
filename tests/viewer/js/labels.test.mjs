import assert from "node:assert/strict";
import { test } from "node:test";
import * as labels from "../../../seg_widgets/viewer/static/canvas/labels.js";

test("labels never overlap and never leave the stage", () => {
  const wanted = Array.from({ length: 60 }, (_, at) => {
    const [x, y] = [(at * 37) % 380, (at * 53) % 280];
    return { x, y, right: x + 40, bottom: y + 30, width: 70, height: 18 };
  });
  const places = labels.placeLabels(wanted, 400, 300);
  const boxes = places.filter(Boolean);
  assert.ok(boxes.length > 30);
  for (const [at, one] of boxes.entries()) {
    assert.ok(one.x >= 0 && one.y >= 0 && one.x + 70 <= 400 && one.y + 18 <= 300);
    for (const other of boxes.slice(at + 1)) {
      assert.ok(Math.abs(one.x - other.x) >= 70 || Math.abs(one.y - other.y) >= 18);
    }
  }
  assert.ok(places[0]);
});

test("labels thin out from 50 instances on", () => {
  assert.deepEqual(
    [0, 1, 50, 51, 100, 200, 1000].map(labels.labelCount),
    [0, 1, 50, 49, 25, 13, 12],
  );
});
