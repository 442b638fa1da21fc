import assert from "node:assert/strict";
import { test } from "node:test";
import { readNumber } from "../../../seg_widgets/viewer/static/canvas/typed.js";

test("a decimal comma is a decimal point", () => {
  assert.equal(readNumber("0,3"), "0.3");
  assert.equal(readNumber(" ,25 "), ".25");
  assert.equal(readNumber("0.75"), "0.75");
  assert.equal(readNumber("1"), "1");
  assert.equal(readNumber("1,0"), "1.0");
  assert.equal(readNumber("0"), "0");
});

test("what is no number from 0 to 1 is not read", () => {
  for (const text of ["", "30", "30%", "1.5", "0,3,4", "0.3.4", "-0.2", "high", "1e-1", "0 3"]) {
    assert.equal(readNumber(text), "", text);
  }
});
