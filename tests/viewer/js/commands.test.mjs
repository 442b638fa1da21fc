import assert from "node:assert/strict";
import { test } from "node:test";
import * as commands from "../../../seg_widgets/viewer/static/canvas/commands.js";

test("a click selects one instance, a second click none, and beside all none", () => {
  assert.deepEqual(commands.selectionAfter([], 3, false), [3]);
  assert.deepEqual(commands.selectionAfter([1, 3], 3, false), [3]);
  assert.deepEqual(commands.selectionAfter([3], 3, false), []);
  assert.deepEqual(commands.selectionAfter([3], null, false), []);
});

test("a click with Shift selects one more or one less", () => {
  assert.deepEqual(commands.selectionAfter([1], 3, true), [1, 3]);
  assert.deepEqual(commands.selectionAfter([1, 3], 1, true), [3]);
  assert.equal(commands.selectionAfter([1], null, true), null);
});

test("a hidden instance is selected no longer", () => {
  const changes = commands.hideInstance([5], [1, 2], 2);
  assert.deepEqual(changes, { hidden_instances: [5, 2], selected: [1] });
});

test("an instance is shown alone, and what was hidden before comes back", () => {
  const alone = commands.isolateInstance(4, [1, 2], null, 2);
  assert.deepEqual(alone.changes, { hidden_instances: [0, 1, 3], selected: [2] });
  assert.deepEqual(alone.previousHidden, [1]);
  // From one alone to the next: what was hidden before the first is what comes back.
  const next = commands.isolateInstance(4, [0, 1, 3], alone.previousHidden, 3);
  assert.deepEqual(next.changes, { hidden_instances: [0, 1, 2], selected: [3] });
  const back = commands.isolateInstance(4, [0, 1, 2], next.previousHidden, 3);
  assert.deepEqual(back, { changes: { hidden_instances: [1] }, previousHidden: null });
  const unknown = commands.isolateInstance(2, [1], null, 0);
  assert.deepEqual(unknown.changes, { hidden_instances: [] });
});

test("a class is shown alone, and then all", () => {
  const names = ["cat", "dog", "cow"];
  assert.deepEqual(commands.isolateClass(names, ["cow"], "cow"), ["cat", "dog"]);
  assert.deepEqual(commands.isolateClass(names, ["cat", "dog"], "cow"), []);
});

test("a class gets a threshold of its own, or the common one again", () => {
  const before = { cat: 0.2 };
  assert.deepEqual(commands.withClassThreshold(before, "dog", 0.7), { cat: 0.2, dog: 0.7 });
  assert.deepEqual(commands.withClassThreshold(before, "cat", 0), { cat: 0 });
  assert.deepEqual(commands.withClassThreshold(before, "cat", null), {});
  assert.deepEqual(before, { cat: 0.2 });
});

test("marks are switched on and off in their own order", () => {
  const all = ["masks", "outlines", "boxes"];
  assert.deepEqual(commands.toggledMarks(all, ["boxes"], "masks"), ["masks", "boxes"]);
  assert.deepEqual(commands.toggledMarks(all, ["masks", "boxes"], "boxes"), ["masks"]);
});

test("an item is toggled in a list", () => {
  assert.deepEqual(commands.toggled(["a"], "b"), ["a", "b"]);
  assert.deepEqual(commands.toggled(["a", "b"], "a"), ["b"]);
});
