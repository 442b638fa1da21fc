import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Sync } from "../../../seg_widgets/viewer/static/canvas/sync.js";
import { FakeModel } from "./helpers.mjs";

const SAVE_DELAY_MS = 80;

/** A model that shows an image, and its sync. */
function shown(traits = {}) {
  const content = new DataView(new ArrayBuffer(1));
  const model = new FakeModel({ content, threshold: 0.5, hovered: null, selected: [], ...traits });
  const sync = new Sync(model);
  sync.takeContent();
  return { model, sync };
}

test("what is written shows at once and reaches the kernel at once", () => {
  const { model, sync } = shown();
  sync.write({ threshold: 0.7, hovered: 3 });
  assert.equal(model.get("threshold"), 0.7);
  assert.deepEqual(model.saved, [{ threshold: 0.7, hovered: 3 }]);
});

test("what is written soon shows at once and reaches the kernel when the hand rests", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { model, sync } = shown();
  sync.writeSoon({ threshold: 0.6 });
  assert.equal(model.get("threshold"), 0.6);
  mock.timers.tick(SAVE_DELAY_MS - 1);
  sync.writeSoon({ threshold: 0.7 });
  mock.timers.tick(SAVE_DELAY_MS - 1);
  assert.deepEqual(model.saved, []);
  mock.timers.tick(1);
  assert.deepEqual(model.saved, [{ threshold: 0.7 }]);
  mock.timers.tick(1000);
  assert.equal(model.saved.length, 1);
  mock.timers.reset();
});

test("a write takes what is pending along, once", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { model, sync } = shown();
  sync.writeSoon({ threshold: 0.6 });
  sync.write({ hovered: 1 });
  mock.timers.tick(1000);
  assert.deepEqual(model.saved, [{ threshold: 0.6, hovered: 1 }]);
  mock.timers.reset();
});

test("pending changes win over the kernel's echo of older ones", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { model, sync } = shown();
  sync.writeSoon({ threshold: 0.6 });
  mock.timers.tick(SAVE_DELAY_MS);
  sync.writeSoon({ threshold: 0.7 });
  model.hear({ threshold: 0.6 });
  assert.equal(model.get("threshold"), 0.7);
  mock.timers.tick(SAVE_DELAY_MS);
  assert.equal(model.saved.at(-1).threshold, 0.7);
  mock.timers.reset();
});

test("the kernel's word counts for what is not pending, and for all after the save", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { model, sync } = shown();
  sync.writeSoon({ threshold: 0.7 });
  model.hear({ hovered: 4 });
  assert.equal(model.get("hovered"), 4);
  mock.timers.tick(SAVE_DELAY_MS);
  model.hear({ threshold: 0.2 });
  assert.equal(model.get("threshold"), 0.2);
  mock.timers.reset();
});

test("with a new image the kernel's values win over what was pending for the last one", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { model, sync } = shown();
  sync.writeSoon({ selected: [2], threshold: 0.7 });
  const next = new DataView(new ArrayBuffer(2));
  // The content comes first or last; both ways the selection is the new image's.
  model.hear({ content: next, selected: [] });
  assert.deepEqual(model.get("selected"), []);
  assert.equal(sync.takeContent(), next);
  model.hear({ threshold: 0.3 });
  assert.equal(model.get("threshold"), 0.3);
  mock.timers.reset();
});

test("listeners of a change find what stands after it", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { model, sync } = shown();
  const seen = [];
  sync.on("threshold", () => seen.push(sync.get("threshold")));
  sync.writeSoon({ threshold: 0.7 });
  model.hear({ threshold: 0.1 });
  assert.ok(
    seen.every((value) => value === 0.7),
    String(seen),
  );
  mock.timers.reset();
});

test("the filter is read from the traits", () => {
  const { sync } = shown({
    class_thresholds: { cat: 0.1 },
    hidden_classes: ["dog"],
    hidden_instances: [4],
    tidy: { min_area: 7 },
  });
  assert.deepEqual(sync.filter(), {
    threshold: 0.5,
    classThresholds: { cat: 0.1 },
    hiddenClasses: ["dog"],
    hiddenInstances: [4],
    tidy: { min_area: 7 },
  });
});

test("a destroyed one sends nothing and listens to nothing", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { model, sync } = shown();
  let heard = 0;
  sync.on("busy status", () => heard++);
  sync.writeSoon({ threshold: 0.9 });
  sync.destroy();
  mock.timers.tick(1000);
  model.hear({ busy: true, threshold: 0.1 });
  assert.deepEqual(model.saved, []);
  assert.equal(heard, 0);
  assert.equal(model.get("threshold"), 0.1);
  mock.timers.reset();
});
