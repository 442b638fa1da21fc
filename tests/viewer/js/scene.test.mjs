import assert from "node:assert/strict";
import { test } from "node:test";
import { sameBytes } from "../../../seg_widgets/viewer/static/canvas/scene.js";

test("an image is known by all of its bytes", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  assert.ok(sameBytes(bytes, Uint8Array.of(1, 2, 3, 4)));
  assert.ok(!sameBytes(bytes, Uint8Array.of(1, 2, 3, 5)));
  assert.ok(!sameBytes(bytes, bytes.subarray(0, 3)));
  assert.ok(sameBytes(new Uint8Array(), new Uint8Array()));
});
