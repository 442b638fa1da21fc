import assert from "node:assert/strict";
import { test } from "node:test";
import * as colors from "../../../seg_widgets/viewer/static/canvas/colors.js";
import { header } from "./helpers.mjs";

test("colours are read, mixed and contrasted", () => {
  assert.equal(colors.textColor("#f0e442"), "#000000");
  assert.equal(colors.textColor("#0072b2"), "#ffffff");
  assert.equal(colors.scoreColor(0), "#440154");
  assert.equal(colors.scoreColor(1), "#fde725");
  assert.equal(colors.scoreColor(7), "#fde725");
  assert.equal(colors.instanceColor(header, 1, "class"), "#0072b2");
  assert.equal(colors.instanceColor(header, 1, "instance"), "#222222");
  assert.equal(colors.instanceColor({ ...header, scores: [0, 1] }, 1, "score"), "#fde725");
});
