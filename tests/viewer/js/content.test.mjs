import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import * as content from "../../../seg_widgets/viewer/static/canvas/content.js";

test("a message is split into its parts, wherever it lies in its buffer", () => {
  const head = new TextEncoder().encode(JSON.stringify({ name: "å", imageBytes: 3, maskBytes: 2 }));
  const bytes = new Uint8Array(5 + 8 + head.length + 5);
  bytes.set([83, 69, 71, 87, head.length, 0, 0, 0], 5);
  bytes.set(head, 13);
  bytes.set([1, 2, 3, 4, 5], 13 + head.length);
  const parts = content.parseContent(new DataView(bytes.buffer, 5));
  assert.equal(parts.header.name, "å");
  assert.deepEqual([...parts.image], [1, 2, 3]);
  assert.deepEqual([...parts.packed], [4, 5]);
  assert.throws(
    () => content.parseContent(new DataView(bytes.buffer, 5, 8 + head.length)),
    /cut short/,
  );
  assert.throws(() => content.parseContent(new DataView(bytes.buffer)), /not one of seg_widgets/);
  assert.throws(
    () => content.parseContent(new DataView(new ArrayBuffer(3))),
    /not one of seg_widgets/,
  );
});

test("zlib's bytes are inflated", async () => {
  const plain = Uint8Array.from({ length: 5000 }, (_, at) => at % 7);
  assert.deepEqual(await content.inflate(deflateSync(plain, { level: 1 })), plain);
  await assert.rejects(content.inflate(Uint8Array.of(1, 2, 3)));
});
