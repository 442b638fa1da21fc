// Which detections are right: COCO's rule at one IoU threshold. prediction/matching.py has the same
// rule; tests/viewer/test_matching.py compares both in one generated table.

import { aboveThreshold } from "./instances.js";

/** @import {Filter, Header, Matched, Other} from "./types.js" */

/** What became of a detection or of a true instance. */
export const MATCH = {
  leftOut: 0,
  hit: 1,
  falseAlarm: 2,
  wrongClass: 3,
  missed: 4,
  ignored: 5,
};

const NOBODY = -1;
/** As in pycocotools: equal masks may have an IoU that was rounded down. */
const ALMOST_ONE = 1 - 1e-10;

/**
 * What never changes of two sides.
 *
 * @typedef {object} Prepared
 * @property {number[]} ranked the detections, the surest first
 * @property {Int32Array} starts where each detection's pairs begin
 * @property {Uint8Array} same for each pair, whether both have the same class, or the other any
 * @property {Uint8Array} crowd for each true instance
 */

/** @type {WeakMap<Other, Prepared>} */
const preparations = new WeakMap();

/**
 * @param {Header} header
 * @param {Other} other
 * @returns {Prepared}
 */
function preparedFor(header, other) {
  const known = preparations.get(other);
  if (known) return known;
  const [detections, truths] = other.pairs;
  const { scores, classIds } = header;
  const starts = new Int32Array(scores.length + 1);
  for (const index of detections) starts[index + 1]++;
  for (let index = 0; index < scores.length; index++) starts[index + 1] += starts[index];

  const names = new Map(header.classes.map(({ id, name }) => [id, name]));
  const others = new Map(other.classes.map(({ id, name }) => [id, name]));
  const ofAny = new Set(other.ofAnyClass);
  const same = Uint8Array.from(detections, (index, pair) => {
    const truth = truths[pair];
    const isSame = names.get(classIds[index]) === others.get(other.classIds[truth]);
    return isSame || ofAny.has(truth) ? 1 : 0;
  });
  const crowd = new Uint8Array(other.scores.length);
  for (const index of other.crowd) crowd[index] = 1;
  const ranked = scores.map((_, index) => index).sort((a, b) => scores[b] - scores[a] || a - b);
  const made = { ranked, starts, same, crowd };
  preparations.set(other, made);
  return made;
}

/**
 * The indices of the other side that count: hidden classes are hidden on both sides; the thresholds
 * are for scores, which the truth has not.
 *
 * @param {Other} other
 * @param {Filter} filter
 */
export function othersThatCount(other, filter) {
  if (other.kind === "versus") return aboveThreshold(other, filter);
  return aboveThreshold(other, { threshold: 0, hiddenClasses: filter.hiddenClasses });
}

/**
 * @param {Header} header
 * @param {Other} other
 * @param {number[]} shown indices of the detections that are shown
 * @param {number[]} counting indices of the other side that count
 * @param {number} iou threshold
 * @returns {Matched}
 */
export function matchInstances(header, other, shown, counting, iou) {
  const { ranked, starts, same, crowd } = preparedFor(header, other);
  const [, truths, ious] = other.pairs;
  const [count, size] = [header.scores.length, other.scores.length];
  const isShown = flags(count, shown);
  const isThere = flags(size, counting);
  const order = ranked.filter((index) => isShown[index]);
  const least = Math.min(iou, ALMOST_ONE);
  const partners = new Int32Array(count).fill(NOBODY);
  const back = new Int32Array(size).fill(NOBODY);
  const values = new Float64Array(count).fill(NaN);

  /**
   * One round: of what is left, each detection takes the best.
   *
   * @param {number} sameClass 1: of its class; 0: of another one, and no crowds
   */
  const round = (sameClass) => {
    for (const index of order) {
      if (partners[index] !== NOBODY) continue;
      let [best, highest] = [NOBODY, least];
      for (let pair = starts[index]; pair < starts[index + 1]; pair++) {
        const truth = truths[pair];
        if (same[pair] !== sameClass || !isThere[truth]) continue;
        if (crowd[truth] ? !sameClass : back[truth] !== NOBODY) continue;
        const gains = best !== NOBODY && crowd[best] && !crowd[truth];
        const loses = best !== NOBODY && crowd[truth] && !crowd[best];
        if ((gains && ious[pair] >= least) || (!loses && ious[pair] >= highest)) {
          [best, highest] = [truth, ious[pair]];
        }
      }
      if (best === NOBODY) continue;
      partners[index] = best;
      values[index] = highest;
      // Of all that a crowd swallows, it keeps the surest.
      if (back[best] === NOBODY) back[best] = index;
    }
  };
  round(1);
  const rightly = partners.slice();
  round(0);

  const ofFound = partners.map((partner, index) => {
    if (!isShown[index]) return MATCH.leftOut;
    if (partner === NOBODY) return MATCH.falseAlarm;
    if (rightly[index] === NOBODY) return MATCH.wrongClass;
    return crowd[partner] ? MATCH.ignored : MATCH.hit;
  });
  const ofOther = back.map((partner, index) => {
    if (!isThere[index]) return MATCH.leftOut;
    if (crowd[index]) return MATCH.ignored;
    return partner !== NOBODY && rightly[partner] === index ? MATCH.hit : MATCH.missed;
  });
  return { ofFound, ofOther, partners, back, ious: values, ...sums(ofFound, ofOther) };
}

/**
 * @param {number} length
 * @param {number[]} indices
 */
function flags(length, indices) {
  const set = new Uint8Array(length);
  for (const index of indices) set[index] = 1;
  return set;
}

/**
 * @param {Int32Array} ofFound
 * @param {Int32Array} ofOther
 */
function sums(ofFound, ofOther) {
  const found = [0, 0, 0, 0, 0, 0];
  for (const state of ofFound) found[state]++;
  let misses = 0;
  for (const state of ofOther) misses += Number(state === MATCH.missed);
  const hits = found[MATCH.hit];
  const falseAlarms = found[MATCH.falseAlarm];
  const wrongClasses = found[MATCH.wrongClass];
  const wrong = falseAlarms + wrongClasses;
  return {
    hits,
    falseAlarms,
    wrongClasses,
    misses,
    precision: share(hits, hits + wrong),
    recall: share(hits, hits + misses),
    f1: share(2 * hits, 2 * hits + wrong + misses),
  };
}

/**
 * @param {number} part
 * @param {number} whole
 */
function share(part, whole) {
  return whole ? part / whole : null;
}
