// What speaks for a threshold: how the scores lie, how many instances each threshold shows, and
// curves and marks over the threshold where somebody knows the truth. Pure; strip.js draws it.

import { ownClasses } from "./instances.js";
import { thresholdText } from "./threshold_text.js";

/** @import {Filter, Header} from "./types.js" */

/** The thresholds that are looked at are the slider's: 0, 1/STEPS, … 1. */
export const STEPS = 100;
/** Bars of the histogram; each is as wide as two steps of the slider. */
const BINS = 50;

/**
 * Curves over the threshold, and thresholds worth a mark; all are drawn as they are.
 *
 * @typedef {object} Judgement
 * @property {number[]} thresholds of the curves' points, 0 to 1, rising
 * @property {{name: string, values: (number | null)[]}[]} curves each 0 to 1; null: not defined
 * @property {{name: string, threshold: number}[]} marks
 * @property {(threshold: number) => (number | null)[]} valuesAt of each curve, at any threshold
 */

/**
 * What the strip draws.
 *
 * @typedef {object} Evidence
 * @property {number[]} counts instances that each of the thresholds shows, the first 0, the last 1
 * @property {number[]} bins scores in each bar of the histogram
 * @property {number} total instances of the image
 */

/**
 * @param {Header} header
 * @param {Filter} filter its threshold does not matter
 * @param {(threshold: number) => number[]} shownAt the indices that a threshold shows
 * @param {boolean} drops whether instances take each other away: beside thresholds of single
 *   classes, what a threshold brings in can then take away what another one showed
 * @returns {Evidence}
 */
export function evidenceOf(header, filter, shownAt, drops) {
  const shown = shownAt(0);
  const bins = new Array(BINS).fill(0);
  for (const index of shown) {
    bins[Math.min(BINS - 1, Math.floor(header.scores[index] * BINS))]++;
  }
  const ownThresholds = Object.keys(filter.classThresholds ?? {}).length > 0;
  const counts =
    drops && ownThresholds
      ? Array.from({ length: STEPS + 1 }, (_, step) => shownAt(step / STEPS).length)
      : countsByScore(header, filter, shown);
  return { counts, bins, total: header.scores.length };
}

/**
 * @param {Header} header
 * @param {Filter} filter
 * @param {number[]} indices
 */
function countsByScore(header, filter, indices) {
  const own = ownClasses(header, filter);
  const counts = new Array(STEPS + 1).fill(0);
  // The slider does not move a class that has a threshold of its own.
  for (const index of indices) {
    counts[own.has(header.classIds[index]) ? STEPS : lastStep(header.scores[index])]++;
  }
  for (let step = STEPS - 1; step >= 0; step--) counts[step] += counts[step + 1];
  return counts;
}

/**
 * The highest step that still shows this score; as everywhere, thresholds are rounded to float32.
 *
 * @param {number} score
 */
function lastStep(score) {
  let step = Math.min(STEPS, Math.floor(score * STEPS) + 1);
  while (step > 0 && Math.fround(step / STEPS) > score) step--;
  return step;
}

/**
 * The slider's steps around a threshold at which the count stays as it is; null where it is a
 * threshold between two steps that shows another count than both.
 *
 * @param {number[]} counts
 * @param {number} threshold
 * @param {number} shown how many it shows
 * @returns {[number, number] | null} thresholds
 */
export function plateauOf(counts, threshold, shown) {
  const at = threshold * STEPS;
  const start = [Math.round(at), Math.floor(at), Math.ceil(at)].find(
    (step) => counts[step] === shown,
  );
  if (start === undefined) return null;
  let [low, high] = [start, start];
  while (low > 0 && counts[low - 1] === shown) low--;
  while (high < STEPS && counts[high + 1] === shown) high++;
  return [low / STEPS, high / STEPS];
}

/**
 * The evidence at a threshold, in words.
 *
 * @param {Evidence} evidence
 * @param {number} threshold
 * @param {number} shown how many it shows
 * @param {Judgement | null} judgement
 */
export function evidenceInWords({ counts, total }, threshold, shown, judgement) {
  const parts = [`${thresholdText(threshold)} shows ${shown} of ${total}`];
  const plateau = plateauOf(counts, threshold, shown);
  if (plateau && plateau[0] < plateau[1]) {
    const [low, high] = plateau.map((value) => value.toFixed(2));
    parts.push(`between ${low} and ${high} the count stays ${shown}`);
  }
  if (judgement) {
    const values = wordsAt(judgement, threshold);
    if (values.length) parts.push(values.join(", "));
    for (const { name, threshold: at } of judgement.marks) {
      if (isAt(judgement, at, threshold)) parts.push(name);
    }
  }
  return parts.join("; ");
}

/**
 * Whether a mark is at a threshold: less than half a step away, and worth the same.
 *
 * @param {Judgement} judgement
 * @param {number} mark
 * @param {number} threshold
 */
function isAt({ valuesAt }, mark, threshold) {
  const isNear = Math.abs(mark - threshold) < 0.5 / STEPS;
  return isNear && String(valuesAt(mark)) === String(valuesAt(threshold));
}

/**
 * "precision 0.91" for each curve at a threshold.
 *
 * @param {Judgement} judgement
 * @param {number} threshold
 */
function wordsAt({ curves, valuesAt }, threshold) {
  const values = valuesAt(threshold);
  return curves
    .map(({ name }, at) => [name, values[at]])
    .filter(([, value]) => typeof value === "number")
    .map(([name, value]) => `${name} ${Number(value).toFixed(2)}`);
}

// Paths for a drawing area of 100 × 100, with 0 at its bottom left.

/**
 * Bars as high as the root of their count: of a few hundred scores most lie close to 0, and the
 * others would not be seen.
 *
 * @param {number[]} bins
 */
export function barsPath(bins) {
  const most = Math.sqrt(Math.max(1, ...bins));
  const width = 100 / bins.length;
  return bins
    .map((count, at) => {
      if (!count) return "";
      const top = 100 - (100 * Math.sqrt(count)) / most;
      return `M${round(at * width)} 100V${round(top)}H${round((at + 1) * width)}V100Z`;
    })
    .join("");
}

/**
 * The counts as stairs: a threshold counts until it is passed.
 *
 * @param {number[]} counts
 */
export function stairsPath(counts) {
  const most = Math.max(1, ...counts);
  return counts
    .map((count, step) => {
      const y = round(100 - (100 * count) / most);
      return step ? `V${y}H${round((100 * step) / STEPS)}` : `M0 ${y}`;
    })
    .join("");
}

/**
 * A curve, with gaps where it has no value.
 *
 * @param {number[]} thresholds
 * @param {(number | null)[]} values
 */
export function curvePath(thresholds, values) {
  let draws = false;
  return thresholds
    .map((threshold, at) => {
      const value = values[at];
      if (value === null || value === undefined) {
        draws = false;
        return "";
      }
      const point = `${round(100 * threshold)} ${round(100 - 100 * value)}`;
      const step = draws ? `L${point}` : `M${point}`;
      draws = true;
      return step;
    })
    .join("");
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
