// The canvas's pure helpers. Started by tests/viewer/test_javascript.py, or by hand: node --test tests/viewer/js/

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { deflateSync } from "node:zlib";

// The module is canvas.js, which node takes for a module only under this ending.
const folder = mkdtempSync(join(tmpdir(), "seg-widgets-"));
const copy = join(folder, "canvas.mjs");
copyFileSync(
  fileURLToPath(new URL("../../../seg_widgets/viewer/static/canvas.js", import.meta.url)),
  copy,
);
const canvas = await import(pathToFileURL(copy).href);
after(() => rmSync(folder, { recursive: true }));

/** A mask from rows of "#" and "." at (x, y). */
function maskOf(rows, x = 0, y = 0) {
  const [height, width] = [rows.length, rows[0].length];
  const bits = new Uint8Array((width * height + 7) >> 3);
  [...rows.join("")].forEach((cell, at) => {
    if (cell === "#") bits[at >> 3] |= 128 >> (at & 7);
  });
  return { x, y, width, height, bits };
}

/** How often the loops wind around a point, by the even-odd rule. */
function inside(loops, x, y) {
  let odd = false;
  for (const loop of loops) {
    for (let at = 0; at < loop.length; at += 2) {
      const [x0, y0] = [loop[at], loop[at + 1]];
      const [x1, y1] = [loop[(at + 2) % loop.length], loop[(at + 3) % loop.length]];
      if (y0 > y !== y1 > y && x < x0 + ((y - y0) * (x1 - x0)) / (y1 - y0)) odd = !odd;
    }
  }
  return odd;
}

function randomBits(count, share, seed) {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 < share;
  });
}

const header = {
  name: "a.jpg",
  width: 100,
  height: 50,
  hasMasks: true,
  classes: [
    { id: 2, name: "person", color: "#e69f00" },
    { id: 5, name: "animal", color: "#0072b2" },
  ],
  classIds: [2, 5, 2],
  scores: [Math.fround(0.9), Math.fround(0.5), Math.fround(0.31)],
  areas: [400, 4, 1],
  boxes: [
    [0, 0, 20, 20],
    [5, 5, 7, 7],
    [5, 5, 6, 6],
  ],
  crops: [],
  colors: ["#111111", "#222222", "#333333"],
};

test("a message is split into its parts, wherever it lies in its buffer", () => {
  const head = new TextEncoder().encode(JSON.stringify({ name: "å", imageBytes: 3, maskBytes: 2 }));
  const bytes = new Uint8Array(5 + 8 + head.length + 5);
  bytes.set([83, 69, 71, 87, head.length, 0, 0, 0], 5);
  bytes.set(head, 13);
  bytes.set([1, 2, 3, 4, 5], 13 + head.length);
  const parts = canvas.parseContent(new DataView(bytes.buffer, 5));
  assert.equal(parts.header.name, "å");
  assert.deepEqual([...parts.picture], [1, 2, 3]);
  assert.deepEqual([...parts.packed], [4, 5]);
  assert.throws(
    () => canvas.parseContent(new DataView(bytes.buffer, 5, 8 + head.length)),
    /cut short/,
  );
  assert.throws(() => canvas.parseContent(new DataView(bytes.buffer)), /not one of seg_widgets/);
  assert.throws(
    () => canvas.parseContent(new DataView(new ArrayBuffer(3))),
    /not one of seg_widgets/,
  );
});

test("zlib's bytes are inflated", async () => {
  const plain = Uint8Array.from({ length: 5000 }, (_, at) => at % 7);
  assert.deepEqual(await canvas.inflate(deflateSync(plain, { level: 1 })), plain);
  await assert.rejects(canvas.inflate(Uint8Array.of(1, 2, 3)));
});

test("masks are cut from the bits one after the other, each from a whole byte on", () => {
  const first = maskOf(["###", "#.#"], 4, 5);
  const second = maskOf(["#########"], 0, 1);
  const bits = new Uint8Array([...first.bits, ...second.bits]);
  const given = {
    hasMasks: true,
    crops: [
      [4, 5, 3, 2],
      [0, 0, 0, 0],
      [0, 1, 9, 1],
    ],
  };
  const masks = canvas.readMasks(given, bits);
  assert.equal(canvas.maskHas(masks[0], 5, 5), true);
  assert.equal(canvas.maskHas(masks[0], 5, 6), false);
  assert.equal(canvas.maskHas(masks[1], 0, 0), false);
  assert.equal(canvas.maskHas(masks[2], 8, 1), true);
  assert.throws(() => canvas.readMasks(given, new Uint8Array([...bits, 0])), /cut short/);
});

test("without masks a box is all inside, and never leaves the image", () => {
  const [mask] = canvas.readMasks(
    { hasMasks: false, width: 10, height: 8, boxes: [[-2, 1.2, 12.5, 7.9]] },
    null,
  );
  assert.deepEqual({ ...mask }, { x: 0, y: 1, width: 10, height: 7, bits: null });
  assert.equal(canvas.maskHas(mask, 9, 7), true);
  assert.equal(canvas.maskHas(mask, 10, 7), false);
  assert.equal(canvas.traceMask(mask).length, 1);
});

test("a square's outline cuts its corners by half a pixel and has no point too many", () => {
  const [loop] = canvas.traceMask(maskOf(["###", "###", "###"], 10, 20));
  const points = loop.map((value, at) => value - (at % 2 ? 20 : 10));
  assert.equal(points.length, 16);
  for (let at = 0; at < 16; at += 2) {
    assert.ok(
      [0, 3].includes(points[at])
        ? [0.5, 2.5].includes(points[at + 1])
        : [0.5, 2.5].includes(points[at]),
    );
  }
});

test("a hole and a second piece are loops of their own", () => {
  assert.equal(canvas.traceMask(maskOf(["###", "#.#", "###"])).length, 2);
  assert.equal(canvas.traceMask(maskOf(["#.#"])).length, 2);
  assert.equal(canvas.traceMask(maskOf(["#.", ".#"])).length, 2);
  assert.equal(canvas.traceMask(maskOf(["."])).length, 0);
  assert.equal(
    canvas.traceMask({ x: 0, y: 0, width: 0, height: 0, bits: new Uint8Array() }).length,
    0,
  );
});

test("the outline of any mask holds exactly its pixels' middles", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const [width, height] = [1 + (seed % 9), 1 + ((seed * 7) % 11)];
    const cells = randomBits(width * height, 0.2 + (seed % 7) / 10, seed);
    const rows = Array.from({ length: height }, (_, row) =>
      cells
        .slice(row * width, (row + 1) * width)
        .map((cell) => (cell ? "#" : "."))
        .join(""),
    );
    const mask = maskOf(rows, 3, 2);
    const loops = canvas.traceMask(mask);
    for (let y = 0; y < height + 4; y++) {
      for (let x = 0; x < width + 6; x++) {
        // Not quite the middle: a ray through a vertex would be counted twice.
        assert.equal(
          inside(loops, x + 0.5, y + 0.501),
          canvas.maskHas(mask, x, y),
          `${rows.join("/")} at ${x}, ${y}`,
        );
      }
    }
  }
});

test("a staircase of one pixel becomes one straight line", () => {
  const rows = Array.from({ length: 40 }, (_, row) => "#".repeat(row + 1).padEnd(40, "."));
  assert.ok(canvas.traceMask(maskOf(rows))[0].length / 2 < 12);
});

test("smoothed outlines stay within a pixel of the exact ones", () => {
  const rows = Array.from({ length: 60 }, (_, row) =>
    Array.from({ length: 80 }, (_, at) =>
      ((at - 40) / 37) ** 2 + ((row - 30) / 26) ** 2 <= 1 ? "#" : ".",
    ).join(""),
  );
  const mask = maskOf(rows);
  const [exact, smooth] = [canvas.traceMask(mask), canvas.traceMask(mask, true)];
  assert.equal(smooth.length, 1);
  assert.ok(smooth[0].length < exact[0].length);
  for (let at = 0; at < smooth[0].length; at += 2) {
    const [x, y] = [smooth[0][at], smooth[0][at + 1]];
    const [acrossX, acrossY] = [x > 40.5 ? 1 : -1, y > 30.5 ? 1 : -1];
    assert.ok(
      inside(exact, x - acrossX, y - acrossY + 0.001) ||
        inside(exact, x - acrossX, y) ||
        inside(exact, x, y - acrossY),
    );
    assert.ok(!inside(exact, x + acrossX, y + acrossY + 0.001));
  }
  // What is too small to be smoothed is left alone.
  assert.deepEqual(canvas.traceMask(maskOf(["#"]), true), canvas.traceMask(maskOf(["#"])));
});

test("the threshold is met as float32, as in Python", () => {
  const scores = [0.1, 0.3, 0.7].map(Math.fround);
  const all = { ...header, scores, classIds: [2, 2, 2] };
  for (const [index, threshold] of [0.1, 0.3, 0.7].entries()) {
    assert.deepEqual(canvas.visibleInstances(all, { threshold }), [0, 1, 2].slice(index));
  }
});

test("hidden classes and hidden instances are not shown", () => {
  const shown = (state) => canvas.visibleInstances(header, { threshold: 0, ...state });
  assert.deepEqual(shown({}), [0, 1, 2]);
  assert.deepEqual(shown({ hiddenClasses: ["person", "unknown"] }), [1]);
  assert.deepEqual(shown({ hiddenInstances: [0, 7] }), [1, 2]);
});

test("a class's own threshold stands in place of the common one, lower or higher", () => {
  const shown = (state) => canvas.visibleInstances(header, { threshold: 0.5, ...state });
  assert.deepEqual(shown({ classThresholds: { person: 0.31 } }), [0, 1, 2]);
  assert.deepEqual(shown({ classThresholds: { person: 0.95 } }), [1]);
  assert.deepEqual(shown({ classThresholds: { animal: 0.51, unknown: 0 } }), [0]);
  assert.deepEqual(shown({ classThresholds: { person: 0 }, hiddenClasses: ["person"] }), [1]);
  const hidden = { threshold: 0.5, hiddenInstances: [0] };
  assert.deepEqual(canvas.likelyInstances(header, hidden), [0, 1]);
});

test("instances are sorted by score, area or class; equal ones by their score", () => {
  const sort = (by, descending) => canvas.sortInstances(header, [0, 1, 2], by, descending);
  assert.deepEqual(sort("score", true), [0, 1, 2]);
  assert.deepEqual(sort("score", false), [2, 1, 0]);
  assert.deepEqual(sort("area", false), [2, 1, 0]);
  assert.deepEqual(sort("class", false), [1, 0, 2]);
  assert.deepEqual(sort("class", true), [0, 2, 1]);
});

test("the pointer finds the smallest shown instance, by pixel", () => {
  const scene = {
    header,
    masks: [
      maskOf(Array(20).fill("#".repeat(20))),
      maskOf(["##", "##"], 5, 5),
      maskOf(["#"], 5, 5),
    ],
  };
  assert.equal(canvas.instanceAt(scene, [0, 1, 2], 5, 5), 2);
  assert.equal(canvas.instanceAt(scene, [0, 1], 5, 5), 1);
  assert.equal(canvas.instanceAt(scene, [0, 1, 2], 6, 6), 1);
  assert.equal(canvas.instanceAt(scene, [1, 2], 8, 8), null);
});

test("classes are counted and said in words", () => {
  const rows = canvas.countClasses(header, [0, 1]);
  assert.deepEqual(
    rows.map((row) => [row.name, row.shown, row.total]),
    [
      ["person", 1, 2],
      ["animal", 1, 1],
    ],
  );
  const many = { ...header, scores: [0.3, 0.6, 0.3, 0.2], classIds: [2, 5, 2, 2] };
  assert.deepEqual(
    canvas.countClasses(many, []).map((row) => [row.name, row.total]),
    [
      ["animal", 1],
      ["person", 3],
    ],
  );
  assert.equal(canvas.summarize(header, [0, 1]), "2 of 3 instances shown: 1 person, 1 animal");
  assert.equal(canvas.summarize(header, []), "0 of 3 instances shown");
  assert.equal(
    canvas.summarize({ ...header, scores: [0.4], classIds: [5] }, [0]),
    "1 of 1 instance shown: 1 animal",
  );
  assert.equal(canvas.summarize({ ...header, scores: [], classIds: [] }, []), "No objects found");
});

test("nothing to show is explained, and what helps does help", () => {
  const explain = (state) =>
    canvas.explainNothing(header, canvas.visibleInstances(header, state), state);
  assert.equal(explain({ threshold: 0.5 }), null);
  const low = explain({ threshold: 0.95 });
  assert.equal(low.text, "Nothing above 0.95; best is 0.90.");
  assert.equal(canvas.visibleInstances(header, { threshold: low.change.threshold }).length, 1);
  const hidden = explain({ threshold: 0.5, hiddenClasses: ["person", "animal"] });
  assert.equal(hidden.text, "All 2 instances are hidden.");
  assert.deepEqual(hidden.change, { hidden_classes: [], hidden_instances: [] });
  assert.equal(
    explain({ threshold: 0.6, hiddenInstances: [0] }).text,
    "The one instance is hidden.",
  );
  const own = explain({ threshold: 0.5, classThresholds: { person: 0.95, animal: 0.95 } });
  assert.equal(own.text, "Nothing meets the threshold of its own class.");
  assert.deepEqual(own.change, { class_thresholds: {} });
  const both = explain({ threshold: 0.95, classThresholds: { person: 0.99 } });
  assert.deepEqual(both.change, {
    threshold: 0.89,
    hidden_classes: [],
    hidden_instances: [],
    class_thresholds: {},
  });
  const none = { ...header, scores: [], classIds: [] };
  assert.equal(canvas.explainNothing(none, [], { threshold: 0.5 }).action, null);
});

test("arrow keys step from the best score on, around the ends", () => {
  const step = (current, by) => canvas.stepInstance(header, [2, 0, 1], current, by);
  assert.deepEqual(
    [step(null, 1), step(0, 1), step(1, 1), step(2, 1), step(0, -1), step(null, -1)],
    [0, 1, 2, 0, 2, 2],
  );
  assert.equal(canvas.stepInstance(header, [], null, 1), null);
});

test("the image is fitted, centred and never enlarged into a mosaic", () => {
  assert.equal(canvas.stageHeight({ width: 1280, height: 960 }, 640), 480);
  assert.equal(canvas.stageHeight({ width: 100, height: 4000 }, 640), 640);
  assert.equal(canvas.stageHeight({ width: 4000, height: 100 }, 640), 200);
  assert.deepEqual(canvas.fitView({ width: 1280, height: 960 }, 640, 480), {
    scale: 0.5,
    x: 0,
    y: 0,
  });
  assert.deepEqual(canvas.fitView({ width: 10, height: 10 }, 640, 200), {
    scale: 3,
    x: 305,
    y: 85,
  });
});

test("zooming keeps the point under the pointer and stays between fit and 40 : 1", () => {
  const fit = { scale: 0.5, x: 0, y: 0 };
  const near = canvas.zoomView(fit, fit, 4, 100, 60);
  assert.equal((100 - near.x) / near.scale, 200);
  assert.equal((60 - near.y) / near.scale, 120);
  assert.equal(canvas.zoomView(near, fit, 0.01, 0, 0), fit);
  assert.equal(canvas.zoomView(near, fit, 1e9, 0, 0).scale, 40);
});

test("zoom and pan are the same view in a stage of any size", () => {
  const picture = { width: 1000, height: 500 };
  for (const [width, height] of [
    [500, 250],
    [800, 600],
    [300, 200],
  ]) {
    const fit = canvas.fitView(picture, width, height);
    assert.equal(canvas.viewOf(1, [0.1, 0.9], fit, picture, width, height), fit);
    assert.deepEqual(canvas.zoomOf(fit, fit, picture, width, height), { zoom: 1, pan: [0.5, 0.5] });
    const view = canvas.viewOf(4, [0.4, 0.6], fit, picture, width, height);
    const { zoom, pan } = canvas.zoomOf(view, fit, picture, width, height);
    assert.equal(zoom, 4);
    assert.ok(Math.abs(pan[0] - 0.4) < 1e-4 && Math.abs(pan[1] - 0.6) < 1e-4);
    // A point at the edge gives the nearest view that the image still covers.
    const edge = canvas.viewOf(4, [0, 0], fit, picture, width, height);
    assert.deepEqual([edge.x, edge.y], [0, 0]);
  }
  const fit = canvas.fitView(picture, 500, 250);
  assert.equal(canvas.viewOf(1e6, [0.5, 0.5], fit, picture, 500, 250).scale, 40);
});

test("an address in a dropped or pasted text is found, and nothing else is", () => {
  assert.equal(canvas.addressIn(" https://example.org/a.jpg \n"), "https://example.org/a.jpg");
  assert.equal(canvas.addressIn("# a comment\r\nhttp://example.org/a b"), null);
  assert.equal(canvas.addressIn("# a comment\r\nHTTP://example.org/a"), "HTTP://example.org/a");
  for (const text of [
    "",
    "photo.jpg",
    "file:///etc/passwd",
    "see https://example.org",
    "javascript:alert(1)",
  ]) {
    assert.equal(canvas.addressIn(text), null);
  }
});

test("a file over the kernel's limit is told before it is sent", () => {
  assert.equal(canvas.filesProblem([{ name: "a.jpg", size: 25 * 2 ** 20 }]), null);
  const files = [
    { name: "a.jpg", size: 3 },
    { name: "b.tif", size: 31 * 2 ** 20 },
  ];
  assert.match(canvas.filesProblem(files), /^b\.tif has 31 MB, and images may have 25 MB\./);
});

test("a time makes a file name", () => {
  assert.equal(canvas.timeName(new Date(2026, 10, 3, 4, 5, 6)), "2026-11-03 04.05.06");
});

test("a moved image still covers the stage", () => {
  const picture = { width: 100, height: 100 };
  assert.deepEqual(canvas.holdView({ scale: 10, x: 50, y: -2000 }, picture, 400, 300), {
    scale: 10,
    x: 0,
    y: -700,
  });
  assert.deepEqual(canvas.holdView({ scale: 1, x: 50, y: -20 }, picture, 400, 300), {
    scale: 1,
    x: 150,
    y: 100,
  });
});

test("labels never overlap and never leave the stage", () => {
  const wanted = Array.from({ length: 60 }, (_, at) => {
    const [x, y] = [(at * 37) % 380, (at * 53) % 280];
    return { x, y, right: x + 40, bottom: y + 30, width: 70, height: 18 };
  });
  const places = canvas.placeLabels(wanted, 400, 300);
  const boxes = places.filter(Boolean);
  assert.ok(boxes.length > 30);
  for (const [at, one] of boxes.entries()) {
    assert.ok(one.x >= 0 && one.y >= 0 && one.x + 70 <= 400 && one.y + 18 <= 300);
    for (const other of boxes.slice(at + 1)) {
      assert.ok(Math.abs(one.x - other.x) >= 70 || Math.abs(one.y - other.y) >= 18);
    }
  }
  assert.ok(places[0]);
});

test("colours are read, mixed and contrasted", () => {
  assert.equal(canvas.textColor("#f0e442"), "#000000");
  assert.equal(canvas.textColor("#0072b2"), "#ffffff");
  assert.equal(canvas.scoreColor(0), "#440154");
  assert.equal(canvas.scoreColor(1), "#fde725");
  assert.equal(canvas.scoreColor(7), "#fde725");
  assert.equal(canvas.instanceColor(header, 1, "class"), "#0072b2");
  assert.equal(canvas.instanceColor(header, 1, "instance"), "#222222");
  assert.equal(canvas.instanceColor({ ...header, scores: [0, 1] }, 1, "score"), "#fde725");
});

test("an instance is described in words", () => {
  const facts = canvas.describeInstance(header, 0);
  assert.deepEqual(facts, {
    name: "person",
    score: "0.90",
    area: "400 px (8.0 %)",
    share: "8.0 %",
    box: "0, 0 – 20, 20",
  });
  assert.equal(canvas.describeInstance(header, 2).area, "1 px (< 0.1 %)");
});

test("the module is a widget", () => {
  assert.equal(typeof canvas.default.render, "function");
  assert.equal(canvas.render, undefined);
});

test("a kernel is away only where the widget manager says so", () => {
  assert.equal(canvas.hasKernel({ kernel: {} }), true);
  assert.equal(canvas.hasKernel({ kernel: null }), false);
  assert.equal(canvas.hasKernel({ context: { sessionContext: { session: {} } } }), true);
  assert.equal(canvas.hasKernel({ context: { sessionContext: { session: null } } }), false);
  assert.equal(canvas.hasKernel({}), true);
  assert.equal(canvas.hasKernel(undefined), true);
});

test("classes are found by parts of their names", () => {
  const classes = ["baseball_bat", "Baseball glove", "bat", "Äpfel"].map((name) => ({ name }));
  const found = (text) => canvas.findClasses(classes, text).map(({ name }) => name);
  assert.deepEqual(
    found(""),
    classes.map(({ name }) => name),
  );
  assert.deepEqual(found("  BASE "), ["baseball_bat", "Baseball glove"]);
  assert.deepEqual(found("bat base"), ["baseball_bat"]);
  assert.deepEqual(found("baseball_g"), ["Baseball glove"]);
  assert.deepEqual(found("äpf"), ["Äpfel"]);
  assert.deepEqual(found("zebra"), []);
});
