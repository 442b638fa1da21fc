import assert from "node:assert/strict";
import { mock, test } from "node:test";
import * as kernel from "../../../seg_widgets/viewer/static/canvas/kernel.js";
import { REQUESTS } from "../../../seg_widgets/viewer/static/shared/protocol.js";
import { FakeModel } from "./helpers.mjs";

test("a kernel is away only where the widget manager says so", () => {
  assert.equal(kernel.hasKernel({ kernel: {} }), true);
  assert.equal(kernel.hasKernel({ kernel: null }), false);
  assert.equal(kernel.hasKernel({ context: { sessionContext: { session: {} } } }), true);
  assert.equal(kernel.hasKernel({ context: { sessionContext: { session: null } } }), false);
  assert.equal(kernel.hasKernel({}), true);
  assert.equal(kernel.hasKernel(undefined), true);
});

/** A kernel's part of a view, what it was told to the view, and its model. */
function connected(manager = { kernel: {} }) {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const model = new FakeModel({ layout: null, upload: null });
  model.widget_manager = manager;
  const changes = { count: 0 };
  return { model, changes, kernel: new kernel.Kernel(model, () => changes.count++) };
}

test("a request is sent, confirmed and replied to", () => {
  const { model, kernel: link } = connected();
  const files = [];
  link.request(REQUESTS.export("csv"), [], "late", (message) => files.push(message.file));
  const { id, ...content } = model.sent[0].content;
  assert.deepEqual(content, { action: "export", format: "csv" });
  model.emit("msg:custom", { received: id }, []);
  mock.timers.tick(60_000);
  assert.equal(link.problem, "");
  model.emit("msg:custom", { reply: "another view's" }, []);
  model.emit("msg:custom", { reply: id, file: "a.csv" }, []);
  model.emit("msg:custom", { reply: id, file: "again" }, []);
  assert.deepEqual(files, ["a.csv"]);
  link.destroy();
  mock.timers.reset();
});

test("a request that is not confirmed is said to be late, until the kernel is heard of", () => {
  const { model, changes, kernel: link } = connected();
  link.request(REQUESTS.cancel(), [], "The kernel is busy.");
  mock.timers.tick(9_999);
  assert.equal(link.problem, "");
  mock.timers.tick(1);
  assert.equal(link.problem, "The kernel is busy.");
  assert.equal(changes.count, 1);
  model.emit("msg:custom", { received: model.sent[0].content.id }, []);
  assert.equal(link.problem, "");
  assert.equal(changes.count, 2);
  link.destroy();
  mock.timers.reset();
});

test("a kernel that goes is noticed, and one that never was is no problem", () => {
  const manager = { kernel: {} };
  const { changes, kernel: link } = connected(manager);
  link.request(REQUESTS.cancel(), [], "late");
  manager.kernel = null;
  mock.timers.tick(2000);
  assert.equal(link.live, false);
  assert.equal(changes.count, 1);
  assert.match(link.problem, /^The kernel was stopped or restarted/);
  link.destroy();
  mock.timers.reset();
  const { kernel: saved } = connected({ kernel: null });
  assert.equal(saved.problem, "");
  saved.destroy();
  mock.timers.reset();
});

test("a large upload may have been refused by the server", () => {
  assert.match(kernel.lateUpload(1, 1000), /^The image has not reached the kernel\./);
  assert.doesNotMatch(kernel.lateUpload(1, 1000), /refused/);
  assert.match(kernel.lateUpload(3, 20e6), /^The 3 images have .* refused 19 MiB/);
});
