import assert from "node:assert/strict";
import { test } from "node:test";
import * as camera from "../../../seg_widgets/viewer/static/canvas/camera.js";

test("a time makes a file name", () => {
  assert.equal(camera.timeName(new Date(2026, 10, 3, 4, 5, 6)), "2026-11-03 04.05.06");
});
