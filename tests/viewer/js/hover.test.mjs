import assert from "node:assert/strict";
import { test } from "node:test";
import { Hover } from "../../../seg_widgets/viewer/static/canvas/hover.js";

/** A hover, and the values that it wrote. */
function hovering() {
  const written = [];
  const traits = { hovered: null };
  const sync = {
    get: (name) => traits[name],
    writeSoon: (changes) => {
      Object.assign(traits, changes);
      written.push(changes.hovered);
    },
  };
  return { hover: new Hover(sync), written };
}

test("only a change is written", () => {
  const { hover, written } = hovering();
  hover.set(null);
  hover.set(3);
  hover.set(3);
  assert.deepEqual(written, [3]);
});

test("a tip has a place only while the pointer is on the image", () => {
  const { hover } = hovering();
  const location = { x: 1, y: 2, column: 3, row: 4 };
  hover.setAt(location, 5);
  assert.equal(hover.location, location);
  hover.setFromOutside(6);
  assert.equal(hover.location, null);
});

test("what the keys hover stays until the pointer moves", () => {
  const { hover, written } = hovering();
  assert.equal(hover.isPointerStale({ clientX: 1, clientY: 1 }), false);
  hover.setByKey(2);
  // The page scrolls below a pointer at rest: the browser reports the same place again.
  assert.equal(hover.isPointerStale({ clientX: 1, clientY: 1 }), true);
  assert.equal(hover.isPointerStale({ clientX: 1, clientY: 1 }), true);
  assert.equal(hover.leave(), false);
  assert.deepEqual(written, [2]);
  assert.equal(hover.isPointerStale({ clientX: 1, clientY: 2 }), false);
  assert.equal(hover.leave(), true);
  assert.deepEqual(written, [2, null]);
});
