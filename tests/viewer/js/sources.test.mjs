import assert from "node:assert/strict";
import { test } from "node:test";
import * as sources from "../../../seg_widgets/viewer/static/canvas/sources.js";

test("an address in a dropped or pasted text is found, and nothing else is", () => {
  assert.equal(sources.addressIn(" https://example.org/a.jpg \n"), "https://example.org/a.jpg");
  assert.equal(sources.addressIn("# a comment\r\nhttp://example.org/a b"), null);
  assert.equal(sources.addressIn("# a comment\r\nHTTP://example.org/a"), "HTTP://example.org/a");
  for (const text of [
    "",
    "photo.jpg",
    "file:///etc/passwd",
    "see https://example.org",
    "javascript:alert(1)",
  ]) {
    assert.equal(sources.addressIn(text), null);
  }
});

test("a file over the kernel's limit is told before it is sent", () => {
  const most = 25 * 2 ** 20;
  assert.equal(sources.filesProblem([{ name: "a.jpg", size: most }], most), null);
  const files = [
    { name: "a.jpg", size: 3 },
    { name: "b.tif", size: 31 * 2 ** 20 },
  ];
  const problem = sources.filesProblem(files, most);
  assert.match(problem, /^b\.tif has 31 MiB, and images may have 25 MiB\./);
  const barely = sources.filesProblem([{ name: "c.png", size: most + 1 }], most);
  assert.match(barely, /^c\.png has 26 MiB, and images may have 25 MiB\./);
});
