import assert from "node:assert/strict";
import { test } from "node:test";
import * as masks from "../../../seg_widgets/viewer/static/canvas/masks.js";
import { maskOf } from "./helpers.mjs";

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

test("a mask that is still to come is its box until then", () => {
  const here = maskOf(["#.#"], 4, 5);
  const given = {
    hasMasks: true,
    width: 20,
    height: 10,
    boxes: [
      [1.5, 2, 30, 4.2],
      [4, 5, 7, 6],
    ],
    crops: [null, [4, 5, 3, 1]],
  };
  const found = masks.readMasks(given, new Uint8Array(here.bits));
  assert.deepEqual(found[0], { x: 1, y: 2, width: 19, height: 3, bits: null, waits: true });
  assert.equal(masks.maskHas(found[1], 4, 5), true);
  assert.equal(masks.maskHas(found[1], 5, 5), false);
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
  const found = masks.readMasks(given, bits);
  assert.equal(masks.maskHas(found[0], 5, 5), true);
  assert.equal(masks.maskHas(found[0], 5, 6), false);
  assert.equal(masks.maskHas(found[1], 0, 0), false);
  assert.equal(masks.maskHas(found[2], 8, 1), true);
  assert.throws(() => masks.readMasks(given, new Uint8Array([...bits, 0])), /cut short/);
});

test("without masks a box is all inside, and never leaves the image", () => {
  const [mask] = masks.readMasks(
    { hasMasks: false, width: 10, height: 8, boxes: [[-2, 1.2, 12.5, 7.9]] },
    null,
  );
  assert.deepEqual({ ...mask }, { x: 0, y: 1, width: 10, height: 7, bits: null });
  assert.equal(masks.maskHas(mask, 9, 7), true);
  assert.equal(masks.maskHas(mask, 10, 7), false);
  assert.equal(masks.traceMask(mask).length, 1);
});

test("a square's outline cuts its corners by half a pixel and has no point too many", () => {
  const [loop] = masks.traceMask(maskOf(["###", "###", "###"], 10, 20));
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
  assert.equal(masks.traceMask(maskOf(["###", "#.#", "###"])).length, 2);
  assert.equal(masks.traceMask(maskOf(["#.#"])).length, 2);
  assert.equal(masks.traceMask(maskOf(["#.", ".#"])).length, 2);
  assert.equal(masks.traceMask(maskOf(["."])).length, 0);
  assert.equal(
    masks.traceMask({ x: 0, y: 0, width: 0, height: 0, bits: new Uint8Array() }).length,
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
    const loops = masks.traceMask(mask);
    for (let y = 0; y < height + 4; y++) {
      for (let x = 0; x < width + 6; x++) {
        // Not quite the middle: a ray through a vertex would be counted twice.
        assert.equal(
          inside(loops, x + 0.5, y + 0.501),
          masks.maskHas(mask, x, y),
          `${rows.join("/")} at ${x}, ${y}`,
        );
      }
    }
  }
});

test("a staircase of one pixel becomes one straight line", () => {
  const rows = Array.from({ length: 40 }, (_, row) => "#".repeat(row + 1).padEnd(40, "."));
  assert.ok(masks.traceMask(maskOf(rows))[0].length / 2 < 12);
});

test("smoothed outlines stay within a pixel of the exact ones", () => {
  const rows = Array.from({ length: 60 }, (_, row) =>
    Array.from({ length: 80 }, (_, at) =>
      ((at - 40) / 37) ** 2 + ((row - 30) / 26) ** 2 <= 1 ? "#" : ".",
    ).join(""),
  );
  const mask = maskOf(rows);
  const [exact, smooth] = [masks.traceMask(mask), masks.traceMask(mask, true)];
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
  assert.deepEqual(masks.traceMask(maskOf(["#"]), true), masks.traceMask(maskOf(["#"])));
});

test("a coarse outline has far fewer points and lies as close as it may", () => {
  const rows = Array.from({ length: 80 }, (_, y) =>
    Array.from({ length: 120 }, (_, x) =>
      ((x - 59.5) / 60) ** 2 + ((y - 39.5) / 40) ** 2 <= 1 && !(x === 60 && y === 40) ? "#" : ".",
    ).join(""),
  );
  const mask = maskOf(rows, 3, 4);
  const [fine] = masks.traceMask(mask, true);
  const coarse = masks.traceMask(mask, true, 0.45);
  assert.ok(coarse[0].length < fine.length / 2);
  // The hole of one pixel stays.
  assert.equal(coarse.length, 2);
  let most = 0;
  for (let at = 0; at < fine.length; at += 2) {
    let least = Infinity;
    for (let to = 0; to < coarse[0].length; to += 2) {
      const next = (to + 2) % coarse[0].length;
      const [x, y] = [coarse[0][to], coarse[0][to + 1]];
      const [dx, dy] = [coarse[0][next] - x, coarse[0][next + 1] - y];
      const along = ((fine[at] - x) * dx + (fine[at + 1] - y) * dy) / (dx * dx + dy * dy);
      const share = Math.max(0, Math.min(1, along));
      const [px, py] = [x + share * dx, y + share * dy];
      least = Math.min(least, Math.hypot(fine[at] - px, fine[at + 1] - py));
    }
    most = Math.max(most, least);
  }
  assert.ok(most <= 0.55, `${most}`);
  // Masks are traced in memory that is used again: a smaller one is not disturbed by a larger one.
  assert.deepEqual(masks.traceMask(maskOf(["##", "##"])), masks.traceMask(maskOf(["##", "##"])));
});
