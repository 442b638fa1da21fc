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
 * @returns {number[][]}
 */
export function traceMask(mask, smooth = false) {
  const { width, height } = mask;
  if (!width || !height) return [];
  const { x, y } = mask;
  if (!mask.bits) return [[x, y, x + width, y, x + width, y + height, x, y + height]];
  const stride = width + 2; // one empty pixel around it, so that no step needs a check of the bounds
  const inside = new Uint8Array(stride * (height + 2));
  for (let row = 0, bit = 0; row < height; row++) {
    for (let at = (row + 1) * stride + 1, end = at + width; at < end; at++, bit++) {
      inside[at] = (mask.bits[bit >> 3] >> (7 - (bit & 7))) & 1;
    }
  }
  const seen = new Uint8Array(inside.length); // top borders that a loop has passed
  const loops = [];
  for (let start = stride; start < inside.length - stride; start++) {
    if (inside[start] && !inside[start - stride] && !seen[start]) {
      const loop = traceLoop(inside, seen, stride, start, x - 1, y - 1);
      loops.push(smooth ? thinLoop(smoothLoop(loop), 0.08) : thinLoop(loop, 0));
    }
  }
  return loops;
}

/**
 * One closed loop along the pixel borders, from the top border of the pixel `start`.
 *
 * @param {Uint8Array} inside 1 for a pixel of the mask, with one empty pixel around the mask
 * @param {Uint8Array} seen top borders that a loop has passed; written
 * @param {number} stride pixels in a row of `inside`
 * @param {number} start
 * @param {number} offsetX added to each x
 * @param {number} offsetY added to each y
 */
function traceLoop(inside, seen, stride, start, offsetX, offsetY) {
  const stepX = [1, 0, -1, 0]; // right, down, left, up
  const stepY = [0, 1, 0, -1];
  const startX = start % stride;
  const startY = (start - startX) / stride;
  const loop = [];
  let [x, y, direction] = [startX, startY, 0]; // the corner at which a border begins, and where it leads
  do {
    if (direction === 0) seen[y * stride + x] = 1;
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
