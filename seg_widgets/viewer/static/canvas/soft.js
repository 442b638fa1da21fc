// Soft masks: the small probabilities that a mask head gave, pasted into their boxes at any
// threshold. prediction/soft_masks.py does the same; one generated table holds both.

/** @import {Mask, Size, Soft} from "./types.js" */

/** A probability of 1. */
const HIGHEST = 255;
/** Until somebody moves it; the masks of the message are those of it. */
export const MASK_THRESHOLD = 0.5;
/** Where the band of doubt begins and ends. */
export const DOUBT = [0.2, 0.8];

/**
 * @param {Uint8Array} bytes the boxes of all instances (float32), then their masks (uint8)
 * @param {number} count instances
 * @param {number} size cells of a mask's side
 * @returns {Soft}
 */
export function readSoft(bytes, count, size) {
  if (bytes.length !== count * (16 + size * size)) {
    throw new Error("the soft masks from the kernel are cut short");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const boxes = Array.from({ length: 4 * count }, (_, at) => view.getFloat32(4 * at, true));
  return { size, boxes, values: bytes.subarray(16 * count) };
}

/**
 * The mask of an instance: all pixels that are probable enough.
 *
 * @param {Soft} soft
 * @param {Size} image
 * @param {number} index
 * @param {number} threshold 0 to 1
 * @returns {Mask}
 */
export function pasteSoft({ size, boxes, values }, image, index, threshold) {
  const [x1, y1, x2, y2] = boxes.slice(4 * index, 4 * index + 4);
  const x = Math.max(Math.floor(x1) - 1, 0);
  const y = Math.max(Math.floor(y1) - 1, 0);
  const width = Math.min(Math.ceil(x2) + 1, image.width) - x;
  const height = Math.min(Math.ceil(y2) + 1, image.height) - y;
  if (width <= 0 || height <= 0 || x2 <= x1 || y2 <= y1) return empty();
  const columns = between(x, width, x1, x2, size);
  const rows = between(y, height, y1, y2, size);
  const first = index * size * size;
  // One cell of zeros around it.
  const cell = (/** @type {number} */ row, /** @type {number} */ column) =>
    row < 1 || column < 1 || row > size || column > size
      ? 0
      : values[first + (row - 1) * size + column - 1];
  const lines = Array.from({ length: size + 2 }, (_, row) => {
    const line = new Float64Array(width);
    for (let at = 0; at < width; at++) {
      const before = cell(row, columns.at[at]);
      line[at] = before + columns.share[at] * (cell(row, columns.at[at] + 1) - before);
    }
    return line;
  });
  const inside = new Uint8Array(width * height);
  const least = threshold * HIGHEST;
  for (let row = 0, at = 0; row < height; row++) {
    const [above, below] = [lines[rows.at[row]], lines[rows.at[row] + 1]];
    const share = rows.share[row];
    for (let column = 0; column < width; column++, at++) {
      const before = above[column];
      inside[at] = before + share * (below[column] - before) >= least ? 1 : 0;
    }
  }
  return cutDown(inside, x, y, width, height);
}

/** @returns {Mask} */
function empty() {
  return { x: 0, y: 0, width: 0, height: 0, bits: new Uint8Array(0) };
}

/**
 * For each pixel the cell before it, one of zeros counted, and how far it is to the next.
 *
 * @param {number} start
 * @param {number} count
 * @param {number} low where the first cell begins
 * @param {number} high where the last one ends
 * @param {number} size cells
 */
function between(start, count, low, high, size) {
  const at = new Int32Array(count);
  const share = new Float64Array(count);
  for (let pixel = 0; pixel < count; pixel++) {
    const spread = ((start + pixel + 0.5 - low) / (high - low)) * size + 0.5;
    const center = Math.max(0, Math.min(size + 1, spread));
    at[pixel] = Math.min(Math.floor(center), size);
    share[pixel] = center - at[pixel];
  }
  return { at, share };
}

/**
 * The mask inside the smallest rectangle that holds it.
 *
 * @param {Uint8Array} inside
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @returns {Mask}
 */
function cutDown(inside, x, y, width, height) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      if (!inside[at]) continue;
      if (column < left) left = column;
      if (column >= right) right = column + 1;
      if (row < top) top = row;
      bottom = row + 1;
    }
  }
  if (right <= left) return empty();
  const [columns, rows] = [right - left, bottom - top];
  const bits = new Uint8Array((columns * rows + 7) >> 3);
  for (let row = 0, bit = 0; row < rows; row++) {
    const from = (row + top) * width + left;
    for (let at = from; at < from + columns; at++, bit++) {
      if (inside[at]) bits[bit >> 3] |= 128 >> (bit & 7);
    }
  }
  return { x: x + left, y: y + top, width: columns, height: rows, bits };
}
