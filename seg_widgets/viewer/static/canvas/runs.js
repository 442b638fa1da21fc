// Masks as runs: the pixels of each row from where to where. Intersections, pieces and holes cost as
// much as a mask has runs, not pixels. prediction/pieces.py and overlaps.py do the same.

/** @import {Mask} from "./types.js" */

/**
 * @typedef {object} Runs
 * @property {number} x of the first column, in the image
 * @property {number} y of the first row
 * @property {number} width
 * @property {number} height
 * @property {number[]} rows where each row's runs begin in `edges`, and at last its length
 * @property {number[]} edges a run's first column and the column behind it, in the crop
 */

/**
 * @param {Mask} mask one without bits is all inside
 * @returns {Runs}
 */
export function runsOf({ x, y, width, height, bits }) {
  const rows = [0];
  /** @type {number[]} */
  const edges = [];
  let bit = 0;
  for (let row = 0; row < height; row++) {
    if (!bits) edges.push(0, width);
    const end = bit + width;
    let inside = false;
    for (let at = bit; bits && at < end; at++) {
      const byte = bits[at >> 3];
      // Eight pixels at once where they are all as the last one.
      if ((at & 7) === 0 && at + 8 <= end && byte === (inside ? 255 : 0)) {
        at += 7;
        continue;
      }
      if (((byte >> (7 - (at & 7))) & 1) === (inside ? 1 : 0)) continue;
      edges.push(at - bit);
      inside = !inside;
    }
    if (inside) edges.push(width);
    rows.push(edges.length);
    bit = end;
  }
  return { x, y, width, height, rows, edges };
}

/**
 * The pixels that two masks share.
 *
 * @param {Runs} one
 * @param {Runs} other
 */
export function sharedPixels(one, other) {
  const top = Math.max(one.y, other.y);
  const bottom = Math.min(one.y + one.height, other.y + other.height);
  const shift = other.x - one.x;
  let shared = 0;
  for (let y = top; y < bottom; y++) {
    let [a, aEnd] = [one.rows[y - one.y], one.rows[y - one.y + 1]];
    let [b, bEnd] = [other.rows[y - other.y], other.rows[y - other.y + 1]];
    while (a < aEnd && b < bEnd) {
      const low = Math.max(one.edges[a], other.edges[b] + shift);
      const [endA, endB] = [one.edges[a + 1], other.edges[b + 1] + shift];
      const high = Math.min(endA, endB);
      if (high > low) shared += high - low;
      if (endA <= endB) a += 2;
      if (endB <= endA) b += 2;
    }
  }
  return shared;
}

/**
 * The largest connected piece; pixels that touch at a corner belong to one. Of equal ones the one
 * whose first pixel comes first.
 *
 * @param {Mask} mask
 * @returns {Mask} the mask itself where it is one piece
 */
export function largestPiece(mask) {
  const runs = runsOf(mask);
  const roots = joined(runs, 1);
  /** @type {Map<number, number>} */
  const areas = new Map();
  roots.forEach((root, run) => {
    const length = runs.edges[2 * run + 1] - runs.edges[2 * run];
    areas.set(root, (areas.get(root) ?? 0) + length);
  });
  if (areas.size < 2) return mask;
  const most = Math.max(...areas.values());
  const chosen = roots.find((root) => areas.get(root) === most);
  return painted(runs, (run) => roots[run] === chosen);
}

/**
 * A mask with its holes filled: what is outside, and from where no way over pixels that share an
 * edge leads to the crop's edge.
 *
 * @param {Mask} mask
 * @returns {Mask} the mask itself where it has no hole
 */
export function fillHoles(mask) {
  const gaps = gapsOf(runsOf(mask));
  const roots = joined(gaps, 0);
  const open = new Set();
  forEachRun(gaps, (run, row) => {
    const [from, to] = [gaps.edges[2 * run], gaps.edges[2 * run + 1]];
    const atEdge = row === 0 || row === gaps.height - 1 || from === 0 || to === gaps.width;
    if (atEdge) open.add(roots[run]);
  });
  if (roots.every((root) => open.has(root))) return mask;
  const outside = painted(gaps, (run) => open.has(roots[run]), false);
  return { ...mask, bits: inverted(outside.bits, mask.width * mask.height) };
}

/**
 * What lies between the runs and beside them.
 *
 * @param {Runs} runs
 * @returns {Runs}
 */
function gapsOf(runs) {
  const rows = [0];
  /** @type {number[]} */
  const edges = [];
  for (let row = 0; row < runs.height; row++) {
    let from = 0;
    for (let at = runs.rows[row]; at < runs.rows[row + 1]; at += 2) {
      if (runs.edges[at] > from) edges.push(from, runs.edges[at]);
      from = runs.edges[at + 1];
    }
    if (from < runs.width) edges.push(from, runs.width);
    rows.push(edges.length);
  }
  return { ...runs, rows, edges };
}

/**
 * For each run the first run of the piece that it belongs to.
 *
 * @param {Runs} runs
 * @param {number} reach 1: runs that touch at a corner are joined, too; 0: only those that share an edge
 */
function joined({ rows, edges, height }, reach) {
  const parents = Array.from({ length: edges.length / 2 }, (_, run) => run);
  const rootOf = (/** @type {number} */ run) => {
    while (parents[run] !== run) {
      parents[run] = parents[parents[run]];
      run = parents[run];
    }
    return run;
  };
  for (let row = 1; row < height; row++) {
    let [above, below] = [rows[row - 1], rows[row]];
    while (above < rows[row] && below < rows[row + 1]) {
      const touch =
        edges[above] < edges[below + 1] + reach && edges[below] < edges[above + 1] + reach;
      if (touch) {
        const [one, other] = [rootOf(above / 2), rootOf(below / 2)];
        parents[Math.max(one, other)] = Math.min(one, other);
      }
      if (edges[above + 1] < edges[below + 1]) above += 2;
      else below += 2;
    }
  }
  return parents.map((_, run) => rootOf(run));
}

/**
 * @param {Runs} runs
 * @param {(run: number, row: number) => void} call
 */
function forEachRun({ rows, height }, call) {
  for (let row = 0; row < height; row++) {
    for (let at = rows[row]; at < rows[row + 1]; at += 2) call(at / 2, row);
  }
}

/**
 * A mask of some of the runs.
 *
 * @param {Runs} runs
 * @param {(run: number) => boolean} has
 * @param {boolean} tight whether it is cut down to its pixels
 * @returns {Mask & {bits: Uint8Array}}
 */
function painted(runs, has, tight = true) {
  let [left, top, right, bottom] = tight ? [runs.width, runs.height, 0, 0] : [0, 0, 0, 0];
  if (!tight) [right, bottom] = [runs.width, runs.height];
  forEachRun(runs, (run, row) => {
    if (!has(run)) return;
    left = Math.min(left, runs.edges[2 * run]);
    right = Math.max(right, runs.edges[2 * run + 1]);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row + 1);
  });
  const [width, height] = [right - left, bottom - top];
  const bits = new Uint8Array((width * height + 7) >> 3);
  forEachRun(runs, (run, row) => {
    if (!has(run)) return;
    const start = (row - top) * width - left;
    const end = start + runs.edges[2 * run + 1];
    for (let at = start + runs.edges[2 * run]; at < end; at++) {
      // Eight pixels at once where they share a byte.
      if ((at & 7) === 0 && at + 8 <= end) {
        bits[at >> 3] = 255;
        at += 7;
      } else bits[at >> 3] |= 128 >> (at & 7);
    }
  });
  return { x: runs.x + left, y: runs.y + top, width, height, bits };
}

/**
 * @param {Uint8Array} bits
 * @param {number} count those behind it stay 0
 */
function inverted(bits, count) {
  const others = bits.map((byte) => byte ^ 255);
  if (count & 7) others[count >> 3] &= 255 << (8 - (count & 7));
  return others;
}

/**
 * The pixels of a mask.
 *
 * @param {Runs} runs
 */
export function pixelsOf({ edges }) {
  let pixels = 0;
  for (let at = 0; at < edges.length; at += 2) pixels += edges[at + 1] - edges[at];
  return pixels;
}
