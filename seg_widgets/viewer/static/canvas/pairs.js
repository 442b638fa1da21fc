// The overlaps with what a prediction is compared with, as they travel behind the masks.
// viewer/pairs.py packs them.

/** @import {Header, Pairs, SentOther} from "./types.js" */

/**
 * The overlaps with each side of a message.
 *
 * @param {Header} header
 * @param {Uint8Array} bits what the message has, unpacked: the masks, then the overlaps
 * @returns {{pairs: Pairs[], masks: Uint8Array}} and what lies before them
 */
export function readPairs(header, bits) {
  const lengths = header.others.map((other) => lengthOf(header, other));
  const start = bits.length - lengths.reduce((sum, length) => sum + length, 0);
  if (start < 0) throw new Error("the masks from the kernel are cut short");
  let at = start;
  const pairs = header.others.map((other, side) => {
    at += lengths[side];
    return pairsOf(header, other, bits.subarray(at - lengths[side], at));
  });
  return { pairs, masks: bits.subarray(0, start) };
}

/**
 * @param {Header} header
 * @param {SentOther} other
 */
function lengthOf({ scores }, { pairs }) {
  if (Array.isArray(pairs)) return 0;
  return 4 * scores.length + pairs.count * (pairs.exact ? 12 : 8);
}

/**
 * @param {Header} header
 * @param {SentOther} other
 * @param {Uint8Array} bytes
 * @returns {Pairs}
 */
function pairsOf(header, other, bytes) {
  // A notebook that was saved by an earlier version has them in the header.
  if (Array.isArray(other.pairs)) return other.pairs;
  const { count, exact } = other.pairs;
  const found = header.scores.length;
  const counts = wholeNumbers(bytes, 0, found);
  const truths = wholeNumbers(bytes, 4 * found, count);
  const detections = new Uint32Array(count);
  let pair = 0;
  for (let index = 0; index < found; index++) {
    for (let last = 0, end = pair + counts[index]; pair < end; pair++) {
      detections[pair] = index;
      last += truths[pair];
      truths[pair] = last;
    }
  }
  const values = 4 * (found + count);
  if (exact) return [detections, truths, new Float64Array(bytes.slice(values).buffer)];
  const crowd = new Set(other.crowd);
  const shared = wholeNumbers(bytes, values, count);
  const ious = Float64Array.from(shared, (pixels, at) => {
    const area = header.areas[detections[at]];
    const [truth, both] = [truths[at], area + other.areas[truths[at]] - pixels];
    return pixels / (crowd.has(truth) ? area : both);
  });
  return [detections, truths, ious];
}

/**
 * Numbers whose lowest bytes come first, then the next ones: so they are packed smaller.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} count
 */
function wholeNumbers(bytes, start, count) {
  const [b, c, d] = [start + count, start + 2 * count, start + 3 * count];
  return Uint32Array.from(
    { length: count },
    (_, at) =>
      bytes[start + at] | (bytes[b + at] << 8) | (bytes[c + at] << 16) | (bytes[d + at] << 24),
  );
}
