import assert from "node:assert/strict";
import { test } from "node:test";
import canvas from "../../../seg_widgets/viewer/static/canvas/index.js";

test("the canvas is a widget of anywidget's", () => {
  assert.equal(typeof canvas.render, "function");
});
