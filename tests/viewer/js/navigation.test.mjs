import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Navigation } from "../../../seg_widgets/viewer/static/canvas/navigation.js";
import { Sync } from "../../../seg_widgets/viewer/static/canvas/sync.js";
import { Timers } from "../../../seg_widgets/viewer/static/canvas/timers.js";
import { FakeModel } from "./helpers.mjs";

/** The navigation of an image of 1000 × 500 pixels on a stage of 500 × 250. */
function navigating(traits = {}) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const model = new FakeModel({ zoom: 1, pan: [0.5, 0.5], ...traits });
  const sync = new Sync(model);
  const frames = { count: 0 };
  const navigation = new Navigation(sync, new Timers(), () => frames.count++);
  sync.on("zoom pan", () => navigation.follow());
  navigation.layout({ width: 1000, height: 500 }, 500, 250);
  return { model, navigation, frames };
}

test("it begins with what the traits say", () => {
  assert.deepEqual(navigating().navigation.view, { scale: 0.5, x: 0, y: 0 });
  mock.timers.reset();
  assert.equal(navigating({ zoom: 4 }).navigation.view.scale, 2);
  mock.timers.reset();
});

test("zooming writes zoom and pan, and does not follow itself", () => {
  const { model, navigation } = navigating();
  navigation.zoom(2, 0, 0);
  const { view } = navigation;
  assert.deepEqual(view, { scale: 1, x: 0, y: 0 });
  assert.equal(navigation.zoomed, true);
  assert.deepEqual([model.get("zoom"), model.get("pan")], [2, [0.25, 0.25]]);
  assert.equal(navigation.view, view);
  navigation.reset();
  assert.equal(navigation.zoomed, false);
  assert.deepEqual([model.get("zoom"), model.get("pan")], [1, [0.5, 0.5]]);
  mock.timers.reset();
});

test("it follows Python or another view", () => {
  const { model, navigation, frames } = navigating();
  const before = frames.count;
  model.hear({ zoom: 2, pan: [0.25, 0.25] });
  assert.deepEqual(navigation.view, { scale: 1, x: 0, y: 0 });
  assert.ok(frames.count > before);
  mock.timers.reset();
});

test("layers are made sharp when the view rests", () => {
  const { navigation, frames } = navigating();
  navigation.zoom(2);
  assert.equal(navigation.moving, true);
  const before = frames.count;
  mock.timers.tick(140);
  assert.equal(navigation.moving, false);
  assert.equal(frames.count, before + 1);
  mock.timers.reset();
});

test("two fingers zoom, and the image stays below them", () => {
  const { navigation } = navigating();
  const start = navigation.view;
  navigation.pinch(start, { x: 250, y: 125, distance: 100 }, { x: 250, y: 125, distance: 200 });
  assert.deepEqual(navigation.view, { scale: 1, x: -250, y: -125 });
  navigation.pinch(start, { x: 250, y: 125, distance: 100 }, { x: 260, y: 125, distance: 200 });
  assert.deepEqual(navigation.view, { scale: 1, x: -240, y: -125 });
  mock.timers.reset();
});

test("without an image there is nothing to zoom", () => {
  const { model, navigation } = navigating();
  navigation.forget();
  navigation.zoom(2);
  navigation.reset();
  assert.equal(navigation.view, null);
  assert.equal(model.get("zoom"), 1);
  mock.timers.reset();
});
