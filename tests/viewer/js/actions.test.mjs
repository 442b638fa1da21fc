import assert from "node:assert/strict";
import { test } from "node:test";
import { Actions } from "../../../seg_widgets/viewer/static/canvas/actions.js";
import { Hover } from "../../../seg_widgets/viewer/static/canvas/hover.js";
import { Sync } from "../../../seg_widgets/viewer/static/canvas/sync.js";
import { FakeModel, header } from "./helpers.mjs";

/** The actions on three instances, and the model that they write. */
function acting(traits = {}) {
  const lists = { hidden_classes: [], hidden_instances: [], selected: [], class_thresholds: {} };
  const model = new FakeModel({ threshold: 0, hovered: null, ...lists, ...traits });
  const sync = new Sync(model);
  const frames = { count: 0 };
  const actions = new Actions(sync, new Hover(sync), () => frames.count++);
  actions.scene = { header };
  return { actions, model, frames };
}

test("what an instance's actions change reaches the kernel at once", () => {
  const { actions, model } = acting();
  actions.select(1, false);
  assert.deepEqual(model.saved.at(-1), { selected: [1] });
  actions.hideInstance(1);
  assert.deepEqual(model.saved.at(-1), { hidden_instances: [1], selected: [] });
  assert.deepEqual(actions.shown(), [0, 2]);
  actions.toggleInstance(1);
  assert.deepEqual(model.get("hidden_instances"), []);
});

test("an instance is shown alone and the others come back, but not those of the last image", () => {
  const { actions, model } = acting({ hidden_instances: [2] });
  actions.isolateInstance(0);
  assert.deepEqual(actions.shown(), [0]);
  actions.isolateInstance(0);
  assert.deepEqual(model.get("hidden_instances"), [2]);
  actions.isolateInstance(0);
  actions.scene = { header };
  actions.isolateInstance(0);
  assert.deepEqual(model.get("hidden_instances"), []);
});

test("a class is hidden, shown, and shown alone", () => {
  const { actions, model } = acting();
  actions.toggleClass("person");
  assert.deepEqual(actions.shown(), [1]);
  actions.toggleClass("person");
  actions.isolateClass("person");
  assert.deepEqual(model.get("hidden_classes"), ["animal"]);
});

test("masks go while Space is held, or until the button is pressed again", () => {
  const { actions, frames } = acting();
  actions.holdMasks(true);
  actions.holdMasks(true);
  assert.deepEqual([actions.hideMasks, frames.count], [true, 1]);
  actions.toggleMasks();
  actions.holdMasks(false);
  assert.equal(actions.hideMasks, true);
  actions.toggleMasks();
  assert.equal(actions.hideMasks, false);
});

test("without an image nothing is shown, and nothing can be shown alone", () => {
  const { actions, model } = acting();
  actions.scene = null;
  actions.isolateInstance(0);
  actions.isolateClass("person");
  assert.deepEqual(actions.shown(), []);
  assert.deepEqual(model.saved, []);
});
