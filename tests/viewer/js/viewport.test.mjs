import assert from "node:assert/strict";
import { test } from "node:test";
import * as viewport from "../../../seg_widgets/viewer/static/canvas/viewport.js";

test("the image is fitted, centred and never enlarged into a mosaic", () => {
  assert.equal(viewport.stageHeight({ width: 1280, height: 960 }, 640), 480);
  assert.equal(viewport.stageHeight({ width: 100, height: 4000 }, 640), 640);
  assert.equal(viewport.stageHeight({ width: 4000, height: 100 }, 640), 200);
  assert.deepEqual(viewport.fitView({ width: 1280, height: 960 }, 640, 480), {
    scale: 0.5,
    x: 0,
    y: 0,
  });
  assert.deepEqual(viewport.fitView({ width: 10, height: 10 }, 640, 200), {
    scale: 3,
    x: 305,
    y: 85,
  });
});

test("zooming keeps the point under the pointer and stays between fit and 40 : 1", () => {
  const fit = { scale: 0.5, x: 0, y: 0 };
  const near = viewport.zoomView(fit, fit, 4, 100, 60);
  assert.equal((100 - near.x) / near.scale, 200);
  assert.equal((60 - near.y) / near.scale, 120);
  assert.equal(viewport.zoomView(near, fit, 0.01, 0, 0), fit);
  assert.equal(viewport.zoomView(near, fit, 1e9, 0, 0).scale, 40);
});

test("zoom and pan are the same view in a stage of any size", () => {
  const image = { width: 1000, height: 500 };
  for (const [width, height] of [
    [500, 250],
    [800, 600],
    [300, 200],
  ]) {
    const fit = viewport.fitView(image, width, height);
    assert.equal(viewport.viewOf(1, [0.1, 0.9], fit, image, width, height), fit);
    assert.deepEqual(viewport.zoomOf(fit, fit, image, width, height), { zoom: 1, pan: [0.5, 0.5] });
    const view = viewport.viewOf(4, [0.4, 0.6], fit, image, width, height);
    const { zoom, pan } = viewport.zoomOf(view, fit, image, width, height);
    assert.equal(zoom, 4);
    assert.ok(Math.abs(pan[0] - 0.4) < 1e-4 && Math.abs(pan[1] - 0.6) < 1e-4);
    // A point at the edge gives the nearest view that the image still covers.
    const edge = viewport.viewOf(4, [0, 0], fit, image, width, height);
    assert.deepEqual([edge.x, edge.y], [0, 0]);
  }
  const fit = viewport.fitView(image, 500, 250);
  assert.equal(viewport.viewOf(1e6, [0.5, 0.5], fit, image, 500, 250).scale, 40);
});

test("a moved image still covers the stage", () => {
  const image = { width: 100, height: 100 };
  assert.deepEqual(viewport.holdView({ scale: 10, x: 50, y: -2000 }, image, 400, 300), {
    scale: 10,
    x: 0,
    y: -700,
  });
  assert.deepEqual(viewport.holdView({ scale: 1, x: 50, y: -20 }, image, 400, 300), {
    scale: 1,
    x: 150,
    y: 100,
  });
});
