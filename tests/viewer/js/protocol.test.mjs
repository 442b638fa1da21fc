import assert from "node:assert/strict";
import { test } from "node:test";
import * as protocol from "../../../seg_widgets/viewer/static/shared/protocol.js";

test("a request with its number is the request and the number", () => {
  const request = protocol.withId(protocol.REQUESTS.export("csv"), "a-1");
  assert.deepEqual(request, { action: "export", format: "csv", id: "a-1" });
});

test("what the kernel says is read, and what is none of it has no id", () => {
  const nothing = { isReply: false, failed: false, file: "", mediaType: "" };
  assert.deepEqual(protocol.readReply({ received: "a-1" }), { ...nothing, id: "a-1" });
  const failed = { ...nothing, id: "a-1", isReply: true, failed: true };
  assert.deepEqual(protocol.readReply({ reply: "a-1", failed: true }), failed);
  for (const message of [null, undefined, {}, "text"]) {
    assert.deepEqual(protocol.readReply(message), { ...nothing, id: undefined });
  }
});
