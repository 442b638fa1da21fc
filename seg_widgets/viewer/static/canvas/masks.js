// Masks: unpacking them, asking them, tracing their outlines.

/** @import {Header, Mask} from "./types.js" */

/**
 * One mask for each instance. A model that gives only boxes has masks without bits: all inside. So
 * has an instance whose mask is still to come.
 *
 * @param {Header} header
 * @param {Uint8Array} bits
 * @returns {Mask[]}
 */
export function readMasks(header, bits) {
  if (!header.hasMasks) {
    return header.boxes.map((_, index) => boxOf(header, index));
  }
  let offset = 0;
  const masks = header.crops.map((crop, index) => {
    if (!crop) return { ...boxOf(header, index), waits: true };
    const [x, y, width, height] = crop;
    const length = (width * height + 7) >> 3;
    const mask = { x, y, width, height, bits: bits.subarray(offset, offset + length) };
    offset += length;
    return mask;
  });
  if (offset !== bits.length) throw new Error("the masks from the kernel are cut short");
  return masks;
}

/**
 * How many bytes its masks take, one behind the other.
 *
 * @param {Header} header
 */
export function maskLength({ hasMasks, crops }) {
  if (!hasMasks) return 0;
  return crops.reduce((sum, crop) => sum + (crop ? (crop[2] * crop[3] + 7) >> 3 : 0), 0);
}

/**
 * @param {Header} header
 * @param {number} index
 * @returns {Mask} the pixels of the instance's box
 */
function boxOf(header, index) {
  const [left, top, right, bottom] = header.boxes[index];
  const x = Math.max(0, Math.floor(left));
  const y = Math.max(0, Math.floor(top));
  const width = Math.max(0, Math.min(header.width, Math.ceil(right)) - x);
  const height = Math.max(0, Math.min(header.height, Math.ceil(bottom)) - y);
  return { x, y, width, height, bits: null };
}

/**
 * Whether the image's pixel (x, y) lies inside the mask.
 *
 * @param {Mask} mask
 * @param {number} x
 * @param {number} y
 */
export function maskHas(mask, x, y) {
  const column = x - mask.x;
  const row = y - mask.y;
  if (column < 0 || row < 0 || column >= mask.width || row >= mask.height) return false;
  if (!mask.bits) return true;
  const bit = row * mask.width + column;
  return ((mask.bits[bit >> 3] >> (7 - (bit & 7))) & 1) === 1;
}

/**
 * The mask's outlines as closed loops, each [x0, y0, x1, y1, …] in image pixels, holes included (fill by even-odd).
 *
 * A loop runs along the pixel borders with the inside on its right, through the middle of each border: stairs of one
 * pixel become straight diagonals, and no point is more than half a pixel off the border. `smooth` evens out the longer
 * stairs, too, by up to a pixel: for eyes only, never for measuring.
 *
 * @param {Mask} mask
 * @param {boolean} smooth
 * @param {number} tolerance how far a smooth outline may lie off to have fewer points, in pixels; 0: as close as it gets
 * @returns {number[][]}
 */
export function traceMask(mask, smooth = false, tolerance = 0) {
  const { x, y, width, height, bits } = mask;
  if (!width || !height) return [];
  if (!bits) return [[x, y, x + width, y, x + width, y + height, x, y + height]];
  const stride = width + 2; // one empty pixel around it, so that no step needs a check of the bounds
  const inside = unpacked(bits, width, height);
  const loops = [];
  for (let start = stride; start < inside.length - stride; start++) {
    if (inside[start] === 1 && !inside[start - stride]) {
      const loop = traceLoop(inside, stride, start, x - 1, y - 1);
      if (!smooth) loops.push(thinLoop(loop, 0));
      else if (tolerance) loops.push(coarseLoop(smoothLoop(loop), tolerance));
      else loops.push(thinLoop(smoothLoop(loop), 0.08));
    }
  }
  return loops;
}

/** Memory that `unpacked` uses again. */
let scratch = { flat: new Uint8Array(0), inside: new Uint8Array(0) };

/**
 * A byte for each pixel, with one empty pixel around them; valid until the next call.
 *
 * @param {Uint8Array} bits
 * @param {number} width
 * @param {number} height
 */
function unpacked(bits, width, height) {
  const stride = width + 2;
  const size = stride * (height + 2);
  if (scratch.inside.length < size) {
    scratch = { flat: new Uint8Array(2 * size), inside: new Uint8Array(2 * size) };
  }
  const { flat } = scratch;
  for (let byte = 0, at = 0; byte < bits.length; byte++, at += 8) {
    const eight = bits[byte];
    flat[at] = eight >> 7;
    flat[at + 1] = (eight >> 6) & 1;
    flat[at + 2] = (eight >> 5) & 1;
    flat[at + 3] = (eight >> 4) & 1;
    flat[at + 4] = (eight >> 3) & 1;
    flat[at + 5] = (eight >> 2) & 1;
    flat[at + 6] = (eight >> 1) & 1;
    flat[at + 7] = eight & 1;
  }
  const inside = scratch.inside.subarray(0, size).fill(0);
  for (let row = 0; row < height; row++) {
    inside.set(flat.subarray(row * width, (row + 1) * width), (row + 1) * stride + 1);
  }
  return inside;
}

/**
 * One closed loop along the pixel borders, from the top border of the pixel `start`.
 *
 * @param {Uint8Array} inside 1 for a pixel of the mask, with one empty pixel around the mask; 2 is written where a loop
 *   has passed its top border
 * @param {number} stride pixels in a row of `inside`
 * @param {number} start
 * @param {number} offsetX added to each x
 * @param {number} offsetY added to each y
 */
function traceLoop(inside, stride, start, offsetX, offsetY) {
  const stepX = [1, 0, -1, 0]; // right, down, left, up
  const stepY = [0, 1, 0, -1];
  const startX = start % stride;
  const startY = (start - startX) / stride;
  const loop = [];
  let [x, y, direction] = [startX, startY, 0]; // the corner at which a border begins, and where it leads
  do {
    if (direction === 0) inside[y * stride + x] = 2;
    loop.push(x + stepX[direction] / 2 + offsetX, y + stepY[direction] / 2 + offsetY);
    x += stepX[direction];
    y += stepY[direction];
    // The two pixels ahead of the corner, to the right (inside) and to the left (outside) of the way.
    const ahead = y * stride + x;
    const right = [ahead, ahead - 1, ahead - 1 - stride, ahead - stride][direction];
    const left = [ahead - stride, ahead, ahead - 1, ahead - 1 - stride][direction];
    if (!inside[right]) direction = (direction + 1) & 3;
    else if (inside[left]) direction = (direction + 3) & 3;
  } while (x !== startX || y !== startY || direction !== 0);
  return loop;
}

/**
 * Each point as a weighted mean of itself and its neighbours (1 4 6 4 1). Small loops would vanish; they stay.
 *
 * @param {number[]} loop
 */
function smoothLoop(loop) {
  const size = loop.length;
  if (size < 32) return loop;
  return loop.map(
    (value, at) =>
      (loop[(at + size - 4) % size] + loop[(at + 4) % size]) / 16 +
      (loop[(at + size - 2) % size] + loop[(at + 2) % size]) / 4 +
      (value * 3) / 8,
  );
}

/**
 * The loop without the points within `tolerance` pixels of the line between their neighbours.
 *
 * @param {number[]} loop
 * @param {number} tolerance
 */
function thinLoop(loop, tolerance) {
  const size = loop.length;
  if (size < 8) return loop;
  const kept = [loop[0], loop[1]];
  let [fromX, fromY, skipped] = [loop[0], loop[1], 0];
  for (let at = 2; at < size; at += 2) {
    const [x, y] = [loop[at], loop[at + 1]];
    const [alongX, alongY] = [loop[(at + 2) % size] - fromX, loop[(at + 3) % size] - fromY];
    const off = Math.abs((x - fromX) * alongY - (y - fromY) * alongX);
    // Points within the tolerance may still bend away in sum, so only so many in a row are left out.
    if (off <= tolerance * Math.hypot(alongX, alongY) && (tolerance === 0 || skipped < 6)) {
      skipped++;
      continue;
    }
    kept.push(x, y);
    [fromX, fromY, skipped] = [x, y, 0];
  }
  return kept;
}

/** So many points are left out in a row at most. */
const MOST_SKIPPED = 24;

/**
 * The loop with as few points as it needs: each one that is left out lies within `tolerance` pixels of the line
 * in its place. Small loops stay.
 *
 * @param {number[]} loop
 * @param {number} tolerance
 */
function coarseLoop(loop, tolerance) {
  const size = loop.length;
  if (size < 16) return loop;
  const kept = [loop[0], loop[1]];
  let from = 0;
  while (from < size) {
    let to = from + 2;
    while (to < size && to - from < 2 * MOST_SKIPPED && isClose(loop, from, to + 2, tolerance))
      to += 2;
    if (to < size) kept.push(loop[to], loop[to + 1]);
    from = to;
  }
  return kept;
}

/**
 * Whether the points between two of a loop lie close to the line from one to the other.
 *
 * @param {number[]} loop
 * @param {number} from
 * @param {number} to
 * @param {number} tolerance
 */
function isClose(loop, from, to, tolerance) {
  const end = to % loop.length;
  const [x, y] = [loop[from], loop[from + 1]];
  const [alongX, alongY] = [loop[end] - x, loop[end + 1] - y];
  const most = tolerance * Math.hypot(alongX, alongY);
  for (let at = from + 2; at < to; at += 2) {
    const off = Math.abs((loop[at] - x) * alongY - (loop[at + 1] - y) * alongX);
    if (off > most) return false;
  }
  return true;
}
